"""Deterministic SageMaker names and the tags of ownership."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

TAG_PREFIX = "sagebridge.io/"
TAG_CLUSTER = TAG_PREFIX + "cluster"
TAG_NAMESPACE = TAG_PREFIX + "namespace"
TAG_NAME = TAG_PREFIX + "name"
TAG_UID = TAG_PREFIX + "uid"
TAG_ADOPTED = TAG_PREFIX + "adopted"
"""Marks a job that was there before its object: it is never deleted."""

HASH_LENGTH = 10
JOB_NAME_LIMIT = 63


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The Kubernetes object that a SageMaker resource belongs to.

    Attributes:
        cluster: identity of the Kubernetes cluster, unique in the AWS account.
        namespace: the object's namespace.
        name: the object's name.
        uid: the object's UID.
    """

    cluster: str
    namespace: str
    name: str
    uid: str

    def tags(self) -> dict[str, str]:
        """The tags of ownership, key to value."""
        return {
            TAG_CLUSTER: self.cluster,
            TAG_NAMESPACE: self.namespace,
            TAG_NAME: self.name,
            TAG_UID: self.uid,
        }

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether `tags`, key to value, say that the resource is this object's."""
        return tags.get(TAG_UID) == self.uid and tags.get(TAG_CLUSTER) == self.cluster

    def owns_by_name(self, tags: Mapping[str, str]) -> bool:
        """Whether `tags` say that the resource is this object's, or an earlier one's of the same name."""
        wanted = {TAG_CLUSTER: self.cluster, TAG_NAMESPACE: self.namespace, TAG_NAME: self.name}
        return all(tags.get(key) == value for key, value in wanted.items())


def is_owned_by_anyone(tags: Mapping[str, str]) -> bool:
    """Whether any Sagebridge object has put its mark on the resource."""
    return any(key.startswith(TAG_PREFIX) for key in tags)


def without_ownership(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that are the user's own: neither ours nor AWS's."""
    return {key: value for key, value in tags.items() if not key.startswith((TAG_PREFIX, "aws:"))}


def digest(*parts: str) -> str:
    """Ten lower-case base32 characters that stand for `parts`."""
    joined = "\0".join(parts).encode()
    return base64.b32encode(hashlib.sha256(joined).digest()).decode().lower()[:HASH_LENGTH]


def job_name(*, owner: Owner, attempt: int, given: str | None = None, limit: int = JOB_NAME_LIMIT) -> str:
    """The SageMaker name of one attempt at a job.

    Args:
        owner: the object the attempt belongs to.
        attempt: 1 for the first.
        given: the name in the spec, if the user gave one; later attempts append their number.
        limit: the longest name that the operation accepts, in characters.

    Returns:
        The same name for the same arguments, for ever; unique for each (cluster, uid, attempt) without `given`.
    """
    if given:
        return given if attempt == 1 else _with_suffix(given, suffix=str(attempt), limit=limit)
    readable = re.sub(r"[^a-zA-Z0-9-]", "-", f"{owner.namespace}-{owner.name}")
    return _with_suffix(readable, suffix=digest(owner.cluster, owner.uid, str(attempt)), limit=limit)


def _with_suffix(readable: str, *, suffix: str, limit: int) -> str:
    return readable[: limit - len(suffix) - 1].rstrip("-") + "-" + suffix
