"""The operator under load: 1,000 jobs of 60 s, replies after 50 ms, 20,000 finished foreign jobs in the account.

One more job goes before them, uncounted: the first call of a process loads the SDK's models, on both sides.

    python bench/operator_load.py                    # AWS's quotas off
    python bench/operator_load.py --quotas aws       # AWS's quotas on: Create 1/s, List 2/s
    python bench/operator_load.py --operator naive   # the baseline: a Describe per object and interval

Everything is real but the training itself: API server, operator process, HTTP to the local SageMaker. Times of calls
are the local SageMaker's; times of statuses are when this process sees them on its own watch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import kopf
import psutil
import uvloop
from sagebridge_local.paths import crds_directory
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator

PATH = "/apis/sagebridge.io/v1alpha1"
NAMESPACE = "default"
_COMPLETED, _ERROR = b'"Completed"', b'"ERROR"'
NAIVE = Path(__file__).with_name("naive_operator.py")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one run measured; seconds, calls and megabytes."""

    operator: str
    quotas: str
    jobs: int
    foreign_jobs: int
    all_created_after: float
    created_per_second: float
    all_done_after: float
    calls: dict[str, int]
    calls_per_job: float
    throttled_percent: float
    create_quota_used_percent: float | None
    calls_at_rest: int
    lag_p50: float
    lag_p99: float
    lag_max: float
    operator_cpu_seconds: float
    operator_rss_mb: float


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was counted and timed; times in seconds since the epoch, memory in megabytes."""

    calls: dict[str, Any]
    log: list[dict[str, Any]]
    started: float
    finished: float
    at_rest: int
    cpu: float
    memory: float


class Watcher:
    """Notes when each job's status says Completed."""

    def __init__(self, *, ignored: str) -> None:
        self._ignored = ignored
        self.completed: dict[str, tuple[float, str]] = {}

    async def run(self, session: aiohttp.ClientSession, server: str) -> None:
        """Watch until cancelled."""
        url = f"{server}{PATH}/namespaces/{NAMESPACE}/trainingjobs?watch=true"
        while True:
            async with session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as response:
                if response.status != 200:
                    print(f"the watch starts anew: {await response.text()}", file=sys.stderr)
                    await asyncio.sleep(1)
                    continue
                async for line in response.content:
                    # What measures is not to weigh on the two cores: most events are not what it waits for.
                    if _COMPLETED in line or _ERROR in line:
                        self._note(json.loads(line))

    def _note(self, event: dict[str, Any]) -> None:
        body = event["object"]
        if event["type"] == "ERROR":
            print(f"the watch starts anew: {body.get('message')}", file=sys.stderr)
            return
        status = body.get("status") or {}
        name = body["metadata"].get("name")
        if status.get("trainingJobStatus") == "Completed" and name not in self.completed and name != self._ignored:
            self.completed[name] = (time.time(), status["trainingJobName"])


def manifest(index: int) -> dict[str, Any]:
    """One job, as users write it."""
    return {
        "apiVersion": "sagebridge.io/v1alpha1",
        "kind": "TrainingJob",
        "metadata": {"name": f"load-{index:05d}"},
        "spec": {
            "algorithmSpecification": {"trainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"},
            "hyperParameters": {"epochs": 10, "learning-rate": 0.001},
            "inputDataConfig": [
                {"channelName": "train", "dataSource": {"s3DataSource": {"s3Uri": "s3://sagebridge-local/data"}}}
            ],
            "resourceConfig": {"instanceType": "ml.m5.xlarge", "instanceCount": 1},
        },
    }


async def apply(session: aiohttp.ClientSession, server: str, *, index: int) -> None:
    """Create one object."""
    async with session.post(f"{server}{PATH}/namespaces/{NAMESPACE}/trainingjobs", json=manifest(index)) as response:
        if response.status != 201:
            raise RuntimeError(await response.text())


