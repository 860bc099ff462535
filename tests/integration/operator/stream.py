"""A constant stream of invocations of one endpoint."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from support.jobs import PATIENCE_SECONDS

_ENOUGH = 5


class Stream:
    """Invokes an endpoint without a pause, and remembers what it was told.

    Args:
        runtimes: an SDK client for each caller.
        name: the endpoint's.
        body: of every request.
        read: what is remembered of a reply's body.

    Attributes:
        failures: what went wrong.
    """

    def __init__(
        self, *runtimes: Any, name: str, body: bytes = b"1", read: Callable[[bytes], str] = bytes.decode
    ) -> None:
        self.failures: list[str] = []
        self._name, self._body, self._read = name, body, read
        self._heard: list[tuple[float, str]] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(runtime,)) for runtime in runtimes]

    def __enter__(self) -> Stream:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def await_only(self, *wanted: str) -> None:
        """Wait until each of these answers has come, and see that whoever asks from now on hears no other.

        Raises:
            AssertionError: another one came, or not all of these, or an invocation failed.
        """
        asked, deadline = time.monotonic(), time.monotonic() + PATIENCE_SECONDS

        def heard() -> list[str]:
            return [answer for begun, answer in list(self._heard) if begun > asked]

        while len(heard()) < _ENOUGH or not set(wanted) <= set(heard()):
            assert time.monotonic() < deadline, f"heard {set(heard())}, not {wanted}; {self.failures}"
            time.sleep(0.05)
        assert set(heard()) == set(wanted)
        assert self.failures == []

    def _run(self, runtime: Any) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                reply = runtime.invoke_endpoint(EndpointName=self._name, Body=self._body, ContentType="text/csv")
                self._heard.append((begun, self._read(reply["Body"].read())))
            except (BotoCoreError, ClientError) as error:
                self.failures.append(str(error))
