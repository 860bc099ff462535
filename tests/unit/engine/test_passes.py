"""Passes that are cut short between two lines, and looks that come too late."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sagebridge.core.errors import AwsError, NotAllowedError, SpecError
from sagebridge.core.observation import Observation, Phase
from sagebridge.engine.failures import FailureCounts
from sagebridge.kube.errors import KubeError
from support.workbench import KIND, SPEC, Workbench

AGO = "2026-01-02T03:00:00Z"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/x"
RECORDED = {"number": 1, "name": "x", "region": "us-east-1", "recordedAt": AGO}
CREATED = RECORDED | {"arn": ARN}
CAPACITY = "CapacityError: Unable to provision"
FAILED = CREATED | {"status": "Failed", "reason": "CapacityError", "message": CAPACITY, "endTime": AGO}
DELETED = {"deletionTimestamp": AGO}
OPEN = Observation(phase=Phase.OPEN, fields={"trainingJobStatus": "InProgress"})
THROTTLED = AwsError(code="ThrottlingException", message="Rate exceeded", operation="AddTags", http_status=400)
GONE = Observation(phase=Phase.GONE, whole=True)


def orphaned(bench: Workbench) -> float:
    found: float = bench.metrics.orphaned.labels(kind=KIND.name)._value.get()
    return found


def policy(**values: Any) -> dict[str, Any]:
    return SPEC | {"runPolicy": values}


async def test_an_object_deleted_during_create_is_purged(bench: Workbench) -> None:
    """Its status never learnt of the job, so the job must be watched all the same until it has stopped."""
    memory = bench.put(spec=policy(deletionPolicy="Purge"), status={"attempts": [RECORDED]}, metadata=DELETED)
    bench.target.seen = Observation(phase=Phase.OPEN, whole=True)
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "Deleting"
    bench.target.seen = Observation(phase=Phase.STOPPED, whole=True)
    await bench.poller.sweep_all()
    assert memory.observation is not None
    assert memory.observation.phase is Phase.STOPPED
    await bench.reconcile(memory)
    assert bench.target.calls == ["describe", "stop", "observe", "delete"]
    assert memory.job.finalizers == []


async def test_waiting_to_purge_ends_at_the_deadline_though_nothing_else_happens(bench: Workbench) -> None:
    memory = bench.put(spec=policy(deletionPolicy="Purge"), status={"attempts": [CREATED]}, metadata=DELETED)
    memory.observation = Observation(phase=Phase.STOPPING)
    again_after = await bench.reconcile(memory)
    assert again_after is not None
    bench.now += timedelta(seconds=again_after)
    await bench.reconcile(memory)
    assert memory.job.finalizers == []


async def test_what_is_left_behind_is_told_before_the_object_is_let_go_and_once(
    bench: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    memory = bench.put(status={"attempts": [CREATED]}, metadata=DELETED)
    bench.target.errors["describe"] = THROTTLED
    await bench.reconcile(memory)
    bench.now += timedelta(hours=2)
    bench.api.refused[bench.path()] = 503
    for _ in range(3):
        with pytest.raises(Exception, match="refused"):
            await bench.reconcile(memory)
    assert orphaned(bench) == 1

    bench.api.refused.clear()
    await bench.reconcile(memory)

    assert (memory.job.finalizers, orphaned(bench)) == ([], 1)
    [told] = [record.message for record in caplog.records if record.name == "sagebridge.engine.orphans"]
    assert "TrainingJob digits is released though AWS could not be made to end x" in told


async def test_an_object_of_which_several_things_are_left_behind_is_one(
    bench: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    done = CREATED | {"status": "Completed", "endTime": AGO}
    attempts = [done, CREATED | {"number": 2, "name": "y"}]
    memory = bench.put(spec=policy(deletionPolicy="Purge"), status={"attempts": attempts}, metadata=DELETED)
    bench.target.errors = {"describe": THROTTLED, "delete": THROTTLED}
    await bench.reconcile(memory)
    bench.now += timedelta(hours=2)

    await bench.reconcile(memory)

    assert "could not be made to end y" in caplog.text
    assert "could not be made to delete x" in caplog.text
    assert orphaned(bench) == 1


LONG_AGO = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
"""More than a deadline before any process worked at it."""
DENIED = AwsError(code="AccessDeniedException", message="no", operation="StopTrainingJob", http_status=400)


async def test_what_was_deleted_while_no_operator_ran_is_stopped_all_the_same(bench: Workbench) -> None:
    memory = bench.put(status={"attempts": [CREATED]}, metadata=LONG_AGO)
    bench.target.seen = OPEN

    await bench.reconcile(memory)

    assert bench.target.calls == ["describe", "stop"]
    assert memory.job.finalizers == []
    assert orphaned(bench) == 0


async def test_it_has_its_time_from_then_on_in_which_it_is_tried(bench: Workbench) -> None:
    memory = bench.put(status={"attempts": [CREATED]}, metadata=LONG_AGO)
    bench.target.seen, bench.target.errors["stop"] = OPEN, DENIED

    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "DeletionBlocked"
    assert "At 2026-01-02T04:04:05Z the object is released all the same" in bench.ready()["message"]
    bench.now += timedelta(minutes=59)
    await bench.reconcile(memory)
    assert memory.job.finalizers != []
    bench.now += timedelta(minutes=2)
    await bench.reconcile(memory)

    assert memory.job.finalizers == []
    assert orphaned(bench) == 1


async def test_each_process_tries_once_and_none_gives_it_more_time(bench: Workbench) -> None:
    memory = bench.put(status={"attempts": [CREATED]}, metadata=LONG_AGO)
    bench.target.seen, bench.target.errors["stop"] = OPEN, DENIED
    await bench.reconcile(memory)
    bench.store.remove(memory.job.uid)
    bench.target.calls.clear()

    memory = bench.put(status=bench.status(), metadata=LONG_AGO)
    again_after = await bench.reconcile(memory)
    assert (bench.target.calls, again_after) == (["describe", "stop"], 1.0)
    assert memory.job.finalizers != []
    await bench.reconcile(memory)

    assert bench.target.calls == ["describe", "stop"]
    assert memory.job.finalizers == []


async def test_a_look_that_fails_gives_no_process_more_time(bench: Workbench) -> None:
    """What is waited for may be old, which is told; that somebody waits has to be known to who comes after."""
    spec = policy(deletionPolicy="Purge")
    memory = bench.put(spec=spec, status={"attempts": [CREATED]}, metadata=DELETED)
    memory.observation, memory.stale_because = Observation(phase=Phase.STOPPING), "nobody answers."
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "Deleting"
    assert bench.ready()["message"].startswith("This status may be old: nobody answers. Last known: Waiting for x")
    bench.store.remove(memory.job.uid)
    bench.now += timedelta(minutes=61)
    bench.target.seen = Observation(phase=Phase.STOPPING)

    memory = bench.put(spec=spec, status=bench.status(), metadata=DELETED)
    await bench.reconcile(memory)

    assert bench.target.calls == ["describe"]
    assert memory.job.finalizers == []


async def test_a_cluster_that_fails_again_and_again_is_told_of(bench: Workbench) -> None:
    """Once may be a matter of a moment."""
    memory = bench.put(status={"attempts": [CREATED], "conditions": []}, metadata=DELETED)
    bench.target.seen, bench.target.errors["stop"] = OPEN, KubeError("PATCH /jobs/x: no webhook answers", status=500)
    with pytest.raises(KubeError, match="no webhook"):
        await bench.reconcile(memory)
    assert bench.status()["conditions"] == []
    with pytest.raises(KubeError, match="no webhook"):
        await bench.reconcile(memory)
    assert bench.ready()["reason"] == "DeletionBlocked"
    assert bench.ready()["message"] == "Deletion waits for the cluster: PATCH /jobs/x: no webhook answers"


@pytest.mark.parametrize(
    ("reason", "spec", "attempts"),
    [
        ("it had ended", SPEC, [CREATED | {"status": "Completed", "endTime": AGO}]),
        ("it is to be left", policy(deletionPolicy="Retain"), [CREATED]),
        ("it had not begun", SPEC, []),
    ],
)
async def test_what_goes_at_once_is_not_told_of_before(
    bench: Workbench, reason: str, spec: dict[str, Any], attempts: list[dict[str, Any]]
) -> None:
    """Of such there may be thousands when an operator comes back: one write for each is enough."""
    status = {"attempts": attempts}
    memory = bench.put(spec=spec, status=status, metadata=LONG_AGO)
    version = int(memory.job.metadata["resourceVersion"])

    await bench.reconcile(memory)

    assert (memory.job.finalizers, bench.target.calls, bench.status()) == ([], [], status), reason
    assert int(memory.job.metadata["resourceVersion"]) == version + 1, reason


async def test_no_deletion_is_held_up_for_a_word_that_is_never_accepted(bench: Workbench) -> None:
    memory = bench.put(status={"attempts": [CREATED]}, metadata=LONG_AGO)
    bench.target.seen = OPEN
    bench.api.refused[f"{bench.path()}/status"] = 403

    await bench.reconcile(memory)

    assert bench.target.calls == ["describe", "stop"]
    assert memory.job.finalizers == []


async def test_an_operator_that_can_not_say_that_it_has_begun_has_not(bench: Workbench) -> None:
    memory = bench.put(status={"attempts": [CREATED]}, metadata=LONG_AGO)
    bench.api.refused[f"{bench.path()}/status"] = 503
    with pytest.raises(Exception, match="refused"):
        await bench.reconcile(memory)
    assert bench.target.calls == []

    bench.api.refused.clear()
    await bench.reconcile(memory)

    assert bench.ready()["reason"] == "Deleting"
    assert memory.job.finalizers == []


async def test_a_look_from_before_a_create_says_nothing_about_after_it(bench: Workbench) -> None:
    """Seen absent while suspended; then resumed; then deleted while Create was under way."""
    memory = bench.put(status={"attempts": [RECORDED]})
    memory.observation = GONE
    creating = asyncio.Event()

    async def hang() -> None:
        creating.set()
        await asyncio.Event().wait()

    bench.target.before["submit"] = hang
    task = asyncio.create_task(bench.reconcile(memory))
    await creating.wait()
    task.cancel()
    await asyncio.wait({task})
    bench.target.seen = OPEN
    memory = bench.put(status={"attempts": [RECORDED]}, metadata=DELETED)
    await bench.reconcile(memory)
    assert bench.target.calls == ["submit", "describe", "stop"]


async def test_a_sweep_that_comes_late_does_not_open_a_closed_attempt(bench: Workbench) -> None:
    retrying = policy(retry={"limit": 1})
    memory = bench.put(spec=retrying, status={"attempts": [FAILED], "trainingJobStatus": "Failed"})
    bench.now = bench.now.replace(hour=3, minute=0, second=1)
    bench.engine.observed("uid-digits", OPEN, attempt=1, after=memory.observation)
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "RetryPending"
    assert bench.status()["trainingJobStatus"] == "Failed"


async def test_a_sweep_that_began_before_a_stop_does_not_make_for_another(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = bench.put(status={"attempts": [CREATED]}, metadata=DELETED)
    memory.observation = OPEN

    async def listed_before_the_stop(handles: Any) -> Any:
        await bench.reconcile(memory)
        return {handle.owner.uid: OPEN for handle in handles}

    monkeypatch.setattr(bench.target, "observe", listed_before_the_stop)
    await bench.poller.sweep_all()
    await bench.reconcile(memory)
    assert bench.target.calls == ["stop"]


async def test_what_was_blind_is_not_stale_once_it_was_looked_at(bench: Workbench) -> None:
    memory = bench.put(spec=policy(retry={"limit": 1}), status={"attempts": [CREATED]})
    memory.stale_because = "AWS was away."
    memory.observation = Observation(phase=Phase.FAILED, whole=True, failure_reason=CAPACITY)
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "RetryPending"


async def test_an_attempt_does_not_show_what_an_earlier_one_left(bench: Workbench) -> None:
    old = {"trainingEndTime": AGO, "trainingStartTime": AGO, "billableTimeInSeconds": 7, "failureReason": CAPACITY}
    memory = bench.put(spec=policy(retry={"limit": 1}), status={"attempts": [FAILED], **old})
    await bench.reconcile(memory)
    assert [attempt["number"] for attempt in bench.status()["attempts"]] == [1, 2]
    assert not old.keys() & bench.status().keys()
    assert bench.status()["trainingJobStatus"] == "InProgress"


@pytest.mark.parametrize(
    "error",
    [SpecError("spec.environment", "is wrong"), NotAllowedError("spec.roleArn", "is not allowed")],
    ids=lambda error: type(error).__name__,
)
async def test_a_refusal_at_submit_leaves_the_spec_to_be_corrected(bench: Workbench, error: Exception) -> None:
    """A recorded attempt makes the spec immutable; nothing was made for this one."""
    memory = bench.put()
    bench.target.errors["submit"] = error
    await bench.reconcile(memory)
    assert bench.status()["attempts"] == []
    assert str(error) in bench.ready()["message"]


async def test_the_tags_of_a_job_that_is_gone_are_given_up(bench: Workbench) -> None:
    complete = {"type": "Complete", "status": "True", "reason": "Completed", "message": "done"}
    status = {"attempts": [CREATED | {"status": "Completed", "endTime": AGO}], "conditions": [complete]}
    memory = bench.put(spec=SPEC | {"tags": [{"key": "team", "value": "a"}]}, status=status)
    bench.target.errors["tag"] = AwsError(
        code="ValidationException", message="Requested resource not found", operation="ListTags"
    )
    for _ in range(3):
        assert await bench.reconcile(memory) == 600.0


async def test_a_refused_tag_that_is_taken_back_is_not_missed(bench: Workbench) -> None:
    tagged = SPEC | {"tags": [{"key": "team", "value": "a"}]}
    status = {"attempts": [CREATED]}
    memory = bench.put(spec=tagged, status=status)
    memory.observation = OPEN
    bench.target.errors["tag"] = AwsError(code="AccessDeniedException", message="no", operation="AddTags")
    await bench.reconcile(memory)
    assert "TagsApplied" in {one["type"] for one in bench.status()["conditions"]}
    memory = bench.put(spec=SPEC, status=bench.status(), metadata={"generation": 2})
    await bench.reconcile(memory)
    assert "TagsApplied" not in {one["type"] for one in bench.status()["conditions"]}


async def test_the_pauses_of_one_step_are_not_those_of_another(bench: Workbench) -> None:
    tagged = SPEC | {"tags": [{"key": "team", "value": "a"}]}
    memory = bench.put(spec=tagged, status={"attempts": [CREATED]})
    memory.observation = OPEN
    bench.target.errors = {"tag": THROTTLED, "stop": THROTTLED}
    assert [await bench.reconcile(memory) for _ in range(3)] == [1.0, 2.0, 4.0]
    suspended = tagged | policy(suspend=True)
    memory = bench.put(spec=suspended, status=bench.status(), metadata={"generation": 2})
    assert [await bench.reconcile(memory) for _ in range(2)] == [1.0, 2.0]
    bench.target.errors.clear()
    await bench.reconcile(memory)
    assert memory.failures == FailureCounts()


async def test_a_model_that_has_failed_is_not_waited_for(bench: Workbench) -> None:
    failed = {"type": "Failed", "status": "True", "reason": "JobFailed", "message": "no"}
    bench.put("model", status={"attempts": [FAILED], "conditions": [failed]})
    memory = bench.put(spec=SPEC | {"modelRef": {"kind": KIND.name, "name": "model"}})
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "InvalidSpec"
    assert "TrainingJob model has failed" in bench.ready()["message"]


async def test_a_config_map_that_may_not_be_read_is_told(bench: Workbench) -> None:
    """In silence it would be asked for every few seconds, and the object would have no status at all."""
    memory = bench.put(spec=SPEC | {"environmentFrom": [{"configMapRef": {"name": "values"}}]})
    bench.api.refused["/api/v1/namespaces/team-a/configmaps/values"] = 403
    assert await bench.reconcile(memory) == 600.0
    assert bench.ready()["reason"] == "NotAllowed"
    assert bench.ready()["message"].startswith("spec.environmentFrom[0]: ConfigMap values can't be read")
