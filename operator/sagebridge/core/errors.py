"""What can go wrong, and what each kind of failure means for the object that met it.

AWS's codes are matched first; texts only where SageMaker says several things with one code, ValidationException,
and then only together with the operation, since the words of an error are not part of the API.

Sources:
    https://github.com/awslabs/benchmark-ai/issues/928 (Stop of a stopped job: "... training job is in status Stopped.")
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html#API_CreateTrainingJob_Errors
    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from sagebridge.core import role_rights


class ErrorClass(StrEnum):
    """What the engine does after a failed call.

    Attributes:
        USER_ACTION: somebody must change the spec, the policy or IAM; looked at again every 10 minutes.
        SLOW_RETRY: an account quota is used up; tried again at long intervals.
        FAST_RETRY: it passes by itself (throttling, 5xx, network); tried again soon, with jitter.
        NOT_FOUND: the thing that was asked for does not exist.
        CONFLICT: it exists already, or its present state forbids the request; Describe tells which.
    """

    USER_ACTION = "UserAction"
    SLOW_RETRY = "SlowRetry"
    FAST_RETRY = "FastRetry"
    NOT_FOUND = "NotFound"
    CONFLICT = "Conflict"


# Codes that the gateway gives to failures that have none of AWS's own.
NO_CREDENTIALS: Final = "NoCredentials"
CONNECTION_ERROR: Final = "ConnectionError"
TIMEOUT: Final = "Timeout"
MALFORMED_REPLY: Final = "MalformedReply"
INVALID_REQUEST: Final = "ParamValidation"
OPERATOR_STORAGE: Final = "OperatorStorage"
"""What is to be sent can't be put together, for want of room where the operator runs."""

THROTTLE_CODES: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
        "429",
    }
)

_TRANSIENT_CODES: Final = frozenset(
    {
        CONNECTION_ERROR,
        MALFORMED_REPLY,
        OPERATOR_STORAGE,
        TIMEOUT,
        "ConcurrentUpdateException",
        "ConditionalRequestConflict",
        "IDPCommunicationError",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceException",
        "OperationAborted",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "TransactionInProgressException",
        "500",
        "502",
        "503",
        "504",
    }
)

# Credentials that have run out: new ones are fetched before the next try.
EXPIRED_CODES: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})

ACCESS_CODES: Final = frozenset(
    {
        NO_CREDENTIALS,
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthFailure",
        "Forbidden",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
        "403",
    }
)

_DENIED_CODES: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "Forbidden", "NotAuthorized", "UnauthorizedOperation", "403"}
)

_NOT_FOUND_CODES: Final = frozenset(
    {
        "404",
        "NoSuchKey",
        "NotFound",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "NoSuchVersion",
        "ObjectNotFound",
        "ObjectNotFoundException",
    }
)

_CONFLICT_CODES: Final = frozenset(
    {
        "ConflictException",
        "PreconditionFailed",
        "412",
        "ResourceInUse",
        "ResourceInUseException",
        "ResourceAlreadyExists",
    }
)

_QUOTA_CODES: Final = frozenset({"ResourceLimitExceeded", "ServiceQuotaExceededException"})

_CLASS_OF_CODES: Final = (
    (_TRANSIENT_CODES | EXPIRED_CODES, ErrorClass.FAST_RETRY),
    (_QUOTA_CODES, ErrorClass.SLOW_RETRY),
    (ACCESS_CODES | {INVALID_REQUEST}, ErrorClass.USER_ACTION),
    (_CONFLICT_CODES, ErrorClass.CONFLICT),
    (_NOT_FOUND_CODES, ErrorClass.NOT_FOUND),
)

_NOT_FOUND_TEXT: Final = re.compile(
    r"requested resource not found|could not find|cannot find|does not exist|not found", re.IGNORECASE
)
_EXISTS_TEXT: Final = re.compile(r"already exist(?:s|ing)", re.IGNORECASE)
_STATE_TEXT: Final = re.compile(
    r"\bin (?:the )?(?:state|status)\b|\bstatus (?:is|of)\b|already (?:stopp|complet|finish|delet)|"
    r"cannot (?:be )?(?:stop|delet|updat)|currently (?:being )?(?:creat|updat|delet|in use)|in-progress",
    re.IGNORECASE,
)

# A request of these verbs is about one thing; elsewhere a "not found" is about something that the request points at.
_ABOUT_ONE_THING: Final = (
    "Describe",
    "Stop",
    "Delete",
    "Deregister",
    "Update",
    "ListTags",
    "ListTrainingJobsFor",
    "AddTags",
    "DeleteTags",
    "Head",
    "Get",
)
# These need things that were made a moment ago and may not be seen everywhere yet.
_EVENTUALLY_CONSISTENT: Final = frozenset(
    {"CreateEndpoint", "CreateEndpointConfig", "CreateTransformJob", "UpdateEndpoint"}
)
_FRESH_THING_TEXT: Final = re.compile(r"could not find (?:model|endpoint configuration)", re.IGNORECASE)


CORRECT_MANIFEST: Final = "Correct the manifest and apply it again."
"""The advice where a request is refused for what it asks."""


