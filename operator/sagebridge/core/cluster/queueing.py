"""What Kueue says of a job that waits in its queue.

Sources:
    https://kueue.sigs.k8s.io/docs/concepts/workload/
    https://github.com/kubernetes-sigs/kueue/blob/main/apis/kueue/v1beta2/workload_types.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.words import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP: Final = "kueue.x-k8s.io"
"""The group of Kueue's API; the conditions are alike in all of its versions."""
JOB_UID_LABEL: Final = "kueue.x-k8s.io/job-uid"
"""Workloads that Kueue has made for an object have its UID here."""

_METADATA: Final = ("name", "namespace", "uid", "resourceVersion")
_OWNER: Final = ("apiVersion", "kind", "name", "uid")
_LONGEST: Final = 600


def essence(workload: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a Workload: which it is, whose, and what it says in ``said``."""
    metadata = workload["metadata"]
    owner = _controller(metadata)
    return {
        "metadata": {key: metadata[key] for key in _METADATA if key in metadata},
        "owner": {key: owner[key] for key in _OWNER if key in owner},
        "said": said(workload),
    }


def said(workload: Mapping[str, Any]) -> str:
    """Why a Workload has not been admitted, in Kueue's own words; empty of one that has, or has ended."""
    status = workload.get("status") or {}
    if _condition(status, "Admitted", "True") or _condition(status, "Finished", "True"):
        return ""
    found = [_evicted(status), _without_quota(status), *_checks(status)]
    return shortened(". ".join(dict.fromkeys(one for one in found if one)), _LONGEST)


def _controller(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    owners = metadata.get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), {})


def _evicted(status: Mapping[str, Any]) -> str:
    """Of two words for the same, Preempted is the one that names the other job."""
    return _words(_condition(status, "Preempted", "True") or _condition(status, "Evicted", "True"))


def _without_quota(status: Mapping[str, Any]) -> str:
    return _words(_condition(status, "QuotaReserved", "False"))


def _checks(status: Mapping[str, Any]) -> list[str]:
    """Once it has its quota: what else is looked at, such as whether nodes can be had."""
    if not _condition(status, "QuotaReserved", "True"):
        return []
    checks = [one for one in status.get("admissionChecks") or () if one.get("state") != "Ready"]
    return [_in_one_line(f"{one.get('name')} is {one.get('state')}: {one.get('message') or ''}") for one in checks]


def _condition(status: Mapping[str, Any], kind: str, value: str) -> Mapping[str, Any]:
    conditions = status.get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind and one.get("status") == value), {})


def _words(condition: Mapping[str, Any]) -> str:
    return _in_one_line(str(condition.get("message") or condition.get("reason") or ""))


def _in_one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".: ")
