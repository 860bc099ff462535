"""The HTTPS server of the log service: ``GET /v1/namespaces/{namespace}/{plural}/{name}/logs`` (docs/logs.md)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from sagebridge.core.job import Job
from sagebridge.core.logs.cursor import Cursor, CursorError
from sagebridge.kube.errors import KubeError
from sagebridge.logs.access import Access, BusyError, ForbiddenError, UnauthenticatedError, Wanted
from sagebridge.logs.following import End, Follower, Told, Wish, check
from sagebridge.logs.jobs import Jobs, NoLogError, NotBegunError
from sagebridge.logs.limits import OpenStreams
from sagebridge.logs.listener import Listener
from sagebridge.logs.story import UnreadableError
from sagebridge.metrics import Metrics

logger = logging.getLogger(__name__)

MOST_TAIL: Final = 5000
_PATH: Final = "/v1/namespaces/{namespace}/{plural}/{name}/logs"
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LONGEST_TOKEN: Final = 1 << 14
_LONGEST_LINE: Final = 1 << 17
_RETRY_SECONDS: Final = 5
_SHUTDOWN_SECONDS: Final = 1.0


def _silent() -> logging.Logger:
    """A logger that logs nothing."""
    found = logging.getLogger("sagebridge.logs.http")
    found.disabled = True
    return found


HTTP_OPTIONS: Final[dict[str, Any]] = {
    # aiohttp logs parts of the headers that it can't read, and they may be a token's.
    "access_log": None,
    "logger": _silent(),
    "max_line_size": _LONGEST_LINE,
    "max_field_size": _LONGEST_TOKEN + 1024,
    "max_headers": 32,
    # It counts from the connection's begin, too: so long may a request take until it is whole.
    "keepalive_timeout": 10.0,
}
"""How the server speaks HTTP."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Seconds.

    Attributes:
        keep_alive: Silence after which an empty line is sent.
        recheck: Time after which who follows is asked for their token and rights again.
        stuck: Time after which somebody who takes nothing is let go.
        clock: Seconds, monotonic.
    """

    keep_alive: float = 10.0
    recheck: float = 60.0
    stuck: float = 120.0
    clock: Callable[[], float] = time.monotonic


class BadRequestError(Exception):
    """The request can't be understood; the message says what is wrong."""


_ANSWERS: Final[Mapping[type[Exception], int]] = {
    BadRequestError: 400,
    CursorError: 400,
    UnauthenticatedError: 401,
    ForbiddenError: 403,
    NoLogError: 404,
    NotBegunError: 409,
    BusyError: 429,
    KubeError: 503,
}


class LogServer:
    """Answers those who may read."""

    def __init__(
        self,
        *,
        access: Access,
        jobs: Jobs,
        follower: Follower,
        streams: OpenStreams,
        metrics: Metrics,
        times: Times | None = None,
    ) -> None:
        self._access = access
        self._jobs = jobs
        self._follower = follower
        self._streams = streams
        self._metrics = metrics
        self._times = times or Times()
        self._closing = asyncio.Event()

    async def run(self, *, host: str, port: int, context: ssl.SSLContext, most_connections: int) -> None:
        """Serve until cancelled; then the streams end at once.

        Args:
            host: The address to listen on.
            port: Its port.
            context: The TLS.
            most_connections: How many there are at most; others are closed before anything is read of them.
        """
        runner = web.AppRunner(
            self.application(), handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS, **HTTP_OPTIONS
        )
        await runner.setup()
        server = runner.server
        assert server is not None
        listener = Listener(
            factory=server, served=lambda: len(server.connections), context=context, most=most_connections
        )
        try:
            await listener.run(host=host, port=port)
        finally:
            self._closing.set()
            await runner.cleanup()

    def application(self) -> web.Application:
        """What is served."""
        application = web.Application()
        application.add_routes([web.get(_PATH, self._answer, allow_head=False)])
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            token, wanted = _token(request), _wanted(request)
            user = await self._access.check(token, wanted, peer=_peer(request))
            wish = _wish(request)
            with self._streams.opened(user.name, wanted.namespace):
                job = await self._jobs.begun(wanted)
                check(job, wish.after)
                return await self._stream(request, _Stream(token, _peer(request), wanted, job, wish))
        except tuple(_ANSWERS) as error:
            return _refusal(error)
        except Exception:
            logger.exception("A log can't be served")
            raise

    async def _stream(self, request: web.Request, stream: _Stream) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
        await response.prepare(request)
        async with contextlib.aclosing(self._follower.follow(stream.wanted, stream.job, stream.wish)) as source:
            items = _Items(source)
            try:
                await self._send_all(response, items, stream)
            except UnreadableError as error:
                await self._write(response, _json({"error": str(error)}))
            except (TimeoutError, ConnectionError):
                # Nobody takes it: closing in order would wait for them as well.
                if request.transport is not None:
                    request.transport.abort()
            finally:
                await items.close()
        return response

    async def _send_all(self, response: web.StreamResponse, items: _Items, stream: _Stream) -> None:
        checked_at = self._times.clock()
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            while not closing.done():
                found = await items.next(self._times.keep_alive, closing)
                if items.is_done:
                    return
                await self._send(response, found)
                if self._times.clock() - checked_at >= self._times.recheck:
                    checked_at = self._times.clock()
                    await self._check_again(stream)
        finally:
            closing.cancel()

    async def _check_again(self, stream: _Stream) -> None:
        """A token ends, and rights are taken away, while somebody follows for hours."""
        try:
            await self._access.check(stream.token, stream.wanted, peer=stream.peer)
        except UnauthenticatedError:
            raise UnreadableError("the token is no longer accepted: come again with a new one") from None
        except ForbiddenError as error:
            raise UnreadableError(str(error)) from None
        except (BusyError, KubeError):
            logger.debug("A reader's rights can't be checked again now")

    async def _send(self, response: web.StreamResponse, found: list[Told] | End | None) -> None:
        if isinstance(found, End):
            await self._write(response, _json({"end": found.reason}))
        elif found is None:
            await self._write(response, b"\n")
        else:
            await self._write(response, b"".join(_json(_told(one)) for one in found))
            self._metrics.log_lines.inc(len(found))

    async def _write(self, response: web.StreamResponse, content: bytes) -> None:
        """Wait until there is room for it: who takes nothing for long is let go, and comes again with a cursor."""
        async with asyncio.timeout(self._times.stuck):
            await response.write(content)


