"""Has logs looked through by a process of its own, which may fail without the operator."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.runtime import scan

_RESULT_SECONDS: Final = 90.0
"""More than the process gives itself."""


class ScanError(Exception):
    """The logs could not be looked through; trying again would end in the same way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """``finalMetricDataList``, and what went wrong with single metrics."""

    metrics: Sequence[dict[str, Any]]
    problems: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What the part of a log that was handed over says of a metric.

    Attributes:
        values: its values, each with the time of its line.
        at: the time of the last line that was looked at.
    """

    values: Sequence[tuple[str, float]]
    at: str


class Scan:
    """The process, while logs are handed to it, host by host."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def begin(self, asked: Mapping[str, Any]) -> None:
        """Say what is looked for. Fails as `feed` does."""
        await self._write(json.dumps(asked).encode() + b"\n")

    async def feed(self, chunk: bytes) -> None:
        """Hand the next part of a host's log over.

        Raises:
            ScanError: the process has ended.
        """
        if chunk:
            await self._write(len(chunk).to_bytes(scan.LENGTH_BYTES, "big") + chunk)

    async def end_host(self) -> None:
        """One host's log is complete. Fails as `feed` does."""
        await self._write(bytes(scan.LENGTH_BYTES))

    async def result(self) -> Result:
        """What was found in those logs that are complete.

        Raises:
            ScanError: the process has failed, or takes too long.
        """
        found = await self._told()
        return Result(metrics=found["metrics"], problems=found["problems"])

    async def parts(self) -> tuple[list[Part], Sequence[str]]:
        """What each part of a log says, and what went wrong. Fails as `result` does."""
        found = await self._told()
        parts = [Part(values=[(at, value) for at, value in one["values"]], at=one["at"]) for one in found["parts"]]
        return parts, found["problems"]

    async def _told(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_RESULT_SECONDS):
                output, errors = await self._process.communicate()
        except TimeoutError as error:
            raise ScanError(f"no result after {_RESULT_SECONDS:.0f} s") from error
        if self._process.returncode:
            raise ScanError(_reason(self._process.returncode, errors))
        try:
            found: dict[str, Any] = json.loads(output)
        except ValueError as error:
            raise ScanError("the process has told nothing") from error
        return found

    async def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError):
            await self._told()  # which tells better why
            raise ScanError("the process has ended too soon") from None


@contextlib.asynccontextmanager
async def scanning(
    definitions: Sequence[Mapping[str, str]], *, hosts: int, parts: Sequence[Mapping[str, Any]] | None = None
) -> AsyncIterator[Scan]:
    """A process that looks for metrics in the logs of so many hosts; it is gone afterwards.

    Args:
        definitions: MetricDefinitions.
        hosts: how many logs there are.
        parts: where all values are wanted that came ``after`` a time; whether each log ``isWhole`` now, and the
            ``limit`` of bytes at which it was cut off.

    Raises:
        ScanError: it can't be started, or does not want to listen.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", scan.MODULE, stdin=pipe, stdout=pipe, stderr=pipe
        )
    except OSError as error:
        raise ScanError(f"no process can be started: {error}") from error
    try:
        made = Scan(process)
        asked = {"definitions": list(definitions), "hosts": hosts}
        await made.begin(asked if parts is None else asked | {"parts": list(parts)})
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _reason(code: int, errors: bytes) -> str:
    if code < 0:
        return f"the process was ended by {signal.Signals(-code).name}"
    last = errors.decode(errors="replace").strip().rpartition("\n")[2]
    return f"the process ended with {code}: {last[:500]}"
