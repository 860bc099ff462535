"""What a running trial has logged of the objective: kept on the trial itself, for whoever looks next."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.clock import instant
from sagebridge.core.cluster.names import annotations_of
from sagebridge.core.names import TAG_PREFIX, digest

if TYPE_CHECKING:
    from sagebridge.core.cluster.pods import Pod

ANNOTATION_SERIES: Final = TAG_PREFIX + "objective-series"
"""JSON: of which ``pods``, how far the log of each rank was ``read``, the ``values``, whether that ``isWhole``."""

MOST_RESOURCE: Final = 1000
"""Annotations of an object have 256 KiB in all, and all trials of a search are kept in memory."""
MOST_VALUES: Final = MOST_RESOURCE + 1
"""The last one shows that a trial goes on beyond the greatest MaxResource."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """The values of the objective, in the order in which they were logged.

    Attributes:
        pods: whose logs they are from. Other pods begin another series: an interrupted training may repeat itself.
        read: by rank, the time of the last line that was looked at.
        values: the first `MOST_VALUES` of them.
        is_whole: whether nothing more comes.
    """

    pods: str = ""
    read: Mapping[str, str] = field(default_factory=dict)
    values: tuple[float, ...] = ()
    is_whole: bool = False

    def extended(self, found: Sequence[tuple[str, float]], *, read: Mapping[str, str], is_whole: bool) -> Series:
        """With values of another look, each with the time of its line."""
        ordered = [value for _, value in sorted(found, key=lambda one: instant(one[0]))]
        values = (*self.values, *ordered)[:MOST_VALUES]
        return Series(pods=self.pods, read={**self.read, **read}, values=values, is_whole=is_whole)

    def annotation(self) -> dict[str, str]:
        """The annotation that keeps it."""
        said = {"pods": self.pods, "read": dict(self.read), "values": list(self.values), "isWhole": self.is_whole}
        return {ANNOTATION_SERIES: json.dumps(said, sort_keys=True)}


def of_pods(pods: Sequence[Pod]) -> str:
    """What tells the pods of one run of a training from those of another."""
    return digest(*(str(pod.body["metadata"].get("uid")) for pod in pods))


def series_of(trial: Mapping[str, Any]) -> Series:
    """The series of a trial's TrainingJob; an empty one if somebody has written something else there."""
    try:
        said = json.loads(annotations_of(trial).get(ANNOTATION_SERIES) or "{}")
        values = tuple(float(value) for value in said.get("values", ()))
        read = {str(rank): str(at) for rank, at in said.get("read", {}).items()}
        found = Series(pods=str(said.get("pods", "")), read=read, values=values, is_whole=said.get("isWhole") is True)
    except (ValueError, TypeError, AttributeError):
        return Series()
    return found if all(map(math.isfinite, values)) and len(values) <= MOST_VALUES else Series()
