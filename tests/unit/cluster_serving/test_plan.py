"""What is done next for an Endpoint on the cluster: failures first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sagebridge.core.cluster.serving.plan import next_step, next_step_without_spec
from sagebridge.core.cluster.serving.record import Record
from sagebridge.core.cluster.serving.situation import Situation, Wanted
from sagebridge.core.cluster.serving.steps import (
    Apply,
    Begin,
    Collect,
    Conclude,
    Delete,
    Deploy,
    Leave,
    Protect,
    Release,
    Remember,
    Resolve,
    Restore,
    Scale,
    Step,
    Wait,
)
from sagebridge.core.conditions import State
from sagebridge.core.job import DeletionPolicy
from sagebridge.core.reasons import Reason
from support.cluster_endpoints import AT, deployment, pod
from support.deletions import asked_for

NOW = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
OLD, NEW = "digits-old", "digits-new"
WANTED = Wanted(revision=NEW, key="k", name="digits", url="http://digits", replicas=1)
FIRST = Record(target=NEW, key="k", since=AT)
UPDATE = replace(FIRST, good=OLD)
SERVING = replace(FIRST, good=NEW)
LATE = asked_for(NOW - timedelta(minutes=7), deadline=timedelta(minutes=5))
LATE_TO_LEAVE = asked_for(NOW - timedelta(minutes=5, seconds=30), deadline=timedelta(minutes=5))
RETAIN = {"deletion_policy": DeletionPolicy.RETAIN}
FAILED = UPDATE.rejected(failure="it crashed", now=AT)


def situation(record: Record = UPDATE, **more: Any) -> Situation:
    fields = {"wanted": WANTED, "revisions": frozenset({OLD, NEW}), "deployment": deployment(NEW, ready=0)} | more
    return Situation(record=record, now=NOW, **fields)


def concluded(step: Step) -> Conclude:
    assert isinstance(step, Conclude)
    return step


def remembered(step: Step) -> Remember:
    assert isinstance(step, Remember)
    return step


@pytest.mark.parametrize(
    ("reason", "pods", "more", "told"),
    [
        (
            "the container ends again and again",
            [pod(NEW, restarts=2, ended={"message": "ValueError: no"})],
            {},
            "ended with exit code 1. Its last words: ValueError: no",
        ),
        (
            "its nodes keep none of its pods, and it is late",
            [
                pod(NEW, phase="Failed", status={"reason": "Evicted", "message": "Usage exceeds the limit 5Gi. "}),
                pod(NEW, name="digits-1-y"),
            ],
            {"late": True},
            "digits-1-y did not pass the ping health check. Pod digits-1-x: Evicted: Usage exceeds the limit 5Gi.",
        ),
        (
            "it is too large for its memory",
            [pod(NEW, restarts=2, ended={"exitCode": 137, "reason": "OOMKilled"})],
            {},
            "at its memory limit",
        ),
        (
            "it does not answer /ping, and is ended for that",
            [pod(NEW, restarts=2, ended={"exitCode": 137})],
            {},
            "did not pass the ping health check",
        ),
        ("the model is not there", [pod(NEW, restarts=2, fetch="ClientError: gone")], {}, "ClientError: gone"),
        (
            "the image can't be pulled until time is up",
            [pod(NEW, waiting={"reason": "ImagePullBackOff", "message": "not found"})],
            {"late": True},
            "by itself. Where they can't, give cluster.image or cluster.imagePullSecrets.",
        ),
        (
            "there is no node until time is up",
            [pod(NEW, unschedulable="0/3 nodes are available")],
            {"late": True},
            "0/3 nodes are available",
        ),
        ("no pod may be made until time is up", [], {"late": True, "refusal": "exceeded quota"}, "exceeded quota"),
        (
            "and much is said of it",
            [],
            {"late": True, "refusal": "exceeded quota, " * 99},
            "exceeded quota, exceeded quota…",
        ),
        ("it never answers until time is up", [pod(NEW)], {"late": True}, "did not pass the ping health check"),
        ("nothing tells", [], {"late": True}, "did not get ready in time"),
        ("nothing tells but when", [], {"late": True, "late_at": "2026-01-01T00:05:00Z"}, "did not get ready in time"),
    ],
)
def test_an_update_that_can_not_serve_is_given_up(reason: str, pods: list[Any], more: Any, told: str) -> None:
    step = remembered(next_step(situation(pods=tuple(pods), deployment=deployment(NEW, ready=0, **more))))
    assert told in step.record.failure, reason
    assert step.record.goes_back
    verdict = concluded(next_step(situation(step.record, deployment=deployment(OLD)))).verdict
    assert (verdict.state, verdict.reason) == (State.STALLED, Reason.UPDATE_FAILED)
    assert f"{OLD} goes on serving" in verdict.message


@pytest.mark.parametrize(
    ("reason", "pods", "more"),
    [
        ("a container has ended once", [pod(NEW, restarts=1, ended={})], {}),
        ("a pod of the old revision crashes", [pod(OLD, restarts=9, ended={})], {}),
        ("it crashed before, and is ready now", [pod(NEW, restarts=9, ready=True, ended={})], {"updated": 2}),
        ("nobody has seen the new generation, and the deadline was another one's", [], {"late": True, "seen": 1}),
        (
            "it was what was there before that was late",
            [],
            {"late": True, "late_at": "2025-12-31T23:59:59Z"},
        ),
        ("and was so in the second in which the update began", [], {"late": True, "late_at": AT}),
        ("its image is still tried", [pod(NEW, waiting={"reason": "ImagePullBackOff"})], {}),
        (
            "a pod of it that was evicted had crashed in its time, and another was made for it",
            [pod(NEW, restarts=9, ended={}, phase="Failed"), pod(NEW, name="digits-1-y")],
            {},
        ),
    ],
)
def test_an_update_that_may_still_serve_is_waited_for(reason: str, pods: list[Any], more: Any) -> None:
    fields = {"ready": 0} | more
    step = concluded(next_step(situation(pods=tuple(pods), deployment=deployment(NEW, **fields))))
    assert step.verdict.reason is not Reason.UPDATE_FAILED, reason
    assert step.again_after is not None
    assert step.fields["endpointStatus"] == "Updating"


def test_what_served_before_is_put_back() -> None:
    assert next_step(situation(FAILED)) == Deploy(revision=OLD, earlier=True)


@pytest.mark.parametrize(
    ("reason", "ready", "status", "told"),
    [
        ("on its way back", 0, "RollingBack", f"Going back to {OLD}"),
        ("back", 1, "InService", f"{OLD} goes on serving: it crashed"),
    ],
)
def test_the_way_back_is_told(reason: str, ready: int, status: str, told: str) -> None:
    step = concluded(next_step(situation(FAILED, deployment=deployment(OLD, ready=ready))))
    assert step.fields["endpointStatus"] == status, reason
    assert step.fields["failureReason"] == "it crashed"
    assert (step.verdict.state, step.verdict.reason) == (State.STALLED, Reason.UPDATE_FAILED)
    assert told in step.verdict.message


def test_a_way_back_that_is_broken_too_says_so() -> None:
    crashed = (pod(OLD, restarts=2, ended={"message": "the table is gone"}),)
    step = concluded(next_step(situation(FAILED, deployment=deployment(OLD, ready=0), pods=crashed)))
    assert step.fields["endpointStatus"] == "UpdateRollbackFailed"
    assert "Its last words: the table is gone" in step.verdict.message
    assert f"{NEW} can't serve: it crashed" in step.verdict.message


def test_a_pod_that_was_evicted_does_not_break_the_way_back() -> None:
    evicted = (pod(OLD, restarts=9, ended={}, phase="Failed"),)
    step = concluded(next_step(situation(FAILED, deployment=deployment(OLD, ready=0), pods=evicted)))
    assert step.fields["endpointStatus"] == "RollingBack"


def test_what_has_failed_is_tried_again_only_if_something_else_is_wanted() -> None:
    back = deployment(OLD)
    assert isinstance(next_step(situation(FAILED, deployment=back)), Conclude)
    other = replace(WANTED, key="another try")
    step = remembered(next_step(situation(FAILED, deployment=back, wanted=other)))
    assert (step.record.target, step.record.key, step.record.failed, step.record.good) == (
        NEW,
        "another try",
        "",
        OLD,
    )


def test_where_the_deployment_is_gone_what_is_wanted_is_tried_again() -> None:
    step = remembered(next_step(situation(FAILED, deployment=None)))
    assert not step.record.has_failed


def test_a_first_version_that_can_not_serve_goes_nowhere() -> None:
    crashed = (pod(NEW, restarts=2, ended={"message": "no"}),)
    step = remembered(next_step(situation(FIRST, pods=crashed)))
    failed = concluded(next_step(situation(step.record, pods=crashed)))
    assert failed.verdict.reason is Reason.ENDPOINT_FAILED
    assert failed.fields["endpointStatus"] == "Failed"


def test_a_first_version_that_serves_after_all_is_in_service() -> None:
    failed = FIRST.rejected(failure="no node", now=AT)
    step = remembered(next_step(situation(failed, deployment=deployment(NEW))))
    assert (step.record.good, step.record.failed) == (NEW, "")


def test_an_update_may_be_given_a_time() -> None:
    wanted = replace(WANTED, longest=timedelta(seconds=300))
    step = remembered(next_step(situation(wanted=wanted)))
    assert "maximumExecutionTimeoutInSeconds, 300" in step.record.failure


@pytest.mark.parametrize(
    ("reason", "more", "want"),
    [
        ("nothing holds the object", {"is_finalized": False}, Protect()),
        ("nobody has read the spec", {"wanted": None}, Resolve()),
        ("the revision's ConfigMap is not there", {"has_document": False}, Begin(revision=NEW)),
        ("there is no Deployment", {"deployment": None}, Deploy(revision=NEW)),
        ("the Deployment is of another revision", {"deployment": deployment(OLD)}, Deploy(revision=NEW)),
        ("somebody has changed the Deployment", {"is_applied": False}, Deploy(revision=NEW)),
        ("it has another count", {"deployment": deployment(NEW, wanted=3)}, Scale(replicas=1)),
        ("the Service is not as it should be", {"goes_with": False}, Apply()),
    ],
)
def test_what_is_missing_is_made(reason: str, more: Any, want: Step) -> None:
    assert next_step(situation(FIRST, **more)) == want, reason


def test_an_autoscalers_count_is_left() -> None:
    wanted = replace(WANTED, replicas=None)
    seven = deployment(NEW, wanted=7, updated=7, ready=7)
    step = concluded(next_step(situation(SERVING, wanted=wanted, deployment=seven, revisions=frozenset({NEW}))))
    assert step.verdict.reason is Reason.IN_SERVICE
    assert (step.fields["currentInstanceCount"], step.fields["desiredInstanceCount"]) == (7, 7)


@pytest.mark.parametrize(
    ("reason", "least", "wanted", "want"),
    [
        ("Kubernetes' own autoscaler is off while there are none", 2, 0, Scale(replicas=2)),
        ("KEDA may have none", 0, 0, None),
        ("the autoscaler itself brings it to its least", 2, 1, None),
    ],
)
def test_no_pods_are_left_only_to_who_can_scale_from_none(
    reason: str, least: int, wanted: int, want: Step | None
) -> None:
    asked = replace(WANTED, replicas=None, least=least)
    found = deployment(NEW, wanted=wanted, updated=wanted, ready=wanted)
    step = next_step(situation(SERVING, wanted=asked, deployment=found, revisions=frozenset({NEW})))
    assert (step if isinstance(step, Scale) else None) == want, reason


def test_what_serves_is_remembered_and_what_served_collected() -> None:
    whole = deployment(NEW)
    step = remembered(next_step(situation(deployment=whole)))
    assert step.record.good == NEW
    assert next_step(situation(step.record, deployment=whole)) == Collect(keep=(NEW,))
    rest = concluded(next_step(situation(step.record, deployment=whole, revisions=frozenset({NEW}))))
    assert rest.verdict.state is State.SERVING
    assert rest.again_after is None


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        ("a pod is lost", deployment(NEW, wanted=2, updated=2, ready=1)),
        ("pods of the old revision are left", deployment(NEW, total=2)),
        ("the controller has not seen the newest generation", deployment(NEW, seen=1)),
    ],
)
def test_ready_is_what_kubectl_rollout_status_says(reason: str, found: Any) -> None:
    wanted = replace(WANTED, replicas=None)
    step = concluded(next_step(situation(SERVING, wanted=wanted, deployment=found)))
    assert step.verdict.state is State.PROGRESSING, reason


def test_a_crash_of_what_has_served_is_no_failed_update() -> None:
    crashed = (pod(NEW, restarts=5, ended={"message": "no"}),)
    step = concluded(next_step(situation(SERVING, pods=crashed)))
    assert step.verdict.reason is Reason.UPDATING
    assert "Its last words: no" in step.verdict.message


@pytest.mark.parametrize(
    ("reason", "more", "want"),
    [
        ("nothing of it is there", {"remains": False}, Release()),
        ("it is to be left", {"deletion_policy": DeletionPolicy.RETAIN}, Leave()),
        ("it is still there", {}, Delete()),
        (
            "its pods do not end",
            {"deletion": LATE},
            Release(orphan="its Deployment, or pods of it, have not ended"),
        ),
        ("it is to be left, and that was not tried yet", {"deletion": LATE_TO_LEAVE.retaining()} | RETAIN, Leave()),
        (
            "it can't be left",
            {"deletion": LATE_TO_LEAVE.denied(NOW - timedelta(minutes=5)).retaining()} | RETAIN,
            Release(orphan="what was to be retained could not be parted from it in time, and is deleted with it"),
        ),
        ("it can't be left now", {"deletion": LATE.refused().retaining()} | RETAIN, Leave()),
        ("it is to be left, and paused", {"is_paused": True} | RETAIN, Leave()),
        ("the object is let go", {"is_finalized": False}, Wait()),
    ],
)
def test_the_end(reason: str, more: Any, want: Step) -> None:
    fields = {"remains": True, "deletion": asked_for(NOW - timedelta(minutes=6))} | more
    assert next_step(situation(SERVING, **fields)) == want, reason


@pytest.mark.parametrize(
    ("reason", "more", "want"),
    [
        ("it would be deleted with its object", {}, Reason.DELETION_BLOCKED),
        ("there was never anything", {"revisions": frozenset()}, Release()),
        ("Kubernetes deletes it with its object, as it should", {"deletion_policy": DeletionPolicy.STOP}, Release()),
        (
            "a deletion ends",
            {"deletion": LATE},
            Release(orphan="target: Cluster is switched off here: what was to be retained is deleted with it"),
        ),
    ],
)
def test_the_end_where_nothing_can_be_seen(reason: str, more: Any, want: Any) -> None:
    fields = {"is_seen": False, "deployment": None, "deletion_policy": DeletionPolicy.RETAIN}
    fields |= {"deletion": asked_for(NOW - timedelta(minutes=6))} | more
    step = next_step(situation(SERVING, **fields))
    assert (step.verdict.reason if isinstance(step, Conclude) else step) == want, reason


CRASHED = (pod(NEW, restarts=2, ended={"message": "no"}),)


@pytest.mark.parametrize(
    ("reason", "record", "more", "want"),
    [
        ("the update is through", UPDATE, {"deployment": deployment(NEW)}, Remember(record=SERVING)),
        ("the update is under way", UPDATE, {}, None),
        ("it has failed, and its pods are there", FAILED, {}, Restore(revision=OLD)),
        ("it has gone back", FAILED, {"deployment": deployment(OLD)}, None),
        ("nothing was under way", SERVING, {}, None),
        ("it is the first, for which there is no way back", FIRST.rejected(failure="no", now=AT), {}, None),
        ("somebody has paused it", FAILED, {"is_paused": True}, None),
        ("it is to be deleted", FAILED, {"deletion": asked_for(NOW)}, None),
        ("it is gone", FAILED, {"deployment": None}, None),
    ],
)
def test_an_update_stays_guarded_while_a_newer_spec_can_not_be_followed(
    reason: str, record: Record, more: Any, want: Step | None
) -> None:
    assert next_step_without_spec(situation(record, **({"wanted": None} | more))) == want, reason


def test_an_update_fails_while_a_newer_spec_can_not_be_followed() -> None:
    step = next_step_without_spec(situation(UPDATE, wanted=None, pods=CRASHED))
    assert isinstance(step, Remember)
    assert step.record.goes_back
    assert "Its last words: no" in step.record.failure


def test_pods_have_the_time_that_their_requests_take() -> None:
    going = deployment(NEW, deleted=True)
    step = concluded(
        next_step(situation(SERVING, remains=True, deletion=asked_for(NOW), deployment=going, wanted=None))
    )
    assert (step.verdict.reason, step.fields) == (Reason.DELETING, {"endpointStatus": "Deleting"})


def test_nothing_is_changed_while_paused() -> None:
    step = concluded(next_step(situation(deployment=deployment(OLD), is_paused=True)))
    assert step.verdict.reason is Reason.PAUSED
