"""The HTTP server: /ping, /invocations, and /models for several models."""

from __future__ import annotations

import json
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from . import payloads
from .lines import end_lines
from .models import ManyModels, NoRoomError, OneModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .handler import Handler


class Server(ThreadingHTTPServer):
    """Listens on loopback; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *, port: int, models: OneModel | ManyModels) -> None:
        self.models = models
        super().__init__(("127.0.0.1", port), _Request)


class _Request(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    # A reply leaves in one piece: halves would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        models = self.server.models
        if path == "/ping":
            self._send(200, b"")
        elif isinstance(models, ManyModels) and path == "/models":
            self._send_json(200, {"models": models.listed()})
        elif isinstance(models, ManyModels) and path.startswith("/models/"):
            found = [each for each in models.listed() if each["modelName"] == _model_name(path)]
            self._send_json(200, found[0]) if found else self._send_json(404, {"error": "no such model"})
        else:
            self._send_json(404, {"error": f"GET {path} is not served here"})

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        models = self.server.models
        if isinstance(models, OneModel):
            if path == "/invocations":
                self._invoke(models.handler, body)
                return
        elif path == "/models":
            self._load(models, json.loads(body))
            return
        elif path.startswith("/models/") and path.endswith("/invoke"):
            handler = models.get(_model_name(path))
            if handler:
                self._invoke(handler, body)
            else:
                self._send_json(404, {"error": f"model {_model_name(path)} is not loaded"})
            return
        self._send_json(404, {"error": f"POST {path} is not served here"})

    def do_DELETE(self) -> None:
        path = urlsplit(self.path).path
        models = self.server.models
        if isinstance(models, ManyModels) and models.unload(_model_name(path)):
            self._send_json(200, {})
        else:
            self._send_json(404, {"error": f"{path} is not loaded"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        if self.path != "/ping":
            sys.stderr.write(f"{self.address_string()} {format % args}\n")

    def _load(self, models: ManyModels, wanted: dict[str, str]) -> None:
        try:
            loaded = models.load(wanted["model_name"], wanted["url"])
        except NoRoomError as error:
            self._send_json(507, {"error": str(error)})
        except Exception as error:  # noqa: BLE001  the user's code may raise anything
            self._fail(error)
        else:
            self._send_json(200 if loaded else 409, {})

    def _invoke(self, handler: Handler, body: bytes) -> None:
        content_type = self.headers.get("Content-Type") or payloads.JSON
        try:
            result, given = self._result(handler, body, content_type)
        except payloads.UnsupportedTypeError as error:
            self._send(415, str(error).encode(), "text/plain")
        except Exception as error:  # noqa: BLE001  the user's code may raise anything
            self._fail(error)
        else:
            if isinstance(result, bytes | bytearray | str):
                self._send(200, _raw(result), given)
            else:
                self._stream(iter(result), given)

    def _result(self, handler: Handler, body: bytes, content_type: str) -> tuple[Any, str]:
        try:
            return handler.respond(body, content_type=content_type, accept=self.headers.get("Accept") or "")
        finally:
            end_lines()

    def _fail(self, error: Exception) -> None:
        traceback.print_exception(error)
        self._send(500, "".join(traceback.format_exception_only(error)).strip().encode(), "text/plain")

    def _send_json(self, status: int, content: Any) -> None:
        self._send(status, json.dumps(content).encode(), payloads.JSON)

    def _send(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _stream(self, pieces: Iterator[Any], content_type: str) -> None:
        """A result that comes in pieces is sent in pieces."""
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._send_pieces(pieces)
        finally:
            end_lines()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _send_pieces(self, pieces: Iterator[Any]) -> None:
        for piece in pieces:
            data = _raw(piece)
            if data:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()


def _model_name(path: str) -> str:
    return unquote(path.removeprefix("/models/").removesuffix("/invoke"))


def _raw(data: Any) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)
