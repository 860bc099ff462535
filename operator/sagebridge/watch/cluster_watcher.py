"""Follows what jobs make of themselves on the cluster, and hands on what changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from sagebridge.core.cluster.refusals import switched_off
from sagebridge.core.cluster.waiting import unless_new
from sagebridge.core.errors import NotAllowedError
from sagebridge.core.job import Job, Place
from sagebridge.core.observation import Observation
from sagebridge.engine.engine import Engine
from sagebridge.engine.inputs import InputResolver
from sagebridge.engine.store import Memory, Store
from sagebridge.kinds.kind import JobKind
from sagebridge.kube.errors import KubeError
from sagebridge.targets.protocol import Handle
from sagebridge.watch.changes import Changes
from sagebridge.watch.sight import Sight

logger = logging.getLogger(__name__)

_ROUNDS_BEFORE_LOOKING = 2


class Followed(Protocol):
    """A target whose jobs are made of objects of this cluster."""

    async def observe(self, handles: Sequence[Handle]) -> Mapping[str, Observation]:
        """See `sagebridge.targets.protocol.Target.observe`."""

    async def describe(self, handle: Handle) -> Observation:
        """See `sagebridge.targets.protocol.Target.describe`."""

    async def attend(self, handle: Handle, job: Job, *, is_partly_seen: bool = False) -> None:
        """Do what is due for an open attempt at a job, whenever something of it has changed, and now and then.

        Where only a part of it is seen that is what can be said of that part alone.
        """

    async def tidy(self, handle: Handle) -> None:
        """Take away, now and then, what is left of an attempt that was interrupted or stopped, and is closed."""


class ClusterWatcher:
    """Looks at what has changed, for all objects together; and goes round now and then for what no event tells."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        inputs: InputResolver,
        sight: Sight,
        interval: float,
    ) -> None:
        self._engine = engine
        self._store = store
        self._inputs = inputs
        self._sight = sight
        self._interval = interval
        self._targets: dict[str, tuple[JobKind, Followed]] = {}
        self._changes: Changes[tuple[str, int]] = Changes()
        self._missed: dict[str, int] = {}

    def watch(self, kind: JobKind, target: Followed) -> None:
        """Take a kind on."""
        self._targets[kind.name] = (kind, target)

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._sight.reflectors:
                group.create_task(reflector.run())
            group.create_task(self._hand_on())
            group.create_task(self._go_round())

    async def run_switched_off(self) -> None:
        """Say of each job that is still there that nobody looks, until cancelled."""
        while True:
            for memory in self._store:
                if self._handle(memory) is not None:
                    self._engine.observation_failed(memory.job.uid, switched_off("jobs"))
            await asyncio.sleep(self._interval)

    def note(self, uid: str, attempt: int) -> None:
        """Something of an attempt has changed."""
        self._changes.note((uid, attempt))

    async def _hand_on(self) -> None:
        while True:
            changed = await self._changes.take()
            await asyncio.gather(*(self._look_at(uid, attempt) for uid, attempt in changed))

    async def _look_at(self, uid: str, attempt: int) -> None:
        memory = self._store.get(uid)
        if memory is None:
            return
        is_partly_seen = bool(self._sight.trouble(memory.job.namespace))
        if not is_partly_seen and not self._sight.is_synced(memory.job.namespace):
            self.note(uid, attempt)
            return
        handle = self._handle(memory)
        if handle is not None and handle.attempt == attempt:
            await self._look(memory, handle, is_partly_seen=is_partly_seen)

    async def _go_round(self) -> None:
        """See to what no event tells: objects that were seen after their Jobs, Jobs that are gone, and blindness."""
        while True:
            await asyncio.sleep(self._interval)
            await self._see_to_all()

    async def _see_to_all(self) -> None:
        for memory in self._store:
            await self._tidy(memory)
            await self._see_to(memory)

    async def _see_to(self, memory: Memory) -> None:
        handle = self._handle(memory)
        if handle is None:
            return
        namespace = memory.job.namespace
        if trouble := self._sight.trouble(namespace):
            because = f"the Jobs, pods and trials of namespace {namespace} can't be followed: {trouble.rstrip('.')}."
            self._engine.observation_failed(memory.job.uid, because)
        elif self._sight.is_synced(namespace):
            await self._look(memory, handle)

    async def _look(self, memory: Memory, handle: Handle, *, is_partly_seen: bool = False) -> None:
        _, target = self._targets[memory.kind]
        try:
            # Of a part alone nothing can be said; the rounds tell that. What is seen has its due.
            if not is_partly_seen:
                await self._tell(memory, target, handle)
            # What it wants to be done may be refused, which is no reason not to tell what was seen.
            await target.attend(handle, memory.job, is_partly_seen=is_partly_seen)
        except (KubeError, NotAllowedError) as error:
            logger.warning("%s of %s can't be looked after: %s", handle.name, handle.owner.namespace, error)
        except Exception:
            # The others are followed all the same.
            logger.exception("%s of %s can't be looked after", handle.name, handle.owner.namespace)

    async def _tell(self, memory: Memory, target: Followed, handle: Handle) -> None:
        known = memory.observation
        found = await self._seen(target, handle)
        if found is not None:
            news = replace(found, waiting=unless_new(found.waiting, known.waiting if known else None))
            self._engine.observed(memory.job.uid, news, attempt=handle.attempt, after=known)

    async def _tidy(self, memory: Memory) -> None:
        if memory.kind not in self._targets or memory.job.place is not Place.CLUSTER or memory.job.is_paused:
            return
        kind, target = self._targets[memory.kind]
        for attempt in memory.job.attempts:
            if not attempt.may_run_again:
                continue
            try:
                await target.tidy(self._inputs.handle(memory.job, kind, attempt))
            except (KubeError, NotAllowedError, ValueError) as error:
                logger.warning("%s of %s can't be tidied up: %s", attempt.name, memory.job.namespace, error)
            except Exception:
                # The others are followed all the same.
                logger.exception("%s of %s can't be tidied up", attempt.name, memory.job.namespace)

    async def _seen(self, target: Followed, handle: Handle) -> Observation | None:
        found = (await target.observe([handle])).get(handle.owner.uid)
        if found is None:
            return await self._look_at_missing(target, handle)
        self._missed.pop(handle.owner.uid, None)
        return found

    async def _look_at_missing(self, target: Followed, handle: Handle) -> Observation | None:
        """A Job that was made a moment ago may be seen late; one that stays away is gone."""
        uid = handle.owner.uid
        self._missed[uid] = self._missed.get(uid, 0) + 1
        if self._missed[uid] < _ROUNDS_BEFORE_LOOKING:
            return None
        self._missed.pop(uid)
        return await target.describe(handle)

    def _handle(self, memory: Memory) -> Handle | None:
        attempt = memory.job.last_attempt
        if attempt is None or attempt.is_closed or memory.job.is_released:
            return None
        if not attempt.arn and not memory.is_seen_open:
            return None
        if memory.kind not in self._targets or memory.job.place is not Place.CLUSTER:
            return None
        try:
            return self._inputs.handle(memory.job, self._targets[memory.kind][0], attempt)
        except (NotAllowedError, ValueError) as error:
            self._engine.observation_failed(memory.job.uid, str(error))
            return None
