"""A container's life: what it does when its port, its program or its model is not to be had."""

import asyncio
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sagebridge.runtime.s3 import Connection
from sagebridge_local.serving import ModelServer, Workplace, containers_of
from sagebridge_local.serving.ports import PORTS, Ports
from support.waiting import eventually_async

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"
SERVER = f"""#!{sys.executable}
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"vanish":
            os.rename(sys.argv[0], sys.argv[0] + ".away")
            os._exit(1)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")

http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
WHOLE, CHUNK = 7 * 1024 * 1024, 64 * 1024


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "server.py"
    path.write_text(SERVER)
    path.chmod(0o755)
    return path


@pytest.fixture
def stranger():
    """Somebody else's server, which is not well."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


async def test_a_port_that_was_taken_meanwhile_is_given_up_for_another(kitchen, program, stranger, monkeypatch):
    ports, take = iter([stranger]), PORTS.take
    monkeypatch.setattr(PORTS, "take", lambda: next(ports, None) or take())

    server = await kitchen.serve(kitchen.definition(image=IMAGE), images={IMAGE: [str(program)]})

    assert (await server.invoke(b"", content_type="text/plain")).body == b"here"


async def test_a_container_whose_program_is_gone_is_started_once_it_is_back(kitchen, program):
    server = await kitchen.serve(kitchen.definition(image=IMAGE), images={IMAGE: [str(program)]})
    assert (await server.invoke(b"vanish", content_type="text/plain")).status == 0

    async def said():
        return any("can't be started again" in line for line in await asyncio.to_thread(_lines, kitchen))

    await eventually_async(said, what="a word about the program that is gone")
    program.with_name("server.py.away").rename(program)
    await eventually_async(server.ping, what="an answer")

    assert (await server.invoke(b"", content_type="text/plain")).body == b"here"


def _lines(kitchen):
    return kitchen.log("AllTraffic/i-1")


def test_no_port_is_given_to_two(monkeypatch):
    free = iter([7001, 7001, 7002, 7001])
    monkeypatch.setattr("sagebridge_local.serving.ports._free_port", lambda: next(free))
    ports = Ports()

    first, second = ports.take(), ports.take()
    ports.give_back(first)

    assert (first, second, ports.take()) == (7001, 7002, 7001)


class _SlowS3(ThreadingHTTPServer):
    """Sends one object at a walking pace, and notes how far it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SlowObject)
        self.sent = 0
        self.under_way = threading.Event()


class _SlowObject(BaseHTTPRequestHandler):
    server: _SlowS3

    def do_HEAD(self):
        self._head(WHOLE)

    def do_POST(self):  # CloudWatch Logs
        self.rfile.read(int(self.headers["Content-Length"]))
        self._head(2)
        self.wfile.write(b"{}")

    def do_GET(self):
        self._head(WHOLE)
        try:
            while self.server.sent < WHOLE:
                self.wfile.write(bytes(CHUNK))
                self.server.sent += CHUNK
                self.server.under_way.set()
                time.sleep(0.1)
        except OSError:
            return

    def _head(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def slow_s3():
    server = _SlowS3()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


async def test_a_transfer_ends_with_what_it_is_for(slow_s3, kitchen, tmp_path):
    connection = Connection.of(
        endpoint_url=f"http://127.0.0.1:{slow_s3.server_address[1]}", region="us-west-2", credentials={}
    )
    place = Workplace(
        work_dir=tmp_path / "copy", connection=connection, log_group="g", log_stream="s", settings=kitchen.settings
    )
    definition = kitchen.definition("s3://bucket/model.tar.gz")
    starting = asyncio.create_task(ModelServer.start(containers_of({"PrimaryContainer": definition}), place))
    await asyncio.to_thread(slow_s3.under_way.wait)

    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)

    assert starting.cancelled()
    assert slow_s3.sent < WHOLE
    assert not (tmp_path / "copy").exists()
