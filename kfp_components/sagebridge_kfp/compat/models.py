"""The former component `model`."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sagebridge_kfp.compat.arguments import Argument, put, read
from sagebridge_kfp.compat.constants import checked
from sagebridge_kfp.compat.described import Described, check_name, together
from sagebridge_kfp.compat.parsing import boolean, listing, mapping, text
from sagebridge_kfp.compat.shapes import shaped
from sagebridge_kfp.compat.shared import CONNECTION, ROLE, check_vpc, vpc
from sagebridge_kfp.op import NO_WORDS, NOTHING, op
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.values import text as as_text

_CONTAINER: Final = "primaryContainer"

ARGUMENTS: Final = (
    *CONNECTION,
    Argument(name="model_name", parse=text, path="modelName", is_merged=True, note="the name within the object"),
    ROLE,
    Argument(
        name="container_host_name", parse=text, default="", path=f"{_CONTAINER}.containerHostname", is_merged=True
    ),
    Argument(
        name="image",
        parse=text,
        default="",
        path=f"{_CONTAINER}.image",
        is_merged=True,
        note="for one of AWS's that only trains, the inference image of the same version",
    ),
    Argument(name="model_artifact_url", parse=text, default="", path=f"{_CONTAINER}.modelDataUrl", is_merged=True),
    Argument(name="environment", parse=mapping, default={}, path=f"{_CONTAINER}.environment"),
    Argument(
        name="model_package",
        parse=text,
        default="",
        path=f"{_CONTAINER}.modelPackageName",
        is_merged=True,
        note="not beside `image` and `model_artifact_url`, over which it went",
    ),
    Argument(
        name="secondary_containers",
        parse=shaped(listing, "CreateModel", "Containers"),
        default=[],
        path="containers",
        is_merged=True,
        note="all containers of the model; not beside the arguments of a single one, over which it went",
    ),
    *vpc(),
    Argument(name="network_isolation", parse=boolean, default=True, path="enableNetworkIsolation", is_merged=True),
)
_OF_ONE_CONTAINER: Final = ("container_host_name", "image", "model_artifact_url", "environment", "model_package")


class ModelOutputs(NamedTuple):
    """What describes a model."""

    model_name: str


def described(values: Mapping[str, Any]) -> Described:
    """Return the model that the arguments describe.

    Args:
        values: what the arguments say.

    Raises:
        InputError: one of them does not fit another; names it.
    """
    check_vpc(values)
    check_name(values["model_name"])
    _check_containers(values)
    fields: dict[str, Any] = {}
    for each in ARGUMENTS:
        if each.is_merged:
            put(fields, each.path, values[each.name])
    environment = {name: as_text(value, f"environment.{name}") for name, value in values["environment"].items()}
    put(fields, f"{_CONTAINER}.environment", environment)
    put(fields, "executionRoleArn", values["role"])
    return Described(fields=fields, region=values["region"] or "", tags=together({"tags": values["tags"]}))


def _check_containers(values: Mapping[str, Any]) -> None:
    given = [name for name in _OF_ONE_CONTAINER if values[name]]
    if values["secondary_containers"] and given:
        raise InputError(given[0], "is given beside secondary_containers, which has all containers: say it there")
    if values["secondary_containers"]:
        return
    if not values["image"] and not values["model_package"]:
        raise InputError("image", "say what serves, by exactly one of image, model_package and secondary_containers")
    for name in ("image", "model_artifact_url"):
        if values["model_package"] and values[name]:
            raise InputError(name, "is given beside model_package, which has its own: give one of them")


@op(name="compat-model", takes_texts=True, check=checked(ARGUMENTS))
def model(  # noqa: PLR0913
    *,
    region: str,
    model_name: str,
    role: str,
    endpoint_url: str = "",
    assume_role: str = "",
    tags: dict[str, Any] = NOTHING,
    container_host_name: str = "",
    image: str = "",
    model_artifact_url: str = "",
    environment: dict[str, Any] = NOTHING,
    model_package: str = "",
    secondary_containers: list[Any] = NO_WORDS,
    vpc_security_group_ids: str = "",
    vpc_subnets: str = "",
    network_isolation: bool = True,
) -> ModelOutputs:
    """Describe a model, said as for the former component `model`, for `deploy` and `batch_transform` to make it.

    Nothing is made in SageMaker: Sagebridge makes a model with the endpoint or the transform that uses it, and removes
    it with that. Inputs may be texts, as they were there: `"False"`, JSON.

    Args:
        region: where the model is to be.
        model_name: what the pipeline calls it.
        role: the role its containers act as.
        endpoint_url: refused: the operator calls SageMaker.
        assume_role: refused: the tenant policy says which role the operator assumes.
        tags: tags, by key, of what makes the model.
        container_host_name: the container's name in logs and metrics.
        image: the container image that serves, or the one that trained.
        model_artifact_url: the `model.tar.gz` on S3; empty where the model is in the image.
        environment: environment variables of the container.
        model_package: instead of an image, a model package.
        secondary_containers: instead of one container, those of a pipeline, as the API's `Containers`.
        vpc_security_group_ids: of the VPC, with commas between them.
        vpc_subnets: of the VPC, with commas between them.
        network_isolation: whether the containers have no network.

    Returns:
        model_name: the whole model, as JSON: what `deploy` and `batch_transform` take for a model's name.
    """
    return ModelOutputs(model_name=described(read(ARGUMENTS, locals())).dumped())
