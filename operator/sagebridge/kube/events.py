"""Kubernetes Events, written beside the work: they never hold a reconcile up, and never fail it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sagebridge.core.clock import format_time
from sagebridge.core.words import shortened
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.kube.paths import EVENTS
from sagebridge.slots import Urgency

logger = logging.getLogger(__name__)

_COMPONENT = "sagebridge"
_MESSAGE_LIMIT = 1024
_BACKLOG = 20_000
_REMEMBERED = 10_000
_TRIES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something worth telling about an object.

    Attributes:
        involved: apiVersion, kind, namespace, name, uid of the object.
        kind: ``Normal`` or ``Warning``.
        reason: one CamelCase word.
        message: for people.
    """

    involved: Mapping[str, Any]
    kind: str
    reason: str
    message: str


class EventRecorder:
    """A queue of Events and the task that writes them."""

    def __init__(self, *, client: KubeClient, now: Callable[[], datetime], writers: int = 4) -> None:
        self._client = client
        self._now = now
        self._writers = writers
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=_BACKLOG)
        self._number = 0
        self._last_told: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def emit(self, event: Event) -> None:
        """Have `event` written soon. The same one, told again of the same object in a row, is written once."""
        if self._is_repeat(event):
            return
        level = logging.WARNING if event.kind == "Warning" else logging.INFO
        place = "/".join(filter(None, (event.involved.get("namespace"), event.involved["name"])))
        logger.log(level, "%s %s: %s: %s", event.involved["kind"], place, event.reason, event.message)
        try:
            self._queue.put_nowait(self._body(event))
        except asyncio.QueueFull:
            logger.warning("Too many Events wait; one is dropped: %s %s", event.reason, event.involved.get("name"))

    async def run(self) -> None:
        """Write Events until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._writers):
                group.create_task(self._write_all())

    async def drain(self) -> None:
        """Wait until all Events so far are written, or given up."""
        await self._queue.join()

    async def _write_all(self) -> None:
        while True:
            body = await self._queue.get()
            try:
                await self._write(body)
            finally:
                self._queue.task_done()

    async def _write(self, body: Mapping[str, Any]) -> None:
        path = EVENTS.collection(body["metadata"]["namespace"])
        for pause in range(1, _TRIES + 1):
            try:
                await self._client.create(path, body, urgency=Urgency.WORD)
            except ConflictError:
                # The answer to an earlier try was lost.
                return
            except (NotFoundError, RefusedError) as error:
                logger.debug("Event not accepted (its namespace may be going): %s", error)
            except KubeError:
                await asyncio.sleep(pause)
                continue
            return

    def _is_repeat(self, event: Event) -> bool:
        key = str(event.involved.get("uid") or event.involved.get("name"))
        told = (event.reason, event.message)
        repeated = self._last_told.get(key) == told
        self._last_told[key] = told
        self._last_told.move_to_end(key)
        if len(self._last_told) > _REMEMBERED:
            self._last_told.popitem(last=False)
        return repeated

    def _body(self, event: Event) -> dict[str, Any]:
        moment = self._now()
        stamp = format_time(moment)
        # kubectl sorts by times, which are whole seconds, and those of one second by names: hence by when it was told.
        self._number = max(self._number + 1, int(moment.timestamp() * 1e9))
        # Events of cluster-scoped objects live in "default".
        namespace = event.involved.get("namespace") or "default"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{event.involved['name'][:200]}.{self._number:016x}", "namespace": namespace},
            "involvedObject": dict(event.involved),
            "type": event.kind,
            "reason": event.reason,
            "message": shortened(event.message, _MESSAGE_LIMIT),
            "source": {"component": _COMPONENT},
            "reportingComponent": _COMPONENT,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
