"""What has changed, handed on together: several events of one thing come within moments, and are one change."""

from __future__ import annotations

import asyncio
from typing import Final, Generic, TypeVar

_GATHER_SECONDS: Final = 0.2

Key = TypeVar("Key")


class Changes(Generic[Key]):
    """Notes what has changed until somebody takes it."""

    def __init__(self) -> None:
        self._changed: set[Key] = set()
        self._has_changed = asyncio.Event()

    def note(self, key: Key) -> None:
        """Something has changed."""
        self._changed.add(key)
        self._has_changed.set()

    @property
    def has_changed(self) -> bool:
        """Whether something is to be taken."""
        return bool(self._changed)

    async def take(self) -> set[Key]:
        """Wait until something has changed, and a moment longer; all that has until then."""
        await self._has_changed.wait()
        await asyncio.sleep(_GATHER_SECONDS)
        changed, self._changed = self._changed, set()
        self._has_changed.clear()
        return changed
