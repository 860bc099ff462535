"""What kstatus makes of an object, as Flux reads it.

The order of questions is that of sigs.k8s.io/cli-utils v0.37, pkg/kstatus/status: deletion and generation first,
then the standard conditions, then Ready.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    TERMINATING = "Terminating"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"


def compute(obj: Mapping[str, Any]) -> Status:
    """The status of a custom resource; raises TypeError where kstatus returns an error."""
    metadata, status = obj["metadata"], obj.get("status", {})
    if metadata.get("deletionTimestamp"):
        return Status.TERMINATING
    if _is_behind(metadata.get("generation"), status.get("observedGeneration")):
        return Status.IN_PROGRESS
    return _from_conditions(status.get("conditions", []))


def _is_behind(generation: object, observed: object) -> bool:
    if generation is None or observed is None:
        return False
    if not isinstance(observed, int):
        raise TypeError(f"status.observedGeneration is {observed!r}, not an integer")
    return observed != generation


def _from_conditions(conditions: list[Mapping[str, Any]]) -> Status:
    for condition in conditions:
        if condition["status"] == "True" and condition["type"] == "Reconciling":
            return Status.IN_PROGRESS
        if condition["status"] == "True" and condition["type"] == "Stalled":
            return Status.FAILED
    ready = next((condition for condition in conditions if condition["type"] == "Ready"), None)
    if ready is not None and ready["status"] != "True":
        return Status.IN_PROGRESS
    return Status.CURRENT
