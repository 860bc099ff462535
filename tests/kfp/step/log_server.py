"""The operator's log service, as far as its callers see it, for tests that say what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sagebridge_kfp.step.log_service import LogService, Where
from sagebridge_local.stack.certificates import Authority
from support.scripted_http import Asked, Reply, ScriptedHttp, told

TOKEN = "a-token"
BODY: dict[str, Any] = {"metadata": {"namespace": "team-a", "name": "train-abc"}}
PATH = "/v1/namespaces/team-a/trainingjobs/train-abc/logs"


def entry(number: int, *, stream: str = "s") -> bytes:
    """A line of the log; its cursor tells how many came before."""
    line = {"time": "2026-11-22T11:00:00.000Z", "stream": stream, "message": f"line {number}", "cursor": str(number)}
    return json.dumps(line).encode() + b"\n"


END = json.dumps({"end": "Completed"}).encode() + b"\n"
Turn = Callable[[Asked], Reply]


class LogServer(ScriptedHttp):
    """Serves a log of some lines; the first requests may go otherwise, each by its turn."""

    def __init__(
        self, directory: Path, *, lines: int = 6, turns: list[Turn] | None = None, port: int = 0, stream: str = "s"
    ) -> None:
        self.authority = Authority.create("logs")
        self._lines = lines
        self._stream = stream
        self._turns = list(turns or [])
        super().__init__(self._reply, authority=self.authority, directory=directory, port=port)

    def _reply(self, asked: Asked) -> Reply:
        if self._turns:
            return self._turns.pop(0)(asked)
        return self.whole(asked)

    def whole(self, asked: Asked) -> Reply:
        """The rest of the log, to its end."""
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return told({"error": "who are you?"}, status=401)
        return Reply(pieces=[b"\n", *self.rest(asked), b"\n", END])

    def rest(self, asked: Asked) -> Iterator[bytes]:
        """The lines after the cursor, or the last ones."""
        seen = int(asked.query.get("after", 0))
        first = max(seen, self._lines - int(asked.query["tail"])) if "tail" in asked.query else seen
        return (entry(number, stream=self._stream) for number in range(first + 1, self._lines + 1))

    def service(self, *, authority: Callable[[], str] | None = None, **options: Any) -> LogService:
        """The client."""
        body = BODY | {"status": {"logs": {"service": {"url": self.url, "namespace": "o", "configMap": "ca"}}}}
        where = Where.parse(body, plural="trainingjobs")
        assert where is not None
        return LogService(
            where, **{"authority": authority or self.pem, "token": lambda: TOKEN, "read_seconds": 5.0} | options
        )

    def pem(self) -> str:
        """Its certificate authority."""
        return self.authority.pair.certificate.decode()


def status(code: int, **headers: str) -> Turn:
    """A turn that is refused."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: Reply(status=code, headers=named, pieces=[b"no"])


def broken_after(*pieces: bytes) -> Turn:
    """A turn whose connection breaks after these pieces."""
    return lambda asked: Reply(pieces=pieces, cut=True)


def ended_after(*pieces: bytes) -> Turn:
    """A turn that ends in order, but before the log does."""
    return lambda asked: Reply(pieces=pieces)


def failed_after(*pieces: bytes, error: str = "CloudWatch Logs refuses") -> Turn:
    """A turn that ends with the reason why the log can't be read on."""
    return lambda asked: Reply(pieces=[*pieces, json.dumps({"error": error}).encode() + b"\n"])
