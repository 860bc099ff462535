"""An object with target: Cluster is let go when nothing of it can run again: afterwards nobody would stop it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sagebridge.core import steps
from sagebridge.core.errors import AwsError, NotAllowedError
from sagebridge.core.job import FINALIZER, Job
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.plan import Situation, next_step
from sagebridge.core.reasons import Reason
from sagebridge.kube.errors import RefusedError
from sagebridge.targets.cluster.view import ClusterView
from support.cluster_jobs import cluster_target, kubernetes_job
from support.deletions import asked_for
from support.workbench import SPEC, Workbench, workbench

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AGO = "2026-01-02T03:00:00Z"
DELETED = {"deletionTimestamp": "2026-01-02T03:04:00Z"}
CREATED = {
    "number": 1,
    "name": "a",
    "region": "eu-west-1",
    "recordedAt": AGO,
    "arn": "arn:kubernetes:batch:eu-west-1:n:job/a",
}
STOPPED = CREATED | {"status": "Stopped", "endTime": AGO}
INTERRUPTED = CREATED | {"status": "Failed", "reason": "Interrupted", "endTime": AGO}
COMPLETED = CREATED | {"number": 2, "status": "Completed", "endTime": AGO}


def observed(phase: Phase) -> Observation:
    return Observation(phase=phase, whole=True)


def situation(
    attempts: list[dict[str, Any]], seen: Phase | None, *, target: str, policy: str, is_settled: bool
) -> Situation:
    metadata = {"uid": "u", "namespace": "n", "name": "a", "generation": 1, "finalizers": [FINALIZER]}
    spec = {"target": target, "runPolicy": {"deletionPolicy": policy}}
    return Situation(
        job=Job.parse({"metadata": metadata | DELETED, "spec": spec, "status": {"attempts": attempts}}),
        observation=observed(seen) if seen else None,
        now=NOW,
        deletion=asked_for(NOW),
        is_settled=is_settled,
    )


@pytest.mark.parametrize(
    ("reason", "attempts", "seen", "target", "policy", "is_settled", "want"),
    [
        ("what is told to stop may be run again", [CREATED], Phase.STOPPING, "Cluster", "Stop", False, steps.Conclude),
        ("SageMaker sees to it by itself", [CREATED], Phase.STOPPING, "SageMaker", "Stop", False, steps.Release),
        ("a queue may still have what has stopped", [CREATED], Phase.STOPPED, "Cluster", "Stop", False, steps.Settle),
        ("it has not any more", [CREATED], Phase.STOPPED, "Cluster", "Stop", True, steps.Release),
        ("a queue may have what was suspended", [STOPPED], None, "Cluster", "Stop", False, steps.Settle),
        ("or interrupted", [INTERRUPTED, COMPLETED], None, "Cluster", "Stop", False, steps.Settle),
        ("nobody runs what has ended by itself", [COMPLETED], None, "Cluster", "Stop", False, steps.Release),
        ("no queue has a job of SageMaker's", [STOPPED], None, "SageMaker", "Stop", False, steps.Release),
        ("what is purged is not there", [STOPPED], None, "Cluster", "Purge", False, steps.Purge),
        ("what is retained is left", [CREATED], Phase.STOPPING, "Cluster", "Retain", False, steps.Release),
    ],
)
def test_when_an_object_is_let_go(
    reason: str,
    attempts: list[dict[str, Any]],
    seen: Phase | None,
    target: str,
    policy: str,
    is_settled: bool,
    want: type[steps.Step],
) -> None:
    step = next_step(situation(attempts, seen, target=target, policy=policy, is_settled=is_settled))

    assert isinstance(step, want), reason


def test_meanwhile_it_says_what_it_waits_for() -> None:
    step = next_step(situation([CREATED], Phase.STOPPING, target="Cluster", policy="Stop", is_settled=False))

    assert isinstance(step, steps.Conclude)
    assert (step.verdict.reason, step.verdict.message) == (Reason.DELETING, "Waiting for a to stop.")
    assert step.again_after is not None, "the deadline of the deletion is kept"


async def test_all_that_a_queue_may_have_is_settled_and_then_the_object_goes() -> None:
    spec = SPEC | {"target": "Cluster"}
    attempts = [INTERRUPTED, COMPLETED, STOPPED | {"number": 3}, CREATED | {"number": 4}]
    async with workbench() as bench:
        memory = bench.put(spec=spec, status={"attempts": attempts}, metadata={"deletionTimestamp": AGO})
        memory.observation = observed(Phase.STOPPED)

        await bench.reconcile(memory)

    assert bench.target.settled == [1, 3, 4]
    assert memory.job.finalizers == []


@pytest.mark.parametrize("error", [RefusedError("forbidden"), NotAllowedError("namespace", "no policy selects it")])
async def test_what_had_ended_holds_no_deletion_up_where_nobody_may_look(error: Exception) -> None:
    async with workbench() as bench:
        bench.target.errors["settle"] = error
        memory = bench.put(
            spec=SPEC | {"target": "Cluster"}, status={"attempts": [STOPPED]}, metadata={"deletionTimestamp": AGO}
        )

        await bench.reconcile(memory)

    assert memory.job.finalizers == []


async def test_what_is_paused_and_has_ended_goes_at_once() -> None:
    paused = {"deletionTimestamp": AGO, "annotations": {"sagebridge.io/paused": "true"}}
    async with workbench() as bench:
        memory = bench.put(spec=SPEC | {"target": "Cluster"}, status={"attempts": [STOPPED]}, metadata=paused)

        await bench.reconcile(memory)

    assert (bench.target.settled, memory.job.finalizers) == ([], [])


LATE = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
ON_CLUSTER = SPEC | {"target": "Cluster"}


def orphaned(bench: Workbench) -> float | None:
    return bench.metrics.registry.get_sample_value("sagebridge_orphaned_total", {"kind": "TrainingJob"})


async def test_what_is_left_after_the_deadline_is_looked_for_in_its_namespace(caplog: pytest.LogCaptureFixture) -> None:
    async with workbench() as bench:
        memory = bench.put(spec=ON_CLUSTER, status={"attempts": [CREATED]}, metadata=LATE)
        memory.observation = observed(Phase.STOPPING)
        await bench.reconcile(memory)
        bench.now += timedelta(hours=2)

        await bench.reconcile(memory)

    assert "released though the cluster could not be made to end a" in caplog.text
    assert caplog.text.rstrip().endswith("look at it in this namespace.")


async def test_a_job_that_was_deleted_while_no_operator_ran_has_its_time_to_end() -> None:
    async with workbench() as bench:
        memory = bench.put(spec=ON_CLUSTER, status={"attempts": [CREATED]}, metadata=LATE)
        bench.target.seen = observed(Phase.OPEN)

        await bench.reconcile(memory)

        assert bench.target.calls == ["describe", "stop"]
        assert bench.ready()["message"] == "Waiting for a to stop."
        assert (memory.job.finalizers, orphaned(bench)) == ([FINALIZER], None)


@pytest.mark.parametrize(
    ("reason", "policy", "attempts", "told"),
    [
        (
            "a queue may run it again",
            "Stop",
            [INTERRUPTED, COMPLETED],
            "A queue may run it again: delete the Jobs, or JobSets, that have the label sagebridge.io/uid=uid-digits",
        ),
        (
            "it was to be purged, and does not run",
            "Purge",
            [COMPLETED],
            "It may still be there: look at it in this namespace.",
        ),
    ],
)
async def test_what_has_ended_and_can_not_be_taken_away_is_told(
    reason: str, policy: str, attempts: list[dict[str, Any]], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with workbench() as bench:
        error = AwsError(code="InternalError", message="no", operation="delete", http_status=500)
        bench.target.errors = {"settle": error, "delete": error}
        spec = ON_CLUSTER | {"runPolicy": {"deletionPolicy": policy}}
        memory = bench.put(spec=spec, status={"attempts": attempts}, metadata=DELETED)
        await bench.reconcile(memory)
        assert memory.job.finalizers == [FINALIZER]
        bench.now += timedelta(hours=2)

        await bench.reconcile(memory)

        assert f"the cluster could not be made to delete a in time. {told}" in caplog.text, reason
        assert (memory.job.finalizers, orphaned(bench)) == ([], 1)


async def test_what_nobody_may_look_at_again_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with workbench() as bench:
        bench.target.errors["settle"] = RefusedError("forbidden")
        memory = bench.put(
            spec=ON_CLUSTER, status={"attempts": [STOPPED, STOPPED | {"name": "b", "number": 2}]}, metadata=DELETED
        )

        await bench.reconcile(memory)

        assert "could not be made to delete a, b in time. A queue may run it again" in caplog.text
        assert (memory.job.finalizers, orphaned(bench)) == ([], 1)


class Objects:
    """Has one Job, and notes whether it is deleted."""

    def __init__(self, job: Any) -> None:
        self.there = job
        self.deleted: list[str] = []

    async def job(self, _: Any) -> Any:
        return self.there

    async def delete_job(self, _: Any, job: Any) -> None:
        self.deleted.append(job["metadata"]["uid"])


@pytest.mark.parametrize(
    ("reason", "there", "deleted"),
    [
        ("the queue would start it again", kubernetes_job(suspend=True, stop="Stopped"), ["job-uid"]),
        ("the queue has started it again", kubernetes_job(stop="Stopped"), ["job-uid"]),
        ("its logs are kept", kubernetes_job(ended="Failed", stop="Stopped"), []),
        ("it is gone", None, []),
    ],
)
async def test_what_is_settled_can_not_run_again(reason: str, there: Any, deleted: list[str]) -> None:
    """Whatever this process has seen of it: it may have begun a moment ago."""
    objects: Any = Objects(there)
    handle: Any = None

    await cluster_target(view=ClusterView(), objects=objects).settle(handle)

    assert objects.deleted == deleted, reason
