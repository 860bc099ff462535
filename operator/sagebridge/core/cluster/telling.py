"""What Events tell that a job's own objects don't: who makes nodes for its pods, and why it has no pods.

Sources:
    https://karpenter.sh/docs/troubleshooting/
    https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md (what Events there are)
    https://docs.aws.amazon.com/eks/latest/userguide/auto-troubleshoot.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.words import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

NODE_MAKERS: Final = {
    "karpenter": "Karpenter",
    "eks-auto-mode/compute": "EKS Auto Mode",
    "cluster-autoscaler": "Cluster Autoscaler",
}
"""Who writes of pods without a node, as their Events' source says, and as people call them."""

FAILED_CREATE: Final = "FailedCreate"
"""The reason for which the Job controller tells that it can't make pods."""
JOB_CREATION_FAILED: Final = "JobCreationFailed"
"""The reason for which JobSet tells that it can't make Jobs."""

SELECTOR: Final = ",".join(
    (
        *(f"source!={source}" for source in ("kubelet", "default-scheduler", "sagebridge")),
        *(f"involvedObject.kind!={kind}" for kind in ("Node", "Deployment", "ReplicaSet", "StatefulSet")),
        *(f"reason!={reason}" for reason in ("SuccessfulCreate", "SuccessfulDelete", "Completed")),
    )
)
"""Field selector that leaves out most Events that tell nothing of this.

One that has all of them and nothing else can't be written, and each further watch is one more that the API server
decodes every Event for.
"""

_REASONS: Final = frozenset({"FailedScheduling", "Nominated", "NotTriggerScaleUp", "TriggeredScaleUp"})
_REFUSALS: Final = {"Job": FAILED_CREATE, "JobSet": JOB_CREATION_FAILED}
_LONGEST: Final = 600
_OF_INDEXED_JOB: Final = re.compile(r"-\d{1,5}-[a-z0-9]{5}$")
"""How the names of an Indexed Job's pods end, where one of them would fit on any cluster."""


def essence(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is kept of an Event; None of one that tells nothing of this.

    That is, beside which Event it is: the UID of what it tells ``of``, ``by`` whom, ``at`` what time, and what is
    ``said``. ``by`` is one of `NODE_MAKERS`' names, or `FAILED_CREATE`, or `JOB_CREATION_FAILED`.
    """
    metadata, involved = event["metadata"], event.get("involvedObject") or {}
    uid, said = str(involved.get("uid") or ""), str(event.get("message") or "")
    by = _teller(event, involved)
    if not uid or not said or not by:
        return None
    return {
        "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        "of": uid,
        "by": by,
        "at": _time(event),
        "said": shortened(" ".join(said.split()).rstrip("."), _LONGEST),
    }


def _teller(event: Mapping[str, Any], involved: Mapping[str, Any]) -> str:
    kind, reason = involved.get("kind"), event.get("reason")
    if kind == "Pod":
        if reason not in _REASONS or not _OF_INDEXED_JOB.search(str(involved.get("name") or "")):
            return ""
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent")
        return NODE_MAKERS.get(str(source), "")
    return str(reason) if reason is not None and _REFUSALS.get(str(kind)) == reason else ""


def _time(event: Mapping[str, Any]) -> str:
    """When it was last said, to the second: Events have one of three fields, of two precisions."""
    series = event.get("series") or {}
    found = event.get("lastTimestamp") or series.get("lastObservedTime") or event.get("eventTime")
    return str(found or "")[:19]
