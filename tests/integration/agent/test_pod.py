"""The agent in a PID namespace with other containers, as in a pod: what it finds, what it ends, and its own end.

What has no parent in the namespace comes from outside, as containers and exec sessions do.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[2]
PREPARED = """
import pathlib, signal, sys, time
def stop(*_):
    pathlib.Path("checkpoints/last").write_text("in time")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.02)
pathlib.Path("model/weights").write_text("w")
"""
SLEEPS = "import time\nprint('ready', flush=True)\ntime.sleep(600)"


class Namespace:
    """A PID namespace held by a process that does nothing, and what was started in it."""

    def __init__(self, pod: Any) -> None:
        self._pod = pod
        unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"]
        self._holder = subprocess.Popen(
            [*unshare, "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE, env=self._environment("pause")
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"
        self._pause = child(self._holder)
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, container: str, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start Python in a container."""
        enter = ["nsenter", "--target", str(self._pause), "--user", "--preserve-credentials", "--pid", "--mount"]
        process = subprocess.Popen(
            [*enter, f"--wdns={self._pod.places.ml}", sys.executable, *arguments],
            stdout=subprocess.PIPE,
            env=self._environment(container) | environment,
        )
        self._started.append(process)
        return process

    def train(self, script: str, *, container: str = "train") -> "subprocess.Popen[bytes]":
        process = self.start(container, "-c", script)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    def accompany(self, **environment: str) -> "subprocess.Popen[bytes]":
        """Start the agent, and wait until it has found a process."""
        agent = self.start("agent", "-m", "support.pod_agent", str(self._pod.root), "accompany", **environment)
        assert agent.stdout is not None
        assert any(line.startswith(b"The container runs as process") for line in agent.stdout)
        return agent

    def close(self) -> None:
        self._holder.kill()
        for process in [self._holder, *self._started]:
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def _environment(self, container: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(TESTS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CONTAINER": container,
            "JOB_COMPLETION_INDEX": "0",
            "AWS_ENDPOINT_URL": self._pod.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }


def child(process: "subprocess.Popen[bytes]") -> int:
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def end(agent: "subprocess.Popen[bytes]", pod: Any) -> tuple[int, dict[str, str]]:
    agent.communicate()
    return agent.returncode, json.loads(pod.places.termination_log.read_text())


@pytest.fixture
def namespace(pod: Any, bucket: Any) -> Iterator[Namespace]:
    pod.job(bucket.request(CheckpointConfig={"S3Uri": f"s3://{bucket.name}/ckpt"}), stopGraceSeconds=600)
    assert pod.prepare() == 0
    made = Namespace(pod)
    yield made
    made.close()


@pytest.mark.parametrize("environment", [{}, {"NO_PIDFD": "1"}], ids=["pidfd", "without"])
def test_training_is_found_among_all_that_runs(
    namespace: Namespace, pod: Any, bucket: Any, environment: dict[str, str]
) -> None:
    namespace.train(SLEEPS, container="agent")  # an exec session in the agent's own container, before it
    namespace.train(PREPARED)
    shell = namespace.train(SLEEPS)
    agent = namespace.accompany(**environment)
    pod.ml("go").touch()
    code, message = end(agent, pod)
    assert (code, message["stopped"]) == (0, "")
    assert bucket.archive(message["model"]) == {"weights": "w"}
    assert shell.poll() is None


@pytest.mark.parametrize("environment", [{}, {"NO_PIDFD": "1"}], ids=["pidfd", "without"])
def test_a_stop_reaches_the_other_container(
    namespace: Namespace, pod: Any, bucket: Any, environment: dict[str, str]
) -> None:
    train = namespace.train(PREPARED)
    agent = namespace.accompany(**environment)
    pod.annotate(stop="Stopped")
    code, message = end(agent, pod)
    assert (code, message["stopped"], train.wait()) == (0, "Stopped", 0)
    assert bucket.get("ckpt/last") == b"in time"


def test_sigterm_to_the_agent_saves_the_checkpoints(namespace: Namespace, pod: Any, bucket: Any) -> None:
    train = namespace.train(PREPARED)
    agent = namespace.accompany()
    for process in (agent, train):
        os.kill(child(process), signal.SIGTERM)
    code, message = end(agent, pod)
    assert (code, message["stopped"]) == (143, "Terminated")
    assert bucket.keys() == ["ckpt/last"]


def on_a_small_disk(pod: Any, commands: str) -> int:
    """Run shell commands with a file system of a mebibyte as the pod's /opt/ml; `agent` is the agent."""
    agent = f"agent() {{ {sys.executable} -m support.pod_agent {pod.root} $1; }}"
    script = f"{agent}; mount -t tmpfs -o size=1m none {pod.places.ml} && {commands}"
    environment = {"PYTHONPATH": str(TESTS), "AWS_ENDPOINT_URL": pod.endpoint_url, "JOB_COMPLETION_INDEX": "0"}
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        env=os.environ | environment,
        cwd=pod.root,
        check=False,
    ).returncode


def test_a_disk_that_fills_while_data_comes_names_the_setting(pod: Any, bucket: Any) -> None:
    bucket.put("data/large", b"0" * (2 << 20))
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": f"s3://{bucket.name}/data/"}}}
    pod.job(bucket.request(InputDataConfig=[channel]))
    assert on_a_small_disk(pod, "agent prepare") == 1
    assert pod.message() == {
        "failureReason": "ClientError: Data download failed: no space left on the volume of 30 GB: "
        "give the job a larger volumeSizeInGB"
    }


def test_a_disk_that_is_full_does_not_keep_the_model_from_s3(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request())
    pod.annotate(training_ended="0")
    fill = "! head -c 2000000 /dev/urandom > ml/model/weights"
    assert on_a_small_disk(pod, f"agent prepare && {fill} && agent accompany") == 0
    assert len(bucket.get("out/digits-1/output/model.tar.gz")) > 900_000


def test_another_command_is_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "sagebridge.agent", "play"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"prepare | accompany" in done.stdout