class AwsError(Exception):
    """A call to AWS that failed, whatever the reason: the only exception that leaves the gateway.

    Attributes:
        code: AWS's error code, or one of this module's for failures that AWS gave no code.
        message: AWS's message, or ours; never holds credentials or values of the request.
        http_status: the reply's status, None when there was no reply.
        operation: the API's name of the operation, e.g. ``CreateTrainingJob``.
        error_class: what to do about it.
    """

    def __init__(
        self,
        *,
        code: str,
        message: str,
        operation: str,
        http_status: int | None = None,
        error_class: ErrorClass | None = None,
    ) -> None:
        super().__init__(f"{operation}: {message} ({code})")
        self.code = code
        self.message = message
        self.http_status = http_status
        self.operation = operation
        self.error_class = error_class or classify(
            code=code, message=message, http_status=http_status, operation=operation
        )

    @property
    def is_throttle(self) -> bool:
        """Whether AWS refused because of the rate of calls alone."""
        return is_throttle(self.code, self.http_status)

    @property
    def is_of_rights(self) -> bool:
        """Whether AWS refused for want of rights or credentials: nothing is wrong with the request then."""
        is_of_callers = self.code in ACCESS_CODES or self.operation == "AssumeRole" or self.http_status in (401, 403)
        return is_of_callers or self._is_of_execution_role

    @property
    def _is_of_execution_role(self) -> bool:
        is_refused = self.error_class is ErrorClass.USER_ACTION
        return is_refused and role_rights.are_missing(code=self.code, message=self.message, operation=self.operation)

    @property
    def advice(self) -> str:
        """One sentence that says what a person can do about it; empty when waiting is all there is to do."""
        if self._is_of_execution_role:
            return role_rights.ADVICE
        return advice(code=self.code, operation=self.operation, error_class=self.error_class)


class SpecError(Exception):
    """The manifest asks for something that can't be: the object is Stalled with reason InvalidSpec.

    Attributes:
        field: where, as a path a user can find, e.g. ``spec.source.entryPoint``.
        message: what is wrong and what to do.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class NotAllowedError(Exception):
    """The tenant policy forbids what the manifest asks for: the object is Stalled with reason NotAllowed.

    Attributes:
        field: where, as a path a user can find; ``metadata.namespace`` when the namespace as a whole may do nothing.
        message: what is forbidden and who can change it.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def is_throttle(code: str, http_status: int | None = None) -> bool:
    """Tell whether AWS refused a call because of the rate of calls alone.

    SageMaker does so with status 400 and code ThrottlingException, S3 with 503 and SlowDown.
    """
    return code in THROTTLE_CODES or (http_status == 429 and code not in _QUOTA_CODES)


def classify(*, code: str, message: str, http_status: int | None, operation: str) -> ErrorClass:
    """Say what an AWS error means.

    Args:
        code: the error code of the reply, without a namespace prefix.
        message: the message of the reply; looked at only for a ``ValidationException``.
        http_status: the reply's HTTP status; None when there was none.
        operation: the API's name of the operation.

    Returns:
        The class; unknown codes go by the status, and by FAST_RETRY when there is none.
    """
    if is_throttle(code, http_status):
        return ErrorClass.FAST_RETRY
    if code in {"ValidationException", "ValidationError"}:
        return _classify_validation(message=message, operation=operation)
    found = next((error_class for codes, error_class in _CLASS_OF_CODES if code in codes), None)
    if found is ErrorClass.NOT_FOUND and not _is_about_one_thing(operation):
        return ErrorClass.USER_ACTION
    return found or _classify_status(http_status)


def _is_about_one_thing(operation: str) -> bool:
    return operation.startswith(_ABOUT_ONE_THING)


def _classify_validation(*, message: str, operation: str) -> ErrorClass:
    if operation in _EVENTUALLY_CONSISTENT and _FRESH_THING_TEXT.search(message):
        return ErrorClass.FAST_RETRY
    if operation.startswith("Create"):
        return ErrorClass.CONFLICT if _EXISTS_TEXT.search(message) else ErrorClass.USER_ACTION
    if not _is_about_one_thing(operation):
        return ErrorClass.USER_ACTION
    if _NOT_FOUND_TEXT.search(message):
        return ErrorClass.NOT_FOUND
    if operation.startswith(("Stop", "Delete", "Update")) and _STATE_TEXT.search(message):
        return ErrorClass.CONFLICT
    return ErrorClass.USER_ACTION


def _classify_status(http_status: int | None) -> ErrorClass:
    if http_status is not None and 300 <= http_status < 500 and http_status != 408:
        return ErrorClass.USER_ACTION
    return ErrorClass.FAST_RETRY


def advice(*, code: str, operation: str, error_class: ErrorClass) -> str:
    """Say what a person can do about an AWS error, in one sentence; empty when nothing but waiting helps.

    Args:
        code: the error code.
        operation: the API's name of the operation.
        error_class: what `classify` said.
    """
    if operation == "AssumeRole" and error_class is ErrorClass.USER_ACTION:
        return (
            "Check that the operator's IAM role may assume the tenant policy's assumeRole.roleArn, and that the trust "
            "policy of that role names the operator's role and the same external id."
        )
    if code in ACCESS_CODES:
        return _advice_on_access(code, operation)
    if error_class is ErrorClass.SLOW_RETRY:
        return "Ask for a higher quota in AWS Service Quotas, or wait until other jobs have ended; it is tried again."
    return CORRECT_MANIFEST if error_class is ErrorClass.USER_ACTION else ""


def _advice_on_access(code: str, operation: str) -> str:
    if code == NO_CREDENTIALS:
        return "Give the operator AWS credentials (an IAM role for its service account), or check AWS_PROFILE."
    if code in _DENIED_CODES:
        return f"Check that the operator's IAM role allows {operation}; see docs/tenancy.md for the policy it needs."
    return "AWS does not accept the operator's credentials: check them, and that the account has this region enabled."
