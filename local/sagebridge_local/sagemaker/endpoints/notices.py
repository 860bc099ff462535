"""What SNS topics are told of an asynchronous invocation.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceNotificationConfig.html
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.serving.records import Invocation

_RESPONSE: Final = "responseBody"
_INCLUDE: Final = {"SuccessTopic": "SUCCESS_NOTIFICATION_TOPIC", "ErrorTopic": "ERROR_NOTIFICATION_TOPIC"}
_MAX_RESPONSE: Final = 128 * 1024


def notice(
    *, region: str, inference_id: str, asked: Mapping[str, Any], received: float, ended: float
) -> dict[str, Any]:
    """What every notice says.

    Args:
        region: Where it was.
        inference_id: InferenceId.
        asked: requestParameters.
        received: When it was accepted, in seconds since the epoch.
        ended: When it ended.
    """
    return {
        "awsRegion": region,
        "eventTime": _instant(ended),
        "receivedTime": _instant(received),
        "requestParameters": asked,
        "inferenceId": inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def completed(told: Mapping[str, Any], answer: Invocation, *, location: str) -> dict[str, Any]:
    """Of an invocation whose result is in S3."""
    content = {"content": base64.b64encode(answer.body).decode(), "encoding": "BASE64"}
    return {
        **told,
        "invocationStatus": "Completed",
        "responseParameters": {"contentType": answer.content_type, "outputLocation": location},
        **({_RESPONSE: content} if len(answer.body) <= _MAX_RESPONSE else {}),
    }


def failed(told: Mapping[str, Any], reason: str, *, location: str | None) -> dict[str, Any]:
    """Of an invocation that failed."""
    return {
        **told,
        "invocationStatus": "Failed",
        "failureReason": reason,
        **({"responseParameters": {"failureLocation": location}} if location else {}),
        **({_RESPONSE: {"content": reason}} if len(reason) <= _MAX_RESPONSE else {}),
    }


def for_topic(told: Mapping[str, Any], topic: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A notice as a topic gets it: with the response only where IncludeInferenceResponseIn names the topic.

    Args:
        told: The notice.
        topic: SuccessTopic or ErrorTopic.
        config: The AsyncInferenceNotificationConfig.
    """
    included = _INCLUDE[topic] in config.get("IncludeInferenceResponseIn", ())
    return {name: value for name, value in told.items() if included or name != _RESPONSE}


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
