"""Predictions for files: from the inputs of `BatchTransformOp` to the spec of a BatchTransform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.specs.channels import optional_s3_uri, s3_uri
from sagebridge_kfp.specs.code import code_origins
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Common, Inputs
from sagebridge_kfp.specs.origins import origins
from sagebridge_kfp.specs.serving import (
    Model,
    check_script,
    code_section,
    model_data,
    model_origin,
    model_ref,
    one_of,
    serving_image,
)
from sagebridge_kfp.specs.values import given
from sagebridge_kfp.specs.whole_spec import finish

KIND: Final = "BatchTransform"

_MADE_OF: Final = code_origins() + origins(
    model_name="modelName",
    image="model.primaryContainer.image",
    model_uri="model.primaryContainer.modelDataUrl",
    input_uri="transformInput.dataSource.s3DataSource.s3Uri",
    content_type="transformInput.contentType",
    split_type="transformInput.splitType",
    output_path="transformOutput.s3OutputPath",
    accept="transformOutput.accept",
    assemble_with="transformOutput.assembleWith",
    instance_type="transformResources.instanceType",
    instance_count="transformResources.instanceCount",
    input_filter="dataProcessing.inputFilter",
    output_filter="dataProcessing.outputFilter",
    join_input="dataProcessing.joinSource",
    batch_strategy="batchStrategy",
    max_concurrent_transforms="maxConcurrentTransforms",
    max_payload_mb="maxPayloadInMB",
    environment="environment",
)
_WAYS: Final = ("model_uri", "training_job", "tuning_job", "model_name")


@dataclass(frozen=True, kw_only=True, slots=True)
class Transform(Inputs):
    """What is read, how it reaches the model, and what is written."""

    input_uri: str
    output_path: str
    content_type: str
    accept: str
    split_type: str
    assemble_with: str
    batch_strategy: str
    input_filter: str
    output_filter: str
    join_input: bool
    max_concurrent_transforms: int
    max_payload_mb: int
    instance_type: str
    instance_count: int
    environment: Mapping[str, Any]


def transform_spec(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec.

    Args:
        inputs: those of `BatchTransformOp`, by name.

    Raises:
        InputError: one of them is wrong; names it.
    """
    common, transform = Common.of(inputs), Transform.of(inputs)
    spec = {
        **_model(inputs, region=common.region, instance_type=transform.instance_type),
        "transformInput": _input(transform),
        "transformOutput": _output(transform),
        "transformResources": given(
            {"instanceType": transform.instance_type, "instanceCount": transform.instance_count}
        ),
        "dataProcessing": _processing(transform),
        "batchStrategy": transform.batch_strategy,
        "maxConcurrentTransforms": transform.max_concurrent_transforms,
        "maxPayloadInMB": transform.max_payload_mb,
        "environment": dict(transform.environment),
    }
    return finish(
        KIND,
        spec,
        common,
        made_of=(*_MADE_OF, model_origin(Model.of(inputs))),
        name=inputs["name"],
        retry_limit=inputs["retry_limit"],
    )


def _model(inputs: Mapping[str, Any], *, region: str, instance_type: str) -> dict[str, Any]:
    model = Model.of(inputs)
    if "model" in inputs["spec_overrides"] and not any(inputs[way] for way in _WAYS):
        return {}
    way = one_of(inputs, _WAYS, "which model to use")
    if way == "model_name":
        return {"modelName": inputs["model_name"], "source": code_section(model)}
    if way != "model_uri":
        if model.image:
            raise InputError("image", f"goes with model_uri: {way} knows the image that serves")
        return {"modelRef": model_ref(model), "source": code_section(model)}
    if not model.image:
        raise InputError("image", "is missing: a model_uri needs the image it was trained in, or one that serves it")
    image = serving_image(model, region=region, instance_type=instance_type, archive_only=True)
    check_script(inputs, image=image)
    return {"model": {"primaryContainer": {"image": image, **model_data(model)}}, "source": code_section(model)}


def _input(transform: Transform) -> dict[str, Any]:
    source = {"s3DataSource": {"s3Uri": s3_uri(transform.input_uri, "input_uri")}}
    fields = {"dataSource": source, "contentType": transform.content_type, "splitType": transform.split_type}
    return given(fields)


def _output(transform: Transform) -> dict[str, Any]:
    fields = {
        "s3OutputPath": optional_s3_uri(transform.output_path, "output_path"),
        "accept": transform.accept,
        "assembleWith": transform.assemble_with,
    }
    return given(fields)


def _processing(transform: Transform) -> dict[str, Any]:
    fields = {
        "inputFilter": transform.input_filter,
        "outputFilter": transform.output_filter,
        "joinSource": "Input" if transform.join_input else "",
    }
    return given(fields)
