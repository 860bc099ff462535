"""The engine's passes: what cuts one short must neither lose the object nor let two work on it at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sagebridge.core.job import FINALIZER
from sagebridge.engine import engine as engine_module
from sagebridge.engine.engine import Engine, Served
from sagebridge.engine.store import Memory, Store
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError, RefusedError
from sagebridge.kube.lease import LeadershipLostError
from sagebridge.kube.paths import custom
from sagebridge.metrics import Metrics
from support.workbench import Workbench

KIND = "TrainingJob"


class Scripted:
    """A reconciler whose passes are the test's."""

    def __init__(self) -> None:
        self.passes = 0
        self.work: Callable[[int], Awaitable[None]] | None = None

    async def reconcile(self, _: Memory) -> float | None:
        self.passes += 1
        if self.work is not None:
            await self.work(self.passes)
        return None


def body(*, version: int, uid: str = "u", **metadata: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "uid": uid,
        "namespace": "team-a",
        "name": uid,
        "resourceVersion": str(version),
        "generation": 1,
    }
    known["finalizers"] = [FINALIZER]
    return {"metadata": known | metadata, "spec": metadata.pop("spec", {}), "status": {}}


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - the engine is watched from outside
            await asyncio.sleep(0.005)


@pytest.fixture
def reconciler() -> Scripted:
    return Scripted()


@pytest.fixture
async def engine(reconciler: Scripted, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    monkeypatch.setattr(engine_module, "_KUBE_RETRY_SECONDS", (0.01,))

    async def no_login() -> Any:
        raise OSError("there is no API server here")

    made = Engine(store=Store(), client=KubeClient(login=no_login), metrics=Metrics(CollectorRegistry()))
    made.serve(KIND, Served(resource=custom("trainingjobs"), reconciler=reconciler))  # type: ignore[arg-type]
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_pass_without_the_lease_is_made_up_for(engine: Engine, reconciler: Scripted) -> None:
    """A renewal that came late can still succeed: then nobody else would ever look at the object."""

    async def work(number: int) -> None:
        if number == 1:
            raise LeadershipLostError

    reconciler.work = work
    engine.object_seen(KIND, body(version=1))
    await until(lambda: reconciler.passes == 2)


async def test_a_pass_that_something_below_has_cancelled_is_made_up_for(engine: Engine, reconciler: Scripted) -> None:
    async def work(number: int) -> None:
        if number == 1:
            raise asyncio.CancelledError

    reconciler.work = work
    engine.object_seen(KIND, body(version=1))
    await until(lambda: reconciler.passes == 2)


async def test_two_changes_do_not_end_the_waiting_for_a_call(engine: Engine, reconciler: Scripted) -> None:
    """The first change cancels the pass, which then waits for AWS's answer; the second must not cancel that."""
    answered = asyncio.Event()
    log: list[str] = []

    async def work(number: int) -> None:
        if number > 1:
            log.append("next pass")
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await answered.wait()
            log.append("answered")
            raise

    reconciler.work = work
    engine.object_seen(KIND, body(version=1))
    await until(lambda: reconciler.passes == 1)
    engine.object_seen(KIND, body(version=2, generation=2))
    await asyncio.sleep(0.01)
    engine.object_seen(KIND, body(version=3, generation=2, deletionTimestamp="2026-01-02T03:04:05Z"))
    await asyncio.sleep(0.05)
    assert log == []
    answered.set()
    await until(lambda: "next pass" in log)
    assert log == ["answered", "next pass"]


@pytest.mark.parametrize(
    ("error", "is_soon"), [(KubeError("away"), True), (RefusedError("not valid", status=422), False)], ids=repr
)
async def test_what_the_api_server_refuses_is_not_asked_again_at_once(
    engine: Engine, reconciler: Scripted, error: KubeError, is_soon: bool
) -> None:
    async def work(_: int) -> None:
        raise error

    reconciler.work = work
    engine.object_seen(KIND, body(version=1))
    if is_soon:
        await until(lambda: reconciler.passes > 1)
        return
    await until(lambda: reconciler.passes == 1)
    await asyncio.sleep(0.2)
    assert reconciler.passes == 1


async def test_nothing_is_kept_of_what_is_gone(engine: Engine, reconciler: Scripted) -> None:
    async def work(_: int) -> None:
        raise KubeError("away")

    reconciler.work = work
    seen = body(version=1)
    seen["spec"] = {"modelRef": {"kind": KIND, "name": "model"}}
    engine.object_seen(KIND, seen)
    await until(lambda: reconciler.passes == 2)
    engine.object_gone("u")
    await asyncio.sleep(0.05)
    assert not engine._kube_failures
    assert not engine._references


async def test_who_waits_for_a_model_is_woken(engine: Engine, reconciler: Scripted) -> None:
    waiting = body(version=1)
    waiting["spec"] = {"modelRef": {"kind": KIND, "name": "model"}}
    engine.object_seen(KIND, waiting)
    await until(lambda: reconciler.passes == 1)
    model = body(version=2, uid="model")
    model["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    engine.object_seen(KIND, model)
    await until(lambda: reconciler.passes == 3)


async def test_who_was_let_go_is_forgotten_though_no_watch_says_so(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch that had to start anew tells nothing of what vanished meanwhile."""
    monkeypatch.setattr(engine_module, "_SEE_OFF_SECONDS", 0.01)
    running = asyncio.create_task(bench.engine.run())
    deleted = {"deletionTimestamp": "2026-01-02T03:00:00Z"}
    memory = bench.put(metadata=deleted)
    bench.engine.policies_changed()
    await until(lambda: memory.job.is_released)
    await asyncio.sleep(0.05)
    assert len(bench.store) == 1, "somebody else may hold it still"
    del bench.api.objects[bench.path()]
    await until(lambda: not len(bench.store))
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
