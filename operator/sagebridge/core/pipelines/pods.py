"""The pods of pipelines' steps, as far as anybody has to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sagebridge.core.clock import parse_time
from sagebridge.core.pipelines.marks import task_of

LABEL_OF_RUN: Final = "pipeline/runid"
"""What Kubeflow Pipelines calls the run's id on the pods of a run.

Source: https://github.com/kubeflow/pipelines/blob/master/backend/src/common/util/consts.go
"""
ANNOTATION_OF_NODE: Final = "workflows.argoproj.io/node-name"

_CONTAINER: Final = "main"
"""Argo's name of the container that a step runs in; the others of the pod may end later."""
_TERMINAL: Final = frozenset({"Succeeded", "Failed"})

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class StepPod:
    """A pod of a run.

    Attributes:
        uid: its UID.
        namespace: its namespace.
        run: the run's id; empty for one that Kubeflow Pipelines did not make.
        task: the step within the run, without the number of a retry.
        has_ended: whether the step's container has ended.
        ended_at: when it did; None if it has not, or nobody tells.
        deadline: when it is killed at the latest, once it was told to end; None before.
    """

    uid: str
    namespace: str
    run: str = ""
    task: str = ""
    has_ended: bool = False
    ended_at: datetime | None = None
    deadline: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether nothing of the step runs in it any more."""
        return self.has_ended or (self.deadline is not None and self.deadline <= now)

    @property
    def over_since(self) -> datetime | None:
        """Since when that is so, of one that is over; None where nobody tells."""
        return self.ended_at if self.has_ended else self.deadline

    @classmethod
    def parse(cls, body: Body) -> StepPod:
        """From the pod as the API server gives it."""
        metadata = body["metadata"]
        # Its time to end is in it: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
        deadline = metadata.get("deletionTimestamp")
        has_ended, ended_at = _end(body.get("status") or {})
        if ended_at is not None and ended_at < parse_time(metadata["creationTimestamp"]):
            # A runtime that does not know it any more gives the beginning of all time.
            ended_at = None
        return cls(
            uid=metadata["uid"],
            namespace=metadata["namespace"],
            run=(metadata.get("labels") or {}).get(LABEL_OF_RUN, ""),
            task=task_of((metadata.get("annotations") or {}).get(ANNOTATION_OF_NODE, "")),
            has_ended=has_ended,
            ended_at=ended_at,
            deadline=parse_time(deadline) if deadline else None,
        )


def _end(status: Body) -> tuple[bool, datetime | None]:
    """Whether the step's container has ended, and when."""
    ends = {
        one.get("name"): (one.get("state") or {}).get("terminated") or {}
        for one in status.get("containerStatuses") or ()
    }
    if own := ends.get(_CONTAINER):
        return True, _time(own)
    if status.get("phase") not in _TERMINAL:
        return False, None
    # Evicted before it began, for instance.
    return True, max((found for end in ends.values() if (found := _time(end))), default=None)


def _time(end: Body) -> datetime | None:
    return parse_time(end["finishedAt"]) if end.get("finishedAt") else None
