"""The pipeline of the digits from its compiled form, as the real driver, launcher and Argo run it; all jobs train."""

from __future__ import annotations

import os
import random
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import kubernetes
import pytest
from integration.operator.world import Cluster
from sagebridge_local.stack import ControlPlane
from support.kfp_runner import Cache, Finished, Run, State
from support.processes import Spawns, forked_operator, forked_simulator, kube, spawns
from support.waiting import eventually

from .digits import CREATES, KINDS, Digits, digits
from .killing import Killer

__all__ = ["forked_operator", "forked_simulator", "kube", "spawns"]

ALGORITHMS = {
    "logistic-regression": "LogisticRegression",
    "k-nearest-neighbors": "KNeighborsClassifier",
    "random-forest": "RandomForestClassifier",
}
OTHERS, KILLS = len(ALGORITHMS), 20


@pytest.fixture(scope="module")
def here(
    tmp_path_factory: pytest.TempPathFactory,
    control_plane: ControlPlane,
    kube: kubernetes.client.ApiClient,
    spawns: Spawns,
) -> Iterator[Digits]:
    """Where the pipeline is run."""
    cluster = Cluster(control_plane=control_plane, client=kube)
    with digits(tmp_path_factory.mktemp("digits"), cluster=cluster, spawns=spawns) as place:
        yield place


@pytest.fixture(scope="module")
def cache() -> Cache:
    """The cache that the first run fills."""
    return Cache()


@pytest.fixture(scope="module")
def first(here: Digits, cache: Cache) -> tuple[Run, Finished]:
    """The first run, with all its jobs."""
    run = here.run(cache)
    return run, run.run()


def by_name(finished: Finished, name: str) -> str:
    """The path of the only task of a name."""
    [path] = [path for path in finished.tasks if path.rpartition("/")[2] == name]
    return path


def one_job_each(here: Digits, run: Run) -> None:
    """Each task of a run has made one object, and each object one job."""
    made = {kind: here.objects(kind, run) for kind in KINDS}
    assert {kind: len(objects) for kind, objects in made.items()} == {
        "HPTuningJob": 1,
        "TrainingJob": 1 + OTHERS,
        "BatchTransform": 1,
    }
    everything = [one for objects in made.values() for one in objects]
    assert [len(one["status"]["attempts"]) for one in everything] == [1] * len(everything)
    placed = Counter(one["metadata"]["annotations"]["sagebridge.io/pipeline-task"] for one in everything)
    assert set(placed.values()) == {1}, "two tasks are taken for one"


def test_from_a_search_to_an_answer(here: Digits, first: tuple[Run, Finished]) -> None:
    run, finished = first
    assert finished.state is State.SUCCEEDED, finished.told()
    assert {record.state for record in finished.tasks.values()} == {State.SUCCEEDED}
    trained = finished[by_name(finished, "training-job")].outputs
    assert trained.parameters["objective"] >= 0.9
    assert trained.artifacts["metrics"][0]["metadata"] == trained.parameters["final_metrics"]
    rows = here.predictions(finished, by_name(finished, "batch-transform"))
    assert len(rows) == 360
    assert sum(label == read for label, read in rows) >= 0.9 * len(rows)
    assert finished[by_name(finished, "invoke-endpoint")].outputs.parameters["response"].strip() == "0"
    assert here.endpoints() == []
    one_job_each(here, run)


def test_the_best_is_trained_with_what_the_search_has_found_for_longer(
    here: Digits, first: tuple[Run, Finished]
) -> None:
    run, finished = first
    best = finished[by_name(finished, "hp-tuning-job")].outputs.parameters["best_hyperparameters"]
    [spec] = [one["spec"] for one in here.objects("TrainingJob", run) if one["metadata"]["name"].startswith("best-")]
    assert best["epochs"] == "4"
    assert spec["hyperParameters"] == {**best, "epochs": "8"}


def test_the_loop_trains_three_algorithms(here: Digits, first: tuple[Run, Finished]) -> None:
    run, finished = first
    ended = [record for path, record in finished.tasks.items() if path.endswith("/training-job-2")]
    objects = {one["metadata"]["name"]: one["spec"]["hyperParameters"] for one in here.objects("TrainingJob", run)}
    trained, told, scored = {}, {}, {}
    for record in ended:
        outputs = record.outputs.parameters
        algorithm, model = objects[outputs["object_name"]]["algorithm"], here.model(outputs["model_uri"])
        trained[algorithm], told[algorithm] = type(model).__name__, outputs["objective"]
        scored[algorithm] = here.accuracy(model)
        assert outputs["object_name"].startswith(f"{algorithm}-")
        assert f"{algorithm} train:accuracy=" in record.log
    assert trained == ALGORITHMS
    assert told == pytest.approx(scored, abs=1e-4)
    assert min(scored.values()) >= 0.9


