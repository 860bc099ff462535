"""Streamed invocations: every piece is let go, and what goes wrong has its own code."""

import json
import struct

import pytest
from sagebridge_local.sagemaker.resources import ENDPOINT
from sagebridge_local.serving.pieces import BrokenOffError, Pieces
from sagebridge_local.serving.records import Invocation

STREAM = "InvokeEndpointWithResponseStream"


class Fleet:
    """Answers every stream with a first piece and then an error, and notes what was closed."""

    def __init__(self, *, status: int = 200, error: Exception | None = None) -> None:
        self.status = status
        self.error = error
        self.closed = 0

    async def stream(self, variant, request):
        del variant, request

        async def pieces():
            yield b"one"
            if self.error is not None:
                raise self.error

        answer = Invocation(status=self.status, body=b"", content_type="text/plain")
        return answer, Pieces(pieces(), on_close=self._close)

    def stop(self) -> None:
        """Nothing runs."""

    def _close(self) -> None:
        self.closed += 1


@pytest.fixture
async def stand_in(host):
    """An endpoint that serves, and puts a stand-in for what answers."""
    await host.serving()
    endpoint = host.call.service.store.resources(ENDPOINT, account="123456789012", region="us-east-1").get("e1")

    def put(fleet: Fleet) -> Fleet:
        endpoint.fleet.hosted = fleet
        return fleet

    return put


def _events(body: bytes) -> list[bytes]:
    found = []
    while body:
        whole, headers = struct.unpack(">II", body[:8])
        found.append(body[12 + headers : whole - 4])
        body = body[whole:]
    return found


async def test_a_stream_that_failed_is_let_go(host, stand_in):
    fleet = stand_in(Fleet(status=500))

    reply = await host.invoke(operation=STREAM)

    assert (reply.code, fleet.closed) == ("ModelError", 1)


@pytest.mark.parametrize("fault", [{"kind": "lost-reply"}, {"kind": "malformed", "body": "?"}])
async def test_a_stream_that_a_fault_swallows_is_let_go(host, stand_in, fault):
    fleet = stand_in(Fleet())
    host.call.admin("POST", "faults", operation=STREAM, **fault)

    await host.invoke(operation=STREAM)

    assert fleet.closed == 1


async def test_a_stream_is_let_go_by_who_has_the_reply(host, stand_in):
    fleet = stand_in(Fleet())

    reply = await host.invoke(operation=STREAM)
    before = fleet.closed
    reply.close()
    reply.close()

    assert (before, fleet.closed) == (0, 1)


@pytest.mark.parametrize(
    ("error", "code"),
    [(BrokenOffError("gone"), "StreamBroken"), (TimeoutError(), "ModelInvocationTimeExceeded")],
)
async def test_a_model_that_breaks_off_ends_the_stream_with_its_code(host, stand_in, error, code):
    stand_in(Fleet(error=error))

    reply = await host.invoke(operation=STREAM)
    first, last = _events(b"".join([piece async for piece in reply.pieces]))

    assert (first, json.loads(last)["ErrorCode"]) == (b"one", code)
