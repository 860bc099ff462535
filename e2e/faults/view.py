"""What the operator is shown of one collection: the present, the past, or the present without what led to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from faults.events import coalesce

Send = Callable[[bytes], Awaitable[None]]


class View:
    """The view of one collection. For one event loop.

    Attributes:
        delay: seconds by which every watch event is late.
        window: seconds over which watch events are collected, of which then only the last of each object is shown; 0
            shows all.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self.window = 0.0
        self._past: Mapping[str, Any] | None = None
        self._gets_are_old = False
        self._live = asyncio.Event()
        self._live.set()
        self._hides = False

    @property
    def is_old(self) -> bool:
        """Whether lists come from the past."""
        return self._past is not None

    @property
    def gets_are_old(self) -> bool:
        """Whether single objects come from the past, too."""
        return self.is_old and self._gets_are_old

    @property
    def is_live(self) -> bool:
        """Whether watch events may pass."""
        return self._live.is_set()

    def hold(self) -> None:
        """Hold watch events back."""
        self._live.clear()

    def show_past(self, listed: Mapping[str, Any], *, gets: bool) -> None:
        """Answer lists (and `gets`) from an earlier list, and hold watch events back."""
        self._past, self._gets_are_old = listed, gets
        self.hold()

    def show_present(self, *, hide: bool = False) -> None:
        """Let through what was held back; with `hide`, only the last event of each object."""
        self._past, self._hides = None, hide
        self._live.set()

    def list(self, namespace: str | None) -> bytes:
        """The collection as it was, of one namespace if given."""
        assert self._past is not None, "the present is asked of the API server"
        items = [item for item in self._past["items"] if namespace in (None, item["metadata"]["namespace"])]
        return json.dumps({**self._past, "items": items}).encode()

    def get(self, namespace: str | None, name: str) -> bytes | None:
        """One object as it was; None if it was not there."""
        assert self._past is not None, "the present is asked of the API server"
        metadata = {"namespace": namespace, "name": name}
        items = (item for item in self._past["items"] if metadata.items() <= item["metadata"].items())
        found = next(items, None)
        return None if found is None else json.dumps(found | {"kind": self._past["kind"].removesuffix("List")}).encode()

    async def wait_live(self) -> None:
        """Wait until watch events may pass."""
        await self._live.wait()

    async def pass_on(self, events: asyncio.Queue[bytes | None], send: Send) -> None:
        """Send the events of one watch as this view shows them, until None ends them."""
        ended = False
        while not ended:
            batch = [await events.get()]
            await asyncio.sleep(self.delay + self.window)
            was_held = not self._live.is_set()
            await self._live.wait()
            while not events.empty():
                batch.append(events.get_nowait())
            ended = batch[-1] is None
            shown = [event for event in batch if event is not None]
            if self.window or (was_held and self._hides):
                shown = coalesce(shown)
            for event in shown:
                await send(event)
