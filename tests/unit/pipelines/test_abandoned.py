"""What is planned for a job whose step's pod is gone, as a table; and passes over one, to the stop and back."""
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sagebridge.core import steps
from sagebridge.core.conditions import State
from sagebridge.core.deletion import Deletion
from sagebridge.core.errors import AwsError
from sagebridge.core.job import FINALIZER, Job
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.pipelines.attendance import Gone
from sagebridge.core.plan import next_step
from sagebridge.core.reasons import Reason
from sagebridge.core.situation import Situation
from sagebridge.engine.store import Memory
from support.workbench import SPEC, Workbench, workbench

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AGO = "2026-01-02T03:00:00Z"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/team-a-digits-abc"
RECORDED = {"number": 1, "name": "team-a-digits-abc", "region": "us-east-1", "recordedAt": AGO}
CREATED = RECORDED | {"arn": ARN}
STOPPED_FOR_IT = CREATED | {"stopRequested": "PipelineStepGone"}
CLOSED = STOPPED_FOR_IT | {"status": "Stopped", "endTime": AGO}
FAILED = CREATED | {"status": "Failed", "reason": "CapacityError", "message": "none", "endTime": AGO}

OPEN, STOPPING = Observation(phase=Phase.OPEN), Observation(phase=Phase.STOPPING)
STOPPED, ABSENT = Observation(phase=Phase.STOPPED, whole=True), Observation(phase=Phase.GONE, whole=True)

LABELS = {"sagebridge.io/pipeline-run": "run-1", "sagebridge.io/pipeline-step": "abcdefghij"}
POD, NEXT_POD = "train-0/uid-0", "train-1/uid-1"
GONE = Gone(pod=POD, since=datetime(2026, 1, 2, 2, 54, 5, tzinfo=UTC))
SINCE = "2026-01-02T02:54:05Z"
HELD = {"stepGone": {"pod": POD, "since": SINCE}}


def attended(pod: str = POD, **noted: str) -> dict[str, Any]:
    """Metadata of what a step has made."""
    annotations = {"sagebridge.io/step-pod": pod, "sagebridge.io/pipeline-task": "digits.root.train.executor"}
    annotations |= {f"sagebridge.io/{key.replace('_', '-')}": value for key, value in noted.items()}
    return {"labels": LABELS, "annotations": annotations}


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    want: type
    metadata: dict[str, Any] = field(default_factory=attended)
    spec: dict[str, Any] = field(default_factory=dict)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    seen: Observation | None = None
    gone: Gone | None = None
    state: State | None = None
    why: Reason | None = None


SUSPENDED = {"runPolicy": {"suspend": True}}
RETRY = {"runPolicy": {"retry": {"limit": 1}}}
PAUSED = {"sagebridge.io/paused": "true"}

