"""The former component `deploy`."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kfp.dsl import Artifact, Output
from sagebridge.core.job import ANNOTATION_ADOPT
from sagebridge.core.names import digest

from sagebridge_kfp.artifacts import point
from sagebridge_kfp.compat import described
from sagebridge_kfp.compat.arguments import Argument, Required, blaming, inputs_of, read
from sagebridge_kfp.compat.constants import checked
from sagebridge_kfp.compat.parsing import boolean, mapping, text
from sagebridge_kfp.compat.shared import CONNECTION
from sagebridge_kfp.compat.variants import models_and_variants, variant_arguments
from sagebridge_kfp.op import NOTHING, op
from sagebridge_kfp.ops.endpoint import EndpointOp, outputs_of
from sagebridge_kfp.specs.endpoint import KIND, endpoint_spec
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.run import Wanted, run

ARGUMENTS: Final = (
    *CONNECTION,
    Argument(
        name="endpoint_name",
        parse=text,
        default="",
        path="endpointName",
        is_merged=True,
        note="the Endpoint is called so, too, in lower case; empty for an endpoint of each run's own",
    ),
    Argument(
        name="endpoint_config_name",
        parse=text,
        default="",
        refusal="the operator makes the configurations, one for each update, under names of its own; leave it out",
    ),
    Argument(
        name="endpoint_config_tags",
        parse=mapping,
        default={},
        path="tags",
        note="together with `tags`, for endpoint, configuration and models have the same tags",
    ),
    Argument(name="resource_encryption_key", parse=text, default="", path="kmsKeyId", is_merged=True),
    Argument(
        name="update_endpoint",
        parse=boolean,
        default=False,
        note="no field: without it, an Endpoint of that name that another step has made is left alone, and the step "
        "fails; with it, it is updated, and one that nobody's Sagebridge has made is taken over "
        "(`sagebridge.io/adopt`), where the tenant policy allows that",
    ),
    *variant_arguments(1, default_model=Required),
    *variant_arguments(2, default_model=""),
    *variant_arguments(3, default_model=""),
)
_READABLE: Final = "endpoint"


class DeployOutputs(NamedTuple):
    """What a deployment gives on."""

    endpoint_name: str
    object_name: str


_IF_TAKEN: Final = (
    "Set update_endpoint=True to update it, give another endpoint_name, or have it deleted first (DeleteOp)."
)


def object_name(endpoint_name: str | None) -> str:
    """The Endpoint's name: the endpoint's in lower case, told from others that differ by case alone; empty if none."""
    if not endpoint_name:
        return ""
    if re.fullmatch(r"[a-z0-9](-*[a-z0-9]){0,62}", endpoint_name):
        return endpoint_name
    begin = re.sub(r"[^a-z0-9]+", "-", endpoint_name.lower())[:50].strip("-")
    return f"{begin or _READABLE}-{digest(endpoint_name)}"


def deployment_spec(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of the Endpoint.

    Args:
        values: what the arguments say.

    Raises:
        InputError: one of them does not fit another; names it.
    """
    given = inputs_of(ARGUMENTS, values)
    found = models_and_variants(values, region=values["region"] or "")
    given["spec_overrides"] |= {"models": found.models, "productionVariants": found.variants}
    return endpoint_spec(
        {
            **_defaults(),
            **given,
            "name": object_name(values["endpoint_name"]) or _READABLE,
            "region": values["region"] or found.region,
            "role_arn": found.role,
            "tags": described.together(
                {
                    **found.tags,
                    "endpoint_config_tags": values["endpoint_config_tags"],
                    "tags": values["tags"],
                }
            ),
        }
    )


def wanted_endpoint(values: Mapping[str, Any], *, output_uri: str) -> Wanted:
    """Return what the step wants there: an endpoint of its own, or one that is there already.

    Args:
        values: what the arguments say.
        output_uri: what tells the task where there is no pod.

    Raises:
        InputError: one of them does not fit another; names it.
    """
    name, updates = object_name(values["endpoint_name"]), values["update_endpoint"]
    if updates and not name:
        raise InputError("update_endpoint", "updates no endpoint: give endpoint_name")
    return Wanted(
        kind=KIND,
        spec=deployment_spec(values),
        name=name,
        readable=_READABLE,
        keeps=True,
        must_be_own=not updates,
        if_taken=_IF_TAKEN,
        annotations={ANNOTATION_ADOPT: "true"} if updates else {},
        output_uri=output_uri,
    )


