"""Arguments that several of the former components had."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.images import AlgorithmRef, resolve_image

from sagebridge_kfp.compat.arguments import Argument, inputs_of, put
from sagebridge_kfp.compat.parsing import boolean, listing, mapping, names, text, whole
from sagebridge_kfp.compat.shapes import keyed, shaped
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.identity import NAME_LIMIT

CONNECTION: Final = (
    Argument(
        name="region", parse=text, path="region", becomes="region", is_optional=True, note="empty for the tenant's"
    ),
    Argument(
        name="endpoint_url",
        parse=text,
        default="",
        refusal="steps do not call SageMaker, the operator does: set AWS_ENDPOINT_URL there, and leave this out",
    ),
    Argument(
        name="assume_role",
        parse=text,
        default="",
        refusal="steps do not call SageMaker, the operator does: the tenant policy of the namespace says which role it "
        "assumes (assumeRole); leave this out",
    ),
    Argument(name="tags", parse=mapping, default={}, path="tags", becomes="tags"),
)
ROLE: Final = Argument(
    name="role",
    parse=text,
    path="roleArn",
    becomes="role_arn",
    is_optional=True,
    note="one that the namespace may use; empty for its own",
)

_LEGACY_ALGORITHMS: Final = {"deepar forecasting": "deepar", "seq2seq modeling": "seq2seq"}


def readable(job_name: str | None) -> str:
    """What an object's name begins with where the job has this name; empty if it has none."""
    return re.sub(r"[^a-z0-9]+", "-", (job_name or "").lower())[:NAME_LIMIT].strip("-")


def network(prefix: str = "") -> tuple[Argument, ...]:
    """Where a job's containers may go."""
    return (
        *vpc(prefix),
        Argument(
            name="network_isolation",
            parse=boolean,
            default=True,
            path=f"{prefix}enableNetworkIsolation",
            is_merged=True,
        ),
        Argument(
            name="traffic_encryption",
            parse=boolean,
            default=False,
            path=f"{prefix}enableInterContainerTrafficEncryption",
            is_merged=True,
        ),
    )


def vpc(prefix: str = "") -> tuple[Argument, ...]:
    """The VPC of a job's or a model's containers."""
    note = "with commas between them; both or none"
    fields = {"vpc_security_group_ids": "securityGroupIds", "vpc_subnets": "subnets"}
    return tuple(
        Argument(name=name, parse=names, default="", path=f"{prefix}vpcConfig.{field}", is_merged=True, note=note)
        for name, field in fields.items()
    )


def check_vpc(values: Mapping[str, Any]) -> None:
    """Check that a VPC is given whole.

    Raises:
        InputError: half of it is missing.
    """
    fields = ("vpc_security_group_ids", "vpc_subnets")
    for field, other in (fields, fields[::-1]):
        if values[field] and not values[other]:
            raise InputError(field, f"is given without {other}: a VPC needs both")


def training(prefix: str = "") -> tuple[Argument, ...]:
    """What a training job, and the trials of a tuning job, run.

    Args:
        prefix: of their fields in the spec.
    """
    return (
        Argument(
            name="image",
            parse=text,
            default="",
            path=f"{prefix}algorithmSpecification.trainingImage",
            becomes="image",
        ),
        Argument(
            name="algorithm_name",
            parse=text,
            default="",
            path=f"{prefix}algorithm.name",
            makes=("algorithm", f"{prefix}algorithmSpecification.algorithmName"),
            note="a built-in algorithm, of its newest version; any other is an algorithm resource: "
            f"`{prefix}algorithmSpecification.algorithmName`. Not beside `image`, which went first",
        ),
        Argument(
            name="metric_definitions",
            parse=mapping,
            default={},
            path=f"{prefix}algorithmSpecification.metricDefinitions",
            becomes="metric_definitions",
        ),
        Argument(
            name="training_input_mode",
            parse=text,
            default="File",
            path=f"{prefix}algorithmSpecification.trainingInputMode",
            is_merged=True,
        ),
        Argument(
            name="channels",
            parse=keyed(shaped(listing, "CreateTrainingJob", "InputDataConfig"), "channelName"),
            path=f"{prefix}inputDataConfig",
            becomes="channels",
        ),
        *machines(prefix),
        *network(prefix),
    )


