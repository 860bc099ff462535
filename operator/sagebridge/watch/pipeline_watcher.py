"""Looks whether what pipelines' steps have made is still attended by a pod; the engine stops what is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sagebridge.core.holding import of_whom
from sagebridge.core.pipelines.attendance import Abandoned, Fate, Gone, Leave, fate, needs_attendance, of_step
from sagebridge.core.pipelines.marks import Marks
from sagebridge.core.pipelines.pods import StepPod
from sagebridge.core.reasons import Reason
from sagebridge.engine.engine import Engine
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory, Store
from sagebridge.kube.errors import KubeError
from sagebridge.watch.step_pods import StepPods

logger = logging.getLogger(__name__)

_IDLE = timedelta(minutes=10)
"""How long the pods are followed when nothing needs it any more: the next step of the run comes soon."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How it is looked.

    Attributes:
        grace: how long nobody need attend an object.
        interval: seconds between two looks.
        stale_after: seconds for which the watch may fail until it says nothing of now.
        endless: kinds whose objects do not end: who made one is told, and it is left as it is.
    """

    grace: timedelta
    interval: float
    stale_after: float
    endless: frozenset[str] = frozenset()


class PipelineWatcher:
    """Goes round the objects that steps have made. Nothing is asked of the API server until one is to be stopped."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        pods: StepPods,
        status: StatusWriter,
        manner: Manner,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._store = store
        self._pods = pods
        self._status = status
        self._manner = manner
        self._now = now
        self._sleep = sleep
        self._gone_since: dict[tuple[str, str], datetime] = {}
        self._told: set[tuple[str, str]] = set()
        self._needed_at: datetime | None = None
        self._answers: dict[tuple[str, str], list[StepPod]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self.look(group)
                await self._sleep(self._manner.interval)

    async def look(self, group: asyncio.TaskGroup) -> None:
        """Look once at all there is."""
        attended = [(memory, marks) for memory in self._store if (marks := _marks(memory)) is not None]
        self._forget_others(attended)
        await self._follow(group, is_needed=bool(attended))
        for memory, marks in attended:
            if self._pods.is_known(memory.job.namespace, stale_after=self._manner.stale_after):
                await self._look_at(memory, marks)
        self._answers.clear()

    async def _follow(self, group: asyncio.TaskGroup, *, is_needed: bool) -> None:
        now = self._now()
        if is_needed:
            self._needed_at = now
            self._pods.follow(group)
        elif self._needed_at is not None and now - self._needed_at > _IDLE:
            self._needed_at = None
            await self._pods.let_go()

    def _forget_others(self, attended: Sequence[tuple[Memory, Marks]]) -> None:
        keys = {_key(memory, marks) for memory, marks in attended}
        for key in self._gone_since.keys() - keys:
            del self._gone_since[key]
        self._told &= keys

    async def _look_at(self, memory: Memory, marks: Marks) -> None:
        try:
            known = self._fate(memory, marks, self._pods.of_step(memory.job.namespace, marks))
            # A watch may be late, and a pod without the labels of a pipeline is not in it.
            if isinstance(known, Abandoned) and memory.gone is None and _key(memory, marks) not in self._told:
                known = self._fate(memory, marks, await self._ask(memory.job.namespace, marks))
            self._take(memory, marks, known)
        except KubeError as error:
            logger.warning("Whether %s is attended can't be told: %s", _name(memory), error)
        except Exception:
            # The others are looked at all the same.
            logger.exception("Whether %s is attended can't be told", _name(memory))

    async def _ask(self, namespace: str, marks: Marks) -> list[StepPod]:
        """What the API server says; of a run that was terminated, all objects may be looked at in one look."""
        named = await self._pods.ask_for_pod(namespace, marks.pod_name)
        key = namespace, marks.run
        if key not in self._answers:
            self._answers[key] = await self._pods.ask_for_run(*key)
        return list({pod.uid: pod for pod in [*self._answers[key], *named]}.values())

    def _fate(self, memory: Memory, marks: Marks, pods: Sequence[StepPod]) -> Fate:
        key, now = _key(memory, marks), self._now()
        own = of_step(marks, pods)
        found = fate(
            marks, own, first_seen_gone=self._gone_since.setdefault(key, now), now=now, grace=self._manner.grace
        )
        if isinstance(found, Leave):
            del self._gone_since[key]
        return found

    def _take(self, memory: Memory, marks: Marks, found: Fate) -> None:
        gone = Gone(pod=marks.pod, since=found.since) if isinstance(found, Abandoned) else None
        if memory.kind not in self._manner.endless:
            self._engine.attendance_seen(memory.job.uid, gone)
        elif gone is not None and _key(memory, marks) not in self._told:
            self._told.add(_key(memory, marks))
            self._tell(memory, marks)

    def _tell(self, memory: Memory, marks: Marks) -> None:
        whose = of_whom(marks)
        message = (
            f"{whose[0].upper()}{whose[1:]} is gone, no other pod of that step has come, and the step had not ended "
            f"well. This {memory.kind} is left as it is, and costs as long as it is there: run the pipeline again, or "
            "delete it."
        )
        reason = Reason.PIPELINE_STEP_GONE
        self._status.emit(memory.job, kind=memory.kind, reason=reason, message=message, is_warning=True)


def _marks(memory: Memory) -> Marks | None:
    """What its step has noted on an object, if it needs attendance."""
    return Marks.parse(memory.job.metadata) if needs_attendance(memory.job) else None


def _key(memory: Memory, marks: Marks) -> tuple[str, str]:
    return memory.job.uid, marks.pod_uid


def _name(memory: Memory) -> str:
    return f"{memory.kind} {memory.job.namespace}/{memory.job.name}"
