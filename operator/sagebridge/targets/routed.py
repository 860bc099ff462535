"""Jobs of one kind that run in several places: each goes where its object says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sagebridge.core.job import Place
from sagebridge.core.observation import Observation
from sagebridge.targets.protocol import Handle, Models, Submission, Target


class RoutedTarget:
    """Implements `sagebridge.targets.protocol.Target` by one target for each place."""

    def __init__(self, targets: Mapping[Place, Target]) -> None:
        self._targets = targets
        self.models: Models | None = targets[Place.SAGEMAKER].models

    async def submit(self, handle: Handle, spec: Mapping[str, Any], *, adopt: bool) -> Submission:
        """See `Target.submit`."""
        return await self._of(handle).submit(handle, spec, adopt=adopt)

    async def observe(self, handles: Sequence[Handle]) -> Mapping[str, Observation]:
        """See `Target.observe`."""
        by_place: defaultdict[Place, list[Handle]] = defaultdict(list)
        for handle in handles:
            by_place[handle.place].append(handle)
        found: dict[str, Observation] = {}
        for place, some in by_place.items():
            found |= await self._targets[place].observe(some)
        return found

    async def describe(self, handle: Handle) -> Observation:
        """See `Target.describe`."""
        return await self._of(handle).describe(handle)

    async def stop(self, handle: Handle) -> Observation:
        """See `Target.stop`."""
        return await self._of(handle).stop(handle)

    async def delete(self, handle: Handle) -> None:
        """See `Target.delete`."""
        await self._of(handle).delete(handle)

    async def settle(self, handle: Handle) -> None:
        """See `Target.settle`."""
        await self._of(handle).settle(handle)

    async def tags_of(self, handle: Handle) -> Mapping[str, str]:
        """See `Target.tags_of`."""
        return await self._of(handle).tags_of(handle)

    async def tag(self, handle: Handle, *, tags: Mapping[str, str], remove: Sequence[str]) -> None:
        """See `Target.tag`."""
        await self._of(handle).tag(handle, tags=tags, remove=remove)

    async def stage_source(self, handle: Handle, *, uri: str, content: bytes) -> str:
        """See `Target.stage_source`."""
        return await self._of(handle).stage_source(handle, uri=uri, content=content)

    def _of(self, handle: Handle) -> Target:
        return self._targets[handle.place]