def training_inputs(arguments: Sequence[Argument], values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the inputs of the operation for what has the arguments of `training`.

    Args:
        arguments: all of the component's.
        values: what they say.
        prefix: as for `training`.

    Raises:
        InputError: one of them does not fit another; names it.
    """
    check_vpc(values)
    inputs = inputs_of(arguments, values)
    chosen = chosen_algorithm(values)
    inputs["algorithm"] = chosen.get("algorithm", "")
    put(inputs["spec_overrides"], f"{prefix}algorithmSpecification.algorithmName", chosen.get("algorithmName"))
    if values["spot_instance"]:
        inputs["max_wait_seconds"] = values["max_wait_time"]
    return {**inputs, "name": readable(values["job_name"])}


def machines(prefix: str) -> tuple[Argument, ...]:
    """What training runs on, and for how long."""
    resources, stopping = f"{prefix}resourceConfig", f"{prefix}stoppingCondition"
    return (
        Argument(
            name="instance_type",
            parse=text,
            default="ml.m4.xlarge",
            path=f"{resources}.instanceType",
            becomes="instance_type",
        ),
        Argument(
            name="instance_count", parse=whole, default=1, path=f"{resources}.instanceCount", becomes="instance_count"
        ),
        Argument(
            name="volume_size", parse=whole, default=30, path=f"{resources}.volumeSizeInGB", becomes="volume_size_gb"
        ),
        Argument(
            name="resource_encryption_key",
            parse=text,
            default="",
            path=f"{resources}.volumeKmsKeyId",
            is_merged=True,
        ),
        Argument(
            name="output_encryption_key",
            parse=text,
            default="",
            path=f"{prefix}outputDataConfig.kmsKeyId",
            is_merged=True,
        ),
        Argument(
            name="max_run_time",
            parse=whole,
            default=86400,
            path=f"{stopping}.maxRuntimeInSeconds",
            becomes="max_runtime_seconds",
        ),
        Argument(
            name="spot_instance",
            parse=boolean,
            default=False,
            path=f"{prefix}enableManagedSpotTraining",
            becomes="spot",
        ),
        Argument(
            name="max_wait_time",
            parse=whole,
            default=86400,
            path=f"{stopping}.maxWaitTimeInSeconds",
            makes=("max_wait_seconds",),
            note="with `spot_instance`; says nothing without, as before",
        ),
        Argument(
            name="checkpoint_config",
            parse=shaped(mapping, "CreateTrainingJob", "CheckpointConfig"),
            default={},
            path=f"{prefix}checkpointConfig",
            is_merged=True,
            note="also without `spot_instance`; not needed with it",
        ),
    )


def chosen_algorithm(values: Mapping[str, Any]) -> dict[str, str]:
    """What `algorithm_name` means: the input `algorithm`, or the field `algorithmName`; nothing beside an image.

    Raises:
        InputError: it is given beside an image, or neither is given.
    """
    image, name = values["image"], values["algorithm_name"]
    if image and name:
        raise InputError("algorithm_name", "is given beside image: give one of them")
    if image:
        return {}
    if not name:
        raise InputError("image", "say what trains, by exactly one of image and algorithm_name")
    built_in = _LEGACY_ALGORITHMS.get(name.lower(), name)
    return {"algorithm": built_in} if _is_built_in(built_in, values["region"]) else {"algorithmName": name}


def _is_built_in(name: str, region: str | None) -> bool:
    try:
        resolve_image(
            AlgorithmRef(name=name),
            purpose="training",
            region=region or "us-east-1",
            instance_type=None,
            field="algorithm",
        )
    except SpecError as error:
        return error.field != "algorithm.name"
    return True
