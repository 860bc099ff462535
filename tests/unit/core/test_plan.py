"""Every decision of the planner, as a table: what is there, what was seen, what comes next."""
# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core import steps
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.job import FINALIZER, Job
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.plan import Situation, next_step
from sagebridge.core.reasons import Reason
from support.deletions import asked_for

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AGO = "2026-01-02T03:00:00Z"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/team-a-digits-abc"

RECORDED = {"number": 1, "name": "team-a-digits-abc", "region": "us-east-1", "recordedAt": AGO}
CREATED = {**RECORDED, "arn": ARN}
TO_SUSPEND = {**CREATED, "stopRequested": "Suspended"}
FAILED = {**CREATED, "status": "Failed", "reason": "CapacityError", "message": "CapacityError: none", "endTime": AGO}
INTERRUPTED = {**FAILED, "reason": "Interrupted"}
STOPPED_AND_FAILED = {**FAILED, "stopRequested": "Suspended"}
SUSPENDED = {**TO_SUSPEND, "status": "Stopped", "endTime": AGO}
COMPLETED = {**CREATED, "status": "Completed", "endTime": AGO}

COMPLETE = [{"type": "Complete", "status": "True", "reason": "Completed", "message": "done", "lastTransitionTime": AGO}]
HAS_FAILED = [{"type": "Failed", "status": "True", "reason": "JobFailed", "message": "no", "lastTransitionTime": AGO}]

OPEN = Observation(phase=Phase.OPEN, fields={"secondaryStatus": "Training"})
STOPPING = Observation(phase=Phase.STOPPING)
SUCCEEDED = Observation(phase=Phase.SUCCEEDED, whole=True)
NO_CAPACITY = Observation(phase=Phase.FAILED, whole=True, failure_reason="CapacityError: Unable to provision")
BROKEN_SCRIPT = Observation(phase=Phase.FAILED, whole=True, failure_reason="AlgorithmError: exit code 1")
INTERRUPTION = Observation(phase=Phase.FAILED, whole=True, failure_reason="Interrupted: the node went")
WAITING = Observation(
    phase=Phase.OPEN,
    waiting=Verdict(state=State.PROGRESSING, reason=Reason.UNSCHEDULABLE, message="0/1 nodes are available"),
)
STOPPED = Observation(phase=Phase.STOPPED, whole=True)
OUT_OF_TIME = Observation(phase=Phase.STOPPED, fields={"secondaryStatus": "MaxRuntimeExceeded"}, whole=True)
HALF_STOPPED = Observation(phase=Phase.OPEN, is_half_stopped=True)
GONE = Observation(phase=Phase.GONE, whole=True)


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    want: type
    spec: dict[str, Any] = field(default_factory=dict)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    seen: Observation | None = None
    state: State | None = None
    why: Reason | None = None
    models_kept: bool = False


def plan(case: Case) -> steps.Step:
    metadata = {"uid": "u", "namespace": "team-a", "name": "digits", "generation": 1, "finalizers": [FINALIZER]}
    body = {
        "metadata": metadata | case.metadata,
        "spec": case.spec,
        "status": {"attempts": case.attempts} | case.status,
    }
    job = Job.parse(body)
    return next_step(
        Situation(
            job=job,
            observation=case.seen,
            now=NOW,
            deletion=asked_for(job.deletion_requested_at) if job.deletion_requested_at else None,
            models_kept=case.models_kept,
        )
    )


def policy(**values: Any) -> dict[str, Any]:
    return {"runPolicy": values}


DELETED = {"deletionTimestamp": "2026-01-02T03:04:00Z"}
DELETED_LONG_AGO = {"deletionTimestamp": "2026-01-02T01:00:00Z"}
PAUSED = {"annotations": {"sagebridge.io/paused": "true"}}
RETRY = policy(retry={"limit": 2})
PURGE = policy(deletionPolicy="Purge")

