"""Own images by the user's mapping: any server that listens on SAGEMAKER_BIND_TO_PORT."""

import sys

import pytest
from sagebridge_local.serving import ServingError

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"
SERVER = """
import http.server, os, sys, time
from pathlib import Path

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"slow":
            time.sleep(30)
        model = Path(os.environ["SM_MODEL_DIR"], "word.txt").read_text()
        custom = self.headers.get("X-Amzn-SageMaker-Custom-Attributes", "")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", custom.upper())
        self.end_headers()
        for piece in (model.encode(), b" ", body, b" ", " ".join(sys.argv[1:]).encode()):
            self.wfile.write(piece)

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
async def mine(kitchen, tmp_path):
    program = tmp_path / "server.py"
    program.write_text(SERVER)
    model = kitchen.put("mine.tar.gz", kitchen.archive_of("word.txt", "hello"))
    images = {IMAGE: [sys.executable, str(program)]}
    return await kitchen.serve(kitchen.definition(model, image=IMAGE), images=images)


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


async def test_an_image_that_nothing_stands_for_says_what_to_do(kitchen):
    with pytest.raises(ServingError, match=r"can't serve the image .*mine:1.*--image-map"):
        await kitchen.serve(kitchen.definition(image=IMAGE))


async def test_a_command_that_is_not_there_is_named(kitchen):
    with pytest.raises(ServingError, match="/no/such/program can't be started"):
        await kitchen.serve(kitchen.definition(image=IMAGE), images={IMAGE: ["/no/such/program"]})