CASES = [
    Case(reason="that its pod is gone is recorded before anything is done", attempts=[CREATED], seen=OPEN, gone=GONE, want=steps.Abandon),
    Case(reason="so it is where nothing has begun", gone=GONE, want=steps.Abandon),
    Case(reason="then a running job is stopped", attempts=[CREATED], seen=OPEN, status=HELD, want=steps.Stop),
    Case(reason="a fresh operator looks first, and does not wait for a sweep", attempts=[CREATED], status=HELD, want=steps.Look),
    Case(reason="while it is stopping, it says why", attempts=[STOPPED_FOR_IT], seen=STOPPING, status=HELD, want=steps.Conclude, state=State.PROGRESSING, why=Reason.STOPPING),
    Case(reason="once it has stopped, that is no failure", attempts=[STOPPED_FOR_IT], seen=STOPPED, status=HELD, want=steps.Close, state=State.SUSPENDED, why=Reason.PIPELINE_STEP_GONE),
    Case(reason="the same if it was deleted meanwhile", attempts=[STOPPED_FOR_IT], seen=ABSENT, status=HELD, want=steps.Close, state=State.SUSPENDED, why=Reason.PIPELINE_STEP_GONE),
    Case(reason="no attempt follows, also under a fresh operator", attempts=[CLOSED], status=HELD, want=steps.Conclude, state=State.SUSPENDED, why=Reason.PIPELINE_STEP_GONE),
    Case(reason="nor does the first one", status=HELD, want=steps.Conclude, state=State.SUSPENDED, why=Reason.PIPELINE_STEP_GONE),
    Case(reason="nor a retry of what has failed", attempts=[FAILED], spec=RETRY, status=HELD, want=steps.Conclude, state=State.SUSPENDED, why=Reason.PIPELINE_STEP_GONE),
    Case(reason="an attempt that was recorded may exist", attempts=[RECORDED], status=HELD, want=steps.Look),
    Case(reason="one that never came to be is forgotten", attempts=[RECORDED], status=HELD, seen=ABSENT, want=steps.Forget),
    Case(reason="a successor attends it: that is recorded", attempts=[CLOSED], metadata=attended(NEXT_POD), status=HELD, want=steps.Abandon),
    Case(reason="then it goes on at once", attempts=[CLOSED | {"endTime": "2026-01-02T03:04:05Z"}], metadata=attended(NEXT_POD), want=steps.Record),
    Case(reason="a successor that comes while it is stopping waits for the end", attempts=[STOPPED_FOR_IT], metadata=attended(NEXT_POD), seen=STOPPED, want=steps.Close, state=State.PROGRESSING),
    Case(reason="what was stopped for it uses up no retry", attempts=[CLOSED, {**CREATED, "number": 2}], metadata=attended(NEXT_POD), spec=RETRY, seen=Observation(phase=Phase.FAILED, whole=True, failure_reason="CapacityError: none"), want=steps.Close, state=State.PROGRESSING, why=Reason.RETRY_PENDING),
    Case(reason="a successor that finds it running, since the stop was refused, has it go on", attempts=[STOPPED_FOR_IT], metadata=attended(NEXT_POD), seen=OPEN, want=steps.TakeBack),
    Case(reason="somebody takes the mark off: nobody need attend it", attempts=[CLOSED], metadata={"labels": LABELS}, status=HELD, want=steps.Abandon),
    Case(reason="what was seen of an earlier pod says nothing of its successor", attempts=[CREATED], metadata=attended(NEXT_POD), seen=OPEN, gone=GONE, want=steps.Conclude, state=State.PROGRESSING, why=Reason.IN_PROGRESS),
    Case(reason="a step that has ended well is done with", attempts=[CREATED], metadata=attended(step_done="true"), seen=OPEN, gone=GONE, want=steps.Conclude, why=Reason.IN_PROGRESS),
    Case(reason="what its user has suspended is suspended", attempts=[CLOSED], spec=SUSPENDED, status=HELD, gone=GONE, want=steps.Conclude, why=Reason.SUSPENDED),
    Case(reason="paused, nothing is stopped, and it is still reported", attempts=[CREATED], metadata={"labels": LABELS, "annotations": attended()["annotations"] | PAUSED}, seen=OPEN, gone=GONE, want=steps.Conclude, state=State.PROGRESSING, why=Reason.IN_PROGRESS),
    Case(reason="it has completed all the same", attempts=[STOPPED_FOR_IT], status=HELD, seen=Observation(phase=Phase.SUCCEEDED, whole=True), want=steps.Close, state=State.READY),
    Case(reason="deleted, it is stopped for that", attempts=[CREATED], metadata=attended() | {"deletionTimestamp": AGO}, seen=OPEN, gone=GONE, want=steps.Stop),
]  # fmt: skip


