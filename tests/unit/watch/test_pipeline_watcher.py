"""Who looks whether steps are there still: what is followed, what is told, and when nothing is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sagebridge.core.pipelines.attendance import Gone
from sagebridge.core.pipelines.marks import Marks
from sagebridge.engine.store import Memory, Store
from sagebridge.kube.errors import KubeError
from sagebridge.watch.pipeline_watcher import Manner, PipelineWatcher
from sagebridge.watch.step_pods import StepPods, essence

START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
GRACE, STALE = timedelta(minutes=10), 60.0
TASK = "digits.root.train.executor"
RUN = {"sagebridge.io/pipeline-run": "run-1"}


def pod(number: int = 0, *, run: str = "run-1", **status: Any) -> dict[str, Any]:
    """A pod of the step, as the API server gives it."""
    return {
        "metadata": {
            "uid": f"uid-{number}",
            "name": f"train-{number}",
            "namespace": "team-a",
            "resourceVersion": "1",
            "creationTimestamp": "2026-01-02T02:00:00Z",
            "labels": {"pipeline/runid": run},
            "annotations": {"workflows.argoproj.io/node-name": f"{TASK}({number})"},
        },
        "status": {"phase": "Running", **status},
    }


class ApiServer:
    """Answers who asks for pods."""

    def __init__(self) -> None:
        self.pods: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.is_away = False

    async def list(self, path: str, *, selector: str = "", fields: str = "") -> AsyncIterator[dict[str, Any]]:
        self.asked.append((path, selector or fields))
        if self.is_away:
            raise KubeError("away")
        for one in self.pods:
            metadata = one["metadata"]
            labels = {f"{key}={value}" for key, value in metadata["labels"].items()}
            if selector in labels or fields == f"metadata.name={metadata['name']}":
                yield one


class Following:
    """In the place of a Reflector: what a test says is there."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.is_synced, self.seconds_blind = True, 0.0
        self.known: list[dict[str, Any]] = []
        self.was_cancelled = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.was_cancelled = True

    def forget(self) -> None:
        for body in self.known:
            self.options["remove"](essence(body))

    def show(self, body: dict[str, Any]) -> None:
        self.known.append(body)
        self.options["put"](self.options["keep"](body))

    def delete(self, body: dict[str, Any]) -> None:
        self.options["remove"](self.options["keep"](body))


class Engine:
    def __init__(self) -> None:
        self.gone: dict[str, Gone | None] = {}
        self.store = Store()

    def attendance_seen(self, uid: str, gone: Gone | None) -> None:
        self.gone[uid] = gone
        memory = self.store.get(uid)
        assert memory is not None
        memory.gone = gone


class Status:
    def __init__(self) -> None:
        self.told: list[str] = []

    def emit(self, job: Any, *, kind: str, reason: str, message: str, is_warning: bool) -> None:
        assert (reason, is_warning) == ("PipelineStepGone", True)
        self.told.append(f"{kind} {job.name}: {message}")


class Bench:
    """A watcher, a clock, and what it looks at."""

    def __init__(self, *, namespaces: tuple[str, ...] = ()) -> None:
        self.group = SimpleNamespace(create_task=asyncio.create_task)
        self.now = START
        self.server, self.engine, self.status = ApiServer(), Engine(), Status()
        self.store = self.engine.store
        self.followed: list[Following] = []
        self.pods = StepPods(client=self.server, namespaces=namespaces, reflector=self._reflector)
        self.watcher = PipelineWatcher(
            engine=self.engine,
            store=self.store,
            pods=self.pods,
            status=self.status,
            manner=Manner(grace=GRACE, interval=10.0, stale_after=STALE, endless=frozenset({"Endpoint"})),
            now=lambda: self.now,
        )

    def _reflector(self, **options: Any) -> Following:
        self.followed.append(Following(**options))
        return self.followed[-1]

    def made(self, name: str = "train", *, kind: str = "TrainingJob", number: int = 0, **noted: str) -> Memory:
        """An object of a step that this pod attends."""
        annotations = {"sagebridge.io/step-pod": f"train-{number}/uid-{number}", "sagebridge.io/pipeline-task": TASK}
        annotations |= {f"sagebridge.io/{key.replace('_', '-')}": value for key, value in noted.items()}
        metadata = {"uid": f"uid-of-{name}", "namespace": "team-a", "name": name, "resourceVersion": "1"}
        return self.store.put(kind, {"metadata": metadata | {"labels": RUN, "annotations": annotations}})

    async def look(self, *, after: float = 0.0) -> None:
        """One look, so many minutes later."""
        self.now += timedelta(minutes=after)
        await self.watcher.look(self.group)
        await asyncio.sleep(0)

    async def looks(self, *minutes: float) -> None:
        for after in minutes:
            await self.look(after=after)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.pods.let_go()


