"""A pod's volumes in a directory, a real S3 (moto, over HTTP), and real processes; time runs faster than it does."""

import itertools
import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer
from sagebridge.agent.__main__ import main
from sagebridge.agent.surroundings import Surroundings
from sagebridge.agent.termination import Termination
from support.pod_agent import HastyClock, places

from .buckets import REGION, Bucket
from .transforms import Host, Served

TRAIN, AGENT, PAUSE, MESH = "0::/pod/train", "0::/pod/agent", "0::/pod/pause", "0::/pod/mesh"
_BUCKETS = itertools.count(1)


@dataclass
class Pod:
    """One host: its volumes, its processes, and its agent."""

    root: Path
    endpoint_url: str
    rank: int = 0
    clock: HastyClock = field(default_factory=HastyClock)
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    suffix: str = ""
    _result: list[int] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.places = places(self.root, proc=self.root / "proc")
        self.termination = Termination(self.clock)
        for directory in (self.places.ml, self.places.run, self.places.proc / "self"):
            directory.mkdir(parents=True)
        self.places.termination_log.touch()
        (self.places.proc / "self/cgroup").write_text(f"{AGENT}\n")
        self.show(1, cgroup=PAUSE, started=1)

    def job(self, request: Mapping[str, Any], **members: Any) -> None:
        count = request["ResourceConfig"]["InstanceCount"]
        document = {
            "version": 1,
            "request": request,
            "arn": "arn:aws:sagebridge:us-west-2:123456789012:training-job/digits-1",
            "region": REGION,
            "hosts": [f"digits-1-{index}" for index in range(count)],
            "instanceType": "ml.m5.xlarge",
            "machine": {"cpus": 4, "gpus": 0, "neurons": 0},
            "networkInterface": "eth0",
            "launch": "image",
            "mounted": [],
            "stopGraceSeconds": 120,
            "checkpointSyncSeconds": 1,
            "uploadSeconds": 900,
            "serviceAccount": "training",
            **members,
        }
        self.places.job.write_text(json.dumps(document))

    def processing_job(self, request: Mapping[str, Any], **members: Any) -> None:
        count = request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
        document = {
            "version": 1,
            "request": request,
            "arn": "arn:aws:sagebridge:us-west-2:123456789012:processing-job/split-1",
            "region": REGION,
            "hosts": [f"split-1-{index}" for index in range(count)],
            "serviceAccount": "processing",
            "stopGraceSeconds": 120,
            "syncSeconds": 1,
            "uploadSeconds": 900,
            **members,
        }
        self.places.job.write_text(json.dumps(document))
        self.suffix = "-processing"

    def prepare(self) -> int:
        return self._run(f"prepare{self.suffix}")

    def fetch_model(self) -> int:
        return self._run("fetch-model")

    def train(self, script: str, *, cgroup: str = TRAIN, started: int = 100) -> "subprocess.Popen[bytes]":
        """Start a process that takes the place of the training container's first one."""
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=self.places.ml,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.started.append(process)
        self.show(process.pid, cgroup=cgroup, started=started)
        return process

    def show(self, pid: int, *, cgroup: str, started: int, parent: int = 0) -> None:
        """Make a process seen in /proc."""
        directory = self.places.proc / str(pid)
        directory.mkdir()
        fields = ["S", str(parent), *["0"] * 17, str(started), "0"]
        (directory / "stat").write_text(f"{pid} (a (train) process) {' '.join(fields)}\n")
        (directory / "cgroup").write_text(f"{cgroup}\n")

    def process(self, script: str) -> None:
        """Run a script as the user's container, and have the operator tell how it ended."""
        process = self.train(script)
        threading.Thread(target=lambda: self.annotate(training_ended=str(process.wait())), daemon=True).start()

    def annotate(self, **annotations: str) -> None:
        lines = [f'sagebridge.io/{name.replace("_", "-")}="{value}"' for name, value in annotations.items()]
        (self.root / "new").write_text("\n".join(lines))
        (self.root / "new").rename(self.places.annotations)

    def accompany(self) -> "Pod":
        """Start the agent."""
        self._thread = threading.Thread(
            target=lambda: self._result.append(self._run(f"accompany{self.suffix}")), daemon=True
        )
        self._thread.start()
        return self

    def end(self) -> tuple[int, dict[str, str]]:
        """Wait for the agent's end; its exit code and message."""
        assert self._thread is not None
        self._thread.join()
        return self._result[0], self.message()

    def message(self) -> dict[str, str]:
        message: dict[str, str] = json.loads(self.places.termination_log.read_text())
        return message

    def ml(self, path: str) -> Path:
        return self.places.ml / path

    def _run(self, command: str) -> int:
        surroundings = Surroundings(clock=self.clock, termination=self.termination)
        environment = {"JOB_COMPLETION_INDEX": str(self.rank), "AWS_ENDPOINT_URL": self.endpoint_url}
        return main([command], environment=environment, places=self.places, surroundings=surroundings)


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a pod: boto3 finds them by itself."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    # Signal handlers belong to the main thread, which is the test's; they are tested in processes of their own.
    monkeypatch.setattr(Termination, "listen", lambda _: None)


@pytest.fixture
def bucket(aws: str) -> Bucket:
    made = Bucket(endpoint_url=aws, name=f"agent-{next(_BUCKETS)}")
    made.create()
    return made


@pytest.fixture
def pods(bucket: Bucket, tmp_path: Path) -> Iterator[list[Pod]]:
    """Two hosts."""
    made = [Pod(root=tmp_path / str(rank), endpoint_url=bucket.endpoint_url, rank=rank) for rank in range(2)]
    yield made
    for process in [process for pod in made for process in pod.started]:
        process.kill()
        process.communicate()


@pytest.fixture
def pod(pods: list[Pod]) -> Pod:
    return pods[0]


@pytest.fixture
def served() -> Iterator[Served]:
    """A model server that repeats loudly what it is asked."""
    made = Served()
    yield made.start()
    made.stop()


@pytest.fixture
def host(tmp_path: Path, bucket: Bucket, served: Served) -> Host:
    """A pod of a batch transform."""
    return Host(root=tmp_path, bucket=bucket, served=served)
