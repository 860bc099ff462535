"""Multi-model containers: https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html."""

import asyncio
import json
import sys

import pytest
from sagebridge_local.serving import ServingError
from support.waiting import eventually_async

NAMED = """
    def model_fn(model_dir):
        return "{name}"

    def transform_fn(model, body, content_type, accept):
        return model, "text/plain"
"""


@pytest.fixture
def shelf(kitchen):
    """A prefix with three models."""
    for name in ("a", "b", "c"):
        kitchen.model(NAMED.format(name=name), key=f"shelf/{name}.tar.gz")
    return f"s3://{kitchen.bucket}/shelf/"


async def _ask(server, name):
    return (await server.invoke(b"", content_type="text/plain", target_model=f"{name}.tar.gz")).body.decode()


async def test_models_are_loaded_at_their_first_invocation(kitchen, shelf):
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel"))
    assert server.loaded_models() == []

    assert [await _ask(server, name) for name in "aba"] == ["a", "b", "a"]
    assert server.loaded_models() == ["b.tar.gz", "a.tar.gz"]


async def test_the_least_recently_used_makes_room(kitchen, shelf):
    environment = {"SAGEBRIDGE_LOCAL_MAX_MODELS": "2"}
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel", Environment=environment))

    assert [await _ask(server, name) for name in "abac"] == list("abac")
    assert server.loaded_models() == ["a.tar.gz", "c.tar.gz"]
    assert await _ask(server, "b") == "b"


async def test_a_model_that_is_not_there_is_named_with_bucket_and_key(kitchen, shelf):
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel"))

    with pytest.raises(ServingError, match=rf"bucket: {kitchen.bucket}, key: shelf/z.tar.gz"):
        await _ask(server, "z")


async def test_a_new_model_needs_no_restart(kitchen, shelf):
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel"))
    await _ask(server, "a")
    kitchen.model(NAMED.format(name="d"), key="shelf/d.tar.gz")

    assert await _ask(server, "d") == "d"


async def test_without_caching_a_model_leaves_after_its_invocation(kitchen, shelf):
    uncached = {"ModelCacheSetting": "Disabled"}
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel", MultiModelConfig=uncached))

    assert await _ask(server, "a") == "a"
    assert server.loaded_models() == []


async def test_a_model_that_can_not_be_loaded_is_the_models_failure_and_may_be_mended(kitchen, shelf):
    broken = """
        def model_fn(model_dir):
            raise ValueError("no weights")
    """
    kitchen.model(broken, key="shelf/broken.tar.gz")
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel"))

    answer = await server.invoke(b"", content_type="text/plain", target_model="broken.tar.gz")
    kitchen.model(NAMED.format(name="mended"), key="shelf/broken.tar.gz")

    assert (answer.status, answer.container) == (500, "primary")
    assert b"Failed to load model broken.tar.gz: ValueError: no weights" in answer.body
    assert await _ask(server, "broken") == "mended"


async def test_a_model_for_which_there_is_no_room_is_status_507(kitchen, shelf):
    server = await kitchen.serve(
        kitchen.definition(shelf, Mode="MultiModel", Environment={"SAGEBRIDGE_LOCAL_MAX_MODELS": "0"})
    )

    assert (await server.invoke(b"", content_type="text/plain", target_model="a.tar.gz")).status == 507


SLOW = """
    import time
    from pathlib import Path

    def model_fn(model_dir):
        Path("{gate}.begun").touch()
        while not Path("{gate}").exists():
            time.sleep(0.05)
        return "slow"

    def transform_fn(model, body, content_type, accept):
        return model, "text/plain"
"""


async def test_a_model_that_loads_slowly_holds_no_other_back(kitchen, shelf, tmp_path):
    gate = tmp_path / "gate"
    kitchen.model(SLOW.format(gate=gate), key="shelf/slow.tar.gz")
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel"))
    await _ask(server, "a")
    slow = asyncio.create_task(_ask(server, "slow"))

    async def begun():
        return gate.with_name("gate.begun").exists()

    await eventually_async(begun, what="the slow model's loading")
    async with asyncio.timeout(60):
        meanwhile = await _ask(server, "a")
    waits = not slow.done()
    gate.touch()

    assert (meanwhile, waits, await slow) == ("a", True, "slow")


RECORDER = """
import http.server, json, os, pathlib

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.command == "DELETE" and os.environ.get("KEEPS"):
            raise ConnectionError
        if self.path != "/ping":
            target = self.headers.get("X-Amzn-SageMaker-Target-Model")
            method = self.path if self.path.endswith("/invoke") else ""
            with pathlib.Path(os.environ["RECORD"]).open("a") as file:
                file.write(json.dumps([self.command, method.rpartition("/")[2], target]) + "\\n")
        self.send_response(200)
        self.end_headers()
    do_GET = do_POST = do_DELETE = answer

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def recorder(kitchen, shelf, tmp_path):
    """Starts the server above, whose models leave after each invocation; it writes to a file what it is asked."""
    image = "123456789012.dkr.ecr.us-west-2.amazonaws.com/recorder:1"
    program, record = tmp_path / "recorder.py", tmp_path / "record"
    program.write_text(RECORDER)

    async def start(**environment):
        members = {"MultiModelConfig": {"ModelCacheSetting": "Disabled"}}
        definition = kitchen.definition(
            shelf, image=image, Mode="MultiModel", Environment={"RECORD": str(record), **environment}, **members
        )
        return await kitchen.serve(definition, images={image: [sys.executable, str(program)]}), record

    return start


async def test_an_answer_counts_though_its_model_can_not_be_unloaded(recorder):
    server, _ = await recorder(KEEPS="yes")

    assert (await server.invoke(b"", content_type="text/plain", target_model="a.tar.gz")).status == 200


async def test_the_target_model_is_named_in_every_request(recorder):
    server, record = await recorder()
    await server.invoke(b"", content_type="text/plain", target_model="a.tar.gz")

    assert [json.loads(line) for line in record.read_text().splitlines()] == [
        ["POST", "", "a.tar.gz"],
        ["POST", "invoke", "a.tar.gz"],
        ["DELETE", "", "a.tar.gz"],
    ]
