"""What CreateTransformJob refuses beyond its model; `docs/local-sagemaker.md` has the source of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sagebridge.core.transform.batch import DEFAULT_MAX_PAYLOAD_MB
from sagebridge.runtime.transform import plan
from sagebridge.runtime.transform.jsonpath import JsonPathError

from sagebridge_local.sagemaker import errors, tags

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.jobs.kind import Check, CreateCall

MAX_PAYLOAD_MB: Final = 100
_DATA_TYPES: Final = ("S3Prefix", "ManifestFile")


def payload(call: CreateCall) -> None:
    """Payloads that are sent at the same time are 100 MB at most together."""
    size = call.request.get("MaxPayloadInMB", DEFAULT_MAX_PAYLOAD_MB)
    together = size * (call.request.get("MaxConcurrentTransforms") or 1)
    if size > MAX_PAYLOAD_MB:
        raise errors.validation(f"MaxPayloadInMB can be at most {MAX_PAYLOAD_MB}")
    if together > MAX_PAYLOAD_MB:
        raise errors.validation(
            f"MaxConcurrentTransforms * MaxPayloadInMB can be at most {MAX_PAYLOAD_MB}, and is {together}"
        )


def data_type(call: CreateCall) -> None:
    """A transform job reads a prefix or a manifest."""
    given = call.request["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"]
    if given not in _DATA_TYPES:
        raise errors.validation(
            f"S3DataType {given} is not supported for transform jobs: use {' or '.join(_DATA_TYPES)}"
        )


def s3_locations(call: CreateCall) -> None:
    """Where SageMaker reads and writes is an s3:// URI with a bucket."""
    request = call.request
    places = {
        "TransformInput.DataSource.S3DataSource.S3Uri": request["TransformInput"]["DataSource"]["S3DataSource"][
            "S3Uri"
        ],
        "TransformOutput.S3OutputPath": request["TransformOutput"]["S3OutputPath"],
    }
    if "DataCaptureConfig" in request:
        places["DataCaptureConfig.DestinationS3Uri"] = request["DataCaptureConfig"]["DestinationS3Uri"]
    for member, uri in places.items():
        if not uri.startswith("s3://") or not uri.removeprefix("s3://").partition("/")[0]:
            raise errors.validation(f"{member} must be an S3 URI of the form s3://bucket/prefix, not {uri}")


def filters(call: CreateCall) -> None:
    """DataProcessing's filters are JSONPaths."""
    try:
        plan.check(call.request)
    except JsonPathError as error:
        raise errors.validation(f"DataProcessing: {error}") from error


def request_tags(call: CreateCall) -> None:
    """Tag keys are unique and not reserved."""
    tags.check(call.request.get("Tags", []))


ALL: Final[tuple[Check, ...]] = (data_type, s3_locations, payload, filters, request_tags)