RUNNING = [
    Case(reason="without the finalizer nothing may be made", metadata={"finalizers": []}, want=steps.Protect),
    Case(reason="a new object gets its first attempt recorded", want=steps.Record),
    Case(reason="a suspended object starts nothing", spec=policy(suspend=True), want=steps.Conclude, state=State.SUSPENDED),
    Case(reason="a recorded attempt is submitted", attempts=[RECORDED], want=steps.Submit),
    Case(reason="a recorded attempt may exist already: look before suspending", attempts=[RECORDED], spec=policy(suspend=True), want=steps.Look),
    Case(reason="an attempt that never came to be is forgotten on suspend", attempts=[RECORDED], spec=policy(suspend=True), seen=GONE, want=steps.Forget),
    Case(reason="an attempt that came to be is taken over, then stopped", attempts=[RECORDED], spec=policy(suspend=True), seen=OPEN, want=steps.Submit),
    Case(reason="after a restart the poller's first sweep is awaited", attempts=[CREATED], want=steps.Wait),
    Case(reason="what is to be stopped does not wait for a sweep", attempts=[CREATED], spec=policy(suspend=True), want=steps.Look),
    Case(reason="a running job is reported", attempts=[CREATED], seen=OPEN, want=steps.Conclude, state=State.PROGRESSING, why=Reason.IN_PROGRESS),
    Case(reason="a running job is stopped to suspend", attempts=[CREATED], seen=OPEN, spec=policy(suspend=True), want=steps.Stop),
    Case(reason="a stopping job is reported", attempts=[TO_SUSPEND], seen=STOPPING, want=steps.Conclude, why=Reason.STOPPING),
    Case(reason="changed tags are applied", attempts=[CREATED], seen=OPEN, spec={"tags": [{"key": "a", "value": "b"}]}, want=steps.Tag),
    Case(reason="tags wait while paused", attempts=[CREATED], seen=OPEN, spec={"tags": [{"key": "a", "value": "b"}]}, metadata=PAUSED, want=steps.Conclude, state=State.PROGRESSING),
    Case(reason="a List is not enough to close an attempt", attempts=[CREATED], seen=Observation(phase=Phase.SUCCEEDED), want=steps.Look),
    Case(reason="success is final", attempts=[CREATED], seen=SUCCEEDED, want=steps.Close, state=State.READY, why=Reason.COMPLETED),
    Case(reason="failure without retry is final", attempts=[CREATED], seen=NO_CAPACITY, want=steps.Close, state=State.FAILED, why=Reason.JOB_FAILED),
    Case(reason="a failure on the list is retried", attempts=[CREATED], seen=NO_CAPACITY, spec=RETRY, want=steps.Close, state=State.PROGRESSING, why=Reason.RETRY_PENDING),
    Case(reason="a failure off the list is not retried", attempts=[CREATED], seen=BROKEN_SCRIPT, spec=RETRY, want=steps.Close, state=State.FAILED),
    Case(reason="retries run out", attempts=[FAILED, {**FAILED, "number": 2}, {**CREATED, "number": 3}], seen=NO_CAPACITY, spec=RETRY, want=steps.Close, state=State.FAILED),
    Case(reason="a retry follows its pause", attempts=[FAILED], spec=RETRY, want=steps.Record),
    Case(reason="a retry waits for its pause", attempts=[{**FAILED, "endTime": "2026-01-02T03:04:04Z"}], spec=RETRY, want=steps.Conclude, state=State.PROGRESSING, why=Reason.RETRY_PENDING),
    Case(reason="an interruption is tried again without a retry", attempts=[CREATED], seen=INTERRUPTION, spec={"target": "Cluster"}, want=steps.Close, state=State.PROGRESSING, why=Reason.RETRY_PENDING),
    Case(reason="an interruption uses up no retry", attempts=[INTERRUPTED, {**FAILED, "number": 2}, {**CREATED, "number": 3}], seen=NO_CAPACITY, spec=RETRY, want=steps.Close, state=State.PROGRESSING, why=Reason.RETRY_PENDING),
    Case(reason="after an interruption the pause is short", attempts=[{**INTERRUPTED, "endTime": "2026-01-02T03:04:00Z"}], want=steps.Record),
    Case(reason="the pauses between interruptions grow", attempts=[{**INTERRUPTED, "number": number, "endTime": "2026-01-02T03:03:10Z"} for number in (1, 2, 3, 4)], want=steps.Conclude, state=State.PROGRESSING, why=Reason.RETRY_PENDING),
    Case(reason="a status holds a hundred attempts", attempts=[{**INTERRUPTED, "number": 100}], want=steps.Conclude, state=State.FAILED, why=Reason.JOB_FAILED),
    Case(reason="what was deleted to suspend it is suspended", attempts=[TO_SUSPEND], seen=GONE, spec=policy(suspend=True), want=steps.Close, state=State.SUSPENDED),
    Case(reason="what a job waits for is said", attempts=[CREATED], seen=WAITING, want=steps.Conclude, state=State.PROGRESSING, why=Reason.UNSCHEDULABLE),
    Case(reason="resuming starts a new attempt at once", attempts=[{**SUSPENDED, "endTime": "2026-01-02T03:04:05Z"}], want=steps.Record),
    Case(reason="resuming starts a new attempt at once, though AWS's clock is ahead of ours", attempts=[{**SUSPENDED, "endTime": "2026-01-02T03:04:09Z"}], want=steps.Record),
    Case(reason="suspending ends without failure", attempts=[TO_SUSPEND], seen=STOPPED, spec=policy(suspend=True), want=steps.Close, state=State.SUSPENDED),
    Case(reason="a stop that came to nothing, and is not wanted any more, is taken back", attempts=[TO_SUSPEND], seen=OPEN, want=steps.TakeBack),
    Case(reason="so it is while paused: nothing is changed by it", attempts=[TO_SUSPEND], seen=OPEN, metadata=PAUSED, want=steps.TakeBack),
    Case(reason="as long as it is wanted it is tried", attempts=[TO_SUSPEND], seen=OPEN, spec=policy(suspend=True), want=steps.Stop),
    Case(reason="what was stopped by half is stopped wholly: it can't go on", attempts=[TO_SUSPEND], seen=HALF_STOPPED, want=steps.Stop),
    Case(reason="not while paused", attempts=[TO_SUSPEND], seen=HALF_STOPPED, metadata=PAUSED, want=steps.Conclude, state=State.PAUSED),
    Case(reason="nor what nobody has told the operator to stop", attempts=[CREATED], seen=HALF_STOPPED, want=steps.Conclude, why=Reason.IN_PROGRESS),
    Case(reason="what ends since its time is up was not stopped to suspend it", attempts=[TO_SUSPEND], seen=OUT_OF_TIME, want=steps.Close, state=State.FAILED, why=Reason.JOB_STOPPED),
    Case(reason="also where it is to be suspended still", attempts=[TO_SUSPEND], seen=OUT_OF_TIME, spec=policy(suspend=True), want=steps.Close, state=State.FAILED, why=Reason.JOB_STOPPED),
    Case(reason="what fails before it is stopped uses up a retry", attempts=[STOPPED_AND_FAILED, {**CREATED, "number": 2}], seen=NO_CAPACITY, spec=policy(retry={"limit": 1}), want=steps.Close, state=State.FAILED),
    Case(reason="and is retried after a pause", attempts=[{**STOPPED_AND_FAILED, "endTime": "2026-01-02T03:04:04Z"}], spec=RETRY, want=steps.Conclude, state=State.PROGRESSING, why=Reason.RETRY_PENDING),
    Case(reason="a stop by somebody else is a failure", attempts=[CREATED], seen=STOPPED, want=steps.Close, state=State.FAILED, why=Reason.JOB_STOPPED),
    Case(reason="a deletion by somebody else is a failure", attempts=[CREATED], seen=GONE, want=steps.Close, state=State.FAILED, why=Reason.JOB_GONE),
    Case(reason="paused, nothing new is made", metadata=PAUSED, want=steps.Conclude, state=State.PAUSED, why=Reason.PAUSED),
    Case(reason="paused, a running job is still reported", attempts=[CREATED], seen=OPEN, metadata=PAUSED, want=steps.Conclude, state=State.PROGRESSING),
    Case(reason="paused, an end is still recorded", attempts=[CREATED], seen=SUCCEEDED, metadata=PAUSED, want=steps.Close, state=State.READY),
]  # fmt: skip

