"""Sweeps: no job and no region may keep the others' states from being seen; and when the poller counts as stale."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from sagebridge.core.errors import AwsError, NotAllowedError
from sagebridge.core.observation import Observation, Phase
from support.workbench import KIND, Workbench

AGO = "2026-01-02T03:00:00Z"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/x"
STOPPED = Observation(phase=Phase.STOPPED, whole=True)


def running(bench: Workbench, name: str, *, region: str = "us-east-1") -> None:
    attempt = {"number": 1, "name": name, "region": region, "recordedAt": AGO, "arn": ARN}
    bench.put(name, status={"attempts": [attempt]})


def phase(bench: Workbench, name: str) -> Phase | None:
    memory = bench.store.get(f"uid-{name}")
    assert memory is not None
    return memory.observation.phase if memory.observation else None


def stale(bench: Workbench, name: str) -> str:
    memory = bench.store.get(f"uid-{name}")
    assert memory is not None
    return memory.stale_because


@pytest.mark.parametrize(
    "error",
    [
        AwsError(code="MalformedReply", message="no usable TrainingJobStatus", operation="DescribeTrainingJob"),
        AwsError(code="AccessDeniedException", message="not authorized", operation="DescribeTrainingJob"),
        NotAllowedError("metadata.namespace", "another account"),
    ],
    ids=lambda error: type(error).__name__ + getattr(error, "code", ""),
)
async def test_one_job_that_cannot_be_read_does_not_hide_the_others(bench: Workbench, error: Exception) -> None:
    for name in ("bad", "good"):
        running(bench, name)
    bench.target.seen = STOPPED
    bench.target.errors["describe bad"] = error
    bench.target.listed = {}
    for _ in range(3):
        await bench.poller.sweep_all()
    assert phase(bench, "good") is Phase.STOPPED
    assert (phase(bench, "bad"), stale(bench, "bad")) == (None, "")
    bench.clock += 61
    await bench.poller.sweep_all()
    assert stale(bench, "bad")
    assert not stale(bench, "good")
    bench.target.errors.clear()
    await bench.poller.sweep_all()
    assert (phase(bench, "bad"), stale(bench, "bad")) == (Phase.STOPPED, "")


async def test_a_region_that_hangs_does_not_hold_up_the_others(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(bench, "far", region="eu-west-1")
    running(bench, "near")
    bench.target.seen = STOPPED
    observe, hanging = bench.target.observe, asyncio.Event()
    asked: list[str] = []

    async def slow(handles: Any) -> Any:
        asked.append(handles[0].region)
        if handles[0].region == "eu-west-1":
            await hanging.wait()
        return await observe(handles)

    monkeypatch.setattr(bench.target, "observe", slow)
    monkeypatch.setattr(bench.poller.rounds, "interval", 0.1)
    for _ in range(3):
        await bench.poller.sweep_all()
    assert asked.count("us-east-1") == 3
    assert asked.count("eu-west-1") == 1, "it is not asked a second time meanwhile"
    assert (phase(bench, "near"), phase(bench, "far")) == (Phase.STOPPED, None)
    hanging.set()
    await bench.poller.sweep_all()
    assert phase(bench, "far") is Phase.STOPPED


async def test_who_has_stood_by_for_long_is_not_stale_when_it_begins(bench: Workbench) -> None:
    """A probe that fails then would have the new leader killed before its first sweep has ended."""
    bench.clock = 10_000.0
    assert (bench.poller.rounds.seconds_since_last, bench.poller.rounds.seconds_since_success) == (0.0, 0.0)
    task = asyncio.create_task(bench.poller.run())
    await asyncio.sleep(0.05)
    bench.clock += 5
    assert (bench.poller.rounds.seconds_since_last, bench.poller.rounds.seconds_since_success) == (5.0, 5.0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_only_a_sweep_that_succeeds_is_a_success(bench: Workbench) -> None:
    running(bench, "digits")
    await bench.poller.sweep_all()
    bench.target.errors["observe"] = AwsError(code="Timeout", message="no answer", operation="ListTrainingJobs")
    bench.clock += 100
    await bench.poller.sweep_all()
    assert (bench.poller.rounds.seconds_since_last, bench.poller.rounds.seconds_since_success) == (0.0, 100.0)
    assert stale(bench, "digits")


async def test_a_region_without_jobs_has_no_last_success(bench: Workbench) -> None:
    """It would look stale for ever."""
    running(bench, "digits")
    await bench.poller.sweep_all()
    name, labels = "sagebridge_poller_last_success_timestamp_seconds", {"kind": KIND.name, "region": "us-east-1"}
    assert bench.metrics.registry.get_sample_value(name, labels)
    bench.engine.object_gone("uid-digits")
    await bench.poller.sweep_all()
    assert bench.metrics.registry.get_sample_value(name, labels) is None


async def test_a_sweep_that_cannot_be_concluded_is_told_and_tried_again(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running(bench, "digits")
    bench.target.seen = STOPPED

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(bench.engine, "observed", broken)
        await bench.poller.sweep_all()
    assert "it could not be concluded" in caplog.text
    await bench.poller.sweep_all()
    assert phase(bench, "digits") is Phase.STOPPED