def _defaults() -> dict[str, Any]:
    """The inputs of `EndpointOp` that need not be given."""
    parameters = inspect.signature(EndpointOp.python_func).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}


@op(name="compat-deploy", kind=KIND, caches=False, takes_texts=True, check=checked(ARGUMENTS, KIND))
def deploy(  # noqa: PLR0913
    *,
    deployment: Output[Artifact],
    region: str,
    model_name_1: str,
    endpoint_url: str = "",
    assume_role: str = "",
    tags: dict[str, Any] = NOTHING,
    endpoint_name: str = "",
    endpoint_config_name: str = "",
    endpoint_config_tags: dict[str, Any] = NOTHING,
    resource_encryption_key: str = "",
    update_endpoint: bool = False,
    variant_name_1: str = "variant-name-1",
    initial_instance_count_1: int = 1,
    instance_type_1: str = "ml.m4.xlarge",
    initial_variant_weight_1: float = 1.0,
    accelerator_type_1: str = "",
    variant_name_2: str = "variant-name-2",
    model_name_2: str = "",
    initial_instance_count_2: int = 1,
    instance_type_2: str = "ml.m4.xlarge",
    initial_variant_weight_2: float = 1.0,
    accelerator_type_2: str = "",
    variant_name_3: str = "variant-name-3",
    model_name_3: str = "",
    initial_instance_count_3: int = 1,
    instance_type_3: str = "ml.m4.xlarge",
    initial_variant_weight_3: float = 1.0,
    accelerator_type_3: str = "",
) -> DeployOutputs:
    """Deploy one to three models, said as for the former component `deploy`.

    Inputs may be texts, as they were there: `"1"`, `"False"`, JSON. New pipelines are better off with `EndpointOp`.

    Args:
        deployment: what was deployed, as a small file that points to it.
        region: where it serves.
        model_name_1: the output of `model`: what the first variant serves.
        endpoint_url: refused: the operator calls SageMaker.
        assume_role: refused: the tenant policy says which role the operator assumes.
        tags: tags, by key, of the endpoint and all that is made for it.
        endpoint_name: the endpoint's name in SageMaker; by default one of each run's own.
        endpoint_config_name: refused: the operator names the configurations.
        endpoint_config_tags: tags, by key, as `tags`.
        resource_encryption_key: the KMS key of the instances' disks.
        update_endpoint: whether an endpoint of that name may be there already, and is updated.
        variant_name_1: the first variant's name.
        initial_instance_count_1: how many instances it begins with.
        instance_type_1: such as `ml.m5.xlarge`.
        initial_variant_weight_1: its share of the requests, against the weights of the others.
        accelerator_type_1: of Elastic Inference, as the API's `AcceleratorType`.
        variant_name_2: the second variant's name.
        model_name_2: the output of `model`: what the second variant serves; empty for no second variant.
        initial_instance_count_2: how many instances it begins with.
        instance_type_2: such as `ml.m5.xlarge`.
        initial_variant_weight_2: its share of the requests.
        accelerator_type_2: of Elastic Inference, as the API's `AcceleratorType`.
        variant_name_3: the third variant's name.
        model_name_3: the output of `model`: what the third variant serves; empty for no third variant.
        initial_instance_count_3: how many instances it begins with.
        instance_type_3: such as `ml.m5.xlarge`.
        initial_variant_weight_3: its share of the requests.
        accelerator_type_3: of Elastic Inference, as the API's `AcceleratorType`.

    Returns:
        endpoint_name: the endpoint's name in SageMaker.
        object_name: the Endpoint's name: `InvokeEndpointOp` and `DeleteOp` take it.
    """
    values = read(ARGUMENTS, locals())
    with blaming(ARGUMENTS):
        made = outputs_of(run(wanted_endpoint(values, output_uri=deployment.uri)))
    point(deployment, endpoint_name=made.endpoint_name, endpoint_url=made.endpoint_url)
    return DeployOutputs(endpoint_name=made.endpoint_name, object_name=made.object_name)
