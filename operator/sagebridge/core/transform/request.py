"""Putting the complete request together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.resolution import ResolveContext, without_nulls
from sagebridge.core.serving import ModelContext, build_model
from sagebridge.core.training.limits import merge_environment, merge_tags
from sagebridge.core.training.section import Section

# The fields on top of CreateTransformJob's; everything else in a spec is a member of the request.
ADDED_FIELDS: Final = frozenset(
    {"target", "region", "roleArn", "modelRef", "model", "source", "environmentFrom", "cluster", "runPolicy"}
)
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
MOST_VARIABLES: Final = 16
MOST_PAYLOAD_MB: Final = 100
_CHOICES: Final = (
    "modelRef (what an object of this namespace has trained), modelName (a model in SageMaker) or model "
    "(CreateModel's fields)"
)


def resolve(spec: Mapping[str, Any], context: ResolveContext) -> dict[str, Any]:
    """Return the complete request of CreateTransformJob in lowerCamelCase, with nothing but the request's members.

    Args:
        spec: the manifest's spec; it is not changed.
        context: what the manifest does not say; ``model_name`` is that of the model that is made for it.

    Raises:
        SpecError: names the field, and says what to do.
    """
    section = Section.of(spec, "spec")
    check_model(section)
    _check_payload(section)
    request = {key: value for key, value in section.values.items() if key not in ADDED_FIELDS}
    request |= {
        "transformJobName": context.job_name,
        "modelName": context.model_name or section.text("modelName"),
        "transformInput": _input(section.section("transformInput")),
        "transformOutput": {"s3OutputPath": context.output_path, **_given(section.section("transformOutput"))},
        "transformResources": {"instanceCount": 1, **_given(section.section("transformResources"))},
        "environment": _environment(section, context),
        "tags": merge_tags(section, context.tags),
    }
    if not request["environment"]:
        del request["environment"]
    clean: dict[str, Any] = without_nulls(request)
    return clean


def model_of(spec: Mapping[str, Any], context: ModelContext) -> dict[str, Any] | None:
    """Return the request of CreateModel for the model that has to be made; None for one that is there.

    Raises:
        SpecError: the model can't be used by a transform job, or can't be built.
    """
    section = Section.of(spec, "spec")
    check_model(section)
    if section.has("modelName"):
        return None
    source = section.section("source") if section.has("source") else None
    model = section.section("model") if section.has("model") else None
    if model is not None:
        _check_containers(model)
    return build_model(model, context, source=source)


def check_model(section: Section) -> None:
    """Check that a manifest says in one way which model to use.

    Raises:
        SpecError: in none, or in several; or code goes with a model that is in SageMaker already.
    """
    given = [key for key in ("modelRef", "modelName", "model") if section.has(key)]
    if not given:
        raise SpecError(section.path, f"does not say which model to use: give exactly one of {_CHOICES}")
    if len(given) > 1:
        raise SpecError(section.field(given[1]), f"is given together with {given[0]}: keep one")
    if section.has("source") and section.has("modelName"):
        message = "goes into a model that is made for this job, with modelRef or model: remove it"
        raise SpecError(section.field("source"), message)


def _check_containers(model: Section) -> None:
    containers = [model.section("primaryContainer")] if model.has("primaryContainer") else model.sections("containers")
    for container in containers:
        if container.has("modelDataSource"):
            message = "batch transform takes no ModelDataSource: pack the model and give modelDataUrl"
            raise SpecError(container.field("modelDataSource"), message)
        if container.text("mode") == "MultiModel":
            message = "batch transform serves one model, not several from one container: remove mode"
            raise SpecError(container.field("mode"), message)


def _check_payload(section: Section) -> None:
    payload = section.number("maxPayloadInMB")
    concurrent = section.number("maxConcurrentTransforms") or 1
    if payload is not None and payload * concurrent > MOST_PAYLOAD_MB:
        message = (
            f"times maxConcurrentTransforms is {payload * concurrent}, and SageMaker takes {MOST_PAYLOAD_MB}: "
            "make one of them smaller"
        )
        raise SpecError(section.field("maxPayloadInMB"), message)


def _input(given: Section) -> dict[str, Any]:
    source = given.section("dataSource").section("s3DataSource")
    return {**_given(given), "dataSource": {"s3DataSource": {"s3DataType": "S3Prefix", **_given(source)}}}


def _environment(section: Section, context: ResolveContext) -> dict[str, str]:
    merged = merge_environment(section, context.environment)
    if len(merged) > MOST_VARIABLES:
        message = (
            f"has {len(merged)} variables with those of environmentFrom, and a transform job takes {MOST_VARIABLES}: "
            "give the others to the container, in model.primaryContainer.environment"
        )
        raise SpecError(section.field("environment"), message)
    return merged


def _given(section: Section) -> dict[str, Any]:
    return {key: value for key, value in section.values.items() if value is not None}
