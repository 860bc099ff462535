"""What an attempt's Kubernetes objects are called, and the labels and annotations by which they are found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster import writing
from sagebridge.core.names import TAG_CLUSTER, TAG_NAME, TAG_NAMESPACE, TAG_PREFIX, TAG_UID, job_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.names import Owner

NAME_LIMIT: Final = 57
"""Pods' host names are the job's with the index after it, and a host name has at most 63 characters."""

JOB_SET_NAME_LIMIT: Final = 48
"""The Job of a JobSet has four characters more, and JobSet's webhook wants room for pods' names, with their suffix."""

LABEL_UID: Final = TAG_PREFIX + "uid"
LABEL_ATTEMPT: Final = TAG_PREFIX + "attempt"
LABEL_KIND: Final = TAG_PREFIX + "kind"
QUEUE_LABEL: Final = "kueue.x-k8s.io/queue-name"

ANNOTATION_TAGS: Final = TAG_PREFIX + "tags"
"""The user's tags, as a JSON object: tags may hold what labels may not."""
ANNOTATION_STOP: Final = TAG_PREFIX + "stop"
"""Tells the agent, and whoever looks later, that the job is to stop, and why: a SecondaryStatus."""
ANNOTATION_ENDED: Final = TAG_PREFIX + "training-ended"
"""Tells the agent that the user's container has ended, whatever it did, and its exit code."""
ANNOTATION_NOTES: Final = TAG_PREFIX + "placement-notes"
"""What the cluster must have for the job's pods to find a node, in words: a JSON list."""
ANNOTATION_OUTPUTS: Final = TAG_PREFIX + "outputs"
"""Where the outputs of a processing job go: ``processingOutputConfig``, as JSON."""

COMPLETION_INDEX: Final = "batch.kubernetes.io/job-completion-index"
JOB_NAME_LABEL: Final = "batch.kubernetes.io/job-name"

TRAIN: Final = "train"
PROCESS: Final = "process"
"""Names of the user's container, of a training pod and of a processing pod."""
AGENT: Final = "agent"
PREPARE: Final = "prepare"
"""Names of the agent's containers, beside and before the user's."""
FETCH_MODEL: Final = "fetch-model"
SERVE: Final = "serve"
"""Names of the containers of a pod that serves a model."""

_OWNERSHIP: Final = (TAG_CLUSTER, TAG_NAMESPACE, TAG_NAME, TAG_UID)


def kubernetes_name(owner: Owner, attempt: int, *, limit: int = NAME_LIMIT) -> str:
    """The name of one attempt's Job, Service and ConfigMap: a label of DNS that begins with a letter."""
    name = job_name(owner=owner, attempt=attempt, limit=limit - 2).lower()
    return name if name[0].isalpha() else f"j-{name}"


def job_set_name(owner: Owner, attempt: int) -> str:
    """The name of an attempt that is a JobSet, and of its Service and ConfigMap."""
    return kubernetes_name(owner, attempt, limit=JOB_SET_NAME_LIMIT)


def labels(owner: Owner, attempt: int, *, kind: str) -> dict[str, str]:
    """The labels of everything that is made for one attempt."""
    return {
        "app.kubernetes.io/managed-by": "sagebridge",
        LABEL_UID: owner.uid,
        LABEL_ATTEMPT: str(attempt),
        LABEL_KIND: kind,
    }


def selector(owner: Owner, attempt: int) -> str:
    """The label selector of everything that was made for one attempt."""
    return f"{LABEL_UID}={owner.uid},{LABEL_ATTEMPT}={attempt}"


def host_names(name: str, count: int) -> tuple[str, ...]:
    """The hosts of a job in the order of their ranks, as the Job controller names them."""
    return tuple(f"{name}-{index}" for index in range(count))


def annotations_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """An object's annotations; empty without any."""
    return manifest.get("metadata", {}).get("annotations") or {}


def labels_of(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """An object's labels; empty without any."""
    return manifest.get("metadata", {}).get("labels") or {}


def tags_of(annotations: Mapping[str, str]) -> dict[str, str]:
    """The user's tags; none if somebody has written something else there."""
    found = writing.read(annotations.get(ANNOTATION_TAGS))
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def all_tags(annotations: Mapping[str, str]) -> dict[str, str]:
    """The user's tags, and those that mark the owner."""
    return {**{key: annotations[key] for key in _OWNERSHIP if key in annotations}, **tags_of(annotations)}


def changed_tags(annotations: Mapping[str, str], *, tags: Mapping[str, str], remove: Sequence[str]) -> dict[str, str]:
    """The annotation to set so that the user's tags have `tags`, and no longer the keys in `remove`."""
    kept = {key: value for key, value in tags_of(annotations).items() if key not in remove}
    return {ANNOTATION_TAGS: json.dumps({**kept, **tags}, sort_keys=True)}
