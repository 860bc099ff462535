"""A model that answers: from the inputs of `EndpointOp` to the spec of an Endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.specs.code import algorithm_section, code_origins, framework_section
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Code, Common, Inputs
from sagebridge_kfp.specs.names import check_name
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

KIND: Final = "Endpoint"
MODEL: Final = "model"
"""The name of the one model that an endpoint of a pipeline has."""
VARIANT: Final = "all-traffic"
"""The name of its one variant."""

_MADE_OF: Final = (
    code_origins("models.0.")
    + origins(
        "models.0.",
        image="image",
        model_uri="modelDataUrl",
        environment="environment",
    )
    + origins(
        "productionVariants.0.",
        instance_type="instanceType",
        instance_count="initialInstanceCount",
        volume_size_gb="volumeSizeInGB",
        autoscaling="autoscaling",
        serverless_memory_mb="serverlessConfig.memorySizeInMB",
        serverless_max_concurrency="serverlessConfig.maxConcurrency",
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity(Inputs):
    """What serves: instances, scaled or not, or serverless."""

    instance_type: str
    instance_count: int
    volume_size_gb: int
    autoscaling: Mapping[str, Any]
    serverless_memory_mb: int
    serverless_max_concurrency: int


def endpoint_spec(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec.

    Args:
        inputs: those of `EndpointOp`, by name.

    Raises:
        InputError: one of them is wrong; names it.
    """
    common, capacity = Common.of(inputs), Capacity.of(inputs)
    check_name(inputs["name"])
    spec = {"productionVariants": [_variant(capacity)]}
    if "models" not in common.spec_overrides:
        spec["models"] = [_model(inputs, region=common.region, instance_type=capacity.instance_type)]
    return finish(KIND, spec, common, made_of=(*_MADE_OF, model_origin(Model.of(inputs), "models.0.")))


def _model(inputs: Mapping[str, Any], *, region: str, instance_type: str) -> dict[str, Any]:
    model, code = Model.of(inputs), Code.of(inputs)
    server = _server(model, code, region=region, instance_type=instance_type)
    check_script(inputs, framework=code.framework, image=server.get("image", ""))
    fields = {"name": MODEL, **server, "source": code_section(model), "environment": dict(inputs["environment"])}
    return given(fields)


def _server(model: Model, code: Code, *, region: str, instance_type: str) -> dict[str, Any]:
    """What serves the model, and where that lies."""
    names = {"training_job": model.training_job, "tuning_job": model.tuning_job, "image": code.image}
    names |= {"framework": code.framework, "algorithm": code.algorithm}
    if model.model_uri and not any(names.values()):
        message = "is missing: a model_uri needs what serves it, exactly one of image, framework and algorithm"
        raise InputError("image", message)
    way = one_of(names, names, "what serves")
    if way in {"training_job", "tuning_job"}:
        if model.model_uri:
            raise InputError("model_uri", f"is given beside {way}, which knows its model: give one of them")
        return {"modelRef": model_ref(model)}
    if way == "framework":
        return {"framework": framework_section(code), **model_data(model)}
    if way == "algorithm":
        return {"algorithm": algorithm_section(code), **model_data(model)}
    image = serving_image(model, region=region, instance_type=instance_type, archive_only=not instance_type)
    return {"image": image, **model_data(model)}


def _variant(capacity: Capacity) -> dict[str, Any]:
    one_of(
        {"instance_type": capacity.instance_type, "serverless_memory_mb": capacity.serverless_memory_mb},
        ("instance_type", "serverless_memory_mb"),
        "what it runs on",
    )
    variant = {"variantName": VARIANT, "modelName": MODEL}
    if capacity.serverless_memory_mb:
        serverless = {
            "memorySizeInMB": capacity.serverless_memory_mb,
            "maxConcurrency": capacity.serverless_max_concurrency,
        }
        return {**variant, "serverlessConfig": serverless}
    fields = {
        "instanceType": capacity.instance_type,
        "initialInstanceCount": capacity.instance_count,
        "volumeSizeInGB": capacity.volume_size_gb,
        "autoscaling": dict(capacity.autoscaling),
    }
    return {**variant, **given(fields)}
