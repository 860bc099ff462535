"""What AWS's errors mean, by code, and by text only where the code leaves it open."""

from dataclasses import dataclass

import pytest
from sagebridge.core.errors import (
    CONNECTION_ERROR,
    INVALID_REQUEST,
    MALFORMED_REPLY,
    NO_CREDENTIALS,
    THROTTLE_CODES,
    TIMEOUT,
    AwsError,
    ErrorClass,
    NotAllowedError,
    SpecError,
    classify,
)

USER, SLOW, FAST = ErrorClass.USER_ACTION, ErrorClass.SLOW_RETRY, ErrorClass.FAST_RETRY
ABSENT, CONFLICT = ErrorClass.NOT_FOUND, ErrorClass.CONFLICT


@dataclass(frozen=True)
class Case:
    reason: str
    code: str
    want: ErrorClass
    message: str = ""
    status: int | None = 400
    operation: str = "CreateTrainingJob"


CASES = [
    # Throttling
    Case("SageMaker's throttling", "ThrottlingException", FAST, "Rate exceeded"),
    Case("the older word for it", "Throttling", FAST, "Rate exceeded"),
    Case("S3's throttling", "SlowDown", FAST, status=503, operation="PutObject"),
    Case("throttling by number alone", "Unknown", FAST, status=429),
    Case("too many requests", "TooManyRequestsException", FAST, status=429),
    Case("EC2's word, relayed", "RequestLimitExceeded", FAST, status=503),
    # Passing by themselves
    Case("an internal failure", "InternalFailure", FAST, status=500),
    Case("unavailable", "ServiceUnavailable", FAST, status=503),
    Case("a load balancer's page", "502", FAST, status=502),
    Case("any 5xx with a code nobody knows", "Strange", FAST, status=599),
    Case("a request that took too long", "RequestTimeout", FAST, status=408),
    Case("408 with a code nobody knows", "Strange", FAST, status=408),
    Case("no status and a code nobody knows", "Strange", FAST, status=None),
    Case("no reply in time", TIMEOUT, FAST, status=None),
    Case("no connection", CONNECTION_ERROR, FAST, status=None),
    Case("a reply that can't be read", MALFORMED_REPLY, FAST, status=200),
    Case("two writers at once", "ConditionalRequestConflict", FAST, status=409, operation="PutObject"),
    # Credentials
    Case("a token that has run out is renewed", "ExpiredToken", FAST),
    Case("SageMaker's word for that", "ExpiredTokenException", FAST),
    Case("a clock that is wrong for a moment", "RequestExpired", FAST),
    Case("denied", "AccessDeniedException", USER, "User: x is not authorized to perform: sagemaker:CreateTrainingJob"),
    Case("denied by S3 or STS", "AccessDenied", USER, status=403, operation="AssumeRole"),
    Case("denied to a HEAD, which has no body", "403", USER, status=403, operation="HeadObject"),
    Case("a key that AWS does not know", "UnrecognizedClientException", USER),
    Case("STS's word for that", "InvalidClientTokenId", USER, status=403, operation="GetCallerIdentity"),
    Case("a wrong secret", "SignatureDoesNotMatch", USER, status=403),
    Case("no credentials at all", NO_CREDENTIALS, USER, status=None),
    Case("a region that must be opted in to", "OptInRequired", USER, status=403),
    # Quotas
    Case("an account's quota", "ResourceLimitExceeded", SLOW, "The account-level service limit 'ml.p4d.24xlarge ...'"),
    # There already, or in the way
    Case("a training job of that name", "ResourceInUse", CONFLICT, "Training job names must be unique"),
    Case(
        "an endpoint of that name",
        "ValidationException",
        CONFLICT,
        'Cannot create already existing endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/x".',
        operation="CreateEndpoint",
    ),
    Case("somebody wrote it first", "PreconditionFailed", CONFLICT, status=412, operation="PutObject"),
    Case(
        "stopping what has stopped",
        "ValidationException",
        CONFLICT,
        "The request was rejected because the training job is in status Stopped.",
        operation="StopTrainingJob",
    ),
    Case(
        "deleting what runs",
        "ValidationException",
        CONFLICT,
        "The request was rejected because the training job is in status InProgress.",
        operation="DeleteTrainingJob",
    ),
    Case(
        "updating what is busy",
        "ValidationException",
        CONFLICT,
        'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/x".',
        operation="UpdateEndpoint",
    ),
    # Absent
    Case(
        "no training job",
        "ValidationException",
        ABSENT,
        "Requested resource not found.",
        operation="DescribeTrainingJob",
    ),
    Case(
        "no processing job",
        "ValidationException",
        ABSENT,
        "Could not find requested job with name: x",
        operation="DescribeProcessingJob",
    ),
    Case("no tuning job", "ResourceNotFound", ABSENT, operation="DescribeHyperParameterTuningJob"),
    Case(
        "no endpoint",
        "ValidationException",
        ABSENT,
        'Could not find endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/x".',
        operation="DeleteEndpoint",
    ),
    Case(
        "stopping what is gone",
        "ValidationException",
        ABSENT,
        "Requested resource not found.",
        operation="StopTrainingJob",
    ),
    Case("tags of what is gone", "ResourceNotFound", ABSENT, operation="ListTags"),
    Case("no object", "404", ABSENT, status=404, operation="HeadObject"),
    Case("no key", "NoSuchKey", ABSENT, status=404, operation="GetObject"),
    # Things a request points at
    Case(
        "a model that was made a moment ago",
        "ValidationException",
        FAST,
        'Could not find model "arn:aws:sagemaker:us-east-1:1:model/x".',
        operation="CreateEndpointConfig",
    ),
    Case(
        "a configuration that was made a moment ago",
        "ValidationException",
        FAST,
        'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:1:endpoint-config/x".',
        operation="UpdateEndpoint",
    ),
    Case("what a job refers to is the user's to correct", "ResourceNotFound", USER, "Experiment x does not exist"),
    Case("a bucket that does not exist", "NoSuchBucket", USER, status=404, operation="PutObject"),
    # The manifest
    Case("a wrong value", "ValidationException", USER, "1 validation error detected: Value '0' at 'x' failed"),
    Case(
        "text alone never makes an absent thing",
        "ValidationException",
        USER,
        "No S3 objects found under S3 URL; resource not found",
    ),
    Case(
        "nor an existing one", "ValidationException", USER, "ARN already exists twice in the list", operation="AddTags"
    ),
    Case(
        "a list that is asked for wrongly",
        "ValidationException",
        USER,
        "Requested resource not found",
        operation="ListTrainingJobs",
    ),
    Case("a request the SDK refuses", INVALID_REQUEST, USER, status=None),
    Case("any other 4xx", "Strange", USER, status=400),
    Case("a bucket in another region", "PermanentRedirect", USER, status=301, operation="PutObject"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_classify(case: Case) -> None:
    found = classify(code=case.code, message=case.message, http_status=case.status, operation=case.operation)
    assert found is case.want


@pytest.mark.parametrize("code", sorted(THROTTLE_CODES))
def test_throttles_are_told_from_other_fast_retries(code: str) -> None:
    error = AwsError(code=code, message="Rate exceeded", operation="ListTrainingJobs", http_status=400)
    assert error.is_throttle
    assert error.error_class is FAST


@pytest.mark.parametrize("code", ["ResourceLimitExceeded", "ServiceUnavailable", "ValidationException"])
def test_what_is_no_throttle(code: str) -> None:
    assert not AwsError(code=code, message="x", operation="ListTrainingJobs", http_status=400).is_throttle


def test_an_error_says_what_was_asked_and_what_came() -> None:
    error = AwsError(code="ResourceInUse", message="It is there.", operation="CreateTrainingJob", http_status=400)
    assert str(error) == "CreateTrainingJob: It is there. (ResourceInUse)"


def test_the_class_can_be_given() -> None:
    error = AwsError(code="Strange", message="x", operation="CreateTrainingJob", error_class=ABSENT)
    assert error.error_class is ABSENT


@dataclass(frozen=True)
class AdviceCase:
    reason: str
    code: str
    want: str
    operation: str = "CreateTrainingJob"
    status: int | None = 400
    says: str = "x"


# https://github.com/aws/amazon-sagemaker-examples/issues/2489
NO_OBJECTS = (
    'No S3 objects found under S3 URL "s3://data/train" given in input data source. Please ensure that the bucket '
    "exists in the selected region (us-west-2), that objects exist under that S3 prefix, and that the role "
    '"arn:aws:iam::123456789012:role/training" has "s3:ListBucket" permissions on bucket "data".'
)


@pytest.mark.parametrize(
    "case",
    [
        AdviceCase("denied", "AccessDeniedException", "allows CreateTrainingJob"),
        AdviceCase("no credentials", NO_CREDENTIALS, "Give the operator AWS credentials", status=None),
        AdviceCase("credentials that AWS does not know", "UnrecognizedClientException", "credentials"),
        AdviceCase("assuming a role", "AccessDenied", "external id", operation="AssumeRole", status=403),
        AdviceCase("a quota", "ResourceLimitExceeded", "Service Quotas"),
        AdviceCase("a wrong value", "ValidationException", "Correct the manifest"),
        AdviceCase("no objects", "ValidationException", "may not list the bucket (s3:ListBucket)", says=NO_OBJECTS),
        AdviceCase("words of a value", "ValidationException", "Correct the manifest", says=f"1 error: {NO_OBJECTS}"),
    ],
    ids=lambda case: case.reason,
)
def test_advice_says_what_to_do(case: AdviceCase) -> None:
    error = AwsError(code=case.code, message=case.says, operation=case.operation, http_status=case.status)
    assert case.want in error.advice


def test_there_is_no_advice_where_waiting_is_all() -> None:
    assert not AwsError(code="ThrottlingException", message="x", operation="CreateTrainingJob").advice


@pytest.mark.parametrize("error_type", [SpecError, NotAllowedError])
def test_errors_about_a_field_name_it(error_type: type[SpecError] | type[NotAllowedError]) -> None:
    error = error_type("spec.source.entryPoint", "There is no such file.")
    assert str(error) == "spec.source.entryPoint: There is no such file."
    assert error.field == "spec.source.entryPoint"