async def test_nothing_is_followed_while_no_step_has_made_anything(bench: Bench) -> None:
    bench.store.put("TrainingJob", {"metadata": {"uid": "u", "namespace": "team-a", "name": "by-hand"}})
    bench.made("done", step_done="true")
    await bench.looks(0, 30)
    assert bench.followed == []


async def test_the_pods_of_pipelines_are_followed_in_one_watch_while_that_is_needed(bench: Bench) -> None:
    memory = bench.made()
    await bench.looks(0, 1, 1)
    [following] = bench.followed
    assert following.options["path"] == "/api/v1/pods"
    assert following.options["selection"].labels == "pipeline/runid"
    bench.store.remove(memory.job.uid)
    await bench.looks(9)
    assert not following.was_cancelled, "the next step comes soon"
    await bench.looks(2)
    assert following.was_cancelled
    bench.made("again")
    await bench.look()
    assert len(bench.followed) == 2


async def test_in_served_namespaces_only() -> None:
    bench = Bench(namespaces=("team-a", "team-b"))
    bench.made()
    await bench.look()
    paths = [one.options["path"] for one in bench.followed]
    await bench.pods.let_go()
    assert paths == [f"/api/v1/namespaces/{name}/pods" for name in ("team-a", "team-b")]


async def test_what_a_pod_attends_is_left_and_nothing_is_asked(bench: Bench) -> None:
    bench.made()
    await bench.look()
    bench.followed[0].show(pod())
    await bench.looks(1, 30)
    assert bench.engine.gone == {"uid-of-train": None}
    assert bench.server.asked == []


async def test_what_none_attends_is_abandoned_after_the_grace(bench: Bench) -> None:
    bench.made()
    await bench.look()
    bench.followed[0].show(pod())
    await bench.look()
    bench.followed[0].delete(pod())
    await bench.look(after=1)
    gone_at = bench.now
    await bench.look(after=9.9)
    assert bench.engine.gone == {"uid-of-train": None}
    await bench.look(after=0.1)
    assert bench.engine.gone == {"uid-of-train": Gone(pod="train-0/uid-0", since=gone_at)}
    assert bench.server.asked == [
        ("/api/v1/namespaces/team-a/pods", "metadata.name=train-0"),
        ("/api/v1/namespaces/team-a/pods", "pipeline/runid=run-1"),
    ]
    await bench.looks(1, 1)
    assert len(bench.server.asked) == 2, "it is asked once"


async def test_a_run_is_asked_for_once_in_a_look_however_many_of_its_objects_are_abandoned(bench: Bench) -> None:
    for number in range(3):
        bench.made(f"train-{number}", number=number)
    await bench.looks(0, 10)
    pods = "/api/v1/namespaces/team-a/pods"
    named = [(pods, f"metadata.name=train-{number}") for number in range(3)]
    assert sorted(bench.server.asked) == [*named, (pods, "pipeline/runid=run-1")]
    assert all(bench.engine.gone.values())


async def test_what_a_run_has_said_holds_for_one_look(bench: Bench) -> None:
    bench.made()
    bench.server.pods = [pod(1, run="run-1")]
    await bench.looks(0, 10)
    assert bench.engine.gone == {"uid-of-train": None}
    bench.server.pods = []
    await bench.looks(1, 10)
    assert bench.engine.gone["uid-of-train"] is not None


async def test_a_fresh_operator_counts_from_its_own_first_look(bench: Bench) -> None:
    bench.made()
    await bench.look()
    started = bench.now
    await bench.looks(5, 5)
    assert bench.engine.gone == {"uid-of-train": Gone(pod="train-0/uid-0", since=started)}


async def test_a_fresh_operator_goes_by_the_end_that_a_pod_tells(bench: Bench) -> None:
    bench.made()
    await bench.look()
    end = {"terminated": {"exitCode": 137, "finishedAt": "2026-01-02T02:40:00Z"}}
    ended = pod(phase="Failed", containerStatuses=[{"name": "main", "state": end}])
    bench.server.pods = [ended]
    bench.followed[0].show(ended)
    await bench.look()
    gone = bench.engine.gone["uid-of-train"]
    assert gone is not None
    assert gone.since == START - timedelta(minutes=20)


@pytest.mark.parametrize("blind", [{"is_synced": False}, {"seconds_blind": STALE}], ids=["not listed yet", "broken"])
async def test_who_is_blind_sees_no_absence(bench: Bench, blind: dict[str, Any]) -> None:
    bench.made()
    await bench.look()
    for name, value in blind.items():
        setattr(bench.followed[0], name, value)
    await bench.looks(30, 30)
    assert bench.engine.gone == {"uid-of-train": None}, "as it was seen before"