async def apply_all(session: aiohttp.ClientSession, server: str, *, jobs: int) -> None:
    """Create all objects, sixteen at a time."""
    pending = iter(range(jobs))

    async def worker() -> None:
        for index in pending:
            await apply(session, server, index=index)

    await asyncio.gather(*(worker() for _ in range(16)))


async def warm_up(session: aiohttp.ClientSession, server: str, *, aws: AdminClient, index: int) -> None:
    """See one job through."""
    aws.outcome("*", seconds=0.0)
    await apply(session, server, index=index)
    url = f"{server}{PATH}/namespaces/{NAMESPACE}/trainingjobs/{manifest(index)['metadata']['name']}"
    while True:
        async with session.get(url) as response:
            body = await response.json()
        if (body.get("status") or {}).get("trainingJobStatus") == "Completed":
            return
        await asyncio.sleep(0.5)


def connect(kubeconfig: Path) -> tuple[aiohttp.ClientSession, str]:
    """A session to the API server, as administrator."""
    import os

    os.environ["KUBECONFIG"] = str(kubeconfig)
    found = kopf.login_with_kubeconfig(settings=kopf.OperatorSettings())
    assert found is not None
    connector = aiohttp.TCPConnector(ssl=found.as_ssl_context())
    return aiohttp.ClientSession(connector=connector, headers=found.as_http_headers()), found.server


async def progress(aws: AdminClient, watcher: Watcher, *, jobs: int, started: float) -> None:
    """Wait until every status says Completed, telling how far it is."""
    while len(watcher.completed) < jobs:
        await asyncio.sleep(5)
        created = await asyncio.to_thread(aws.count, "CreateTrainingJob", outcome="OK")
        line = (
            f"{time.time() - started:6.0f} s   created {created:5d}   completed {len(watcher.completed):5d} of {jobs}"
        )
        print(line, file=sys.stderr, flush=True)


