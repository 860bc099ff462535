"""Every documented failure, at every kind of job: the conditions, the reason, the message and the Event that tell it.

The kinds meet each failure side by side, since the pauses before another try are long.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html (Errors)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html (Errors)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html (Errors)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html (FailureReason)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from support import batch_transforms, jobs, processing_jobs, tuning_jobs
from support.jobs import Job, Jobs, attempts, ready, statuses

from .world import World

NAME = "it"
STALLED = {"Ready": "False", "Stalled": "True"}
FAILED = STALLED | {"Failed": "True"}
ON_THE_WAY = {"Ready": "False", "Reconciling": "True"}
QUOTA = "The account-level service limit 'ml.m5.large for job usage' is 0 Instances"
SERVICE_QUOTAS = "Ask for a higher quota in AWS Service Quotas"


@dataclass(frozen=True, kw_only=True)
class Played:
    """A kind of job.

    Attributes:
        kind, plural: its names.
        job: what SageMaker calls it in its operations.
        spec: a good manifest.
        owned: the part of an ARN that tells its jobs from others.
    """

    kind: str
    plural: str
    job: str
    spec: Callable[..., dict[str, Any]]
    owned: str

    def of(self, world: World) -> Jobs:
        """The objects of this kind in a world's namespace."""
        return Jobs(world.cluster.client, world.namespace, kind=self.kind, plural=self.plural)

    def made(self, world: World) -> list[dict[str, Any]]:
        """The jobs of this kind at AWS, without the trials of tuning jobs, which are named after these."""
        found = world.made()
        parents = tuple(f"{job['name']}-" for job in found)
        return [job for job in found if f":{self.owned}/" in job["arn"] and not job["name"].startswith(parents)]


