"""The queue and its workers: what happens anywhere only enqueues a key; here, one pass per object runs at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from sagebridge.core import references
from sagebridge.core.observation import Observation
from sagebridge.core.pipelines.attendance import Gone
from sagebridge.engine.queue import DelayQueue
from sagebridge.engine.references import References
from sagebridge.engine.store import Memory, Store
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.kube.lease import LeadershipLostError
from sagebridge.kube.paths import Resource
from sagebridge.metrics import Metrics

logger = logging.getLogger(__name__)

_KUBE_RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
_BUG_RETRY_SECONDS = 60.0
_SEE_OFF_SECONDS = 60.0


class Reconciler(Protocol):
    """Brings the objects of one kind to their spec."""

    async def reconcile(self, memory: Memory) -> float | None:
        """One pass; seconds after which another is wanted, None when only a change wants one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A kind that the engine serves.

    Attributes:
        resource: its collection in the API.
        reconciler: what brings its objects to their spec.
    """

    resource: Resource
    reconciler: Reconciler


class Engine:
    """Reconciles objects, each one serially, all of them side by side."""

    def __init__(self, *, store: Store, client: KubeClient, metrics: Metrics) -> None:
        self._store = store
        self._client = client
        self._metrics = metrics
        self._queue: DelayQueue[str] = DelayQueue()
        self._served: dict[str, Served] = {}
        self._passes: dict[str, asyncio.Task[None]] = {}
        self._changed_in_pass: set[str] = set()
        self._kube_failures: dict[str, int] = {}
        self._references = References()

    def serve(self, kind: str, served: Served) -> None:
        """Take a kind on."""
        self._served[kind] = served

    # --- what happened -------------------------------------------------------------------------------------------

    def object_seen(self, kind: str, body: Mapping[str, Any]) -> None:
        """An object is new, or may have changed."""
        uid = body["metadata"]["uid"]
        before = self._store.get(uid)
        previous = before.body if before else None
        memory = self._store.put(kind, body)
        if previous is None:
            self._queue.add(uid)
        elif previous is not memory.body and _differ(previous, memory.body):
            self._object_changed(uid, is_interrupting=_metadata_differs(previous, memory.body, _INTERRUPTING))
        self._note_references(memory)

    def _object_changed(self, uid: str, *, is_interrupting: bool) -> None:
        if uid in self._passes and not is_interrupting:
            # The pass's own write may be seen before it is answered; that must not cause another pass.
            self._changed_in_pass.add(uid)
            return
        if is_interrupting:
            self._interrupt(uid)
        self._queue.add(uid)

    def object_gone(self, uid: str) -> None:
        """An object is no longer in the API server."""
        self._queue.forget(uid)
        self._store.remove(uid)
        self._kube_failures.pop(uid, None)
        self._references.forget(uid)
        self._interrupt(uid)

    def observed(self, uid: str, observation: Observation, *, attempt: int, after: Observation | None) -> None:
        """A target was asked about the attempt of this number, at a time when `after` was the last that was known."""
        memory = self._store.get(uid)
        last = memory.job.last_attempt if memory else None
        # A sweep takes its time. What has been stopped or closed since then does not run because a List says so.
        if memory is None or last is None or last.number != attempt or last.is_closed:
            return
        if memory.observation is not after:
            return
        was_stale = memory.stale_because
        memory.stale_because = ""
        if observation.differs_from(memory.observation):
            memory.observation = observation
            memory.changed_at = observation.changed_at
            self._queue.add(uid)
        elif was_stale:
            self._queue.add(uid)

    def observation_failed(self, uid: str, because: str) -> None:
        """A target could not be asked for so long that the status may be old."""
        memory = self._store.get(uid)
        if memory is not None and memory.stale_because != because:
            memory.stale_because = because
            self._queue.add(uid)

    def observation_worked(self, uid: str) -> None:
        """A target could be asked again, and had nothing new to tell."""
        memory = self._store.get(uid)
        if memory is not None and memory.stale_because:
            memory.stale_because = ""
            self._queue.add(uid)

    def attendance_seen(self, uid: str, gone: Gone | None) -> None:
        """The pod of a pipeline's step that should attend an object was found gone for good; None if it was not."""
        memory = self._store.get(uid)
        if memory is not None and memory.gone != gone:
            memory.gone = gone
            self._queue.add(uid)

    def look_again(self, uid: str) -> None:
        """Something was seen of the object that wants a pass."""
        self._queue.add(uid)

    def policies_changed(self) -> None:
        """What namespaces may do has changed: everything unfinished is looked at again."""
        for memory in self._store:
            if not memory.job.is_finished:
                self._queue.add(memory.job.uid)

    # --- passes --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Reconcile until cancelled."""
        try:
            while True:
                uid = await self._queue.get()
                self._metrics.queue_depth.set(len(self._queue))
                task = asyncio.create_task(self._pass(uid))
                self._passes[uid] = task
                task.add_done_callback(partial(self._pass_ended, uid))
        finally:
            for task in self._passes.values():
                task.cancel()
            await asyncio.gather(*self._passes.values(), return_exceptions=True)

    def _pass_ended(self, uid: str, task: asyncio.Task[None]) -> None:
        self._passes.pop(uid, None)
        memory = self._store.get(uid)
        if memory is not None and uid in self._changed_in_pass and not memory.is_as_written:
            self._queue.add(uid)
        if memory is not None and _was_cut_short(task):
            self._queue.add(uid, delay=_KUBE_RETRY_SECONDS[0])
        self._changed_in_pass.discard(uid)
        self._queue.done(uid)

    def _interrupt(self, uid: str) -> None:
        """End a pass that works on an old version and may be waiting for its turn; a call under way is finished."""
        task = self._passes.get(uid)
        # Once is enough: a second time would also end the waiting for the call that is under way.
        if task is not None and task is not asyncio.current_task() and not task.cancelling():
            task.cancel()

    async def _pass(self, uid: str) -> None:
        memory = self._store.get(uid)
        if memory is not None:
            await (self._see_off(memory) if memory.job.is_released else self._reconcile(memory))

    async def _reconcile(self, memory: Memory) -> None:
        uid = memory.job.uid
        started = time.perf_counter()
        try:
            again_after = await self._served[memory.kind].reconciler.reconcile(memory)
        except NotFoundError:
            await self._confirm_gone(memory)
        except ConflictError:
            await self._refresh(memory)
        except RefusedError as error:
            self._retry_refused(memory, error)
        except KubeError as error:
            self._retry_kube(memory, error)
        except LeadershipLostError:
            logger.info("%s/%s: left to the replica that leads now", memory.job.namespace, memory.job.name)
            # Which may be this one: a renewal that comes late still succeeds if nobody else was faster.
            self._queue.add(uid, delay=_KUBE_RETRY_SECONDS[-1])
        except Exception:
            logger.exception("%s %s/%s: unexpected error", memory.kind, memory.job.namespace, memory.job.name)
            self._metrics.reconcile_errors.labels(kind=memory.kind, error="unexpected").inc()
            self._queue.add(uid, delay=_BUG_RETRY_SECONDS)
        else:
            self._kube_failures.pop(uid, None)
            again_after = _SEE_OFF_SECONDS if memory.job.is_released else again_after
            if again_after is not None:
                self._queue.add(uid, delay=again_after)
        finally:
            self._metrics.reconcile_seconds.labels(kind=memory.kind).observe(time.perf_counter() - started)

    async def _refresh(self, memory: Memory) -> None:
        """Read the object again: what was written was made for an older version of it."""
        try:
            body = await self._client.get(self._item(memory))
        except NotFoundError:
            await self._confirm_gone(memory)
        except KubeError as error:
            self._retry_kube(memory, error)
        else:
            if body["metadata"]["uid"] != memory.job.uid:
                self.object_gone(memory.job.uid)
                return
            self._store.put(memory.kind, body)
            self._queue.add(memory.job.uid)

    async def _see_off(self, memory: Memory) -> None:
        """Forget an object that was let go. A watch that had to start anew never says that it is gone."""
        try:
            body = await self._client.get(self._item(memory))
        except NotFoundError:
            self.object_gone(memory.job.uid)
        except KubeError as error:
            self._retry_kube(memory, error)
        else:
            if body["metadata"]["uid"] != memory.job.uid:
                self.object_gone(memory.job.uid)
            else:
                self._store.put(memory.kind, body)
                self._queue.add(memory.job.uid, delay=_SEE_OFF_SECONDS)

    async def _confirm_gone(self, memory: Memory) -> None:
        try:
            body = await self._client.get(self._item(memory))
        except NotFoundError:
            self.object_gone(memory.job.uid)
        except KubeError as error:
            self._retry_kube(memory, error)
        else:
            if body["metadata"]["uid"] != memory.job.uid:
                self.object_gone(memory.job.uid)
            else:
                self._retry_kube(memory, KubeError("the object's status or something it needs was not found"))

    def _retry_kube(self, memory: Memory, error: KubeError) -> None:
        uid = memory.job.uid
        failures = self._kube_failures.get(uid, 0)
        self._kube_failures[uid] = failures + 1
        logger.warning("%s %s/%s: %s; trying again", memory.kind, memory.job.namespace, memory.job.name, error)
        self._metrics.reconcile_errors.labels(kind=memory.kind, error="kubernetes").inc()
        self._queue.add(uid, delay=_KUBE_RETRY_SECONDS[min(failures, len(_KUBE_RETRY_SECONDS) - 1)])

    def _retry_refused(self, memory: Memory, error: RefusedError) -> None:
        """What the API server does not accept, it will not accept in a second: RBAC or the CRD has to change."""
        logger.error("%s %s/%s: %s", memory.kind, memory.job.namespace, memory.job.name, error)
        self._metrics.reconcile_errors.labels(kind=memory.kind, error="refused").inc()
        self._queue.add(memory.job.uid, delay=_BUG_RETRY_SECONDS)

    def _item(self, memory: Memory) -> str:
        resource = self._served[memory.kind].resource
        return resource.item(namespace=memory.job.namespace, name=memory.job.name)

    def _note_references(self, memory: Memory) -> None:
        """Remember who waits for whom, and wake those that wait for an object that has now ended."""
        job = memory.job
        keys = [(kind, job.namespace, name) for kind, name in references.awaited(job.spec)]
        if keys and not job.attempts:
            self._references.wait(job.uid, *keys)
        else:
            self._references.forget(job.uid)
        if job.is_finished:
            for uid in self._references.waiting_for((memory.kind, job.namespace, job.name)):
                self._queue.add(uid)


_INTERRUPTING = ("generation", "deletionTimestamp", "annotations")


def _was_cut_short(task: asyncio.Task[None]) -> bool:
    """Whether a pass has ended without saying when the next one is due."""
    if task.cancelled():
        return True
    error = task.exception()
    if error is not None:
        logger.error("A pass could not be concluded", exc_info=error)
    return error is not None


def _differ(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether something changed that a pass depends on. The status does too: somebody else may have written it."""
    watched = (*_INTERRUPTING, "labels", "finalizers")
    return _metadata_differs(before, after, watched) or before.get("status") != after.get("status")


def _metadata_differs(before: Mapping[str, Any], after: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    return any(before["metadata"].get(key) != after["metadata"].get(key) for key in keys)
