"""The only writer of status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sagebridge.core import conditions
from sagebridge.core.clock import format_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.engine.store import Memory, Store
from sagebridge.kube.client import KubeClient
from sagebridge.kube.events import Event, EventRecorder
from sagebridge.kube.paths import Resource
from sagebridge.schema.kind import GROUP, VERSION
from sagebridge.slots import Urgency

_WARNING_STATES = (State.STALLED, State.FAILED)
_WARNING_REASONS = (Reason.DELETION_BLOCKED, Reason.QUOTA_EXCEEDED, Reason.STATUS_STALE, Reason.RETRY_PENDING)


class StatusWriter:
    """Writes a job's status when, and only when, something in it changes, and tells the change as an Event."""

    def __init__(
        self,
        *,
        client: KubeClient,
        recorder: EventRecorder,
        store: Store,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._store = store
        self._now = now

    async def write(
        self,
        memory: Memory,
        *,
        resource: Resource,
        verdict: Verdict | None = None,
        changes: Mapping[str, Any] | None = None,
        quietly: bool = False,
        urgency: Urgency = Urgency.WORK,
    ) -> None:
        """Bring the status to `verdict` and `changes`; the rest of it stays.

        Args:
            memory: the object; its body becomes what the API server answers.
            resource: the object's collection.
            verdict: the state to conclude, None to leave conditions as they are.
            changes: status fields by name; None takes a field out. Lists are whole.
            quietly: emit no Event; somebody else has told, or it is no news to people.
            urgency: whether other writes go first when many wait.

        Raises:
            sagebridge.kube.errors.ConflictError: the object has changed since it was read; nothing is written.
            sagebridge.kube.errors.NotFoundError: it is gone.
        """
        job = memory.job
        wanted = dict(changes or {})
        if verdict is not None:
            wanted |= self._conclusion(memory, verdict)
        before = job.status
        changed = {key: value for key, value in wanted.items() if before.get(key) != value}
        if not changed:
            return
        status = {key: value for key, value in {**before, **changed}.items() if value is not None}
        body = await self._client.replace(
            resource.status(namespace=job.namespace, name=job.name),
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": memory.kind,
                "metadata": {key: job.metadata[key] for key in ("namespace", "name", "uid", "resourceVersion")},
                "status": status,
            },
            urgency=urgency,
        )
        self._store.put_written(memory.kind, body)
        if verdict is not None and not quietly and _is_news(job, verdict):
            self.tell(job, verdict=verdict, kind=memory.kind)

    def tell(self, job: Job, *, verdict: Verdict, kind: str) -> None:
        """Emit `verdict` as an Event of the object."""
        is_warning = verdict.is_warning or verdict.state in _WARNING_STATES or verdict.reason in _WARNING_REASONS
        self.emit(job, kind=kind, reason=verdict.reason, message=verdict.message, is_warning=is_warning)

    def emit(self, job: Job, *, kind: str, reason: Reason, message: str, is_warning: bool = False) -> None:
        """Emit any Event of the object."""
        involved = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": kind,
            "namespace": job.namespace,
            "name": job.name,
            "uid": job.uid,
        }
        level = "Warning" if is_warning else "Normal"
        self._recorder.emit(Event(involved=involved, kind=level, reason=reason.value, message=message))

    def emit_on_namespace(self, namespace: str, *, reason: Reason, message: str) -> None:
        """Emit a Warning about something whose object is gone."""
        involved = {"apiVersion": "v1", "kind": "Namespace", "name": namespace, "namespace": namespace}
        self._recorder.emit(Event(involved=involved, kind="Warning", reason=reason.value, message=message))

    def _conclusion(self, memory: Memory, verdict: Verdict) -> dict[str, Any]:
        job = memory.job
        built = conditions.build(
            verdict,
            previous=job.conditions,
            generation=job.generation,
            now=format_time(self._now()),
            tags_refused=memory.tags_refused,
        )
        return {"conditions": built, "observedGeneration": job.generation}


def _is_news(job: Job, verdict: Verdict) -> bool:
    before = conditions.find(job.conditions, conditions.READY) or {}
    return (verdict.reason, verdict.message) != (before.get("reason"), before.get("message"))
