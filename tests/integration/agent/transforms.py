"""A transform's agent, and a real model server of its pod."""

import contextlib
import http.client
import http.server
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sagebridge.agent.surroundings import Surroundings
from sagebridge.agent.termination import Termination
from sagebridge.agent.transform.job import transform
from sagebridge.agent.transform.server import ModelServer
from support.pod_agent import HastyClock, places

from .buckets import REGION, Bucket

AGENT = "0::/pod/agent"

Json = dict[str, Any]
Reply = tuple[int, bytes]


def shout(body: bytes) -> Reply:
    return 200, body.upper()


@dataclass
class Served:
    """A model server whose answers a test says."""

    answer: Callable[[bytes], Reply] = shout
    preferences: Json | None = None
    is_healthy: bool = True
    requests: list[tuple[bytes, str, str | None]] = field(default_factory=list)
    port: int = 0
    _server: http.server.ThreadingHTTPServer | None = None

    def start(self, port: int = 0) -> "Served":
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/ping":
                    self._reply(200 if outer.is_healthy else 503, b"")
                elif outer.preferences is None:
                    self._reply(404, b"")
                else:
                    self._reply(200, json.dumps(outer.preferences).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((body, self.headers["Content-Type"], self.headers["Accept"]))
                status, reply = outer.answer(body)
                if status == 0:
                    self.close_connection = True
                    return
                self._reply(status, reply)

            def _reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(BrokenPipeError):  # some tests let the agent hang up
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


@dataclass
class Host:
    """One pod of a transform job."""

    root: Path
    bucket: Bucket
    served: Served

    def __post_init__(self) -> None:
        self.clock = HastyClock()
        self.termination = Termination(self.clock)
        self.places = places(self.root, proc=self.root / "proc")
        (self.places.proc / "self").mkdir(parents=True)
        (self.places.proc / "self/cgroup").write_text(f"{AGENT}\n")
        self.show(70, cgroup="0::/pod/serve")

    def show(self, pid: int, *, cgroup: str) -> None:
        directory = self.places.proc / str(pid)
        directory.mkdir()
        fields = ["S", *["0"] * 18, str(pid), "0"]
        (directory / "stat").write_text(f"{pid} (serve) {' '.join(fields)}\n")
        (directory / "cgroup").write_text(f"{cgroup}\n")

    def hide(self, pid: int) -> None:
        directory = self.places.proc / str(pid)
        for name in ("stat", "cgroup"):
            (directory / name).unlink()
        directory.rmdir()

    def request(self, *, source: Json | None = None, count: int = 1, **members: Any) -> Json:
        s3 = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket.name}/in/", **(source or {})}
        return {
            "TransformJobName": "digits-1",
            "TransformInput": {"DataSource": {"S3DataSource": s3}, **members.pop("input", {})},
            "TransformOutput": {"S3OutputPath": f"s3://{self.bucket.name}/out", **members.pop("output", {})},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": count},
            **members,
        }

    def run(
        self, request: Json, *, index: int | None = 0, version: int = 1, before: str | None = None
    ) -> tuple[int, Json]:
        """Run the agent to its end: the exit code and the message."""
        document = {"version": version, "request": request, "region": REGION}
        self.places.job.write_text(
            json.dumps(document | {"startupSeconds": 480, "uploadSeconds": 60, "listedBefore": before})
        )
        which = {} if index is None else {"JOB_COMPLETION_INDEX": str(index)}
        message = transform(
            {**which, "AWS_ENDPOINT_URL": self.bucket.endpoint_url},
            self.places,
            Surroundings(clock=self.clock, termination=self.termination),
            server=ModelServer(port=self.served.port),
        )
        message.write(self.places.termination_log)
        return message.exit_code, json.loads(self.places.termination_log.read_text())

    def outputs(self) -> dict[str, bytes]:
        return {key: self.bucket.get(key) for key in self.bucket.keys("out/")}
