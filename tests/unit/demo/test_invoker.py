"""Invocations over HTTP: what is sent, what is understood, and that nothing is sent twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.invoker import Invoker, Stream

HELD_OUT = "7,0,16,3\n1,5,5,5\n4,9,9,9\n"


@dataclass
class Runtime:
    """An endpoint whose answers are set: (status, body), the last one again and again."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "7\n")])
    bodies: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def take(self, path: str, body: str) -> tuple[int, str]:
        self.paths.append(path)
        self.bodies.append(body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    served = Runtime()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, text = served.take(self.path, body)
            content = text.encode() if status == 200 else json.dumps({"Message": text}).encode()
            self.send_response(status)
            self.send_header("x-Amzn-Invoked-Production-Variant", "tuned")
            if status != 200:
                self.send_header("x-amzn-ErrorType", "ModelError")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def invoker(runtime: Runtime, tmp_path: Path) -> Invoker:
    (tmp_path / "held-out.csv").write_text(HELD_OUT)
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=runtime.url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    return Invoker(client, endpoint="digits", held_out=tmp_path / "held-out.csv")


def test_the_labels_stay_here(runtime: Runtime, invoker: Invoker) -> None:
    runtime.answers = [(200, "7\n1\n"), (200, "9\n")]
    first, second = invoker.all_rows(at_once=2)
    assert runtime.bodies == ["0,16,3\n5,5,5\n", "9,9,9\n"]
    assert runtime.paths == ["/endpoints/digits/invocations"] * 2
    assert (first.labels, first.digits, first.variant, first.version) == ((7, 1), (7, 1), "tuned", "old")
    assert (second.labels, second.digits, second.error) == ((4,), (9,), "")
    assert (first.rows, second.rows) == ((0, 1), (2,))


def test_the_newer_code_is_known_by_its_probabilities(runtime: Runtime, invoker: Invoker) -> None:
    runtime.answers = [(200, "7,0.98\n")]
    answer = invoker.one_row()
    assert (answer.digits, answer.version, answer.error) == ((7,), "new", "")


@pytest.mark.parametrize(
    ("status", "body", "want"),
    [(500, "it broke", "it broke"), (200, "seven\n", "invalid literal"), (200, "7\n1\n", "1 rows were sent, and 2")],
)
def test_what_counts_as_failed_and_is_not_sent_again(
    runtime: Runtime, invoker: Invoker, status: int, body: str, want: str
) -> None:
    runtime.answers = [(status, body)]
    assert want in invoker.one_row().error
    assert len(runtime.bodies) == 1


def test_a_stream_goes_through_the_rows_until_its_end(runtime: Runtime, invoker: Invoker) -> None:
    runtime.answers = [(200, "7\n")]
    with Stream(invoker, pause=0.0) as stream:
        stream.wait_for(7, timeout=60)
    count = len(stream.answers)
    assert [answer.labels[0] for answer in stream.answers[:7]] == [7, 1, 4, 7, 1, 4, 7]
    assert count == len(runtime.bodies) >= 7


def test_a_stream_that_stands_still_is_told(runtime: Runtime, invoker: Invoker) -> None:
    with Stream(invoker, pause=0.0) as stream:
        pass
    with pytest.raises(DemoError, match="was to answer 3 times"):
        stream.wait_for(3, timeout=60)
