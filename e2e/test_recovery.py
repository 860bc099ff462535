"""Whatever the operator stands on goes away and comes back: meanwhile it says so, afterwards it goes on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from faults.lane import Lane
from faults.oracle import repeated_creates
from faults.scenario import Actor, cast, play
from faults.trials import check, undisturbed
from sagebridge_local.stack import ControlPlane
from scenarios import batch_transforms, tuning_jobs
from scenarios.reached import condition, reason, secondary, status_of
from scenarios.training_jobs import (
    CREATE,
    DELETE,
    DELETION_PURGE,
    LIFE,
    SPEC,
    STOP,
    SUSPENSION,
    TAGS,
    TRAINING_JOB,
)

_ARNS = ("TrainingJobArn", "TransformJobArn", "ModelArn", "HyperParameterTuningJobArn")
_STATUSES = ("TrainingJobStatus", "TransformJobStatus", "HyperParameterTuningJobStatus")
_LISTED = ("TrainingJobSummaries", "TransformJobSummaries", "HyperParameterTuningJobSummaries")
_NULLS = dict.fromkeys((*_ARNS, *_STATUSES, *_LISTED, "Tags"))
_WRONG_TYPES = {
    **{key: [1] for key in _ARNS},
    **{key: {} for key in _STATUSES},
    **dict.fromkeys(_LISTED, "x"),
    "Tags": 7,
}
_BODIES = {
    "a web page": "<html><body>502 Bad Gateway</body></html>",
    "an empty object": "{}",
    "half an object": '{"TrainingJobArn": "arn:aws:sagem',
    "nulls": json.dumps(_NULLS),
    "wrong types": json.dumps(_WRONG_TYPES),
    "a list": "[]",
}

_SWEEPS = ("ListTrainingJobs", "ListTransformJobs", "ListHyperParameterTuningJobs")
_BACKING_OFF = (
    *(CREATE, "DescribeTrainingJob", STOP, DELETE, "ListTags", "AddTags"),
    *(batch_transforms.CREATE, "DescribeTransformJob", batch_transforms.MAKE_MODEL, batch_transforms.REMOVE_MODEL),
    *(tuning_jobs.CREATE, "DescribeHyperParameterTuningJob", tuning_jobs.STOP, tuning_jobs.DELETE),
    "ListTrainingJobsForHyperParameterTuningJob",
)
# Of the other kinds those that call more than a TrainingJob does: a model before and after, results and trials.
_COMPOSED = (batch_transforms.LIFE, tuning_jobs.PURGE_FINISHED)


def _ready(actor: Actor) -> dict[str, Any]:
    return condition(actor.body, "Ready")


def _running(lane: Lane, namespace: str) -> Actor:
    (actor,) = cast(lane, LIFE, namespace=namespace)
    play(lane, LIFE, [actor], steps=LIFE.steps[:1])
    return actor


@pytest.mark.parametrize("scenario", [LIFE, SUSPENSION, TAGS, DELETION_PURGE, *_COMPOSED], ids=str)
def test_malformed_replies_are_asked_for_again(start_lane: Callable[..., Lane], namespace: str, scenario: Any) -> None:
    lane = start_lane()
    reference = undisturbed(lane, scenario, namespace=namespace)
    for body in _BODIES.values():
        lane.aws.fault("malformed", body=body, probability=0.5, count=1)
    (actor,) = cast(lane, scenario, namespace=namespace)
    play(lane, scenario, [actor])
    hits = [fault["hits"] for fault in lane.aws.faults()]
    check(lane, scenario, actor, reference=reference, title=f"malformed replies, {hits}")


@pytest.mark.parametrize("body", _BODIES.values(), ids=list(_BODIES))
def test_a_malformed_reply_is_told(start_lane: Callable[..., Lane], namespace: str, body: str) -> None:
    lane = start_lane()
    lane.aws.outcome("*", **LIFE.script)
    lane.aws.fault("malformed", operation=CREATE, body=body, count=1)
    (actor,) = cast(lane, LIFE, namespace=namespace)
    actor.create(SPEC)
    actor.wait(secondary("Starting"), what="its job")
    lane.wait(lambda: "MalformedReply" in _told(actor), what="word of it", shows=lambda: _told(actor))
    assert not repeated_creates(lane, CREATE)


def _told(actor: Actor) -> str:
    """Everything that Events say of an object."""
    return "\n".join(message for _, message in actor.lane.cluster.events(actor.namespace, name=actor.mark))


@pytest.mark.parametrize("scenario", [LIFE, SUSPENSION, DELETION_PURGE, *_COMPOSED], ids=str)
def test_storms_of_server_errors_pass(start_lane: Callable[..., Lane], namespace: str, scenario: Any) -> None:
    lane = start_lane()
    reference = undisturbed(lane, scenario, namespace=namespace)
    # Sweeps do not back off, so that any storm of theirs is over soon; whatever backs off meets two errors in a row.
    for operation in _SWEEPS:
        lane.aws.fault("server-error", operation=operation, probability=0.4)
    for operation in _BACKING_OFF:
        lane.aws.fault("server-error", operation=operation, count=2)
    (actor,) = cast(lane, scenario, namespace=namespace)
    play(lane, scenario, [actor])
    hits = {fault["operation"]: fault["hits"] for fault in lane.aws.faults()}
    check(lane, scenario, actor, reference=reference, title=f"a storm of server errors, {hits}")
    met = {operation for counts in reference.outcome.effects for operation, count in counts.items() if count}
    assert any(operation.startswith("Create") for operation in met)
    assert all(hits[operation] == 2 for operation in met), hits


def test_a_server_error_is_told(start_lane: Callable[..., Lane], namespace: str) -> None:
    lane = start_lane()
    lane.aws.fault("server-error", operation=CREATE)
    (actor,) = cast(lane, LIFE, namespace=namespace)
    actor.create(SPEC)
    actor.wait(reason("ServiceUnavailable"), what="word of it")
    assert condition(actor.body, "Reconciling")["status"] == "True"
    assert "InternalFailure" in _ready(actor)["message"]
    lane.aws.clear_faults()
    actor.wait(secondary("Starting"), what="its job")


def test_an_api_server_that_restarts_is_found_again(
    start_lane: Callable[..., Lane], namespace: str, control_plane: ControlPlane
) -> None:
    lane = start_lane()
    running = _running(lane, namespace)
    control_plane.kill("kube-apiserver")
    lane.aws.advance(LIFE.steps[1].advance)
    control_plane.ensure()
    running.wait(secondary("Downloading"), what="news of the old object")
    (fresh,) = cast(lane, LIFE, namespace=namespace)
    fresh.create(SPEC)
    fresh.wait(secondary("Starting"), what="its job")
    assert len(lane.aws.jobs()) == 2
    assert not repeated_creates(lane, CREATE)


def test_an_aws_that_can_not_be_reached_makes_statuses_stale_and_readiness_red(
    start_lane: Callable[..., Lane], namespace: str
) -> None:
    lane = start_lane(STALE_AFTER_SECONDS="1")
    actor = _running(lane, namespace)
    lane.aws_proxy.is_cut = True
    actor.wait(reason("StatusStale"), what="word of it")
    assert "This status may be old" in _ready(actor)["message"]
    lane.wait(lambda: _probe(lane, "readyz")[0] == 503, what="a red readiness probe")
    assert "no sweep has succeeded" in _probe(lane, "readyz")[1]
    assert _probe(lane, "healthz")[0] == 200
    lane.aws_proxy.is_cut = False
    actor.wait(reason("InProgress"), what="fresh news")
    lane.wait(lane.is_ready, what="a green readiness probe")
    play(lane, LIFE, [actor], steps=LIFE.steps[1:])


def test_a_sagemaker_that_has_forgotten_its_jobs_gets_no_second_ones(
    start_lane: Callable[..., Lane], namespace: str
) -> None:
    lane = start_lane()
    actor = _running(lane, namespace)
    lane.simulator.kill()
    lane.simulator.ensure()
    actor.wait(reason("JobGone"), what="word of it")
    lane.settle()
    assert lane.aws.count(CREATE) == 0
    assert [attempt["status"] for attempt in status_of(actor.body)["attempts"]] == ["Gone"]
    fresh = _running(lane, namespace)
    assert len(lane.cluster.objects(TRAINING_JOB, namespace=fresh.namespace)) == 2


def _probe(lane: Lane, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{lane.operator.url}/{path}") as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
