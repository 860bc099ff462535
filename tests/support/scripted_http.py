"""An HTTP server that answers as a test says: whole, piece by piece, or broken off; with TLS where it has a key."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from sagebridge_local.stack.certificates import Authority


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; what is `cut` breaks off after its pieces, without the end that HTTP has for it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] = ()
    cut: bool = False


def told(content: Any, *, status: int = 200) -> Reply:
    """A JSON document."""
    return Reply(status=status, pieces=[json.dumps(content).encode()])


class ScriptedHttp:
    """The server.

    Args:
        answer: what it says to each request; may wait.
        authority: signs its certificate; plain HTTP if None.
        directory: where its key is kept while it runs.
    """

    def __init__(
        self,
        answer: Callable[[Asked], Reply],
        *,
        authority: Authority | None = None,
        directory: Path | None = None,
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._scheme = "http"
        if authority is not None:
            assert directory is not None
            self._secure(authority, directory)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def _secure(self, authority: Authority, directory: Path) -> None:
        pair = authority.server("scripted")
        certificate, key = directory / "tls.crt", directory / "tls.key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._scheme = "https"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (OSError, ssl.SSLError):
                    self.close_connection = True

            def respond(self) -> None:
                asked = self._read()
                scripted.asked.append(asked)
                self._write(scripted.answer(asked))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815

            def _read(self) -> Asked:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                return Asked(
                    method=self.command,
                    path=parts.path,
                    query=dict(parse_qsl(parts.query)),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=json.loads(body) if body else None,
                )

            def _write(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in ({"Content-Type": "application/json"} | reply.headers).items():
                    self.send_header(name, value)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in filter(None, reply.pieces):
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                    self.wfile.flush()
                if reply.cut:
                    self.close_connection = True
                else:
                    self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
