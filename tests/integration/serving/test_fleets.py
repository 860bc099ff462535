"""Fleets of endpoints: what they let go, and when."""

import asyncio
import math
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sagebridge_local.sagemaker.clock import SystemClock
from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint, Fleet, Variant
from sagebridge_local.sagemaker.endpoints.hosting import Request
from sagebridge_local.sagemaker.endpoints.processes import ProcessFleet, ProcessHosting
from sagebridge_local.sagemaker.machine import Machine
from sagebridge_local.serving.pieces import BrokenOffError

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"
SERVER = """
import http.server, os, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500 if body == b"fail" else 200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\\r\\none\\r\\n")
        if body == b"die":
            os._exit(1)
        if body == b"stall":
            time.sleep(600)
        self.wfile.write(b"3\\r\\ntwo\\r\\n0\\r\\n\\r\\n")

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
# Far more than an end takes; a fleet that waits for its invocations here waits for ever.
PATIENCE = 60.0


@dataclass
class Reports:
    """What a hosting reported."""

    reason: str = ""
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self, at: float) -> None:
        del at
        self.told.set()

    def failed(self, reason: str, at: float) -> None:
        del at
        self.reason = reason
        self.told.set()


@dataclass
class Harbour:
    """Launches fleets of one variant, whose drain never ends by itself."""

    hosting: ProcessHosting
    model: dict
    work_dir: Path

    def files(self) -> list[Path]:
        return [path for path in self.work_dir.rglob("*") if path.is_file()]

    async def launch(self) -> tuple[ProcessFleet, Variant]:
        name = f"e-{uuid.uuid4().hex[:8]}"
        variant = Variant.of({"VariantName": "AllTraffic", "InitialInstanceCount": 1}, self.model)
        fleet = Fleet(config_name="c", config={}, variants=[variant])
        endpoint = Endpoint(
            name=name,
            arn=f"arn:aws:sagemaker:us-west-2:123456789012:endpoint/{name}",
            account="123456789012",
            region="us-west-2",
            request={},
            creation_time=0.0,
            last_modified_time=0.0,
            config_name="c",
        )
        reports = Reports()
        hosted = self.hosting.launch(endpoint, fleet, listener=reports, at=0.0)
        async with asyncio.timeout(PATIENCE):
            await reports.told.wait()
        assert reports.reason == ""
        return hosted, variant


@pytest.fixture
async def harbour(kitchen, tmp_path):
    program = tmp_path / "server.py"
    program.write_text(SERVER)
    url = kitchen.put("mine.tar.gz", kitchen.archive_of("word.txt", "hello"))
    machine = Machine(
        work_dir=tmp_path / "endpoints",
        endpoint_url=kitchen.endpoint_url,
        images={IMAGE: [sys.executable, str(program)]},
        runtime=kitchen.settings,
    )
    hosting = ProcessHosting(machine, clock=SystemClock(), drain_seconds=math.inf)
    yield Harbour(
        hosting, {"PrimaryContainer": kitchen.definition(url, image=IMAGE), "ExecutionRoleArn": "r"}, machine.work_dir
    )
    await hosting.close()


def request(body: bytes, *, seconds: float = PATIENCE) -> Request:
    return Request(body=body, content_type="text/plain", headers={}, timeout_seconds=seconds)


async def _read(pieces, *, into: list[bytes]) -> None:
    async for piece in pieces:
        into.append(piece)  # noqa: PERF401  what came before an error counts


async def _ends(fleet: ProcessFleet) -> None:
    fleet.stop()
    async with asyncio.timeout(PATIENCE):
        await fleet.gone()


@pytest.mark.parametrize(("body", "status"), [(b"fail", 500), (b"well", 200)])
async def test_a_stream_that_nobody_reads_holds_no_fleet(harbour, body, status):
    fleet, variant = await harbour.launch()
    answer, pieces = await fleet.stream(variant, request(body))
    pieces.close()

    await _ends(fleet)

    assert answer.status == status
    assert [piece async for piece in pieces] == []


async def test_a_fleet_that_is_gone_leaves_no_files(harbour):
    fleet, _ = await harbour.launch()
    before = harbour.files()

    await _ends(fleet)

    assert any(path.name == "word.txt" for path in before)
    assert harbour.files() == []


async def test_a_fleet_waits_for_a_stream_until_it_is_closed(harbour):
    fleet, variant = await harbour.launch()
    _, pieces = await fleet.stream(variant, request(b"well"))
    fleet.stop()
    gone = asyncio.create_task(fleet.gone())

    body = b"".join([piece async for piece in pieces])
    waits = not gone.done()
    pieces.close()
    async with asyncio.timeout(PATIENCE):
        await gone

    assert (body, waits) == (b"onetwo", True)


@pytest.mark.parametrize(
    ("body", "seconds", "error"), [(b"die", PATIENCE, BrokenOffError), (b"stall", 3.0, TimeoutError)]
)
async def test_a_stream_that_breaks_off_says_how(harbour, body, seconds, error):
    fleet, variant = await harbour.launch()
    _, pieces = await fleet.stream(variant, request(body, seconds=seconds))
    found = []

    with pytest.raises(error):
        await _read(pieces, into=found)
    pieces.close()
    await _ends(fleet)

    assert b"".join(found) == b"one"
