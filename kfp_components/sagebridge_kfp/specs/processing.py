"""A script or container over files: from the inputs of `ProcessingJobOp` to the spec of a ProcessingJob."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.specs.channels import s3_uri
from sagebridge_kfp.specs.code import check_level, code_origins, framework_section, source_section
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Code, Common, Inputs
from sagebridge_kfp.specs.origins import origins
from sagebridge_kfp.specs.values import given, text
from sagebridge_kfp.specs.whole_spec import finish

KIND: Final = "ProcessingJob"

_MADE_OF: Final = code_origins() + origins(
    image="appSpecification.imageUri",
    entrypoint="appSpecification.containerEntrypoint",
    arguments="appSpecification.containerArguments",
    inputs="processingInputs",
    outputs="processingOutputConfig.outputs",
    instance_type="processingResources.clusterConfig.instanceType",
    instance_count="processingResources.clusterConfig.instanceCount",
    volume_size_gb="processingResources.clusterConfig.volumeSizeInGB",
    max_runtime_seconds="stoppingCondition.maxRuntimeInSeconds",
    environment="environment",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Processing(Inputs):
    """What is read and written, how the container is started, and where."""

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    arguments: list[Any]
    entrypoint: list[Any]
    environment: Mapping[str, Any]
    instance_type: str
    instance_count: int
    volume_size_gb: int
    max_runtime_seconds: int


def processing_spec(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec.

    Args:
        inputs: those of `ProcessingJobOp`, by name.

    Raises:
        InputError: one of them is wrong; names it.
    """
    common, processing = Common.of(inputs), Processing.of(inputs)
    code = Code.of({"algorithm": "", "algorithm_version": "", **inputs})
    _check_code(code, processing, common.spec_overrides)
    cluster = {
        "instanceType": processing.instance_type,
        "instanceCount": processing.instance_count,
        "volumeSizeInGB": processing.volume_size_gb,
    }
    spec = {
        "framework": framework_section(code),
        "appSpecification": _application(code, processing),
        "source": source_section(entry_point=code.entry_point, source=code.source),
        "processingInputs": [_input(name, value) for name, value in processing.inputs.items()],
        "processingOutputConfig": given({"outputs": [_output(*each) for each in processing.outputs.items()]}),
        "processingResources": {"clusterConfig": given(cluster)},
        "stoppingCondition": given({"maxRuntimeInSeconds": processing.max_runtime_seconds}),
        "environment": dict(processing.environment),
    }
    return finish(KIND, spec, common, made_of=_MADE_OF, name=inputs["name"], retry_limit=inputs["retry_limit"])


def _check_code(code: Code, processing: Processing, overrides: Mapping[str, Any]) -> None:
    is_overridden = "framework" in overrides or "imageUri" in (overrides.get("appSpecification") or {})
    if not (code.framework or code.image or is_overridden):
        raise InputError("framework", "say what runs, by exactly one of framework (with source) and image")
    check_level(code, is_overridden=is_overridden)
    if code.source and processing.entrypoint:
        raise InputError("entrypoint", "has no use beside source, which starts entry_point: give arguments instead")


def _application(code: Code, processing: Processing) -> dict[str, Any]:
    return given(
        {
            "imageUri": code.image,
            "containerEntrypoint": _texts(processing.entrypoint, "entrypoint"),
            "containerArguments": _texts(processing.arguments, "arguments"),
        }
    )


def _texts(words: list[Any], field: str) -> list[str]:
    return [text(word, f"{field}.{number}") for number, word in enumerate(words)]


def _input(name: str, value: Any) -> dict[str, Any]:
    field = f"inputs.{name}"
    if isinstance(value, str):
        return {"inputName": name, "s3Input": {"s3Uri": s3_uri(value, field)}}
    return {"inputName": name, **_object(value, field, key="inputName", name=name)}


def _output(name: str, value: Any) -> dict[str, Any]:
    field = f"outputs.{name}"
    if value == "":
        return {"outputName": name}
    if isinstance(value, str):
        return {"outputName": name, "s3Output": {"s3Uri": s3_uri(value, field)}}
    return {"outputName": name, **_object(value, field, key="outputName", name=name)}


def _object(value: Any, field: str, *, key: str, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(field, f"must be an s3:// URI, or an object as a manifest has it, and is {value!r}")
    if value.get(key, name) != name:
        raise InputError(f"{field}.{key}", f"is {value[key]!r}: leave it out")
    return value
