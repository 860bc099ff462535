"""How many calls a second the local SageMaker answers on one core, beside moto's own server in the same run.

Both servers get one CPU core of their own; a bare HTTP client on another core keeps 32 connections busy. Both hold the
same 1,000 training jobs; the local SageMaker also serves a list of 20,000 foreign ones.

    python bench/local_sagemaker.py [--seconds 5] [--report report.json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

JOBS = 1000
FOREIGN = 20_000
CONNECTIONS = 32
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One rate.

    Attributes:
        server: whose.
        operation: of what.
        calls_per_second: as the client saw it; other work on the machine lowers it.
        calls_per_cpu_second: calls by the server's own CPU time, which other work does not lower much.
        median_ms: latency that half of the calls stay below.
        p99_ms: latency that 99 in 100 calls stay below.
    """

    server: str
    operation: str
    calls_per_second: float
    calls_per_cpu_second: float
    median_ms: float
    p99_ms: float


def request_bytes(operation: str, payload: dict[str, Any]) -> bytes:
    """A whole HTTP request, ready to be written to a socket."""
    body = json.dumps(payload).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {AUTHORIZATION}\r\n"
        f"X-Amz-Target: SageMaker.{operation}\r\n"
        f"Content-Type: application/x-amz-json-1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def create_payload(name: str) -> dict[str, Any]:
    """A CreateTrainingJob request as users send it."""
    return {
        "TrainingJobName": name,
        "HyperParameters": {"epochs": "10", "learning-rate": "0.001", "batch-size": "64"},
        "AlgorithmSpecification": {
            "TrainingImage": "1.dkr.ecr.us-east-1.amazonaws.com/i:1",
            "TrainingInputMode": "File",
        },
        "RoleArn": "arn:aws:iam::123456789012:role/sagemaker",
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "Tags": [{"Key": "team", "Value": "vision"}],
    }


class Connection:
    """A connection that is opened anew when the server closed it, as moto's does after each reply."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: bytes) -> None:
        """Send one request and read its reply; a reply other than 200 ends the benchmark."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(f"{head!r} {body!r}")
        if b"connection: close" in head:
            self.close()

    def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def send_each(port: int, requests: list[bytes]) -> None:
    """Send some requests, one after the other."""
    connection = Connection(port)
    for request in requests:
        await connection.exchange(request)
    connection.close()


async def measure(port: int, requests: list[bytes], *, seconds: float, connections: int) -> list[float]:
    """Keep connections busy for some seconds; returns each call's latency in seconds."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def keep_busy(first: int) -> None:
        connection = Connection(port)
        position = first
        while (begun := time.perf_counter()) < end:
            await connection.exchange(requests[position % len(requests)])
            latencies.append(time.perf_counter() - begun)
            position += connections
        connection.close()

    await asyncio.gather(*(keep_busy(number) for number in range(connections)))
    return latencies


def summarise(*, server: str, operation: str, latencies: list[float], seconds: float, cpu: float) -> Measurement:
    """Turn latencies, and the server's CPU seconds, into a measurement."""
    ordered = sorted(latencies)
    return Measurement(
        server=server,
        operation=operation,
        calls_per_second=round(len(ordered) / seconds, 1),
        calls_per_cpu_second=round(len(ordered) / cpu, 1),
        median_ms=round(ordered[len(ordered) // 2] * 1000, 2),
        p99_ms=round(ordered[int(len(ordered) * 0.99)] * 1000, 2),
    )


@contextmanager
def server(command: list[str], port: int) -> Iterator[psutil.Process]:
    """A server process on the first core; this process stays on the others."""
    cores = sorted(os.sched_getaffinity(0))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, {cores[0]})
    try:
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"{command} ended with {process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(process: psutil.Process) -> float:
    """The CPU time that a process used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def benchmark(name: str, command: list[str], port: int, seconds: float) -> list[Measurement]:
    """Create the jobs, then measure Describe and List."""
    names = [f"job-{number:04d}" for number in range(JOBS)]
    describe = [request_bytes("DescribeTrainingJob", {"TrainingJobName": each}) for each in names]
    listing = [request_bytes("ListTrainingJobs", {"MaxResults": 100, "SortOrder": "Descending"})]
    measured = []
    with server(command, port) as process:
        asyncio.run(send_each(port, [request_bytes("CreateTrainingJob", create_payload(each)) for each in names]))
        for operation, requests in (("DescribeTrainingJob", describe), ("ListTrainingJobs (100 a page)", listing)):
            used = cpu_seconds(process)
            latencies = asyncio.run(measure(port, requests, seconds=seconds, connections=CONNECTIONS))
            used = cpu_seconds(process) - used
            measured.append(summarise(server=name, operation=operation, latencies=latencies, seconds=seconds, cpu=used))
    return measured


def main() -> None:
    """Measure both servers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each operation is measured")
    parser.add_argument("--report", type=Path, help="where to write the numbers as JSON")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[1:]) or set(cores))
    ours, theirs = free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory:
        arguments = ["--port", str(ours), "--work-dir", directory, "--lifecycle-only", "--seed-history", str(FOREIGN)]
        local = [sys.executable, "-m", "sagebridge_local.sagemaker", *arguments]
        measured = benchmark("local SageMaker", local, ours, options.seconds)
    moto = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(theirs)]
    measured += benchmark("moto", moto, theirs, options.seconds)
    print(f"One core each, {CONNECTIONS} connections, {platform.processor() or platform.machine()}")
    print(f"{'server':18}{'operation':34}{'calls/s':>10}{'calls/CPU s':>13}{'median ms':>11}{'p99 ms':>9}")
    for each in measured:
        rates = f"{each.calls_per_second:>10.0f}{each.calls_per_cpu_second:>13.0f}"
        latencies = f"{each.median_ms:>11.1f}{each.p99_ms:>9.1f}"
        print(f"{each.server:18}{each.operation:34}{rates}{latencies}")
    if options.report:
        options.report.write_text(json.dumps([asdict(each) for each in measured], indent=2) + "\n")


if __name__ == "__main__":
    main()
