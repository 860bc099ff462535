"""The classes of errors of api.md: what each does to an object, and when it is looked at again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sagebridge.core.conditions import State
from sagebridge.core.endpoint.desired import ModelPlan
from sagebridge.core.endpoint.scaling import Dimension, TargetKey
from sagebridge.core.endpoint.steps import CreateModel, PutPolicy, UpdateNumbers
from sagebridge.core.errors import AwsError, NotAllowedError, SpecError
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.core.steps import Conclude, Release, Wait
from sagebridge.engine.failures import EXPECTED, FailureCounts, NotReadyError, Patience, WaitingError, conclude
from sagebridge.targets.protocol import NameConflictError, NotGoneError, NotOwnedError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PATIENCE = Patience(recheck_seconds=600, quota_grace=timedelta(minutes=30), jitter=lambda: 1.0)
RECORDED = "2026-01-02T03:00:00Z"
LONG_AGO = "2026-01-02T02:00:00Z"


def aws(code: str, *, status: int | None = 400, operation: str = "CreateTrainingJob") -> AwsError:
    return AwsError(code=code, message="AWS's words", operation=operation, http_status=status)


def invalid(message: str, *, operation: str = "CreateTrainingJob", code: str = "ValidationException") -> AwsError:
    return AwsError(code=code, message=message, operation=operation, http_status=400)


def judge(error: Exception, *, failures: int = 1, recorded_at: str | None = RECORDED) -> Conclude:
    attempts = [{"number": 1, "name": "x", "region": "us-east-1", "recordedAt": recorded_at}] if recorded_at else []
    body: dict[str, Any] = {"metadata": {"uid": "u", "name": "x", "namespace": "n"}, "status": {"attempts": attempts}}
    return conclude(error, job=Job.parse(body), failures=failures, now=NOW, patience=PATIENCE)


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    error: Exception
    state: State
    why: Reason
    again: float
    says: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def stalled(reason: str, error: Exception, why: Reason, *says: str) -> Case:
    """Somebody has to act; it is looked at again when that can be, and every ten minutes."""
    return Case(reason=reason, error=error, state=State.STALLED, why=why, again=600, says=says)


def waits(reason: str, error: Exception, why: Reason, again: float, *says: str, **facts: Any) -> Case:
    """It passes by itself."""
    return Case(reason=reason, error=error, state=State.PROGRESSING, why=why, again=again, says=says, facts=facts)


ABSENT = WaitingError("no such ConfigMap")
TRAINS = NotReadyError("waiting for TrainingJob x to be Ready.")
STAYS = NotGoneError("Waiting for x to be gone.")
QUOTA, THROTTLED = aws("ResourceLimitExceeded"), aws("ThrottlingException")
DENIED = aws("AccessDenied", status=403, operation="AssumeRole")
IN_USE = aws("ResourceInUse", operation="DeleteTrainingJob")
AWAY = Reason.SERVICE_UNAVAILABLE

CASES = [
    stalled("a wrong field", SpecError("spec.x", "do y"), Reason.INVALID_SPEC, "spec.x: do y"),
    stalled("a forbidden field", NotAllowedError("spec.x", "ask z"), Reason.NOT_ALLOWED, "spec.x: ask z"),
    stalled("a taken name", NameConflictError("x is there"), Reason.NAME_CONFLICT, "x is there"),
    stalled("somebody else's job", NotOwnedError("x is not ours"), Reason.NAME_CONFLICT, "x is not ours"),
    stalled("a refused request", aws("ValidationException"), Reason.REJECTED, "AWS's words", "Correct the manifest"),
    stalled("IAM says no", aws("AccessDeniedException"), Reason.ACCESS_DENIED, "CreateTrainingJob", "docs/tenancy.md"),
    stalled("a role that can't be assumed", DENIED, Reason.ACCESS_DENIED, "external id"),
    stalled("credentials that AWS does not know", aws("UnrecognizedClientException", status=400), Reason.ACCESS_DENIED),
    stalled("no credentials", aws("NoCredentials", status=None), Reason.ACCESS_DENIED, "Give the operator AWS cred"),
    stalled("a role of a wrong form", aws("ValidationError", operation="AssumeRole"), Reason.ACCESS_DENIED, "external"),
    waits("a missing reference, at first", ABSENT, Reason.WAITING_FOR_REFERENCE, 0.5, "no such ConfigMap"),
    waits("a missing reference, for long", ABSENT, Reason.WAITING_FOR_REFERENCE, 30, failures=99),
    waits("a reference that is not ready", TRAINS, Reason.REFERENCE_NOT_READY, 0.5, "TrainingJob x to be Ready"),
    waits("a reference that is not ready for long", TRAINS, Reason.REFERENCE_NOT_READY, 30, failures=99),
    waits("what is not gone yet", STAYS, Reason.WAITING_FOR_REMOVAL, 0.5, "Waiting for x to be gone"),
    waits("a quota, at first", QUOTA, Reason.QUOTA_EXCEEDED, 30, "Service Quotas"),
    waits("a quota, again", QUOTA, Reason.QUOTA_EXCEEDED, 300, failures=9),
    waits("a quota before anything is recorded", QUOTA, Reason.QUOTA_EXCEEDED, 30, recorded_at=None),
    waits("throttling, at first", THROTTLED, Reason.THROTTLED, 1, "trying again"),
    waits("throttling, for long", THROTTLED, Reason.THROTTLED, 60, failures=50),
    waits("AWS breaks", aws("InternalFailure", status=500), AWAY, 1),
    waits("AWS breaks without a word", aws("503", status=503), AWAY, 2, failures=2),
    waits("nobody answers", aws("ConnectionError", status=None), AWAY, 4, failures=3),
    waits("nonsense", aws("MalformedReply", status=None), AWAY, 1),
    waits("there, or gone, at the wrong time", IN_USE, AWAY, 1),
]


def test_a_quota_for_longer_than_its_grace() -> None:
    outcome = judge(QUOTA, failures=9, recorded_at=LONG_AGO)
    assert (outcome.verdict.state, outcome.verdict.reason) == (State.STALLED, Reason.QUOTA_EXCEEDED)
    assert outcome.again_after == 300


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_each_class(case: Case) -> None:
    outcome = judge(case.error, **case.facts)
    assert (outcome.verdict.state, outcome.verdict.reason) == (case.state, case.why)
    assert outcome.again_after == case.again
    for words in case.says:
        assert words in outcome.verdict.message


@pytest.mark.parametrize("end", ["]", ", ml.m…"], ids=["whole", "cut off"])
def test_a_list_of_all_that_could_be_said_does_not_hide_the_point(end: str) -> None:
    types = ", ".join(f"ml.m{number}.large" for number in range(100))
    error = AwsError(
        code="ValidationException",
        message=f"'ml.huge' failed to satisfy enum value set: [{types}{end}",
        operation="CreateEndpointConfig",
        http_status=400,
    )
    message = judge(error).verdict.message
    assert "'ml.huge' failed to satisfy enum value set: [ml.m0.large, ml.m1.large, ml.m2.large, " in message
    assert "ml.m4.large, …] (ValidationException). " in message
    assert "ml.m5.large" not in message


ROLE = "arn:aws:iam::1:role/x"
NOT_ASSUMED = (
    f"Could not assume role {ROLE}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' "
    "to assume the role."
)
NOT_TRUSTED = (
    f'The execution role ARN "{ROLE}" is invalid. Please ensure that the role exists and that its trust relationship '
    'policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com".'
)
NO_MODEL_DATA = f'Could not access model data at s3://b/m.tar.gz. Please ensure that the role "{ROLE}" exists'
NO_IMAGE = f"The role '{ROLE}' does not have BatchGetImage permission for the image: 'x'."
NOT_GRANTED = "The repository of your image x does not grant ecr:GetDownloadUrlForLayer to sagemaker.amazonaws.com."
NO_KEY = f"User: {ROLE} is not authorized to perform: kms:CreateGrant on resource: arn:aws:kms:us-east-1:1:key/x"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (invalid(NOT_ASSUMED), "SageMaker may not assume the role of a job"),
        (invalid(NOT_TRUSTED, operation="CreateModel"), "nor of a model"),
        (invalid(NO_MODEL_DATA, operation="CreateModel"), "the role may not read the model"),
        (invalid(NO_IMAGE, operation="CreateEndpoint"), "the role may not pull the image"),
        (invalid(NOT_GRANTED, operation="UpdateEndpoint"), "the repository does not let it"),
        (invalid(NO_KEY), "the role may not use the key"),
    ],
)
def test_rights_of_the_execution_role_are_no_fault_of_the_request(error: AwsError, reason: str) -> None:
    verdict = judge(error).verdict
    assert (verdict.state, verdict.reason) == (State.STALLED, Reason.ACCESS_DENIED), reason
    assert "Check that the execution role exists" in verdict.message
    assert "manifest" not in verdict.message


NO_OBJECTS = (
    'No S3 objects found under S3 URL "s3://b/x" given in input data source. Please ensure that the bucket exists in '
    f'the selected region, that objects exist under that S3 prefix, and that the role "{ROLE}" has "s3:ListBucket" '
    'permissions on bucket "b".'
)
OF_VALUES = "1 validation error detected: Value 'access denied' at 'tags.1.member.value' failed to satisfy constraint"
NO_ARN = "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (invalid(NO_OBJECTS), "it can't tell no objects from no right to list them"),
        (invalid(OF_VALUES), "the request itself says so"),
        (invalid(NO_ARN), "that is no role"),
        (invalid("Could not access the subnet"), "that is no role's"),
        (invalid("RoleArn: Cross-account pass role is not allowed."), "another role has to be named"),
        (invalid("x does not have write permission", code="ResourceNotFound"), "another code"),
    ],
)
def test_what_the_request_asks_is_its_fault(error: AwsError, reason: str) -> None:
    verdict = judge(error).verdict
    assert (verdict.state, verdict.reason) == (State.STALLED, Reason.REJECTED), reason
    assert "Correct the manifest" in verdict.message


def test_every_expected_error_has_a_verdict() -> None:
    judged = {type(case.error) for case in CASES}
    assert judged == set(EXPECTED)


def test_pauses_vary_so_that_many_do_not_come_at_once() -> None:
    outcomes = {
        conclude(aws("ThrottlingException"), job=Job.parse({"metadata": {}}), failures=9, now=NOW, patience=Patience())
        for _ in range(20)
    }
    pauses = {outcome.again_after for outcome in outcomes}
    assert len(pauses) > 1
    assert all(pause is not None and 45 <= pause <= 75 for pause in pauses)


def test_what_is_not_expected_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        judge(ZeroDivisionError())


def test_each_step_has_a_count_of_its_own() -> None:
    counts = FailureCounts()
    assert [counts.failed(Wait()), counts.failed(Wait()), counts.failed(Release())] == [1, 2, 1]
    counts.succeeded(Release())
    assert (counts.of(Wait()), counts.of(Release())) == (2, 0)
    counts.forget()
    assert counts == FailureCounts()


def test_steps_about_different_things_have_counts_of_their_own() -> None:
    models = [CreateModel(model=ModelPlan(name=name, spec_name=name, request={})) for name in "ab"]
    key = TargetKey(variant="a", dimension=Dimension.INSTANCES)
    policies = [PutPolicy(key=key, name=name, definition={}) for name in "ab"]
    numbers = [UpdateNumbers(weights={"a": 1.0}), UpdateNumbers(counts={"a": 1}), UpdateNumbers(counts={"b": 1})]
    for first, *others in (models, policies, numbers):
        counts = FailureCounts()
        assert [counts.failed(first), counts.failed(first)] == [1, 2]
        assert [counts.failed(other) for other in others] == [1] * len(others)
        for other in others:
            counts.succeeded(other)
        assert counts.of(first) == 2, first
