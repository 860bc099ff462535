"""What InvokeEndpoint costs above the model: the local SageMaker beside its own serving process, asked directly.

The model answers at once, so that what is measured is the way to it and back: HTTP in, routing, metrics, HTTP to the
process. Client, local SageMaker and model share the machine.

    python bench/invocations.py [--seconds 5] [--report report.json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3
import psutil
from local_sagemaker import AUTHORIZATION, free_port, measure, server

NAME = "bench"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/echo:1"
CONNECTIONS = (1, 16)
SIZES = (100, 1_000_000)
MODEL = """
import asyncio, os

async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            _, found, rest = head.partition(b"content-length:")
            await reader.readexactly(int(rest.split(b"\\r\\n")[0]) if found else 0)
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    listening = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]), limit=2**21)
    await listening.serve_forever()

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One rate.

    Attributes:
        asked: who was asked.
        payload_bytes: the request's body.
        connections: how many requests at once.
        calls_per_second: as the client saw it.
        median_ms: latency that half of the calls stay below.
        p99_ms: latency that 99 in 100 calls stay below.
        load: the machine's load average before.
    """

    asked: str
    payload_bytes: int
    connections: int
    calls_per_second: float
    median_ms: float
    p99_ms: float
    load: float


def request(path: str, size: int) -> bytes:
    """A whole HTTP request, ready to be written to a socket."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {AUTHORIZATION}\r\n"
        f"Content-Type: text/csv\r\nContent-Length: {size}\r\n\r\n"
    )
    return head.encode() + b"x" * size


def deploy(port: int) -> None:
    """An endpoint of one variant, InService."""
    keys = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}
    sagemaker = boto3.client("sagemaker", endpoint_url=f"http://127.0.0.1:{port}", **keys)
    role = "arn:aws:iam::123456789012:role/serving"
    sagemaker.create_model(ModelName=NAME, ExecutionRoleArn=role, PrimaryContainer={"Image": IMAGE})
    variant = {"VariantName": "v", "ModelName": NAME, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    while (status := sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"]) == "Creating":
        time.sleep(0.1)
    if status != "InService":
        raise RuntimeError(f"the endpoint is {status}")


def model_port(process: psutil.Process) -> int:
    """Where the serving process below a local SageMaker listens."""
    [model] = [child for child in process.children(recursive=True) if child.cmdline()[-1] == "serve"]
    return int(model.environ()["SAGEMAKER_BIND_TO_PORT"])


def benchmark(port: int, seconds: float) -> list[Measurement]:
    """Ask the process and the endpoint in turn."""
    with tempfile.TemporaryDirectory() as directory:
        program, images = Path(directory, "model.py"), Path(directory, "images.json")
        program.write_text(MODEL)
        images.write_text(json.dumps({IMAGE: [sys.executable, str(program)]}))
        arguments = ["--port", str(port), "--work-dir", directory, "--images", str(images)]
        with server([sys.executable, "-m", "sagebridge_local.sagemaker", *arguments], port) as process:
            # One core, which `server` gave it, is for comparing servers; here it shares the machine with its model.
            process.cpu_affinity(sorted(os.sched_getaffinity(0)))
            deploy(port)
            asked = {
                "the serving process": (model_port(process), "/invocations"),
                "InvokeEndpoint": (port, f"/endpoints/{NAME}/invocations"),
            }
            return [
                one(name, *place, size=size, connections=connections, seconds=seconds)
                for size in SIZES
                for connections in CONNECTIONS
                for name, place in asked.items()
            ]


def one(name: str, port: int, path: str, *, size: int, connections: int, seconds: float) -> Measurement:
    """One measurement, after a short warm-up."""
    load, requests = os.getloadavg()[0], [request(path, size)]
    asyncio.run(measure(port, requests, seconds=0.5, connections=connections))
    latencies = sorted(asyncio.run(measure(port, requests, seconds=seconds, connections=connections)))
    return Measurement(
        asked=name,
        payload_bytes=size,
        connections=connections,
        calls_per_second=round(len(latencies) / seconds, 1),
        median_ms=round(latencies[len(latencies) // 2] * 1000, 2),
        p99_ms=round(latencies[int(len(latencies) * 0.99)] * 1000, 2),
        load=round(load, 1),
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each is measured")
    parser.add_argument("--report", type=Path, help="where to write the numbers as JSON")
    options = parser.parse_args()
    measured = benchmark(free_port(), options.seconds)
    print(f"{'asked':22}{'bytes':>9}{'at once':>9}{'calls/s':>10}{'median ms':>11}{'p99 ms':>9}{'load':>7}")
    for each in measured:
        sizes = f"{each.payload_bytes:>9}{each.connections:>9}"
        print(
            f"{each.asked:22}{sizes}{each.calls_per_second:>10.0f}{each.median_ms:>11.2f}{each.p99_ms:>9.2f}{each.load:>7}"
        )
    if options.report:
        options.report.write_text(json.dumps([asdict(each) for each in measured], indent=2) + "\n")


if __name__ == "__main__":
    main()