TRAINING = Played(kind="TrainingJob", plural="trainingjobs", job="TrainingJob", spec=jobs.spec, owned="training-job")
PROCESSING = Played(
    kind="ProcessingJob",
    plural="processingjobs",
    job="ProcessingJob",
    spec=processing_jobs.spec,
    owned="processing-job",
)
TRANSFORM = Played(
    kind="BatchTransform",
    plural="batchtransforms",
    job="TransformJob",
    spec=batch_transforms.transform_spec,
    owned="transform-job",
)
TUNING = Played(
    kind="HPTuningJob",
    plural="hptuningjobs",
    job="HyperParameterTuningJob",
    spec=tuning_jobs.spec,
    owned="hyper-parameter-tuning-job",
)
KINDS = (TRAINING, PROCESSING, TRANSFORM, TUNING)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What AWS answers to a Create, and what the object shows as long as it does.

    Attributes:
        says: what goes wrong, for people.
        fault: what the local SageMaker is told.
        reason: of the condition Ready, and of the Event.
        conditions: all of them.
        message: words of the message; `{create}` is the operation.
        passes: whether it passes by itself, so that the Event is no warning.
    """

    says: str
    fault: Mapping[str, Any]
    reason: str
    conditions: Mapping[str, str]
    message: tuple[str, ...]
    passes: bool = False

    def __str__(self) -> str:
        return self.says


ANSWERS = (
    Answer(
        says="access denied",
        fault={"kind": "access-denied"},
        reason="AccessDenied",
        conditions=STALLED,
        message=("sagemaker:{create}", "Check that the operator's IAM role allows {create}", "docs/tenancy.md"),
    ),
    Answer(
        says="a validation error",
        fault={"kind": "error", "code": "ValidationException", "message": "no such subnet"},
        reason="Rejected",
        conditions=STALLED,
        message=("{create}: no such subnet", "Correct the manifest and apply it again."),
    ),
    Answer(
        says="something that the request names is missing",
        fault={"kind": "error", "code": "ResourceNotFound", "message": "no such experiment"},
        reason="Rejected",
        conditions=STALLED,
        message=("{create}: no such experiment", "Correct the manifest"),
    ),
    Answer(
        says="a quota",
        fault={"kind": "error", "code": "ResourceLimitExceeded", "message": QUOTA},
        reason="QuotaExceeded",
        conditions=ON_THE_WAY,
        message=(QUOTA, SERVICE_QUOTAS),
    ),
    Answer(
        says="throttling",
        fault={"kind": "throttle"},
        reason="Throttled",
        conditions=ON_THE_WAY,
        message=("{create}", "trying again"),
        passes=True,
    ),
    *(
        Answer(
            says=says,
            fault={"kind": kind},
            reason="ServiceUnavailable",
            conditions=ON_THE_WAY,
            message=("{create}", "trying again"),
            passes=True,
        )
        for says, kind in (
            ("an internal error", "server-error"),
            ("a broken connection", "drop"),
            ("a lost reply", "lost-reply"),
            ("a malformed reply", "malformed"),
        )
    ),
)


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_what_aws_answers_to_a_create(world: World, answer: Answer) -> None:
    facts = {key: value for key, value in answer.fault.items() if key != "kind"}
    for played in KINDS:
        world.fault(answer.fault["kind"], f"Create{played.job}", **facts)
        played.of(world).create(NAME, played.spec())
    recorded = 0 if answer.conditions == STALLED else 1
    for played in KINDS:
        shown = played.of(world).wait(
            NAME,
            lambda job: ready(job).get("reason") == answer.reason and len(attempts(job)) == recorded,
            what=f"{answer.reason}, with {recorded} attempts",
        )
        assert statuses(shown) == answer.conditions, played.kind
        told = _wait_told(played, world, reason=answer.reason, level="Normal" if answer.passes else "Warning")
        for words in answer.message:
            assert words.format(create=f"Create{played.job}") in ready(shown)["message"], played.kind
            assert words.format(create=f"Create{played.job}") in told, played.kind
    world.aws.clear_faults()
    for played in KINDS:
        played.of(world).annotate(NAME, reconcile_at="now")
    for played in KINDS:
        played.of(world).wait_reason(NAME, "InProgress")
        assert len(played.made(world)) == 1, played.kind


def _wait_told(played: Played, world: World, *, reason: str, level: str) -> str:
    """The message of the Event with this reason, which has this type and is about this kind of object."""
    objects = played.of(world)
    [message] = world.eventually(
        lambda: [
            event.message
            for event in world.cluster.core.list_namespaced_event(world.namespace).items
            if (event.involved_object.kind, event.reason, event.type) == (played.kind, reason, level)
        ][:1],
        f"{level} {reason} about {played.kind}: {objects.events(NAME)}",
    )
    return str(message)


def test_a_quota_that_stays_used_up_stalls(hasty: World) -> None:
    for played in KINDS:
        hasty.fault("error", f"Create{played.job}", code="ResourceLimitExceeded", message=QUOTA)
        played.of(hasty).create(NAME, played.spec())
    for played in KINDS:
        objects = played.of(hasty)

        def is_stalled(job: Job, objects: Jobs = objects) -> bool:
            objects.annotate(NAME, reconcile_at=job["metadata"]["resourceVersion"])
            return "Stalled" in statuses(job)

        stalled = objects.wait(NAME, is_stalled, what="Stalled")
        assert statuses(stalled) == STALLED, played.kind
        assert ready(stalled)["reason"] == "QuotaExceeded", played.kind
        assert SERVICE_QUOTAS in ready(stalled)["message"], played.kind


# --- jobs that end badly -----------------------------------------------------------------------------------------

JOBS = (TRAINING, PROCESSING, TRANSFORM)
"""A tuning job's failure is that of its trials, so it has a reason of its own: see below."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A FailureReason.

    Attributes:
        text: as SageMaker gives it.
        blames: what `runPolicy.retry` calls it.
    """

    text: str
    blames: str

    def __str__(self) -> str:
        return f"{self.blames}: {self.text}"


FAILURES = (
    Failure(text="AlgorithmError: , exit code: 1", blames="AlgorithmError"),
    Failure(text='AlgorithmError: ExecuteUserScriptError:\nExitCode 3\nErrorMessage "x"', blames="AlgorithmError"),
    Failure(text="ClientError: No S3 objects found under S3 URL", blames="ClientError"),
    Failure(
        text="InternalServerError: We encountered an internal error. Please try again.", blames="InternalServerError"
    ),
    Failure(text="CapacityError: Unable to provision requested ML compute capacity.", blames="CapacityError"),
    Failure(text="ResourceLimitExceeded: too many volumes", blames="ResourceLimitExceeded"),
    Failure(text="The job failed for reasons of its own", blames="Unknown"),
)


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_job_that_failed_says_why(world: World, failure: Failure) -> None:
    world.script(seconds=0, outcome="Failed", failure_reason=failure.text)
    for played in JOBS:
        played.of(world).create(NAME, played.spec())
    for played in JOBS:
        failed = played.of(world).wait_reason(NAME, "JobFailed")
        assert statuses(failed) == FAILED, played.kind
        assert failed["status"]["failureReason"] == failure.text, played.kind
        assert " ".join(failure.text.split()) in ready(failed)["message"], played.kind
        assert [attempt["reason"] for attempt in attempts(failed)] == [failure.blames], played.kind
        assert _wait_told(played, world, reason="JobFailed", level="Warning") == ready(failed)["message"]
        assert len(played.made(world)) == 1, f"{played.kind}: nothing is retried that is not asked for"


@pytest.mark.parametrize("failure", [one for one in FAILURES if one.blames != "Unknown"][1:], ids=str)
def test_what_may_be_retried_is(world: World, failure: Failure) -> None:
    world.script(seconds=0, outcome="Failed", failure_reason=failure.text)
    is_default = failure.blames in ("CapacityError", "InternalServerError")
    policy = {"retry": {"limit": 1}}
    for played in JOBS:
        played.of(world).create(NAME, played.spec(runPolicy=policy))
    for played in JOBS:
        shown = played.of(world).wait_reason(NAME, "RetryPending" if is_default else "JobFailed")
        assert statuses(shown) == (ON_THE_WAY if is_default else FAILED), played.kind
        assert [attempt["reason"] for attempt in attempts(shown)] == [failure.blames], played.kind
        if is_default:
            told = _wait_told(played, world, reason="RetryPending", level="Warning")
            assert "Retry 1 of 1 follows." in told, played.kind


TIMED = (TRAINING, PROCESSING)
"""The kinds that have a stoppingCondition. A tuning job's is its trials', and ends these; a transform job has none."""


def test_a_job_whose_time_is_up_says_so(world: World) -> None:
    # Time counts from the end of Starting on.
    world.script(seconds=600, stages={"Starting": 0, "Downloading": 0}, stop_seconds=0)
    for played in TIMED:
        played.of(world).create(NAME, played.spec(stoppingCondition={"maxRuntimeInSeconds": 1}))
    said = {"TrainingJob": "maxRuntimeInSeconds allows", "ProcessingJob": "since its time was up"}
    for played in TIMED:
        stopped = played.of(world).wait_reason(NAME, "JobStopped")
        assert statuses(stopped) == FAILED, played.kind
        assert said[played.kind] in ready(stopped)["message"]
        assert _wait_told(played, world, reason="JobStopped", level="Warning") == ready(stopped)["message"]


def test_a_job_that_somebody_stopped_says_so(world: World) -> None:
    world.script(seconds=600, stop_seconds=0)
    client = world.simulator.client("sagemaker")
    for played in KINDS:
        played.of(world).create(NAME, played.spec())
    for played in KINDS:
        played.of(world).wait_reason(NAME, "InProgress")
        [made] = played.made(world)
        stop = re.sub("(?<!^)([A-Z])", r"_\1", f"Stop{played.job}").lower()
        getattr(client, stop)(**{f"{played.job}Name": made["name"]})
    for played in KINDS:
        stopped = played.of(world).wait_reason(NAME, "JobStopped")
        assert statuses(stopped) == FAILED, played.kind
        assert "was stopped, not by this object" in ready(stopped)["message"], played.kind
        _wait_told(played, world, reason="JobStopped", level="Warning")
        assert [attempt["status"] for attempt in attempts(stopped)] == ["Stopped"], played.kind


@dataclass(frozen=True, kw_only=True)
class Search:
    """How the trials of a search end, and what its object shows of it."""

    says: str
    script: Mapping[str, Any]
    reason: str
    message: str
    counters: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.says


@pytest.mark.parametrize(
    "search",
    [
        Search(
            says="all trials fail",
            script={"outcome": "Failed", "failure_reason": "AlgorithmError: no such column"},
            reason="JobFailed",
            message="No training job succeeded after 4 attempts",
            counters={"nonRetryableError": 4},
        ),
        Search(
            says="all trials fail of SageMaker's own errors",
            script={"outcome": "Failed", "failure_reason": "InternalServerError: We encountered an internal error."},
            reason="JobFailed",
            message="No training job succeeded after 4 attempts",
            counters={"retryableError": 4},
        ),
        Search(
            says="no trial logs the objective",
            script={"metrics": {}},
            reason="JobFailed",
            message="No value of the objective metric was found",
            counters={"completed": 4},
        ),
    ],
    ids=str,
)
def test_a_search_without_success_fails(world: World, search: Search) -> None:
    world.script(seconds=0, **search.script)
    TUNING.of(world).create(NAME, TUNING.spec(runPolicy={"retry": {"limit": 1}}))
    failed = TUNING.of(world).wait_reason(NAME, search.reason)
    assert statuses(failed) == FAILED
    assert search.message in ready(failed)["message"]
    assert search.message in _wait_told(TUNING, world, reason=search.reason, level="Warning")
    shown = failed["status"]["trainingJobStatusCounters"]
    assert {name: count for name, count in shown.items() if count} == search.counters
    assert "best" not in failed["status"]
    assert len(TUNING.made(world)) == 1
