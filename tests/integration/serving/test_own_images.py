"""Own images by the user's mapping: any server that listens on SAGEMAKER_BIND_TO_PORT."""

import sys

import psutil
import pytest
from sagebridge_local.serving import ServingError
from support.waiting import eventually_async

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"
SERVER = """
import http.server, os, sys, time
from pathlib import Path

healthy = True

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if healthy else 500)
        self.end_headers()
    def do_POST(self):
        global healthy
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"slow":
            time.sleep(30)
        if body == b"sicken":
            healthy = False
        if body == b"busy":
            healthy = False
            time.sleep(2)
            healthy = True
        model = Path(os.environ["SM_MODEL_DIR"], "word.txt").read_text()
        custom = self.headers.get("X-Amzn-SageMaker-Custom-Attributes", "")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", custom.upper())
        self.end_headers()
        for piece in (model.encode(), b" ", body, b" ", " ".join(sys.argv[1:]).encode()):
            self.wfile.write(piece)

time.sleep(float(os.environ.get("START_SECONDS", 0)))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def serve(kitchen, tmp_path):
    """Starts the server above."""

    async def start(environment=None, **place):
        program = tmp_path / "server.py"
        program.write_text(SERVER)
        model = kitchen.put("mine.tar.gz", kitchen.archive_of("word.txt", "hello"))
        images = {IMAGE: [sys.executable, str(program)]}
        definition = kitchen.definition(model, image=IMAGE, Environment=environment or {})
        return await kitchen.serve(definition, images=images, **place)

    return start


@pytest.fixture
async def mine(serve):
    return await serve()


async def test_the_command_is_told_to_serve_and_finds_its_model(mine):
    assert (await mine.invoke(b"you", content_type="text/plain")).body == b"hello you serve"


async def test_custom_attributes_pass_both_ways(mine):
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "trace"}

    answer = await mine.invoke(b"", content_type="text/plain", headers=headers)

    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "TRACE"


async def test_an_answer_that_takes_too_long_is_status_0(mine):
    answer = await mine.invoke(b"slow", content_type="text/plain", timeout_seconds=0.2)

    assert answer.status == 0
    assert answer.body.startswith(b"Your invocation timed out while waiting for a response from container primary.")


async def test_an_answer_comes_piece_by_piece(mine):
    answer, pieces = await mine.stream(b"you", content_type="text/plain")

    assert (answer.status, b"".join([piece async for piece in pieces])) == (200, b"hello you serve")


async def test_a_container_that_is_not_healthy_any_more_is_started_again(serve, kitchen):
    server = await serve(health_seconds=0.05)
    await server.invoke(b"sicken", content_type="text/plain")
    assert not await server.ping()
    await eventually_async(server.ping, what="the container, started again")
    answer = await server.invoke(b"you", content_type="text/plain")
    await server.stop()

    assert answer.body == b"hello you serve"
    assert any("does not answer /ping any more" in line for line in kitchen.log("AllTraffic/i-1"))


async def test_a_container_that_works_need_not_answer_pings(serve):
    server = await serve(health_seconds=0.05)

    answer = await server.invoke(b"busy", content_type="text/plain")

    assert (answer.status, answer.body) == (200, b"hello busy serve")


async def test_a_container_that_takes_too_long_to_start_leaves_nothing_running(serve, kitchen):
    with pytest.raises(ServingError, match="did not pass the ping health check"):
        await serve({"START_SECONDS": "3600"}, startup_seconds=1.0)

    assert [each for each in psutil.process_iter(["cmdline"]) if str(kitchen.work_dir.parent) in _command(each)] == []


def _command(process):
    return " ".join(process.info["cmdline"] or [])


async def test_an_image_that_nothing_stands_for_says_what_to_do(kitchen):
    with pytest.raises(ServingError, match=r"can't serve the image .*mine:1.*--image-map"):
        await kitchen.serve(kitchen.definition(image=IMAGE))


async def test_a_command_that_is_not_there_is_named(kitchen):
    with pytest.raises(ServingError, match="/no/such/program can't be started"):
        await kitchen.serve(kitchen.definition(image=IMAGE), images={IMAGE: ["/no/such/program"]})
