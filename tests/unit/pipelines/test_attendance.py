"""What becomes of an object whose step's pod is gone, as a table."""
# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sagebridge.core.job import Job
from sagebridge.core.pipelines.attendance import (
    Abandoned,
    Fate,
    Leave,
    WaitUntil,
    fate,
    needs_attendance,
    of_step,
)
from sagebridge.core.pipelines.marks import Marks, task_of
from sagebridge.core.pipelines.pods import StepPod

NOW = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
GRACE = timedelta(minutes=10)
TASK = "digits-abc12.root.train.executor"
MARKS = Marks(run="run-1", task=TASK, pod_name="train-0", pod_uid="uid-0")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def pod(number: int = 0, **facts: Any) -> StepPod:
    return StepPod(uid=f"uid-{number}", namespace="team-a", run="run-1", task=TASK, **facts)


def ended(number: int = 0, *, at: datetime | None) -> StepPod:
    return pod(number, has_ended=True, ended_at=at)


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    want: Fate
    pods: list[StepPod] = field(default_factory=list)
    seen: datetime = NOW


LEAVE = Leave()
CASES = [
    Case(reason="its pod runs", pods=[pod()], seen=ago(99), want=LEAVE),
    Case(reason="its pod was told to end, and has time to do so", pods=[pod(deadline=NOW + timedelta(seconds=30))], seen=ago(99), want=LEAVE),
    Case(reason="its pod is gone since this look", want=WaitUntil(moment=NOW + GRACE)),
    Case(reason="its pod is gone, and it is borne a moment more", seen=ago(9.99), want=WaitUntil(moment=ago(9.99) + GRACE)),
    Case(reason="its pod is gone for long enough", seen=ago(10), want=Abandoned(since=ago(10))),
    Case(reason="a pod that has ended tells when, whoever has seen it first", pods=[ended(at=ago(10))], want=Abandoned(since=ago(10))),
    Case(reason="one that has ended a moment ago is borne", pods=[ended(at=ago(1))], seen=ago(99), want=WaitUntil(moment=ago(1) + GRACE)),
    Case(reason="one that has ended without a time counts from when that was seen", pods=[ended(at=None)], seen=ago(3), want=WaitUntil(moment=ago(3) + GRACE)),
    Case(reason="one on a node that was lost has been killed when its time to end was over", pods=[pod(deadline=ago(11))], want=Abandoned(since=ago(11))),
    Case(reason="a successor runs, though it has not taken over yet", pods=[ended(at=ago(99)), pod(1)], seen=ago(99), want=LEAVE),
    Case(reason="a successor runs, and nothing is left of the pod before", pods=[pod(1)], seen=ago(99), want=LEAVE),
    Case(reason="a successor that never began has ended a moment ago", pods=[ended(at=ago(99)), ended(1, at=ago(2))], want=WaitUntil(moment=ago(2) + GRACE)),
    Case(reason="all that there were have ended long ago", pods=[ended(at=ago(99)), ended(1, at=ago(12))], want=Abandoned(since=ago(12))),
    Case(reason="its pod was deleted, after an earlier one had ended", pods=[ended(1, at=ago(99))], seen=ago(4), want=WaitUntil(moment=ago(4) + GRACE)),
    Case(reason="a node's clock is ahead of ours", pods=[ended(at=NOW + timedelta(minutes=1))], want=WaitUntil(moment=NOW + timedelta(minutes=11))),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_it_is_left_borne_or_abandoned(case: Case) -> None:
    assert fate(MARKS, case.pods, first_seen_gone=case.seen, now=NOW, grace=GRACE) == case.want, case.reason


@pytest.mark.parametrize(
    ("other", "is_of_it", "reason"),
    [
        (StepPod(uid="uid-0", namespace="team-a"), True, "the pod itself, though nothing tells that it is a pipeline's"),
        (StepPod(uid="uid-1", namespace="team-a", run="run-1", task=TASK), True, "a retry of the same task"),
        (StepPod(uid="uid-1", namespace="team-a", run="run-2", task=TASK), False, "the same task of another run"),
        (StepPod(uid="uid-1", namespace="team-a", run="run-1", task=f"{TASK}-driver"), False, "another task of the run"),
        (StepPod(uid="uid-1", namespace="team-a", run="run-1"), False, "a pod of the run without a task"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_pods_of_a_step(other: StepPod, is_of_it: bool, reason: str) -> None:
    assert (of_step(MARKS, [other]) == [other]) is is_of_it, reason


def test_a_step_without_a_task_has_no_successor_but_itself() -> None:
    nameless = Marks(run="run-1", task="", pod_name="train-0", pod_uid="uid-0")

    assert of_step(nameless, [StepPod(uid="uid-1", namespace="team-a", run="run-1")]) == []


LABELS = {"sagebridge.io/pipeline-run": "run-1", "sagebridge.io/pipeline-step": "abcdefghij"}
NOTED = {"sagebridge.io/step-pod": "train-0/uid-0", "sagebridge.io/pipeline-task": TASK}
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
FAILED = {"conditions": [{"type": "Failed", "status": "True"}]}
STOPPED = {"stepGone": {"pod": "train-0/uid-0", "since": "2026-01-02T02:00:00Z"}}


def job(noted: dict[str, str] | None = None, **parts: Any) -> Job:
    metadata = {"uid": "u", "namespace": "team-a", "name": "train", "labels": LABELS}
    metadata |= {"annotations": NOTED | (noted or {})} | parts.pop("metadata", {})
    return Job.parse({"metadata": metadata, **parts})


@pytest.mark.parametrize(
    ("made", "needed", "reason"),
    [
        (job(), True, "a step's job that has not ended"),
        (job({"sagebridge.io/step-done": "true"}), False, "what a step left that has ended well"),
        (job(status=COMPLETE), False, "a job that has completed"),
        (job(status=FAILED), False, "a job that has failed for good"),
        (job(metadata={"annotations": {}}), False, "a run without pods, as on a laptop"),
        (job({"sagebridge.io/step-pod": "train-0"}), False, "a pod without a UID, as somebody may write it"),
        (job(metadata={"labels": {}}), False, "nobody's step"),
        (job(spec={"runPolicy": {"suspend": True}}), False, "nothing of it runs, as its user wants"),
        (job({"sagebridge.io/step-stopped": "true"}), False, "resumed by hand, after its step had suspended it"),
        (job({"sagebridge.io/step-stopped": "false"}), True, "its next step has taken it over"),
        (job(metadata={"deletionTimestamp": "2026-01-02T02:59:00Z"}), False, "it is being deleted, and stopped with that"),
        (job(status=STOPPED), False, "it is stopped for want of attendance already"),
        (job({"sagebridge.io/step-pod": "train-1/uid-1"}, status=STOPPED), True, "a successor attends it, and may go too"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_needs_attendance(made: Job, needed: bool, reason: str) -> None:
    assert needs_attendance(made) is needed, reason


@pytest.mark.parametrize(
    ("node", "task"),
    [
        ("run.root.train.executor(0)", "run.root.train.executor"),
        ("run.root.train.executor(12)", "run.root.train.executor"),
        ("run.root.train.executor", "run.root.train.executor"),
        ("run.root.loop(1:1).train.executor(0)", "run.root.loop(1:1).train.executor"),
        ("run.root(0).train.executor(1)", "run.root.train.executor"),
        # By Kubeflow Pipelines' manifests all templates have retries, and all nodes their number.
        (
            "run(0).root(0).loop(0).iteration-iterations(1:1)(0).iteration-item(0).train(0).executor(2)",
            "run.root.loop.iteration-iterations(1:1).iteration-item.train.executor",
        ),
        ("run(0).root(0).tidy.onExit(0).delete(0).executor(0)", "run.root.tidy.onExit.delete.executor"),
    ],
)
def test_a_task_is_the_same_for_all_its_pods(node: str, task: str) -> None:
    assert task_of(node) == task
