"""What a batch transform tells its container, and what is said of one that failed. Pure.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html (the container's variables)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html (defaults)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.container.failure import FAILURE_REASON_LIMIT, client_error

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MAX_PAYLOAD_MB: Final = 6
DEFAULT_STRATEGY: Final = "MultiRecord"
_SINGLE_RECORD: Final = "SingleRecord"


def batch_variables(request: Mapping[str, Any]) -> dict[str, str]:
    """The environment in which a container learns that it serves a batch transform.

    Args:
        request: of CreateTransformJob.
    """
    single = request.get("BatchStrategy", DEFAULT_STRATEGY) == _SINGLE_RECORD
    return {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(request.get("MaxPayloadInMB", DEFAULT_MAX_PAYLOAD_MB)),
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD" if single else "MULTI_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(request.get("MaxConcurrentTransforms") or 1),
    }


def failed_objects(first: str, *, more: int, is_algorithms: bool) -> str:
    """The FailureReason of a job of which some objects failed, at most 1,024 characters.

    Args:
        first: the first object, and why it failed.
        more: how many failed beside it.
        is_algorithms: whether the model is to blame for one of them, and not what it was asked.
    """
    message = f"See job logs for more information: {first}{f' (and {more} more)' if more else ''}"
    return f"AlgorithmError: {message}"[:FAILURE_REASON_LIMIT] if is_algorithms else client_error(message)


def unhealthy(job_name: str, *, logs: str) -> str:
    """The FailureReason of a job whose model server did not come up, or ended for good.

    The form is seen in https://github.com/aws/sagemaker-python-sdk/issues/155.

    Args:
        job_name: the transform job.
        logs: where its logs are.
    """
    return client_error(
        f"The primary container for transform job {job_name} did not pass the ping health check. Please check {logs}."
    )
