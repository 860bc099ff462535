"""The log of an attempt on the cluster's own nodes: what its pods' containers have printed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sagebridge.core.clock import format_time, instant
from sagebridge.core.logs.cursor import Positions, before_lines, stream_key
from sagebridge.core.logs.lines import HEAD, Excerpt, LogLine, Position, last_lines, without_steering
from sagebridge.core.logs.streams import Look
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError, NotFoundError
from sagebridge.kube.paths import PODS
from sagebridge.logs.source import MOST_CHARACTERS

logger = logging.getLogger(__name__)

_LONGEST_LINE: Final = 1 << 18
_NANOSECONDS: Final = 10**9
_AT_ONCE: Final = 8
_LIST_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 5.0
_OVER: Final = ("Succeeded", "Failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Containers:
    """Whose log it is.

    Attributes:
        namespace: Of the pods.
        selector: Their labels.
        container: The container of each.
    """

    namespace: str
    selector: str
    container: str


class PodSource:
    """The logs of pods, read by the API server from their nodes."""

    settle_seconds = 0.0

    def __init__(
        self,
        *,
        client: KubeClient,
        containers: Containers,
        start: Positions | None = None,
        excerpt: Excerpt,
        patience: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to read.

        Args:
            client: For the API server.
            containers: Whose log it is.
            start: How far it was read before.
            excerpt: Which lines are wanted.
            patience: Seconds that a node may keep silent; it is asked again at the next look.
            clock: Seconds, monotonic.
        """
        self._client = client
        self._of = containers
        self._excerpt = excerpt
        self._tail = excerpt.tail
        self._positions: dict[str, Position] = dict(start or {})
        self._patience = patience
        self._clock = clock
        self._listed: dict[str, bool] = {}
        self._listed_at = 0.0
        self._troubles: dict[str, str] = {}

    @property
    def positions(self) -> Positions:
        """How far it was read."""
        return dict(self._positions)

    async def look(self, *, thorough: bool = False) -> Look:
        """See `Source.look`. A pod whose node can't be asked now does not keep the others' lines back.

        Pods are read side by side, since each of a job's may be on a node of its own.
        """
        before, tail = self.positions, self._tail
        gathered, turns = _Gathered(tail), asyncio.Semaphore(_AT_ONCE)
        pods = await self._known(thorough=thorough)
        async with asyncio.TaskGroup() as group:
            for name, is_over in pods.items():
                group.create_task(self._read(name, gathered, turns, is_over=is_over))
        self._tail = None
        lines = gathered.ordered()
        if tail is not None:
            before = before_lines(lines, self._positions)
        trouble = next((f"{name}: {self._troubles[name]}" for name in pods if name in self._troubles), "")
        is_complete = not gathered.is_full
        return Look(lines=lines, before=before, after=self.positions, is_complete=is_complete, trouble=trouble)

    async def _read(self, pod: str, gathered: _Gathered, turns: asyncio.Semaphore, *, is_over: bool) -> None:
        """Gather the lines of one pod. What its trouble is gets logged once, until it can be read again."""
        try:
            async with turns:
                await self._gather(pod, gathered, is_over=is_over)
        except (KubeError, TimeoutError) as error:
            if not _has_no_log(error):
                trouble = str(error) or f"no answer for {self._patience:g} seconds"
                if pod not in self._troubles:
                    logger.info("The log of %s/%s can't be read now: %s", self._of.namespace, pod, trouble)
                self._troubles[pod] = trouble
                return
        self._troubles.pop(pod, None)

    async def _gather(self, pod: str, gathered: _Gathered, *, is_over: bool) -> None:
        loop = asyncio.get_running_loop()
        async with (
            asyncio.timeout(self._patience) as silence,
            contextlib.aclosing(self._lines(pod, is_over=is_over)) as found,
        ):
            async for line in found:
                silence.reschedule(loop.time() + self._patience)
                gathered.add(line)
                if gathered.is_full:
                    return

    async def _known(self, *, thorough: bool) -> dict[str, bool]:
        """The pods as they were listed a moment ago, if there were some."""
        if thorough or not self._listed or self._clock() - self._listed_at >= _LIST_SECONDS:
            self._listed = await self._pods()
            self._listed_at = self._clock()
        return self._listed

    async def _pods(self) -> dict[str, bool]:
        """The pods that there are, and of which the container has ended.

        Positions of others are forgotten: of a pod that is gone nothing more comes.
        """
        pods = self._client.list(PODS.collection(self._of.namespace), selector=self._of.selector)
        found = {str(pod["metadata"]["name"]): _is_over(pod, self._of.container) async for pod in pods}
        keys = {stream_key(name) for name in found}
        self._positions = {key: at for key, at in self._positions.items() if key in keys}
        self._troubles = {name: trouble for name, trouble in self._troubles.items() if name in found}
        return found

    async def _lines(self, pod: str, *, is_over: bool) -> AsyncGenerator[LogLine, None]:
        """What a pod has printed since. Times are asked for by the second: what was read is passed over.

        What it prints on two ways may come in another order than its times.
        """
        key = stream_key(pod)
        start = at = self._positions.get(key, HEAD)
        if start > HEAD:
            at = Position(start.time // _NANOSECONDS * _NANOSECONDS, 0)
        path = f"{PODS.item(namespace=self._of.namespace, name=pod)}/log"
        stream = self._client.stream(path, parameters=self._parameters(start))
        async with contextlib.aclosing(stream), contextlib.aclosing(_split(stream, is_over=is_over)) as lines:
            async for raw in lines:
                moment, text = _parsed(raw)
                at = Position(moment, at.ordinal + 1 if moment == at.time else 1)
                if at <= start:
                    continue
                self._positions[key] = max(at, self._positions.get(key, HEAD))
                text = without_steering(text)
                if self._excerpt.takes(text):
                    yield LogLine(timestamp=moment // 10**6, stream=pod, text=text, position=at)

    def _parameters(self, start: Position) -> Mapping[str, str]:
        given = {"container": self._of.container, "timestamps": "true"}
        if start > HEAD:
            return given | {"sinceTime": _second(start)}
        return given | ({} if self._tail is None else {"tailLines": str(self._tail)})


class _Gathered:
    """The lines of one look: as many as fit into memory, and of a tail the last ones."""

    def __init__(self, tail: int | None) -> None:
        self._tail = tail
        self._lines: list[LogLine] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether the rest is for another look: of a tail there is none."""
        return self._tail is None and self._size >= MOST_CHARACTERS

    def add(self, line: LogLine) -> None:
        """Take one more."""
        self._lines.append(line)
        self._size += line.size
        if self._tail is not None and self._size >= 2 * MOST_CHARACTERS:
            self._lines = self.ordered()
            self._size = sum(one.size for one in self._lines)

    def ordered(self) -> list[LogLine]:
        """Those that are kept, in order of time."""
        count = len(self._lines) if self._tail is None else self._tail
        most = math.inf if self._tail is None else MOST_CHARACTERS
        return last_lines(sorted(self._lines, key=lambda line: line.position), count, most_characters=most)


async def _split(chunks: AsyncGenerator[bytes, None], *, is_over: bool) -> AsyncGenerator[str, None]:
    """The lines of a log; what is longer than any line is cut. The last one may go on unless all is over."""
    rest = b""
    async for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            yield line[:_LONGEST_LINE].decode(errors="replace")
        if len(rest) > 2 * _LONGEST_LINE:
            rest = rest[:_LONGEST_LINE]
    if rest and is_over:
        yield rest[:_LONGEST_LINE].decode(errors="replace")


def _parsed(line: str) -> tuple[int, str]:
    """The time in nanoseconds since 1970, and the text; 0 for a line without a time."""
    at, _, text = line.partition(" ")
    try:
        seconds, nanoseconds = instant(at)
    except ValueError:
        return 0, line
    return int(seconds) * _NANOSECONDS + nanoseconds, text


def _is_over(pod: Mapping[str, Any], container: str) -> bool:
    """Whether a pod's container prints no more."""
    status = pod.get("status") or {}
    states = (one.get("state") or {} for one in status.get("containerStatuses") or () if one.get("name") == container)
    return status.get("phase") in _OVER or any("terminated" in state for state in states)


def _second(position: Position) -> str:
    return format_time(datetime.fromtimestamp(position.time // _NANOSECONDS, tz=UTC))


def _has_no_log(error: Exception) -> bool:
    """Whether the pod is gone, or its container has not begun."""
    return isinstance(error, NotFoundError) or (isinstance(error, KubeError) and error.status == 400)