async def test_a_namespace_that_can_not_be_seen_says_nothing_of_the_others() -> None:
    """One of those that are served was deleted, and with it the right to see its pods."""
    bench = Bench(namespaces=("team-a", "deleted"))
    bench.made()
    await bench.look()
    bench.followed[1].is_synced, bench.followed[1].seconds_blind = False, STALE
    await bench.looks(10)
    await bench.pods.let_go()
    assert bench.engine.gone["uid-of-train"] is not None


async def test_of_a_run_only_the_steps_own_pods_are_gone_through(bench: Bench) -> None:
    """A loop may have a thousand of them, with an object each."""
    marks = Marks.parse(bench.made().job.metadata)
    assert marks is not None
    await bench.look()
    other = pod(2)
    other["metadata"]["annotations"] = {"workflows.argoproj.io/node-name": "digits.root.evaluate.executor(0)"}
    for one in (pod(0), pod(1), other, pod(3, run="run-2")):
        bench.followed[0].show(one)
    assert [one.uid for one in bench.pods.of_step("team-a", marks)] == ["uid-0", "uid-1"]
    bench.followed[0].delete(pod(1))
    assert [one.uid for one in bench.pods.of_step("team-a", marks)] == ["uid-0"]


async def test_a_successor_that_has_not_taken_over_yet_counts(bench: Bench) -> None:
    bench.made()
    await bench.look()
    bench.followed[0].show(pod(1, phase="Pending"))
    await bench.looks(1, 30)
    assert bench.engine.gone == {"uid-of-train": None}


async def test_the_absence_of_a_pod_says_nothing_of_its_successor(bench: Bench) -> None:
    bench.made()
    await bench.looks(0, 9)
    bench.made(number=1)
    await bench.look(after=2)
    assert bench.engine.gone == {"uid-of-train": None}


async def test_what_the_watch_has_missed_is_asked_for_before_anything_is_stopped(bench: Bench) -> None:
    """As a pod without the labels of a pipeline, which is in no watch."""
    bench.made()
    bench.server.pods = [pod(run="other")]
    await bench.looks(0, 10, 5)
    assert bench.engine.gone == {"uid-of-train": None}
    assert len(bench.server.asked) == 2, "asked once in a grace"
    bench.server.pods = []
    await bench.looks(10)
    assert bench.engine.gone["uid-of-train"] is not None


async def test_while_nobody_answers_nothing_is_stopped(bench: Bench) -> None:
    bench.made()
    bench.server.is_away = True
    await bench.looks(0, 10, 1)
    assert bench.engine.gone == {"uid-of-train": None}
    bench.server.is_away = False
    await bench.look()
    assert bench.engine.gone["uid-of-train"] is not None


async def test_a_pod_that_comes_after_all_is_told(bench: Bench) -> None:
    """While a paused object waits, for instance."""
    bench.made()
    await bench.looks(0, 10)
    assert bench.engine.gone["uid-of-train"] is not None
    bench.followed[0].show(pod(1))
    await bench.look()
    assert bench.engine.gone == {"uid-of-train": None}


async def test_an_endpoint_is_told_about_once_and_left(bench: Bench) -> None:
    bench.made("serve", kind="Endpoint")
    await bench.looks(0, 10, 1, 30)
    assert bench.engine.gone == {}
    [told] = bench.status.told
    assert told.startswith("Endpoint serve: The pod train-0 of step digits.root.train.executor of the pipeline run")
    assert "left as it is" in told
    assert len(bench.server.asked) == 2


async def test_an_object_that_can_not_be_judged_keeps_no_other_from_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.made("first")
    bench.made("second")
    await bench.looks(0)
    seen = bench.engine.attendance_seen

    def fails_once(uid: str, gone: Gone | None) -> None:
        if uid == "uid-of-first":
            raise ValueError("unexpected")
        seen(uid, gone)

    monkeypatch.setattr(bench.engine, "attendance_seen", fails_once)
    await bench.look(after=10)
    assert bench.engine.gone["uid-of-second"] is not None


def test_of_each_pod_only_what_is_asked_of_it_is_kept() -> None:
    kept = essence(pod())
    assert set(kept) == {"metadata", "pod"}
    assert kept["metadata"] == {"uid": "uid-0", "resourceVersion": "1"}


async def test_it_looks_again_and_again_and_ends_when_it_is_told(bench: Bench) -> None:
    pauses: list[float] = []
    has_looked = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)
        if len(pauses) == 3:
            has_looked.set()

    manner = Manner(grace=GRACE, interval=7.0, stale_after=STALE)
    watcher = PipelineWatcher(
        engine=bench.engine,
        store=bench.store,
        pods=bench.pods,
        status=bench.status,
        manner=manner,
        now=lambda: START,
        sleep=sleep,
    )
    bench.made()
    task = asyncio.create_task(watcher.run())
    await has_looked.wait()
    task.cancel()
    await asyncio.wait({task})
    assert set(pauses) == {7.0}
    assert task.cancelled()
    assert bench.followed[0].was_cancelled
