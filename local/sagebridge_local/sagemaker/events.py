"""Changes of state as EventBridge events, put to moto's event bus.

The shape is that of https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html:
times in `detail` are strings of milliseconds, tags a map.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Protocol

from sagebridge_local.sagemaker import model
from sagebridge_local.sagemaker.moto_modules import loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind

SOURCE: Final = "aws.sagemaker"
_TRANSITIONS: Final = "SecondaryStatusTransitions"


class EventSink(Protocol):
    """What is told of every change of a job's state."""

    def changed(self, kind: JobKind, job: Job, at: float) -> None:
        """A job entered a state at an instant, in seconds since the epoch."""
        ...

    def put(self, entry: dict[str, Any], *, account: str, region: str) -> None:
        """Something else happened in an account and region: a PutEvents entry."""
        ...

    def close(self) -> None:
        """Hand over what was told so far, and end."""
        ...


class MotoEvents:
    """Puts events to moto's default bus, off the event loop, and only where a rule exists."""

    def __init__(self) -> None:
        # One thread: the events of a job stay in order.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="events")

    def changed(self, kind: JobKind, job: Job, at: float) -> None:
        """Queue the event of a change."""
        backend = _backend(account=job.account, region=job.region)
        if backend is not None:
            self._thread.submit(backend.put_events, [entry(kind, job, at)])

    def put(self, entry: dict[str, Any], *, account: str, region: str) -> None:
        """Queue an event."""
        backend = _backend(account=account, region=region)
        if backend is not None:
            self._thread.submit(backend.put_events, [entry])

    def close(self) -> None:
        """Wait for the queued events."""
        self._thread.shutdown()


def entry(kind: JobKind, job: Job, at: float) -> dict[str, Any]:
    """The PutEvents entry of a job's present state."""
    return {
        "Source": SOURCE,
        "DetailType": kind.event_type,
        "Time": at,
        "Resources": [job.arn],
        "Detail": json.dumps(detail(kind, job)),
    }


def detail(kind: JobKind, job: Job) -> dict[str, Any]:
    """The event's `detail`: what Describe shows, with times in milliseconds and tags as a map."""
    shown = kind.describe(job)
    times = model.timestamp_members(f"Describe{kind.name}")
    told: dict[str, Any] = {
        name: milliseconds(value) if name in times else value for name, value in shown.items() if name != _TRANSITIONS
    }
    if _TRANSITIONS in shown:
        told[_TRANSITIONS] = [_transition(transition) for transition in shown[_TRANSITIONS]]
    return told | {"Tags": dict(job.tags)}


def _transition(transition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: milliseconds(value) if name in {"StartTime", "EndTime"} else value for name, value in transition.items()
    }


def milliseconds(seconds: float) -> str:
    """A time of an event's `detail`."""
    return str(round(seconds * 1000))


def _backend(*, account: str, region: str) -> Any:
    """Moto's EventBridge of an account and region, if a rule was put to its default bus."""
    models = loaded("moto.events.models")
    if models is None:
        return None
    backend = models.events_backends[account][region]
    return backend if backend.event_buses["default"].rules else None
