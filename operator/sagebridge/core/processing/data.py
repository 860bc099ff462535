"""The inputs and outputs of a processing job, with their defaults.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingInput.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DatasetDefinition.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingOutput.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-input-and-output.html (places begin with /opt/ml/processing/)
    https://github.com/aws/sagemaker-python-sdk/issues/4939 (two inputs in one place are refused without a word)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.processing.script import CODE_INPUT, code_input
from sagebridge.core.training.resources import given

if TYPE_CHECKING:
    from sagebridge.core.training.section import Section

ROOT: Final = "/opt/ml/processing"
MOST: Final = 10
"""Of inputs, and of outputs."""

_ATHENA_OR_REDSHIFT: Final = ("athenaDatasetDefinition", "redshiftDatasetDefinition")


def complete_inputs(section: Section, *, code_uri: str | None) -> list[dict[str, Any]]:
    """Return ``processingInputs`` with their defaults and, after them, the code.

    Args:
        section: the job.
        code_uri: the source archive, if there is one.

    Raises:
        SpecError: an input that SageMaker would refuse, a name or place that is taken, or too many inputs.
    """
    inputs = section.sections("processingInputs")
    complete = [_complete_input(each) for each in inputs]
    _check_unique([(each.field("inputName"), item["inputName"]) for each, item in zip(inputs, complete, strict=True)])
    if code_uri is not None:
        if any(item["inputName"] == CODE_INPUT for item in complete):
            message = f'has an input "{CODE_INPUT}", which holds the source code: give yours another name'
            raise SpecError(section.field("processingInputs"), message)
        complete.append(code_input(code_uri))
    _check_count(section.field("processingInputs"), "inputs", len(complete))
    path = section.field("processingInputs")
    _check_unique([(path, _local_path(item, "s3Input", "datasetDefinition")) for item in complete])
    return complete


def complete_outputs(section: Section, *, place: str) -> dict[str, Any]:
    """Return ``processingOutputConfig`` with its defaults, empty without outputs.

    Args:
        section: the job.
        place: where outputs go that name no place, an S3 URI; empty when there is no default bucket.

    Raises:
        SpecError: an output that SageMaker would refuse, or that has no place to go.
    """
    config = section.section("processingOutputConfig")
    outputs = config.sections("outputs")
    complete = [_complete_output(each, place=place) for each in outputs]
    _check_unique(
        [(each.field("outputName"), item["outputName"]) for each, item in zip(outputs, complete, strict=True)]
    )
    _check_count(config.field("outputs"), "outputs", len(complete))
    _check_unique([(config.field("outputs"), _local_path(item, "s3Output")) for item in complete])
    return {**given(config), "outputs": complete} if complete else {}


def _complete_input(item: Section) -> dict[str, Any]:
    name = item.required_text("inputName", hint=f"the data is put in {ROOT}/input/<inputName>")
    ways = [key for key in ("s3Input", "datasetDefinition") if item.has(key)]
    if len(ways) != 1:
        raise SpecError(item.path, "must say where the data is by exactly one of s3Input or datasetDefinition")
    source = item.section(ways[0])
    defaults = _place(item, source, f"{ROOT}/input/{name}")
    defaults |= _s3_defaults(source) if ways[0] == "s3Input" else _dataset_defaults(source)
    return {**given(item), "inputName": name, ways[0]: {**defaults, **given(source)}}


def _s3_defaults(source: Section) -> dict[str, Any]:
    source.required_text("s3Uri", hint="give a prefix or a manifest, s3://bucket/prefix")
    mode = source.text("s3InputMode") or "File"
    if source.text("s3CompressionType") == "Gzip" and mode != "Pipe":
        message = "Gzip is unpacked in Pipe mode only: set s3InputMode: Pipe, or unpack it in your code"
        raise SpecError(source.field("s3CompressionType"), message)
    return {"s3DataType": "S3Prefix", "s3InputMode": mode, "s3DataDistributionType": "FullyReplicated"}


def _dataset_defaults(source: Section) -> dict[str, Any]:
    if sum(source.has(key) for key in _ATHENA_OR_REDSHIFT) != 1:
        raise SpecError(source.path, f"must have exactly one of {' or '.join(_ATHENA_OR_REDSHIFT)}")
    return {"inputMode": "File", "dataDistributionType": "FullyReplicated"}


def _complete_output(item: Section, *, place: str) -> dict[str, Any]:
    name = item.required_text("outputName", hint=f"what lies in {ROOT}/output/<outputName> is uploaded")
    if item.has("featureStoreOutput"):
        if item.has("s3Output") or not item.flag("appManaged"):
            message = "excludes s3Output, and needs appManaged: true, since it is the container that writes there"
            raise SpecError(item.field("featureStoreOutput"), message)
        return {**given(item), "outputName": name}
    s3 = item.section("s3Output")
    if not s3.has("s3Uri") and not place:
        message = "names no place, and there is no default bucket: set it, or ask for buckets.default in the policy"
        raise SpecError(s3.field("s3Uri"), message)
    defaults = {"s3Uri": f"{place}/{name}", "s3UploadMode": "EndOfJob", **_place(item, s3, f"{ROOT}/output/{name}")}
    return {**given(item), "outputName": name, "s3Output": {**defaults, **given(s3)}}


def _place(item: Section, holder: Section, default: str) -> dict[str, Any]:
    """The default of ``localPath``; what the container manages itself needs none."""
    path = holder.text("localPath")
    if path is None:
        return {} if item.flag("appManaged") else {"localPath": default}
    if not path.startswith(f"{ROOT}/") or ".." in path.split("/"):
        raise SpecError(holder.field("localPath"), f'"{path}" must begin with {ROOT}/, and have no ".."')
    return {}


def _local_path(item: dict[str, Any], *keys: str) -> str | None:
    path = next((item[key].get("localPath") for key in keys if key in item), None)
    return path.rstrip("/") if path else None


def _check_count(field: str, what: str, count: int) -> None:
    if count > MOST:
        raise SpecError(field, f"has {count} {what} with those that are added, and SageMaker takes {MOST}")


def _check_unique(named: list[tuple[str, str | None]]) -> None:
    seen: set[str] = set()
    for field, value in named:
        if value in seen:
            raise SpecError(field, f'"{value}" is used twice: each needs its own')
        if value is not None:
            seen.add(value)