def plan(case: Case) -> steps.Step:
    metadata = {"uid": "u", "namespace": "team-a", "name": "digits", "finalizers": [FINALIZER]} | case.metadata
    body = {"metadata": metadata, "spec": case.spec, "status": {"attempts": case.attempts} | case.status}
    deletion = Deletion(requested_at=NOW, began_at=NOW, deadline=timedelta(hours=1))
    is_deleted = "deletionTimestamp" in metadata
    return next_step(
        Situation(
            job=Job.parse(body),
            observation=case.seen,
            now=NOW,
            deletion=deletion if is_deleted else None,
            gone=case.gone,
        )
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_next_step(case: Case) -> None:
    step = plan(case)

    assert type(step) is case.want
    verdict = getattr(step, "verdict", None)
    assert case.state is None or verdict.state is case.state
    assert case.why is None or verdict.reason is case.why


def test_what_is_recorded_names_the_pod_or_none() -> None:
    assert plan(CASES[0]) == steps.Abandon(pod=POD, since=SINCE)
    assert plan(next(case for case in CASES if case.reason.startswith("a successor attends"))) == steps.Abandon()


def test_what_is_said_names_run_step_and_pod_and_what_helps() -> None:
    step = plan(Case(reason="", status=HELD, want=steps.Conclude))

    assert isinstance(step, steps.Conclude)
    assert step.verdict.is_warning
    for words in ("pod train-0 ", "step digits.root.train.executor", "run run-1", "retry", "sagebridge.io/step-pod"):
        assert words in step.verdict.message


@pytest.mark.parametrize("metadata", [attended(NEXT_POD), {"labels": LABELS}], ids=["a successor", "without the mark"])
def test_what_is_stopped_when_it_may_go_on_tells_of_no_pod_that_need_not_be(metadata: dict[str, Any]) -> None:
    step = plan(Case(reason="", attempts=[STOPPED_FOR_IT], metadata=metadata, seen=STOPPED, want=steps.Close))

    assert isinstance(step, steps.Close)
    words = "team-a-digits-abc was stopped while no pod attended it, and may go on: another attempt follows."
    assert step.verdict.message == words


@pytest.fixture
async def bench() -> AsyncIterator[Workbench]:
    async with workbench() as made:
        yield made


async def test_it_is_stopped_and_goes_on_with_a_successor(bench: Workbench) -> None:
    memory = bench.put(spec=SPEC, status={"attempts": [CREATED]}, metadata=attended())
    memory.observation, memory.gone = OPEN, GONE
    await bench.reconcile(memory)
    assert bench.status()["stepGone"] == {"pod": POD, "since": SINCE}
    assert bench.ready()["reason"] == "Stopping"
    assert [entry["stopRequested"] for entry in bench.status()["attempts"]] == ["PipelineStepGone"]
    memory.observation = bench.target.seen = STOPPED
    await bench.reconcile(memory)
    assert (bench.ready()["status"], bench.ready()["reason"]) == ("False", "PipelineStepGone")
    bench.put(spec=SPEC, status=bench.status(), metadata=attended(NEXT_POD))
    await bench.reconcile(memory)
    assert "stepGone" not in bench.status()
    assert [entry["number"] for entry in bench.status()["attempts"]] == [1, 2]
    assert bench.target.calls == ["stop", "submit"]
    assert bench.ready()["reason"] == "InProgress"


DENIED = AwsError(code="AccessDeniedException", message="no", operation="StopTrainingJob", http_status=400)
OUT_OF_TIME = Observation(phase=Phase.STOPPED, fields={"secondaryStatus": "MaxRuntimeExceeded"}, whole=True)


async def refused_to_stop(bench: Workbench) -> Memory:
    """A job that should have been stopped, and was not, when a successor comes."""
    memory = bench.put(spec=SPEC, status={"attempts": [CREATED]}, metadata=attended())
    memory.observation, memory.gone = OPEN, GONE
    bench.target.errors["stop"] = DENIED
    await bench.reconcile(memory)
    assert [entry["stopRequested"] for entry in bench.status()["attempts"]] == ["PipelineStepGone"]
    return bench.put(spec=SPEC, status=bench.status(), metadata=attended(NEXT_POD))


@pytest.mark.parametrize(
    ("reason", "end", "want"),
    [
        ("its time was up", OUT_OF_TIME, "JobStopped"),
        ("somebody has stopped it", STOPPED, "JobStopped"),
        ("somebody has deleted it", ABSENT, "JobGone"),
    ],
)
async def test_what_could_not_be_stopped_and_goes_on_ends_as_if_nobody_had_tried(
    bench: Workbench, reason: str, end: Observation, want: str
) -> None:
    memory = await refused_to_stop(bench)
    bench.target.seen = OPEN

    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "InProgress"
    assert [entry.get("stopRequested") for entry in bench.status()["attempts"]] == [None]
    memory.observation = bench.target.seen = end
    await bench.reconcile(memory)

    assert bench.ready()["reason"] == want, reason
    assert bench.target.calls == ["stop", "describe"]


async def test_a_stop_whose_answer_was_lost_is_not_taken_back(bench: Workbench) -> None:
    memory = await refused_to_stop(bench)
    bench.target.seen = STOPPING

    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "Stopping"
    memory.observation = bench.target.seen = STOPPED
    await bench.reconcile(memory)

    assert bench.ready()["reason"] == "InProgress"
    assert [entry.get("stopRequested") for entry in bench.status()["attempts"]] == ["PipelineStepGone", None]


async def test_what_was_stopped_by_half_is_stopped_and_goes_on_with_another_attempt(bench: Workbench) -> None:
    memory = await refused_to_stop(bench)
    bench.target.seen = Observation(phase=Phase.OPEN, is_half_stopped=True)
    bench.target.errors.clear()

    await bench.reconcile(memory)

    assert bench.target.calls == ["stop", "describe", "stop"]
    assert [entry["stopRequested"] for entry in bench.status()["attempts"]] == ["PipelineStepGone"]


async def test_what_completes_all_the_same_is_complete(bench: Workbench) -> None:
    memory = bench.put(spec=SPEC, status={"attempts": [STOPPED_FOR_IT], **HELD}, metadata=attended())
    memory.observation = Observation(phase=Phase.SUCCEEDED, whole=True)
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "Completed"
    assert "stepGone" not in bench.status()


async def test_a_successor_that_came_a_moment_before_the_stop_keeps_its_job(bench: Workbench) -> None:
    """The operator has not seen its mark yet: what it writes first is refused, and it looks again."""
    memory = bench.put(spec=SPEC, status={"attempts": [CREATED]}, metadata=attended())
    memory.observation, memory.gone = OPEN, GONE
    marked = dict(bench.api.objects[bench.path()])
    bench.api.put(bench.path(), marked | {"metadata": marked["metadata"] | attended(NEXT_POD)})
    with pytest.raises(Exception, match="changed"):
        await bench.reconcile(memory)
    assert bench.target.calls == []
    bench.store.put(bench.kind.name, bench.api.objects[bench.path()])
    await bench.reconcile(memory)
    assert bench.target.calls == []
    assert bench.ready()["reason"] == "InProgress"


async def test_who_attends_it_is_told_to_the_engine_once(bench: Workbench) -> None:
    memory = bench.put(metadata=attended())
    bench.engine.attendance_seen(memory.job.uid, GONE)
    assert memory.gone == GONE
    bench.engine.attendance_seen(memory.job.uid, None)
    assert memory.gone is None
    bench.engine.attendance_seen("uid-of-nobody", GONE)
