"""Invokes an endpoint through the AWS SDK: once, or again and again while something else goes on."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.traffic import Answer

_LOOK_SECONDS: Final = 0.02


class _Row(NamedTuple):
    number: int
    label: int
    pixels: str


class Invoker:
    """Sends held-out digits to an endpoint.

    Args:
        client: Of SageMaker's runtime. It must not repeat failed requests by itself, or they would not be seen.
        endpoint: The endpoint's name in SageMaker.
        held_out: CSV without header: the label, then 64 pixel values.
    """

    def __init__(self, client: Any, *, endpoint: str, held_out: Path) -> None:
        self._client = client
        self._endpoint = endpoint
        lines = held_out.read_text().splitlines()
        split = [line.partition(",") for line in lines]
        self._rows = [_Row(number, int(label), pixels) for number, (label, _, pixels) in enumerate(split)]
        self._next = itertools.cycle(self._rows)

    def all_rows(self, *, at_once: int) -> list[Answer]:
        """Send every row, some at a time."""
        return [self._send(self._rows[start : start + at_once]) for start in range(0, len(self._rows), at_once)]

    def one_row(self) -> Answer:
        """Send one row, the next of all in turn."""
        return self._send([next(self._next)])

    def _send(self, rows: Sequence[_Row]) -> Answer:
        begun, body = time.monotonic(), "".join(f"{row.pixels}\n" for row in rows).encode()
        numbers, labels = tuple(row.number for row in rows), tuple(row.label for row in rows)
        try:
            reply = self._client.invoke_endpoint(
                EndpointName=self._endpoint, ContentType="text/csv", Accept="text/csv", Body=body
            )
            fields = [line.split(",") for line in reply["Body"].read().decode().splitlines()]
            digits, columns = tuple(int(line[0]) for line in fields), {len(line) for line in fields}
        except (BotoCoreError, ClientError, ValueError) as error:
            seconds = time.monotonic() - begun
            said = str(error) or type(error).__name__
            return Answer(begun=begun, seconds=seconds, rows=numbers, labels=labels, error=said)
        short = "" if len(digits) == len(labels) else f"{len(labels)} rows were sent, and {len(digits)} answers came"
        return Answer(
            begun=begun,
            seconds=time.monotonic() - begun,
            rows=numbers,
            labels=labels,
            digits=digits,
            variant=reply.get("InvokedProductionVariant", ""),
            probabilities=columns == {2},
            error=short,
        )


class Stream:
    """Invocations, one after the other, until the block ends.

    Args:
        invoker: Sends them.
        pause: Seconds between the end of one and the next.
    """

    def __init__(self, invoker: Invoker, *, pause: float) -> None:
        self._invoker = invoker
        self._pause = pause
        self._answers: list[Answer] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    @property
    def answers(self) -> list[Answer]:
        """What has come so far, in order."""
        return list(self._answers)

    def wait_for(self, count: int, *, timeout: float) -> None:
        """Wait until so many more have come.

        Raises:
            DemoError: They take too long.
        """
        wanted, deadline = len(self._answers) + count, time.monotonic() + timeout
        while len(self._answers) < wanted:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise DemoError(f"The endpoint was to answer {count} times, but did not within {timeout:.0f} s.")
            self._end.wait(_LOOK_SECONDS)

    def _run(self) -> None:
        while not self._end.is_set():
            self._answers.append(self._invoker.one_row())
            self._end.wait(self._pause)
