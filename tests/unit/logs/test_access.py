"""Who is given a log, and who is not."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections import Counter
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sagebridge.logs.access import AUDIENCE, ForbiddenError, UnauthenticatedError, Wanted
from sagebridge.logs.server import HTTP_OPTIONS
from sagebridge.logs.story import Pace

from .conftest import (
    API_SERVER,
    EXPIRED,
    OBJECT,
    PATH,
    TOKEN,
    USER,
    World,
    answered,
    attempt,
    bearer,
    messages,
    training_job,
)

OTHER = "/v1/namespaces/other/trainingjobs/digits/logs"


@pytest.mark.parametrize(
    ("reason", "path", "headers", "want"),
    [
        ("no token", PATH, {}, 401),
        ("an empty token", PATH, {"Authorization": "Bearer "}, 401),
        ("a user and a password", PATH, {"Authorization": "Basic dTpw"}, 401),
        ("a token that nobody gave out, or for another audience", PATH, bearer("wrong"), 401),
        ("a token of which the API server says whose it was", PATH, bearer(EXPIRED), 401),
        ("a token that is longer than any", PATH, bearer("x" * 17000), 401),
        ("a token in the query", f"{PATH}?token={TOKEN}", {}, 401),
        ("an object of another namespace, that is there", OTHER, bearer(), 403),
        ("an object that is not there, of which one may not know that", PATH.replace("digits", "no"), bearer(), 403),
        ("another kind of the same name", PATH.replace("trainingjobs", "processingjobs"), bearer(), 403),
        ("a kind that there is not", PATH.replace("trainingjobs", "secrets"), bearer(), 403),
        ("the own object", PATH, bearer(), 200),
        ("the scheme in small letters", PATH, {"Authorization": f"bearer {TOKEN}"}, 200),
    ],
)
async def test_who_may_read(
    client: TestClient[Any, Any], world: World, reason: str, path: str, headers: dict[str, str], want: int
) -> None:
    world.api.objects[OBJECT.replace("team", "other")] = training_job(attempt())
    async with client.get(path, headers=headers) as response:
        assert response.status == want, reason
        if want != 200:
            assert set(await response.json()) == {"error"}
            assert (await response.text()).endswith("}\n"), "a terminal's next line is its own"
            assert not world.logs.asked


@pytest.mark.parametrize(
    ("reason", "path", "want"),
    [
        ("an object that is not there", PATH.replace("digits", "gone"), (404, "is not there")),
        ("a kind without a log", PATH.replace("trainingjobs", "sagemakerendpoints"), (404, "logs are served of")),
    ],
)
async def test_what_is_not_there(
    client: TestClient[Any, Any], world: World, reason: str, path: str, want: tuple[int, str]
) -> None:
    _, _, _, _, plural, name, _ = path.split("/")
    world.api.rights.add((USER, plural, "team", name))
    async with client.get(path, headers=bearer()) as response:
        assert response.status == want[0], reason
        assert want[1] in (await response.json())["error"]


async def test_a_job_that_has_not_begun(client: TestClient[Any, Any], world: World) -> None:
    body = training_job()
    body["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "Q", "message": "It waits."}]
    world.start(body)
    async with client.get(PATH, headers=bearer()) as response:
        assert (response.status, await response.json()) == (409, {"error": "It waits."})
        assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("query", "want"),
    [
        ("?follow=yes", "follow: true or false"),
        ("?tail=-1", "tail: a number"),
        ("?tail=5001", "tail: a number"),
        ("?after=x", "after: not a cursor"),
        ("?after=1.0123456789-zz", "after: not a cursor"),
        ("?after=7", "after: the job has no attempt 7"),
        ("?after=1&tail=3", "tail: not together"),
        ("?since=1h", "since: not known"),
    ],
)
async def test_what_can_not_be_understood(client: TestClient[Any, Any], query: str, want: str) -> None:
    async with client.get(PATH + query, headers=bearer()) as response:
        assert response.status == 400
        assert want in (await response.json())["error"]


async def test_an_api_server_that_is_away(client: TestClient[Any, Any], world: World) -> None:
    world.api.is_away = True
    async with client.get(PATH, headers=bearer()) as response:
        assert (response.status, "Retry-After" in response.headers) == (503, True)


async def test_answers_hold_for_some_seconds(client: TestClient[Any, Any], world: World) -> None:
    for _ in range(3):
        await answered(client)
    assert world.api.reviews == {"tokenreviews": 1, "subjectaccessreviews": 1}
    world.slept += 11
    world.api.users.clear()
    async with client.get(PATH, headers=bearer()) as response:
        assert response.status == 401


async def test_a_token_that_is_known_a_moment_later(client: TestClient[Any, Any], world: World) -> None:
    known, world.api.users = world.api.users, {}
    async with client.get(PATH, headers=bearer()) as response:
        assert response.status == 401
    world.api.users = known
    async with client.get(PATH, headers=bearer()) as response:
        assert response.status == 200


async def test_a_token_is_not_taken_for_another(world: World) -> None:
    wanted = Wanted(plural="trainingjobs", namespace="team", name="digits")
    world.api.users["second"] = {"username": "other", "groups": ["g"], "extra": {"k": ["v"]}}
    await world.access.check(TOKEN, wanted)
    with pytest.raises(ForbiddenError, match="other may not get"):
        await world.access.check("second", wanted)
    with pytest.raises(UnauthenticatedError):
        await world.access.check(TOKEN + "x", wanted)


def claiming(audience: Any) -> str:
    """A token that says whom it is meant for."""
    claims = base64.urlsafe_b64encode(json.dumps({"aud": audience}).encode()).decode().rstrip("=")
    return f"header.{claims}.signature"


@pytest.mark.parametrize(
    ("token", "meant_for", "is_unaware", "is_taken", "reason"),
    [
        (claiming([AUDIENCE]), AUDIENCE, False, True, "it is for the log service alone"),
        (claiming(AUDIENCE), AUDIENCE, False, True, "one audience need not be in a list"),
        (claiming(["vault"]), "vault", False, False, "it is for somebody else"),
        (claiming([AUDIENCE]), "vault", False, False, "it says so, and is for somebody else"),
        (claiming([AUDIENCE]), AUDIENCE, True, False, "whoever has reviewed it knows nothing of audiences"),
        (claiming([API_SERVER]), API_SERVER, False, True, "it is for the API server"),
        (claiming([API_SERVER]), API_SERVER, True, True, "then nobody need know of audiences"),
        (claiming({"a": AUDIENCE}), API_SERVER, False, True, "audiences of no known shape"),
        (claiming(None), API_SERVER, False, True, "none"),
        ("a.!!!.c", API_SERVER, False, True, "claims of no known encoding"),
        ("a.W10.c", API_SERVER, False, True, "claims that are a list"),
        (f"a.{'W1tb' * 1500}.c", API_SERVER, False, True, "claims that are broken off"),
        ("a.b.c.d", API_SERVER, False, True, "no JSON web token"),
    ],
)
async def test_whom_a_token_is_meant_for(
    world: World, token: str, meant_for: str, is_unaware: bool, is_taken: bool, reason: str
) -> None:
    world.api.users[token] = world.api.users[TOKEN]
    world.api.audiences[token] = meant_for
    world.api.is_unaware = is_unaware
    wanted = Wanted(plural="trainingjobs", namespace="team", name="digits")
    if is_taken:
        assert (await world.access.check(token, wanted)).name == USER, reason
        return
    with pytest.raises(UnauthenticatedError):
        await world.access.check(token, wanted)


@pytest.mark.parametrize("lost", ["the token", "the right"])
async def test_who_loses_the_right_is_told_no_more(client: TestClient[Any, Any], world: World, lost: str) -> None:
    world.put((1, "one"))
    async with client.get(f"{PATH}?follow=true", headers=bearer()) as response:
        assert b"one" in await response.content.readline()
        if lost == "the token":
            world.api.users.clear()
        else:
            world.api.rights.clear()
        world.slept += 100
        rest = (await response.content.read()).decode()
    assert ("no longer accepted" if lost == "the token" else "may not get") in rest


async def test_a_token_is_never_logged(
    client: TestClient[Any, Any], world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await answered(client)
    world.api.is_away = True
    world.slept += 11
    async with client.get(PATH, headers=bearer()):
        pass
    world.api.is_away = False
    for garbled in (f"{TOKEN}\x00", TOKEN * 5000):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"GET {PATH} HTTP/1.1\r\nAuthorization: Bearer {garbled}\r\n\r\n".encode())
        assert b" 400 " in await reader.readline()
        writer.close()
    async with client.get(OTHER, headers=bearer()):
        pass
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(vars(world.access))


@pytest.mark.parametrize("token", [b"caf\xc3\xa9", b"caf\xe9", b"\xff"], ids=["UTF-8", "Latin", "nothing"])
async def test_a_token_that_is_no_text(client: TestClient[Any, Any], world: World, token: bytes) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ".encode() + token + b"\r\n\r\n")
    assert b" 401 " in await reader.readline()
    writer.close()
    assert not world.api.reviews


async def test_who_makes_up_tokens_keeps_nobody_else_waiting(world: World) -> None:
    wanted = Wanted(plural="trainingjobs", namespace="team", name="digits")
    world.api.answers = asyncio.Event()
    flood = [asyncio.create_task(world.access.check(f"made-up-{n}", wanted, peer="10.0.0.6")) for n in range(300)]
    honest = asyncio.create_task(world.access.check(TOKEN, wanted, peer="10.0.0.7"))
    await asyncio.wait({honest}, timeout=0.05)
    world.api.answers.set()
    assert (await honest).name == USER
    refused = Counter(type(one).__name__ for one in await asyncio.gather(*flood, return_exceptions=True))
    assert refused == {"UnauthenticatedError": 32, "BusyError": 268}


@pytest.mark.parametrize(
    ("reason", "begun"),
    [
        ("nothing", ""),
        ("half a line", "GET "),
        ("half of the headers", f"GET {PATH} HTTP/1.1\r\nHost: x\r\n"),
    ],
)
async def test_who_does_not_end_their_request_is_let_go(world: World, reason: str, begun: str) -> None:
    assert 0 < HTTP_OPTIONS["keepalive_timeout"] <= 10
    server = TestServer(world.server().application())
    await server.start_server(**HTTP_OPTIONS | {"keepalive_timeout": 0.1})
    async with server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(begun.encode())
        assert await reader.read() == b"", reason
        writer.close()


async def test_a_request_with_more_headers_than_any(client: TestClient[Any, Any]) -> None:
    headers = {f"X-{number}": "y" for number in range(40)}
    async with client.get(PATH, headers=bearer() | headers) as response:
        assert response.status == 400


async def test_a_script_can_not_end_the_line(client: TestClient[Any, Any], world: World) -> None:
    world.start(training_job(attempt(), over="Completed"))
    world.put((1, 'a"\n{"end":"x"}\x1b[31m'), (2, "caf\u00e9"))
    assert messages(await answered(client)) == ['a"{"end":"x"}', "caf\u00e9", "end: Completed"]


def test_real_times_are_the_default() -> None:
    assert Pace().pause <= 1
