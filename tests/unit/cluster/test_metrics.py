"""The metrics of pods, against a small API server that has their logs, loses them, or is away."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import kopf
import pytest
from aiohttp import web
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError
from sagebridge.targets.cluster import metrics as module
from sagebridge.targets.cluster.metrics import PodMetrics

JOB = {"metadata": {"namespace": "team", "name": "job", "uid": "u1"}}
LOSS = {"Name": "loss", "Regex": r"loss=(\S+)"}
BOMB = {"Name": "bomb", "Regex": "(?:(?:(?:a|b){500}){500}){50}"}


def pods(count: int) -> list[dict[str, Any]]:
    return [{"metadata": {"namespace": "team", "name": f"job-{number}"}} for number in range(count)]


def document(*definitions: dict[str, str]) -> dict[str, Any]:
    content = {"request": {"AlgorithmSpecification": {"MetricDefinitions": definitions}}}
    return {"data": {"job.json": json.dumps(content)}}


def value(text: float, second: int) -> dict[str, Any]:
    return {"metricName": "loss", "value": text, "timestamp": f"2026-01-01T00:00:{second:02}Z"}


class ApiServer:
    """Has one ConfigMap, and a log of each pod: its text, or the status that is answered instead."""

    def __init__(self) -> None:
        self.config_map: dict[str, Any] | int = document(LOSS)
        self.logs: dict[str, str | int] = {}
        self.queries: list[dict[str, str]] = []
        self.reading = 0
        self.most_reading = 0

    async def answer_config_map(self, request: web.Request) -> web.Response:
        if isinstance(self.config_map, int):
            return web.json_response({"message": "no"}, status=self.config_map)
        return web.json_response(self.config_map)

    async def answer_log(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        found = self.logs[request.match_info["pod"]]
        if isinstance(found, int):
            return web.json_response({"message": "no"}, status=found)
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(0)
        await response.write(found.encode())
        self.reading -= 1
        await response.write_eof()
        return response


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
async def metrics(server: ApiServer) -> AsyncIterator[PodMetrics]:
    application = web.Application()
    application.router.add_get("/api/v1/namespaces/team/configmaps/{name}", server.answer_config_map)
    application.router.add_get("/api/v1/namespaces/team/pods/{pod}/log", server.answer_log)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    async def log_in() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=f"http://127.0.0.1:{runner.addresses[0][1]}")

    client = KubeClient(login=log_in)
    yield PodMetrics(client=client)
    await client.close()
    await runner.cleanup()


async def test_the_last_values_over_all_hosts(server: ApiServer, metrics: PodMetrics) -> None:
    server.logs = {
        "job-0": "2026-01-01T00:00:01Z loss=0.5\n2026-01-01T00:00:04Z loss=0.25\n",
        "job-1": "2026-01-01T00:00:03Z loss=0.3\n",
    }
    assert await metrics.final(JOB, pods(2)) == [value(0.25, 4)]
    assert server.queries[0] == {"container": "train", "timestamps": "true", "tailLines": "50000"}


async def test_the_end_of_a_long_log_counts(server: ApiServer, metrics: PodMetrics) -> None:
    """Of 40 MB that ``tailLines`` chooses, ``limitBytes`` would keep the first ones."""
    filler = "2026-01-01T00:00:01Z loss=9 " + "x" * 4_000 + "\n"
    server.logs = {"job-0": filler * 10_000 + "2026-01-01T00:00:02Z loss=0.5\n"}
    assert await metrics.final(JOB, pods(1)) == [value(0.5, 2)]


async def test_without_definitions_no_log_is_read(server: ApiServer, metrics: PodMetrics) -> None:
    server.config_map = document()
    assert await metrics.final(JOB, pods(1)) == []
    assert server.queries == []


async def test_a_bomb_costs_its_metric_only(
    server: ApiServer, metrics: PodMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    server.config_map = document(BOMB, LOSS)
    server.logs = {"job-0": "2026-01-01T00:00:01Z loss=0.5\n"}
    assert await metrics.final(JOB, pods(1)) == [value(0.5, 1)]
    assert "team/job: metrics are missing: The regular expression of the metric 'bomb'" in caplog.text


@pytest.mark.parametrize(
    "program",
    [
        "import os; os.kill(os.getpid(), 9)",
        "raise MemoryError",
        "import sys; sys.stdin.buffer.read(); raise MemoryError",
    ],
)
async def test_a_process_that_dies_costs_the_metrics(
    server: ApiServer,
    metrics: PodMetrics,
    program: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    (tmp_path / "dying.py").write_text(program, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("sagebridge.runtime.scan.MODULE", "dying")
    server.logs = {"job-0": "2026-01-01T00:00:01Z loss=0.5\n" * 100_000}
    assert await metrics.final(JOB, pods(1)) == []
    assert "team/job: no metrics: the process" in caplog.text
    assert ("SIGKILL" in caplog.text) != ("MemoryError" in caplog.text)


async def test_a_process_that_hangs_costs_the_metrics(
    server: ApiServer,
    metrics: PodMetrics,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    (tmp_path / "hanging.py").write_text("import time; time.sleep(3600)", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("sagebridge.runtime.scan.MODULE", "hanging")
    monkeypatch.setattr("sagebridge.targets.cluster.scanning._RESULT_SECONDS", 0.01)
    server.logs = {"job-0": "2026-01-01T00:00:01Z loss=0.5\n"}
    assert await metrics.final(JOB, pods(1)) == []
    assert "team/job: no metrics: no result after" in caplog.text


@pytest.mark.parametrize("status", [400, 404])
async def test_a_log_that_is_gone_costs_what_was_in_it(server: ApiServer, metrics: PodMetrics, status: int) -> None:
    server.logs = {"job-0": "2026-01-01T00:00:01Z loss=0.5\n", "job-1": status}
    assert await metrics.final(JOB, pods(2)) == [value(0.5, 1)]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_a_log_that_can_not_be_read_now_is_read_later(
    server: ApiServer, metrics: PodMetrics, status: int
) -> None:
    server.logs = {"job-0": status}
    with pytest.raises(KubeError):
        await metrics.final(JOB, pods(1))
    server.logs = {"job-0": "2026-01-01T00:00:01Z loss=0.5\n"}
    assert await metrics.final(JOB, pods(1)) == [value(0.5, 1)]


async def test_a_node_that_stays_away_does_not_hold_the_job_up(
    server: ApiServer, metrics: PodMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    server.logs = {"job-0": 500}
    for _ in range(module._MOST_FAILURES - 1):
        with pytest.raises(KubeError):
            await metrics.final(JOB, pods(1))
    assert await metrics.final(JOB, pods(1)) == []
    assert "team/job: no metrics, after 10 tries" in caplog.text


@pytest.mark.parametrize(
    "config_map",
    [
        404,
        {},
        {"data": None},
        {"data": {"job.json": "no JSON"}},
        {"data": {"job.json": "[]"}},
        {"data": {"job.json": "{}"}},
        {"data": {"job.json": '{"request": null}'}},
        {"data": {"job.json": '{"request": {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "x"}]}}}'}},
    ],
    ids=str,
)
async def test_a_config_map_that_says_something_else_costs_the_metrics(
    server: ApiServer, metrics: PodMetrics, config_map: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.config_map = config_map
    assert await metrics.final(JOB, pods(1)) == []
    assert "team/job: no metrics" in caplog.text


async def test_a_config_map_that_can_not_be_read_now_is_read_later(server: ApiServer, metrics: PodMetrics) -> None:
    server.config_map = 503
    with pytest.raises(KubeError):
        await metrics.final(JOB, pods(1))


async def test_one_job_is_read_at_a_time_and_one_log_of_it(server: ApiServer, metrics: PodMetrics) -> None:
    server.logs = {f"job-{number}": "2026-01-01T00:00:01Z loss=0.5\n" for number in range(4)}
    found = await asyncio.gather(*(metrics.final(JOB, pods(4)) for _ in range(5)))
    assert found == [[value(0.5, 1)]] * 5
    assert (len(server.queries), server.most_reading) == (20, 1)


async def test_logs_that_take_too_long_cost_the_metrics_of_their_hosts(
    server: ApiServer, metrics: PodMetrics, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(module, "_READ_SECONDS", 0.0)
    server.logs = {"job-0": "2026-01-01T00:00:01Z loss=0.5\n"}
    assert await metrics.final(JOB, pods(1)) == []
    assert "metrics of some hosts only" in caplog.text
