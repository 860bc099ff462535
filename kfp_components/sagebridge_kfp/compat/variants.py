"""The three variants that the former component `deploy` could have, and the models that they serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.compat.arguments import Argument, blamed_on
from sagebridge_kfp.compat.described import Described, parse
from sagebridge_kfp.compat.parsing import number, text, whole
from sagebridge_kfp.specs.errors import InputError

_NUMBERS: Final = (1, 2, 3)
_FIELDS: Final = {
    "variant_name": "variantName",
    "initial_instance_count": "initialInstanceCount",
    "instance_type": "instanceType",
    "initial_variant_weight": "initialVariantWeight",
    "accelerator_type": "acceleratorType",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What the variants come to.

    Attributes:
        models: the spec's `models`.
        variants: the spec's `productionVariants`.
        role: of all models; empty for the tenant's.
        region: of all models; empty if they do not say it.
        tags: by the argument that brought the model, its tags.
    """

    models: list[dict[str, Any]]
    variants: list[dict[str, Any]]
    role: str
    region: str
    tags: Mapping[str, Mapping[str, str]]


def variant_arguments(of: int, *, default_model: Any) -> tuple[Argument, ...]:
    """The arguments of one variant.

    Args:
        of: which variant, from 1.
        default_model: of the argument that names its model.
    """
    path = f"productionVariants.{of - 1}"
    note = f"only with `model_name_{of}`" if of > 1 else ""
    defaults = {
        "variant_name": (text, f"variant-name-{of}"),
        "initial_instance_count": (whole, 1),
        "instance_type": (text, "ml.m4.xlarge"),
        "initial_variant_weight": (number, 1.0),
        "accelerator_type": (text, ""),
    }
    becomes = {"instance_type": "instance_type"} if of == 1 else {}
    return (
        Argument(
            name=f"model_name_{of}",
            parse=text,
            default=default_model,
            path=f"models.{of - 1}",
            makes=("role_arn",) if of == 1 else (),
            note="the output of `model`, with its role, region and tags. The name of a model that is in SageMaker is "
            "refused: an Endpoint makes its models itself",
        ),
        *(
            Argument(
                name=f"{name}_{of}",
                parse=read,
                default=default,
                path=f"{path}.{_FIELDS[name]}",
                becomes=becomes.get(name, ""),
                note=note,
            )
            for name, (read, default) in defaults.items()
        ),
    )


def models_and_variants(values: Mapping[str, Any], *, region: str) -> Deployment:
    """Return the models and variants that the arguments of `deploy` ask for.

    Args:
        values: what they say.
        region: where the endpoint is; empty if they do not say it.

    Raises:
        InputError: a model is none, or the models do not go together; names the argument.
    """
    served = {of: _model(values, of) for of in _NUMBERS if _is_given(values, of)}
    first = served[1]
    models: dict[str, dict[str, Any]] = {}
    for of, model in served.items():
        _check_fits(model, first, region=region, argument=f"model_name_{of}")
        with blamed_on(f"model_name_{of}"):
            section = model.section(region=region, instance_type=values[f"instance_type_{of}"], archive_only=False)
            if models.setdefault(model.name, section) != section:
                raise InputError("", f"is another model called {model.name!r}: give it another name")
    return Deployment(
        models=[{"name": name, **section} for name, section in models.items()],
        variants=[_variant(values, of, model.name) for of, model in served.items()],
        role=first.role,
        region=first.region,
        tags={f"model_name_{of}.tags": model.tags for of, model in served.items()},
    )


def _is_given(values: Mapping[str, Any], of: int) -> bool:
    if values[f"model_name_{of}"]:
        return True
    defaults = {each.name: each.parse(each.default, each.name) for each in variant_arguments(of, default_model="")}
    for name, default in defaults.items():
        if values[name] != default:
            raise InputError(name, f"is given without model_name_{of}: there is no variant {of}")
    return False


def _model(values: Mapping[str, Any], of: int) -> Described:
    argument = f"model_name_{of}"
    model = parse(values[argument], argument)
    if model is None:
        message = f"is the name {values[argument]!r}, and an Endpoint makes its models itself: give the output of model"
        raise InputError(argument, message)
    return model


def _check_fits(model: Described, first: Described, *, region: str, argument: str) -> None:
    wanted = region or first.region
    if model.region and model.region != wanted:
        raise InputError(argument, f"is in {model.region}, and the endpoint in {wanted or 'the region of the tenant'}")
    if model.role != first.role:
        raise InputError(argument, f"has the role {model.role!r}, and the first {first.role!r}: an Endpoint has one")


def _variant(values: Mapping[str, Any], of: int, model: str) -> dict[str, Any]:
    said = {field: values[f"{name}_{of}"] for name, field in _FIELDS.items()}
    return {"modelName": model, **{field: value for field, value in said.items() if value is not None}}