async def run(options: argparse.Namespace, control_plane: ControlPlane, simulator: Simulator, process: Any) -> Report:
    """Apply, wait, rest, count."""
    aws = AdminClient(simulator.url)
    session, server = connect(control_plane.kubeconfig)
    watcher = Watcher(ignored=manifest(options.jobs)["metadata"]["name"])
    async with session:
        await warm_up(session, server, aws=aws, index=options.jobs)
        aws.outcome("*", seconds=options.seconds)
        watching = asyncio.create_task(watcher.run(session, server))
        await asyncio.sleep(2)
        aws.clear_calls()
        before = process.cpu_times()
        started = time.time()
        await apply_all(session, server, jobs=options.jobs)
        waiting = asyncio.create_task(progress(aws, watcher, jobs=options.jobs, started=started))
        await asyncio.wait({waiting, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        finished = time.time()
        calls = aws.calls()["operations"]
        log = aws.log()
        await asyncio.sleep(2 * options.interval)
        rest_from = aws.calls()["total"]
        await asyncio.sleep(3 * options.interval)
        at_rest = aws.calls()["total"] - rest_from
        after = process.cpu_times()
        watching.cancel()
    seen = Seen(
        calls=calls,
        log=log,
        started=started,
        finished=finished,
        at_rest=at_rest,
        cpu=after.user + after.system - before.user - before.system,
        memory=process.memory_info().rss / 1e6,
    )
    return summarise(options, aws, watcher, seen)


def summarise(options: argparse.Namespace, aws: AdminClient, watcher: Watcher, seen: Seen) -> Report:
    """Make figures of what was seen."""
    creates = sorted(
        call["time"] for call in seen.log if call["operation"] == "CreateTrainingJob" and call["outcome"] == "OK"
    )
    totals = Counter({operation: sum(outcomes.values()) for operation, outcomes in seen.calls.items()})
    throttled = sum(outcomes.get("ThrottlingException", 0) for outcomes in seen.calls.values())
    ends = {job["name"]: job["lastModifiedTime"] for job in aws.jobs()}
    lags = sorted(moment - ends[job_name] for moment, job_name in watcher.completed.values())
    creating = creates[-1] - seen.started
    span = creates[-1] - creates[0]
    return Report(
        operator=options.operator,
        quotas=options.quotas,
        jobs=options.jobs,
        foreign_jobs=options.foreign,
        all_created_after=round(creating, 1),
        created_per_second=round(len(creates) / creating, 1),
        all_done_after=round(seen.finished - seen.started, 1),
        calls=dict(totals),
        calls_per_job=round(totals.total() / options.jobs, 3),
        throttled_percent=round(100 * throttled / totals.total(), 2),
        create_quota_used_percent=round(100 * (len(creates) - 1) / span, 1) if options.quotas == "aws" else None,
        calls_at_rest=seen.at_rest,
        lag_p50=round(statistics.median(lags), 2),
        lag_p99=round(lags[int(len(lags) * 0.99) - 1], 2),
        lag_max=round(lags[-1], 2),
        operator_cpu_seconds=round(seen.cpu, 1),
        operator_rss_mb=round(seen.memory),
    )


@contextmanager
def operating(options: argparse.Namespace, directory: Path, control_plane: ControlPlane, url: str) -> Iterator[Any]:
    """Run the operator, or the baseline; its process."""
    environment = {
        "SAGEBRIDGE_POLL_INTERVAL_SECONDS": str(options.interval),
        "SAGEBRIDGE_AWS_UNLIMITED": str(options.quotas == "off").lower(),
        "SAGEBRIDGE_LOG_LEVEL": "WARNING",
    }
    if options.operator == "naive":
        with naive(control_plane, url, interval=options.interval) as process:
            yield process
        return
    operator = OperatorProcess.start(
        directory / "operator", kubeconfig=control_plane.kubeconfig, endpoint_url=url, environment=environment
    )
    try:
        yield psutil.Process(operator.process.pid)
    finally:
        operator.stop()


@contextmanager
def naive(control_plane: ControlPlane, url: str, *, interval: float) -> Iterator[psutil.Process]:
    """Run the baseline."""
    import os
    import subprocess

    from sagebridge_local.stack import aws

    environment = os.environ | aws.environment(url) | {"KUBECONFIG": str(control_plane.kubeconfig)}
    command = [sys.executable, str(NAIVE), str(interval)]
    child = subprocess.Popen(command, env=environment)
    time.sleep(5)
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait()


@contextmanager
def working_directory(*, keep: bool) -> Iterator[Path]:
    """A fresh folder for state and logs."""
    folder = Path(tempfile.mkdtemp(prefix="sagebridge-bench-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure once, print a JSON report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operator", choices=["sagebridge", "naive"], default="sagebridge")
    parser.add_argument("--quotas", choices=["off", "aws"], default="off")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--interval", type=float, default=10.0)
    parser.add_argument("--foreign", type=int, default=20_000)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the working files, logs included")
    options = parser.parse_args()
    with working_directory(keep=options.keep) as directory:
        control_plane = ControlPlane.start(directory / "cluster", crds=crds_directory())
        # Neither has a part in this, and both would take their share of the two cores for watching the objects.
        for bystander in ("kube-controller-manager", "kube-scheduler"):
            control_plane.kill(bystander)
        arguments = ["--lifecycle-only", "--latency-ms", "50", "--quotas", options.quotas]
        simulator = Simulator.start(
            directory / "sagemaker", arguments=[*arguments, "--seed-history", str(options.foreign)]
        )
        try:
            with operating(options, directory, control_plane, simulator.url) as process:
                report = uvloop.run(run(options, control_plane, simulator, process))
        finally:
            simulator.stop()
            control_plane.stop()
    text = json.dumps(asdict(report) | {"python": platform.python_version(), "cores": psutil.cpu_count()}, indent=2)
    print(text)
    if options.report:
        options.report.write_text(text + "\n")


if __name__ == "__main__":
    main()
