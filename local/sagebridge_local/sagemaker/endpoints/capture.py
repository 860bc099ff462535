"""Data capture: a share of the requests and replies, as lines of JSON in S3.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureContentTypeHeader.html
"""

from __future__ import annotations

import base64
import json
import random
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def wanted(config: Mapping[str, Any] | None, *, chance: Callable[[], float] = random.random) -> bool:
    """Whether this invocation is captured."""
    if not config or not config.get("EnableCapture", True):
        return False
    percentage: int = config["InitialSamplingPercentage"]
    return chance() * 100 < percentage


def record(
    config: Mapping[str, Any],
    *,
    given: tuple[bytes, str],
    answered: tuple[bytes, str],
    at: float,
    inference_id: str | None,
    custom_attributes: str | None,
) -> dict[str, Any]:
    """One line.

    Args:
        config: The DataCaptureConfig.
        given: The request's body and content type.
        answered: The reply's.
        at: When, in seconds since the epoch.
        inference_id: InferenceId.
        custom_attributes: CustomAttributes of the request.
    """
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    data: dict[str, Any] = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _side("INPUT", given, config)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side("OUTPUT", answered, config)
    metadata = {
        "eventId": str(uuid.uuid4()),
        "inferenceId": inference_id,
        "customAttributes": [custom_attributes] if custom_attributes else None,
        "inferenceTime": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    kept = {name: value for name, value in metadata.items() if value is not None}
    return {"captureData": data, "eventMetadata": kept, "eventVersion": "0"}


def key(config: Mapping[str, Any], *, endpoint: str, variant: str, at: float) -> str:
    """The URI of a file: DestinationS3Uri/endpoint/variant/yyyy/mm/dd/hh/file.jsonl."""
    moment = datetime.fromtimestamp(at, UTC)
    name = f"{moment:%M-%S}-{moment.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
    return f"{config['DestinationS3Uri'].rstrip('/')}/{endpoint}/{variant}/{moment:%Y/%m/%d/%H}/{name}"


def lines(records: list[dict[str, Any]]) -> bytes:
    """A file's content."""
    return "".join(f"{json.dumps(each, separators=(',', ':'))}\n" for each in records).encode()


def _side(mode: str, payload: tuple[bytes, str], config: Mapping[str, Any]) -> dict[str, str]:
    body, content_type = payload
    headers = config.get("CaptureContentTypeHeader", {})
    kind = content_type.partition(";")[0].strip()
    shown = {"observedContentType": content_type, "mode": mode}
    if kind in headers.get("CsvContentTypes", ()):
        return {**shown, "data": body.decode("utf-8", errors="replace"), "encoding": "CSV"}
    if kind in headers.get("JsonContentTypes", ()):
        return {**shown, "data": body.decode("utf-8", errors="replace"), "encoding": "JSON"}
    # What no header names.
    return {**shown, "data": base64.b64encode(body).decode(), "encoding": "BASE64"}