def test_each_step_shows_the_log_of_its_job(first: tuple[Run, Finished]) -> None:
    _, finished = first
    log = finished[by_name(finished, "training-job")].log
    lines = [line for line in log.splitlines() if not line.startswith("[sagebridge]")]
    epochs = [int(number) for line in lines for number in re.findall(r"^epoch=(\d+) ", line)]
    assert epochs == list(range(1, 9)), log
    assert "log can't be shown" not in log


def test_a_second_run_takes_the_jobs_from_the_cache_and_deploys_again(
    here: Digits, cache: Cache, first: tuple[Run, Finished]
) -> None:
    before = here.created()
    run = here.run(cache)
    finished = run.run()
    assert finished.state is State.SUCCEEDED, finished.told()
    cached = {path for path, record in finished.tasks.items() if record.state is State.CACHED}
    ran = {path.rpartition("/")[2] for path, record in finished.tasks.items() if record.logs}
    assert ran == {"endpoint", "invoke-endpoint", "delete"}
    assert {path.rpartition("/")[2] for path in cached} == {
        "hp-tuning-job",
        "for-longer",
        "training-job",
        "training-job-2",
        "batch-transform",
    }
    assert len(cached) == 4 + OTHERS
    assert here.created() == before
    assert here.endpoints() == []


def test_what_is_not_good_enough_is_not_deployed(here: Digits, cache: Cache, first: tuple[Run, Finished]) -> None:
    finished = here.run(cache, least=1.01).run()
    assert finished.state is State.SUCCEEDED, finished.told()
    [gate] = [record for path, record in finished.tasks.items() if "condition" in path]
    assert gate.state is State.SKIPPED
    assert {path for path, record in finished.tasks.items() if record.logs} == {"delete"}
    assert "is not there" in finished["delete"].log


def test_the_endpoint_goes_where_a_step_has_failed(here: Digits, cache: Cache, first: tuple[Run, Finished]) -> None:
    finished = here.run(cache, digit="not,a,digit").run()
    assert finished.state is State.FAILED
    assert {path.rpartition("/")[2]: record.state for path, record in finished.tasks.items() if record.logs} == {
        "endpoint": State.SUCCEEDED,
        "invoke-endpoint": State.FAILED,
        "delete": State.SUCCEEDED,
    }
    assert here.endpoints() == []


def test_killed_at_random_moments_each_task_makes_one_job(here: Digits, note: Callable[[str], None]) -> None:
    seed = int(os.environ.get("SAGEBRIDGE_E2E_SEED") or secrets.randbits(32))
    print(f"SAGEBRIDGE_E2E_SEED={seed} repeats this")
    killer, before = Killer(kills=KILLS, of_a_task=4, chance=random.Random(seed)), here.created()
    run = here.run(Cache(), compiled=here.compiled.with_retries(10), watch=killer.watch)
    finished = run.run()
    assert finished.state is State.SUCCEEDED, finished.told()
    assert killer.killed.total() == KILLS, killer.killed
    one_job_each(here, run)
    after = here.created()
    assert [after[operation] - before[operation] for operation in CREATES] == [1, 1 + OTHERS, 1]
    assert finished[by_name(finished, "invoke-endpoint")].outputs.parameters["response"].strip() == "0"
    note(f"pipeline of the digits: {KILLS} kills, of {len(killer.killed)} tasks")


def test_terminated_it_leaves_no_job_running(here: Digits) -> None:
    run = here.run(Cache())

    def begun() -> list[str]:
        made = [one for kind in ("HPTuningJob", "TrainingJob") for one in here.objects(kind, run)]
        states = [one.get("status", {}) for one in made]
        working = [state for state in states if "InProgress" in state.values()]
        return [state["attempts"][-1]["name"] for state in working if state.get("attempts")]

    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(run.run)
        jobs = eventually(begun, what="a job at work")
        run.terminate()
        finished = running.result()

    assert finished.state is State.FAILED
    assert State.OMITTED in {record.state for record in finished.tasks.values()}
    eventually(lambda: all(stopping(here, job) for job in jobs), what="the jobs are being stopped")


def stopping(here: Digits, job: str) -> bool:
    """Whether a job is being stopped, or was."""
    [found] = [one for one in here.world.aws.jobs() if one["name"] == job]
    return found["status"] in ("Stopping", "Stopped")
