"""What mends what keeps an object from going on, in words: a pure function of the object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sagebridge.core.errors import CORRECT_MANIFEST
from sagebridge.core.reasons import Reason
from sagebridge.core.role_rights import ADVICE_ON_OBJECTS
from sagebridge.core.words import sentence

from sagebridge_kfp.step.kinds import plural_of
from sagebridge_kfp.step.standing import Standing

Body = Mapping[str, Any]

_ASKED: Final = frozenset({Reason.INVALID_SPEC, Reason.REJECTED})
"""What the step's inputs ask for; of a name that is taken the message itself says what to do."""
_INPUTS: Final = "Correct the step's inputs, and run it again."
_CONFIG_MAP: Final = re.compile(r"waiting for ConfigMap (\S+), which is not")
_REMEDIES: Final[Mapping[str, str]] = {
    Reason.WAITING_FOR_REFERENCE: "make what it waits for.",
    Reason.ACCESS_DENIED: "ask who administers the operator's AWS account for the right that is missing.",
    Reason.NOT_ALLOWED: "ask who administers the cluster to change what the TenantPolicy allows.",
    Reason.QUOTA_EXCEEDED: "have other jobs end, or ask for a higher quota in AWS Service Quotas.",
    Reason.IMAGE_PULL_FAILED: "push the image, or let the cluster's nodes pull it.",
    Reason.PODS_NOT_CREATED: "ask who administers the cluster to let its pods be made.",
}


def refusal(found: Standing) -> str:
    """What an object was refused for at once, and what helps."""
    told = str(found)
    if found.reason not in _ASKED:
        return told
    if told.endswith(ADVICE_ON_OBJECTS):
        return f"{told} Then run the step again."
    # It speaks to who wrote a manifest; here that was the step.
    told = told.removesuffix(CORRECT_MANIFEST).rstrip()
    return f"{sentence(told)} {_INPUTS}"


def remedy(found: Standing, body: Body) -> str:
    """What somebody else than the step can do about what an object waits for."""
    metadata = body["metadata"]
    kubectl = f"kubectl -n {metadata['namespace']}"
    if name := _CONFIG_MAP.search(found.message):
        return f"{kubectl} create configmap {name[1]} --from-file=DIRECTORY makes what it waits for."
    look = f"{kubectl} describe {plural_of(body['kind'])} {metadata['name']}"
    return f"{_REMEDIES.get(found.reason, 'do what this says.')} More is told by: {look}"
