"""Where a transform job's objects lie: its inputs, their outputs, and the manifests of captured data."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sagebridge.runtime import inputs
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import S3Location
from sagebridge.runtime.transform import assembling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sagebridge.runtime.inputs import InputObject
    from sagebridge.runtime.s3 import Storage


_FINGERPRINT: Final = 16


def input_objects(request: Mapping[str, Any], *, storage: Storage, before: datetime | None = None) -> list[InputObject]:
    """The objects to be transformed, in S3's order or the manifest's. Blocks.

    Args:
        request: of CreateTransformJob.
        storage: S3.
        before: what was written later is none of an S3Prefix; None for all there is.

    Raises:
        RunFailedError: there are none, or S3 refused.
    """
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    location = S3Location.parse(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        return inputs.manifest_objects(storage.read(location), uri=source["S3Uri"])
    found = inputs.prefix_objects(location, storage.keys(location, before=before))
    if not found:
        raise RunFailedError.client(f'No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data source.')
    return found


def without_outputs(request: Mapping[str, Any], objects: Sequence[InputObject]) -> list[InputObject]:
    """The objects that this job does not write itself: its outputs may lie below the prefix of its inputs."""
    outputs = {output_location(request, each) for each in objects}
    return [each for each in objects if each.location not in outputs]


def fingerprint(objects: Sequence[InputObject]) -> str:
    """What tells one list of objects from another."""
    text = "\n".join(each.location.uri for each in objects)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:_FINGERPRINT]


def output_location(request: Mapping[str, Any], each: InputObject) -> S3Location:
    """Where the output of an input goes."""
    return S3Location.parse(request["TransformOutput"]["S3OutputPath"]).join(assembling.output_name(each.path))


def captured(
    request: Mapping[str, Any], outputs: Sequence[InputObject], *, name: str, at: datetime
) -> dict[S3Location, bytes]:
    """What says where captured data lies: the inputs, and the outputs made of them. Empty without capture or outputs.

    Args:
        request: of CreateTransformJob.
        outputs: the inputs whose outputs are there.
        name: of the manifests: the job's.
        at: now, in UTC.
    """
    config = request.get("DataCaptureConfig")
    if config is None or not outputs:
        return {}
    destination = S3Location.parse(config["DestinationS3Uri"])
    paths = sorted(each.path for each in outputs)
    first = outputs[0]
    prefix = f"s3://{first.location.bucket}/{first.location.key.removesuffix(first.path)}"
    written = S3Location.parse(request["TransformOutput"]["S3OutputPath"]).join("").uri
    return {
        destination.join(assembling.capture_key(side=side, job_name=name, at=at)): assembling.capture_manifest(
            where, names
        )
        for side, where, names in (
            ("input", prefix, paths),
            ("output", written, [assembling.output_name(path) for path in paths]),
        )
    }
