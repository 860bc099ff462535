"""The process that looks for metrics: what it is given, and what it must not take."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from sagebridge.runtime import scan

LOSS = {"Name": "loss", "Regex": r"loss=(\S+)"}
BOMB = "(?:(?:(?:a|b){500}){500}){50}"
LINE = b"2026-01-01T00:00:01Z loss=0.5\n"


def frame(data: bytes) -> bytes:
    return len(data).to_bytes(scan.LENGTH_BYTES, "big") + data


def run(definitions: list[dict[str, str]], *frames: bytes, hosts: int = 1) -> dict[str, Any]:
    asked = json.dumps({"definitions": definitions, "hosts": hosts}).encode() + b"\n"
    done = subprocess.run(
        [sys.executable, "-m", scan.MODULE], input=asked + b"".join(frames), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_values_of_all_hosts() -> None:
    second = b"2026-01-01T00:00:02Z loss=0.25\n"
    answer = run([LOSS], frame(LINE), frame(b""), frame(second[:9]), frame(second[9:]), frame(b""), hosts=2)
    assert answer == {
        "metrics": [{"metricName": "loss", "value": 0.25, "timestamp": "2026-01-01T00:00:02Z"}],
        "problems": [],
    }


@pytest.mark.parametrize("frames", [(frame(LINE),), (frame(LINE)[:-5],), (frame(LINE), b"\0\0"), ()])
def test_a_log_that_is_not_complete_tells_nothing(frames: tuple[bytes, ...]) -> None:
    """What is last in it may not have been the last."""
    assert run([LOSS], *frames)["metrics"] == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        (BOMB, "takes too much memory"),
        ("(" * 400 + "a" + ")" * 400, "is invalid"),
        ("(", "is invalid"),
    ],
)
def test_an_expression_that_takes_too_much_costs_its_own_metric(expression: str, problem: str) -> None:
    """The first took 3.8 GB in five seconds before it was stopped."""
    answer = run([{"Name": "bomb", "Regex": expression}, LOSS], frame(LINE), frame(b""))
    assert [metric["metricName"] for metric in answer["metrics"]] == ["loss"]
    assert [problem in text for text in answer["problems"]] == [True]


def test_memory_is_limited() -> None:
    program = "from sagebridge.runtime import scan; scan.main(); print(); print(open('/proc/self/status').read())"
    asked = json.dumps({"definitions": [{"Name": "bomb", "Regex": BOMB}], "hosts": 0}).encode() + b"\n"
    done = subprocess.run([sys.executable, "-c", program], input=asked, capture_output=True, check=True)
    answer, *status = done.stdout.decode().splitlines()
    peak = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
    assert "takes too much memory" in json.loads(answer)["problems"][0]
    assert peak < scan.MEMORY_BYTES <= 256 << 20, "the operator itself has 1 GiB, and this is within it"


def test_time_is_limited_too() -> None:
    program = "from sagebridge.runtime import scan; scan.CPU_SECONDS = 1; scan._limit()\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert signal.Signals(-done.returncode) is signal.SIGXCPU


def test_logs_larger_than_its_memory() -> None:
    chunk = frame(b"2026-01-01T00:00:00Z nothing at all\n" * 20_000)
    assert len(chunk) * 400 > scan.MEMORY_BYTES
    source = subprocess.Popen([sys.executable, "-m", scan.MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert source.stdin is not None
    source.stdin.write(json.dumps({"definitions": [LOSS], "hosts": 1}).encode() + b"\n")
    for _ in range(400):
        source.stdin.write(chunk)
    output, _ = source.communicate(frame(LINE) + frame(b""))
    assert json.loads(output)["metrics"][0]["value"] == 0.5