FINISHED = [
    Case(reason="a finished job stays", status={"conditions": COMPLETE}, attempts=[COMPLETED], want=steps.Conclude, state=State.READY),
    Case(reason="a failed job stays failed, whatever was seen", status={"conditions": HAS_FAILED}, attempts=[FAILED], seen=OPEN, want=steps.Conclude, state=State.FAILED),
    Case(reason="suspending a finished job changes nothing", status={"conditions": COMPLETE}, attempts=[COMPLETED], spec=policy(suspend=True), want=steps.Conclude, state=State.READY),
    Case(reason="tags of a finished job are applied", status={"conditions": COMPLETE}, attempts=[COMPLETED], spec={"tags": [{"key": "a", "value": "b"}]}, want=steps.Tag),
    Case(reason="its time to live is over", status={"conditions": COMPLETE, "completionTime": AGO}, attempts=[COMPLETED], spec=policy(ttlSecondsAfterFinished=60), want=steps.Expire),
    Case(reason="its time to live is not over", status={"conditions": COMPLETE, "completionTime": AGO}, attempts=[COMPLETED], spec=policy(ttlSecondsAfterFinished=3600), want=steps.Conclude, state=State.READY),
    Case(reason="Argo CD would make it again", status={"conditions": COMPLETE, "completionTime": AGO}, attempts=[COMPLETED], spec=policy(ttlSecondsAfterFinished=60), metadata={"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, want=steps.Conclude, state=State.READY),
]  # fmt: skip

DELETION = [
    Case(reason="nothing was made", metadata=DELETED, want=steps.Release),
    Case(reason="our finalizer has gone already", metadata=DELETED | {"finalizers": ["other"]}, attempts=[CREATED], want=steps.Wait),
    Case(reason="Retain leaves all", metadata=DELETED, attempts=[CREATED], seen=OPEN, spec=policy(deletionPolicy="Retain"), want=steps.Release),
    Case(reason="look before letting go", metadata=DELETED, attempts=[CREATED], want=steps.Look),
    Case(reason="a recorded attempt may have been created", metadata=DELETED, attempts=[RECORDED], want=steps.Look),
    Case(reason="it was never created", metadata=DELETED, attempts=[RECORDED], seen=GONE, want=steps.Release),
    Case(reason="a running job is stopped", metadata=DELETED, attempts=[CREATED], seen=OPEN, want=steps.Stop),
    Case(reason="a stopping job may be left", metadata=DELETED, attempts=[CREATED], seen=STOPPING, want=steps.Release),
    Case(reason="a finished job is left", metadata=DELETED, attempts=[COMPLETED], status={"conditions": COMPLETE}, want=steps.Release),
    Case(reason="Purge stops first", metadata=DELETED, attempts=[CREATED], seen=OPEN, spec=PURGE, want=steps.Stop),
    Case(reason="Purge waits for the end", metadata=DELETED, attempts=[CREATED], seen=STOPPING, spec=PURGE, want=steps.Conclude, why=Reason.DELETING),
    Case(reason="Purge deletes then", metadata=DELETED, attempts=[CREATED], seen=STOPPED, spec=PURGE, want=steps.Purge),
    Case(reason="Purge deletes finished jobs", metadata=DELETED, attempts=[COMPLETED], spec=PURGE, want=steps.Purge),
    Case(reason="deleting always ends", metadata=DELETED_LONG_AGO, attempts=[CREATED], seen=OPEN, want=steps.Release),
    Case(reason="paused, AWS is left alone", metadata=DELETED | PAUSED, attempts=[CREATED], seen=OPEN, want=steps.Conclude, why=Reason.PAUSED),
]  # fmt: skip


MODEL_ARN = "arn:aws:sagemaker:us-east-1:123456789012:model/team-a-digits-model"
WANTED = {"models": [{"name": "team-a-digits-model", "attempt": 1}]}
MADE = {"models": [{"name": "team-a-digits-model", "attempt": 1, "arn": MODEL_ARN}]}
FORMER = {"models": [{"name": "team-a-digits-former", "arn": MODEL_ARN}]}
DONE = {"conditions": COMPLETE, **MADE}

MODELS = [
    Case(reason="the model comes before the job", attempts=[RECORDED], status=WANTED, want=steps.Provide),
    Case(reason="the job comes after the model", attempts=[RECORDED], status=MADE, want=steps.Submit),
    Case(
        reason="a model of an earlier manifest is no reason to wait",
        attempts=[RECORDED],
        status=FORMER,
        want=steps.Submit,
    ),
    Case(
        reason="a suspended object makes no model",
        spec=policy(suspend=True),
        attempts=[RECORDED],
        status=WANTED,
        seen=GONE,
        want=steps.Forget,
    ),
    Case(
        reason="a paused object makes no model",
        metadata=PAUSED,
        attempts=[RECORDED],
        status=WANTED,
        want=steps.Conclude,
    ),
    Case(
        reason="a model stays while a retry can follow", spec=RETRY, attempts=[FAILED], status=MADE, want=steps.Record
    ),
    Case(reason="a model goes when its job has completed", attempts=[COMPLETED], status=DONE, want=steps.Withdraw),
    Case(
        reason="a model goes when its job has failed",
        attempts=[FAILED],
        status={"conditions": HAS_FAILED, **MADE},
        want=steps.Withdraw,
    ),
    Case(
        reason="a paused object keeps its model",
        metadata=PAUSED,
        attempts=[COMPLETED],
        status=DONE,
        want=steps.Conclude,
    ),
    Case(
        reason="a model that AWS keeps changes nothing",
        attempts=[COMPLETED],
        status=DONE,
        models_kept=True,
        want=steps.Conclude,
        state=State.READY,
    ),
    Case(
        reason="before a time to live is over, the model goes",
        spec=policy(ttlSecondsAfterFinished=0),
        attempts=[COMPLETED],
        status=DONE | {"completionTime": AGO},
        want=steps.Withdraw,
    ),
    Case(
        reason="a deleted object's job is stopped before its model goes",
        metadata=DELETED,
        attempts=[CREATED],
        status=MADE,
        seen=OPEN,
        want=steps.Stop,
    ),
    Case(
        reason="then the model goes",
        metadata=DELETED,
        attempts=[CREATED],
        status=MADE,
        seen=STOPPING,
        want=steps.Withdraw,
    ),
    Case(
        reason="a model goes with its object though no attempt is left",
        metadata=DELETED,
        status=FORMER,
        want=steps.Withdraw,
    ),
    Case(reason="then the object goes", metadata=DELETED, attempts=[CREATED], seen=STOPPING, want=steps.Release),
    Case(
        reason="a retained job keeps its model",
        metadata=DELETED,
        spec=policy(deletionPolicy="Retain"),
        attempts=[CREATED],
        status=MADE,
        seen=OPEN,
        want=steps.Release,
    ),
    Case(
        reason="a purged job's model goes first",
        metadata=DELETED,
        spec=PURGE,
        attempts=[COMPLETED],
        status=MADE,
        want=steps.Withdraw,
    ),
    Case(
        reason="at the deadline all is let go",
        metadata=DELETED_LONG_AGO,
        attempts=[COMPLETED],
        status=MADE,
        want=steps.Release,
    ),
]


def test_deadline_names_the_models_that_are_left() -> None:
    step = plan(Case(reason="", metadata=DELETED_LONG_AGO, attempts=[COMPLETED], status=MADE, want=steps.Release))
    assert isinstance(step, steps.Release)
    assert step.models == ("team-a-digits-model",)


@pytest.mark.parametrize("case", RUNNING + FINISHED + DELETION + MODELS, ids=lambda case: case.reason)
def test_next_step(case: Case) -> None:
    step = plan(case)
    assert type(step) is case.want
    verdict = getattr(step, "verdict", None)
    if case.state is not None:
        assert verdict.state is case.state
    if case.why is not None:
        assert verdict.reason is case.why


def test_deadline_names_the_orphan() -> None:
    step = plan(Case(reason="", metadata=DELETED_LONG_AGO, attempts=[CREATED], seen=OPEN, want=steps.Release))
    assert isinstance(step, steps.Release)
    assert step.orphan is not None
    assert step.orphan.name == CREATED["name"]


def test_a_purged_object_is_released() -> None:
    metadata = {"uid": "u", "namespace": "n", "name": "x", "finalizers": [FINALIZER]} | DELETED
    job = Job.parse({"metadata": metadata, "spec": PURGE, "status": {"attempts": [COMPLETED]}})
    situation = Situation(job=job, observation=None, now=NOW, deletion=asked_for(NOW), is_purged=True)
    assert next_step(situation) == steps.Release()


def test_a_scripts_words_come_in_one_line() -> None:
    seen = Observation(phase=Phase.FAILED, whole=True, failure_reason="AlgorithmError:\nExitCode 1\n KeyError: 'x'")
    step = plan(
        Case(reason="kubectl shows an Event's first line only", attempts=[CREATED], seen=seen, want=steps.Close)
    )
    assert isinstance(step, steps.Close)
    assert step.verdict.message == "team-a-digits-abc failed: AlgorithmError: ExitCode 1 KeyError: 'x'"


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        (Phase.SUCCEEDED, "team-a-digits-abc completed. Its exit message: rows: 200 of 300"),
        (Phase.FAILED, "team-a-digits-abc failed: SageMaker gave no reason. Its exit message: rows: 200 of 300"),
        (
            Phase.STOPPED,
            (
                "team-a-digits-abc was stopped, not by this object: since its time was up, or by somebody. "
                "Apply it under another name to run it again. Its exit message: rows: 200 of 300"
            ),
        ),
    ],
)
def test_what_a_container_left_to_say_is_told_however_it_ended(phase: Phase, message: str) -> None:
    seen = Observation(phase=phase, whole=True, fields={"exitMessage": "rows: 200\nof 300\n"})
    step = plan(Case(reason="Events are where people look", attempts=[CREATED], seen=seen, want=steps.Close))
    assert isinstance(step, steps.Close)
    assert step.verdict.message == message


@pytest.mark.parametrize(
    ("listed", "shown", "want"),
    [
        ({"succeeded": 1, "pending": 1}, {"succeeded": 0, "pending": 2}, steps.Look),
        ({"succeeded": 1}, {}, steps.Look),
        ({"succeeded": 1, "pending": 0}, {"succeeded": 1, "pending": 1}, steps.Conclude),
        ({"succeeded": 0, "pending": 2}, {}, steps.Conclude),
    ],
)
def test_a_counter_that_has_changed_is_worth_a_look(listed: dict[str, int], shown: dict[str, int], want: type) -> None:
    body = {
        "metadata": {"uid": "u", "name": "tune", "namespace": "team", "finalizers": [FINALIZER]},
        "status": {"attempts": [CREATED], "counters": shown},
    }
    seen = Observation(phase=Phase.OPEN, fields={"counters": listed})
    situation = Situation(
        job=Job.parse(body),
        observation=seen,
        now=NOW,
        look_when=(("counters", "succeeded"),),
    )
    assert isinstance(next_step(situation), want)
