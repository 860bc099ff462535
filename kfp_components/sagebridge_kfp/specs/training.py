"""A training job: from the inputs of `TrainingJobOp` to the spec of a TrainingJob."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.specs.channels import channel_list, channel_origins, optional_s3_uri
from sagebridge_kfp.specs.code import algorithm_section, check_level, code_origins, framework_section, source_section
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Code, Common, Inputs, Machines
from sagebridge_kfp.specs.origins import Origin, origins
from sagebridge_kfp.specs.values import given
from sagebridge_kfp.specs.whole_spec import finish

KIND: Final = "TrainingJob"

# Fields with which spec_overrides says by itself what trains.
_LEVELS: Final = ("algorithmSpecification", "serverlessJobConfig", "algorithm", "framework")


@dataclass(frozen=True, kw_only=True, slots=True)
class Data(Inputs):
    """What a training job reads, is told, tells and leaves."""

    channels: Mapping[str, Any]
    content_type: str
    input_mode: str
    output_path: str
    environment: Mapping[str, Any]
    metric_definitions: Mapping[str, Any]
    distribution: str


def training_spec(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec.

    Args:
        inputs: those of `TrainingJobOp`, by name.

    Raises:
        InputError: one of them is wrong; names it.
    """
    common = Common.of(inputs)
    _check_objective(inputs, common.spec_overrides)
    spec = {**definition(inputs, common.spec_overrides), "hyperParameters": dict(inputs["hyperparameters"])}
    made_of = (*definition_origins(inputs["channels"]), *origins(hyperparameters="hyperParameters"))
    return finish(KIND, spec, common, made_of=made_of, name=inputs["name"], retry_limit=inputs["retry_limit"])


def _check_objective(inputs: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """Check that the job can tell the metric, where that can be known before it has run."""
    name, told = inputs["objective_metric"], inputs["metric_definitions"]
    if not name or name in told or "algorithmSpecification" in overrides:
        return
    if told:
        raise InputError("objective_metric", f"is {name!r}, and metric_definitions has: {', '.join(sorted(told))}")
    if inputs["framework"]:
        raise InputError("objective_metric", f"is {name!r}: say in metric_definitions how the log tells it")


def definition(inputs: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a training job and the definition of a tuning job's trials have alike.

    Args:
        inputs: of the component, by name.
        overrides: what is merged into the definition later; may say what trains.

    Raises:
        InputError: one of the inputs is wrong; names it.
    """
    code, data = Code.of(inputs), Data.of(inputs)
    check_level(code, is_overridden=any(name in overrides for name in _LEVELS))
    if data.distribution and not code.framework:
        raise InputError("distribution", "is given without framework")
    specification = {
        "trainingImage": code.image,
        "metricDefinitions": [{"name": name, "regex": regex} for name, regex in data.metric_definitions.items()],
    }
    framework = given({**framework_section(code), "distribution": data.distribution})
    return given(
        {
            "algorithm": algorithm_section(code),
            "framework": framework,
            "algorithmSpecification": given(specification),
            "source": source_section(entry_point=code.entry_point, source=code.source),
            "inputDataConfig": channel_list(data.channels, content_type=data.content_type, input_mode=data.input_mode),
            "outputDataConfig": given({"s3OutputPath": optional_s3_uri(data.output_path, "output_path")}),
            "environment": dict(data.environment),
            **_machines(Machines.of(inputs)),
        }
    )


def definition_origins(channels: Mapping[str, Any], prefix: str = "") -> tuple[Origin, ...]:
    """The inputs that the fields of `definition`, below a prefix, were made of."""
    return (
        *code_origins(prefix),
        *channel_origins(channels, prefix),
        *origins(
            prefix,
            image="algorithmSpecification.trainingImage",
            metric_definitions="algorithmSpecification.metricDefinitions",
            distribution="framework.distribution",
            output_path="outputDataConfig.s3OutputPath",
            environment="environment",
            instance_type="resourceConfig.instanceType",
            instance_count="resourceConfig.instanceCount",
            volume_size_gb="resourceConfig.volumeSizeInGB",
            max_runtime_seconds="stoppingCondition.maxRuntimeInSeconds",
            max_wait_seconds="stoppingCondition.maxWaitTimeInSeconds",
            spot="enableManagedSpotTraining",
            checkpoints="checkpointConfig.s3Uri",
        ),
    )


def _machines(machines: Machines) -> dict[str, Any]:
    if machines.max_wait_seconds and not machines.spot:
        raise InputError("max_wait_seconds", "is for spot training: set spot=True, or leave it out")
    resources = {
        "instanceType": machines.instance_type,
        "instanceCount": machines.instance_count,
        "volumeSizeInGB": machines.volume_size_gb,
    }
    stopping = {
        "maxRuntimeInSeconds": machines.max_runtime_seconds,
        "maxWaitTimeInSeconds": machines.max_wait_seconds,
    }
    return {
        "resourceConfig": given(resources),
        "stoppingCondition": given(stopping),
        "enableManagedSpotTraining": machines.spot,
        "checkpointConfig": given({"s3Uri": optional_s3_uri(machines.checkpoints, "checkpoints")}),
    }
