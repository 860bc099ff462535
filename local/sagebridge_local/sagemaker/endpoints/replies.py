"""Replies of the runtime API: REST with JSON errors, unlike SageMaker's other operations."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.errors import THROTTLING, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint
    from sagebridge_local.serving.pieces import Pieces
    from sagebridge_local.serving.records import Invocation

VALIDATION_ERROR: Final = "ValidationError"
MODEL_ERROR: Final = "ModelError"
SERVICE_UNAVAILABLE: Final = "ServiceUnavailable"
MODEL_ERROR_STATUS: Final = 424
_SHOWN_BYTES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeReply:
    """An HTTP reply; a stream's pieces come after its body. Whoever has it closes it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    pieces: Pieces | None = None

    def close(self) -> None:
        """Let go what sends the pieces."""
        if self.pieces is not None:
            self.pieces.close()


class ModelError(ServiceError):
    """The model did not answer well (HTTP 424)."""

    def __init__(self, message: str, *, original_status: int, original_message: str, log_stream_arn: str) -> None:
        super().__init__(MODEL_ERROR, message, status=MODEL_ERROR_STATUS)
        self.details = {
            "OriginalStatusCode": original_status,
            "OriginalMessage": original_message,
            "LogStreamArn": log_stream_arn,
        }


def invalid(message: str) -> ServiceError:
    """A request that the runtime refuses (HTTP 400)."""
    return ServiceError(VALIDATION_ERROR, message)


def too_many() -> ServiceError:
    """More requests at once than a serverless variant takes (HTTP 429)."""
    return ServiceError(THROTTLING, "Rate exceeded", status=429)


def not_found(name: str, account: str) -> ServiceError:
    """https://github.com/aws/amazon-sagemaker-examples/issues/293: also of an endpoint that does not serve yet."""
    return invalid(f"Endpoint {name} of account {account} not found.")


def model_error(endpoint: Endpoint, answer: Invocation) -> ModelError:
    """https://github.com/aws/amazon-sagemaker-examples/issues/407."""
    side = "client" if 400 <= answer.status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint.name}"
    text = answer.body[:_SHOWN_BYTES].decode("utf-8", errors="replace")
    console = f"https://{endpoint.region}.console.aws.amazon.com/cloudwatch/home?region={endpoint.region}"
    return ModelError(
        f'Received {side} error ({answer.status}) from {answer.container} with message "{text}". See '
        f"{console}#logEventViewer:group={group} in account {endpoint.account} for more information.",
        original_status=answer.status,
        original_message=text,
        log_stream_arn=f"arn:aws:logs:{endpoint.region}:{endpoint.account}:log-group:{group}",
    )


def failure(error: ServiceError) -> RuntimeReply:
    """An error reply."""
    details: dict[str, Any] = error.details if isinstance(error, ModelError) else {}
    body = json.dumps({"Message": error.message, **details}).encode()
    headers = {"content-type": "application/json", "x-amzn-errortype": error.code}
    return RuntimeReply(status=error.status, body=body, headers=headers, code=error.code)