@dataclass(frozen=True, slots=True)
class _Stream:
    token: str
    peer: str
    wanted: Wanted
    job: Job
    wish: Wish

    def __repr__(self) -> str:
        return f"_Stream({self.wanted})"


class _Items:
    """What a generator gives, one after the other; waiting for it can be given up and taken up again."""

    def __init__(self, source: AsyncGenerator[list[Told] | End, None]) -> None:
        self._source = source
        self._coming: asyncio.Task[list[Told] | End] | None = None
        self.is_done = False

    async def next(self, seconds: float, closing: asyncio.Future[Any]) -> list[Told] | End | None:
        """What comes next; None after so many seconds, or when all is over."""
        if self._coming is None:
            self._coming = asyncio.create_task(self._next())
        await asyncio.wait({self._coming, closing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._coming.done():
            return None
        coming, self._coming = self._coming, None
        try:
            return coming.result()
        except StopAsyncIteration:
            self.is_done = True
            return None

    async def close(self) -> None:
        """Wait for nothing more."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})

    async def _next(self) -> list[Told] | End:
        return await anext(self._source)


def _peer(request: web.Request) -> str:
    return request.remote or ""


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii() or len(token) > _LONGEST_TOKEN:
        raise UnauthenticatedError
    return token


def _wanted(request: web.Request) -> Wanted:
    found = {key: request.match_info[key] for key in ("plural", "namespace", "name")}
    for key, value in found.items():
        if not _NAME.fullmatch(value):
            raise BadRequestError(f"{key}: not a name: {value[:100]!r}")
    return Wanted(**found)


def _wish(request: web.Request) -> Wish:
    query = request.query
    unknown = sorted(query.keys() - {"follow", "after", "tail"})
    if unknown:
        raise BadRequestError(f"{unknown[0][:100]}: not known; there are follow, after and tail")
    if query.get("follow", "false") not in ("true", "false"):
        raise BadRequestError("follow: true or false")
    tail = query.get("tail")
    if tail is not None and not (re.fullmatch(r"[0-9]{1,4}", tail) and int(tail) <= MOST_TAIL):
        raise BadRequestError(f"tail: a number of lines from 0 to {MOST_TAIL}")
    if tail is not None and "after" in query:
        raise BadRequestError("tail: not together with after")
    after = _cursor(query["after"]) if "after" in query else None
    return Wish(follow=query.get("follow") == "true", after=after, tail=None if tail is None else int(tail))


def _cursor(text: str) -> Cursor:
    try:
        return Cursor.parse(text)
    except CursorError:
        raise BadRequestError("after: not a cursor that was given out here") from None


def _refusal(error: Exception) -> web.Response:
    status = next(status for kind, status in _ANSWERS.items() if isinstance(error, kind))
    headers = {"Retry-After": str(_RETRY_SECONDS)} if status in (409, 429, 503) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    text = {401: "a token of a service account or user of this cluster is needed", 503: "the API server can't be asked"}
    content = _json({"error": text.get(status, str(error))})
    return web.Response(body=content, content_type="application/json", charset="utf-8", status=status, headers=headers)


def _told(one: Told) -> dict[str, str]:
    moment = datetime.fromtimestamp(one.line.timestamp / 1000, tz=UTC)
    return {
        "time": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z",
        "stream": one.line.stream,
        "message": one.line.text,
        "cursor": one.cursor,
    }


def _json(content: Mapping[str, str]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"
