"""A collection followed by list and watch: what is there, and every change of it.

kopf watches our own kinds; it can't select by label, and of all pods of a cluster few are ours.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError

logger = logging.getLogger(__name__)

_GONE = 410
_PAUSES = (1.0, 2.0, 5.0, 10.0)
_PAUSES_WITHOUT_NEED = (*_PAUSES, 60.0)
_LIVED_SECONDS = 5.0
"""A stream that ends sooner is a failure: the API server lets one live for minutes."""

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What of a collection is followed, and how.

    Attributes:
        labels: a label selector; empty for all.
        fields: a field selector; empty for all.
        has_bookmarks: see `KubeClient.watch`.
        is_needed: whether it is a matter of concern each time that it can't be had; the log has it once otherwise.
    """

    labels: str = ""
    fields: str = ""
    has_bookmarks: bool = True
    is_needed: bool = True


class Reflector:
    """Follows one collection.

    `keep` takes of each object what is worth its memory, at least ``metadata.uid`` and ``metadata.resourceVersion``;
    only that is handed on, and nothing where it finds nothing worth it.

    Attributes:
        is_synced: whether everything that is there has been seen once.
    """

    def __init__(
        self,
        *,
        client: KubeClient,
        path: str,
        selection: Selection,
        put: Callable[[Body], None],
        remove: Callable[[Body], None],
        keep: Callable[[Body], Body | None] = lambda body: body,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._path = path
        self._selection = selection
        self._is_missed = False
        self._put = put
        self._remove = remove
        self._keep = keep
        self._clock = clock
        self._sleep = sleep
        self._known: dict[str, Body] = {}
        self._heard_at = clock()
        self._error: KubeError | None = None
        self._failures = 0
        self.is_synced = False

    @property
    def seconds_blind(self) -> float:
        """How long nothing has been heard of the collection, once following it has failed; 0 while it can be."""
        return self._clock() - self._heard_at if self._error else 0.0

    @property
    def trouble(self) -> str:
        """What following it has failed with last; empty while it can be followed."""
        return str(self._error) if self._error else ""

    async def run(self) -> None:
        """Follow until cancelled, whatever the API server does."""
        while True:
            try:
                await self._follow(await self._list())
            except KubeError as error:
                self._error = error
                self._complain(error)
                await self._pause()

    def forget(self) -> None:
        """Take all that was there for gone: nobody follows it any more."""
        while self._known:
            _, body = self._known.popitem()
            self._remove(body)

    def _complain(self, error: KubeError) -> None:
        is_known = self._is_missed and not self._selection.is_needed
        level = logging.DEBUG if error.status == _GONE or is_known else logging.WARNING
        logger.log(level, "Following %s: %s; trying again", self._path, error)
        self._is_missed = self._is_missed or error.status != _GONE

    async def _pause(self) -> None:
        pauses = _PAUSES if self._selection.is_needed else _PAUSES_WITHOUT_NEED
        await self._sleep(pauses[min(self._failures, len(pauses) - 1)])
        self._failures += 1

    def _heard(self) -> None:
        self._heard_at, self._error = self._clock(), None

    async def _list(self) -> str:
        found: dict[str, Body] = {}
        version = ""
        chosen = self._selection
        async for page in self._client.pages(self._path, selector=chosen.labels, fields=chosen.fields):
            version = page["metadata"]["resourceVersion"]
            kept = (self._keep(item) for item in page.get("items", ()))
            found |= {body["metadata"]["uid"]: body for body in kept if body is not None}
        for uid, body in found.items():
            self._note(uid, body)
        for uid in self._known.keys() - found.keys():
            self._remove(self._known.pop(uid))
        self.is_synced = True
        self._heard()
        return version

    async def _follow(self, version: str) -> None:
        """Take events of one stream after the other until none can be gone on with."""
        while True:
            began, before = self._clock(), version
            try:
                version = await self._stream(version)
            finally:
                has_lived = self._clock() - began >= _LIVED_SECONDS
                if has_lived:
                    self._failures, self._is_missed = 0, False
            if has_lived:
                self._heard()
            elif version == before:
                raise KubeError("the stream ended at once")
            else:
                await self._pause()

    async def _stream(self, version: str) -> str:
        """Take the events of one stream; the version to go on with once it has ended."""
        events = self._client.watch(
            self._path,
            selector=self._selection.labels,
            fields=self._selection.fields,
            resource_version=version,
            has_bookmarks=self._selection.has_bookmarks,
        )
        async for event in events:
            body = event["object"]
            if event["type"] == "ERROR":
                raise KubeError(str(body.get("message", "")), status=body.get("code"))
            version = body["metadata"]["resourceVersion"]
            self._heard()
            if event["type"] != "BOOKMARK" and (kept := self._keep(body)) is not None:
                self._take(event["type"], kept)
        return version

    def _take(self, kind: str, body: Body) -> None:
        uid = body["metadata"]["uid"]
        if kind == "DELETED":
            self._known.pop(uid, None)
            self._remove(body)
        else:
            self._note(uid, body)

    def _note(self, uid: str, body: Body) -> None:
        before = self._known.get(uid)
        self._known[uid] = body
        if before is None or before["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            self._put(body)
