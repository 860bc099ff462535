"""Follows what Endpoints on the cluster consist of, and wakes those of which something has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sagebridge.core.job import Place
from sagebridge.engine.engine import Engine
from sagebridge.engine.store import Memory, Store
from sagebridge.kinds import ENDPOINT
from sagebridge.kube.reflector import Reflector
from sagebridge.watch.changes import Changes
from sagebridge.watch.sight import Sight


class ServingWatcher:
    """Wakes Endpoints, and tells those of which nothing can be seen."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        reflectors: Sequence[Reflector],
        sight: Sight,
        interval: float,
    ) -> None:
        """Prepare.

        Args:
            engine: is told.
            store: has the objects.
            reflectors: to be run.
            sight: of all that what is known depends on; some of it is followed by others.
            interval: seconds between two looks at whether anything is seen.
        """
        self._engine = engine
        self._store = store
        self._reflectors = tuple(reflectors)
        self._sight = sight
        self._interval = interval
        self._changes: Changes[str] = Changes()

    def note(self, uid: str) -> None:
        """Something of an endpoint has changed."""
        self._changes.note(uid)

    def is_synced(self, namespace: str) -> bool:
        """Whether all that is there has been seen once."""
        return self._sight.is_synced(namespace)

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.run())
            group.create_task(self._hand_on())
            group.create_task(self._go_round())

    async def _hand_on(self) -> None:
        while True:
            for uid in await self._changes.take():
                memory = self._store.get(uid)
                if memory is not None and _is_here(memory):
                    self._engine.look_again(uid)

    async def _go_round(self) -> None:
        """See to blindness, which no event tells."""
        while True:
            await asyncio.sleep(self._interval)
            self._see_to_all()

    def _see_to_all(self) -> None:
        for memory in self._store:
            if _is_here(memory):
                self._see_to(memory)

    def _see_to(self, memory: Memory) -> None:
        namespace = memory.job.namespace
        if trouble := self._sight.trouble(namespace):
            because = f"the Deployments and pods of namespace {namespace} can't be followed: {trouble.rstrip('.')}."
            self._engine.observation_failed(memory.job.uid, because)
        elif self._sight.is_synced(namespace):
            self._engine.observation_worked(memory.job.uid)


def _is_here(memory: Memory) -> bool:
    return memory.kind == ENDPOINT.kind and memory.job.place is Place.CLUSTER and not memory.job.is_released
