"""The API server as the test uses it: objects made by the thousand, and collections followed as kubectl shows them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from sagebridge_local.stack import ControlPlane

_AT_ONCE = 32
_TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
_ROWS = {"includeObject": "None"}
_LINE_BYTES = 2**24
_NAME = "Name"
_TOO_MANY = 429

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One object of a collection, as a line of ``kubectl get -o wide``.

    Attributes:
        kind: ADDED, MODIFIED or DELETED.
        cells: by the column's title.
    """

    kind: str
    cells: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What is told at once.

    Attributes:
        rows: what is new.
        version: the resource version up to which all is known then.
    """

    rows: Sequence[Row]
    version: int


class Api:
    """One session with the API server."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    async def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """GET an object or a list."""
        return await self._ask("GET", path, params=parameters)

    async def items(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """All of a collection, page by page."""
        token = ""
        while True:
            page = await self.get(path, limit="500", **({"continue": token} if token else {}))
            for item in page["items"]:
                yield item
            token = page["metadata"].get("continue", "")
            if not token:
                return

    async def make(self, path: str, body: Body) -> None:
        """POST one object."""
        await self._ask("POST", path, json=body)

    async def make_all(self, path: str, bodies: Iterable[Body]) -> None:
        """POST many, some at once, in about their order."""
        pending = iter(bodies)

        async def work() -> None:
            for body in pending:
                await self.make(path, body)

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))

    async def text(self, url: str) -> str:
        """GET what another server of the control plane says."""
        async with self._session.get(url) as response:
            response.raise_for_status()
            return await response.text()

    async def rows(self, path: str) -> list[Row]:
        """A collection as it is now."""
        rows, _ = await self._listed(path)
        return rows

    async def version(self, path: str) -> int:
        """The resource version at which a collection is now."""
        found = await self.get(path, limit="1", **_ROWS)
        return int(found["metadata"]["resourceVersion"])

    async def follow(self, path: str) -> AsyncIterator[News]:
        """A collection, and then each change of it, for ever.

        The API server ends the stream of who can't keep up with it, which is gone on with. Where that can't be, what is
        there is told anew, in one list, with what is gone.
        """
        known: set[str] = set()
        while True:
            rows, version = await self._listed(path)
            there = {row.cells[_NAME] for row in rows}
            gone = [Row(kind="DELETED", cells={_NAME: name}) for name in known - there]
            yield News(rows=gone + rows, version=version)
            known = there
            async for news in self._streams(path, version):
                known.update(row.cells[_NAME] for row in news.rows)
                yield news

    async def _streams(self, path: str, version: int) -> AsyncIterator[News]:
        """One stream after the other, each from where the last has ended, while there is news."""
        before = -1
        while version > before:
            before = version
            async for news in self._watched(path, version):
                version = news.version
                yield news

    async def _watched(self, path: str, version: int) -> AsyncIterator[News]:
        titles: list[str] = []
        options = {**_ROWS, "watch": "true", "resourceVersion": str(version)}
        timeout = aiohttp.ClientTimeout(total=None)
        url = f"{self._server}{path}"
        async with self._session.get(url, params=options, headers=_TABLE, timeout=timeout) as response:
            async for line in response.content:
                event = json.loads(line)
                table = event["object"]
                if event["type"] == "ERROR":
                    return
                # Only the first event has them.
                titles = [column["name"] for column in table.get("columnDefinitions") or ()] or titles
                rows = [Row(kind=event["type"], cells=_named(titles, row["cells"])) for row in table["rows"]]
                yield News(rows=rows, version=int(table["metadata"]["resourceVersion"]))

    async def _listed(self, path: str) -> tuple[list[Row], int]:
        table = await self._ask("GET", path, params=_ROWS, headers=_TABLE)
        titles = [column["name"] for column in table["columnDefinitions"]]
        rows = [Row(kind="ADDED", cells=_named(titles, row["cells"])) for row in table["rows"]]
        return rows, int(table["metadata"]["resourceVersion"])

    async def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Ask until the API server has not too much to do, as every client does."""
        while True:
            async with self._session.request(method, f"{self._server}{path}", **options) as response:
                if response.status != _TOO_MANY:
                    return await _checked(response)
                await asyncio.sleep(float(response.headers.get("Retry-After", "1")))


@asynccontextmanager
async def connected(control_plane: ControlPlane) -> AsyncIterator[Api]:
    """A session of the administrator's."""
    context = ssl.create_default_context(cafile=str(control_plane.certificate_authority))
    headers = {"Authorization": f"Bearer {control_plane.token}"}
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, read_bufsize=_LINE_BYTES, timeout=aiohttp.ClientTimeout(total=300)
    ) as session:
        yield Api(session, control_plane.url)


def _named(titles: Iterable[str], cells: Iterable[Any]) -> dict[str, str]:
    return {title: "" if cell is None else str(cell) for title, cell in zip(titles, cells, strict=True)}


async def _checked(response: aiohttp.ClientResponse) -> dict[str, Any]:
    if response.status >= 300:
        raise RuntimeError(f"{response.method} {response.url}: {await response.text()}")
    found: dict[str, Any] = await response.json()
    return found
