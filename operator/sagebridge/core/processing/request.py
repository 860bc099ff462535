"""Putting the complete request together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.images import FrameworkRef, resolve_image
from sagebridge.core.processing.data import complete_inputs, complete_outputs
from sagebridge.core.processing.script import ENDINGS, entrypoint
from sagebridge.core.resolution import ResolveContext, without_nulls
from sagebridge.core.training.levels import Source, read_source
from sagebridge.core.training.limits import merge_environment, merge_tags
from sagebridge.core.training.resources import DEFAULT_MAX_RUNTIME_IN_SECONDS, DEFAULT_VOLUME_SIZE_IN_GB, given
from sagebridge.core.training.section import Section

# The fields on top of CreateProcessingJob's; everything else in a spec is a member of the request.
ADDED_FIELDS: Final = frozenset({"target", "region", "framework", "source", "cluster", "runPolicy", "environmentFrom"})
OWN_IMAGE_FIELD: Final = "appSpecification.imageUri"
LONGEST_VARIABLE: Final = 256
_SELECTED: Final = ("selectedInstanceType", "selectedInstanceCount")


def resolve(spec: Mapping[str, Any], context: ResolveContext) -> dict[str, Any]:
    """Return the complete request of CreateProcessingJob in lowerCamelCase, with nothing but the request's members.

    Bounds and patterns of single fields are the CRD's and botocore's; here is what takes more than one field to see.

    Args:
        spec: the manifest's spec; it is not changed.
        context: what the manifest does not say. Outputs without a place go below
            ``<output_path>/<job_name>/output``.

    Raises:
        SpecError: names the field, and says what to do.
    """
    section = Section.of(spec, "spec")
    if section.has("cluster") or section.text("target") == "Cluster":
        raise SpecError(section.field("target"), "this is a job for SageMaker: remove cluster and target: Cluster")
    source = _source(section)
    code_uri = (source.s3_uri or context.source_uri) if source else None
    if source and code_uri is None:
        raise SpecError(section.field("source.configMap"), "has not been packed: there is no bucket to put it in")
    place = f"{context.output_path.rstrip('/')}/{context.job_name}/output" if context.output_path else ""
    request = {key: value for key, value in given(section).items() if key not in ADDED_FIELDS}
    request |= {
        "processingJobName": context.job_name,
        "roleArn": context.role_arn,
        "processingResources": {"clusterConfig": _cluster_config(section)},
        "stoppingCondition": {
            "maxRuntimeInSeconds": DEFAULT_MAX_RUNTIME_IN_SECONDS,
            **given(section.section("stoppingCondition")),
        },
        "appSpecification": _application(section, source, region=context.region),
        "processingInputs": complete_inputs(section, code_uri=code_uri),
        "processingOutputConfig": complete_outputs(section, place=place),
        "environment": merge_environment(section, context.environment, longest=LONGEST_VARIABLE),
        "tags": merge_tags(section, context.tags),
    }
    clean: dict[str, Any] = without_nulls({key: value for key, value in request.items() if value not in ({}, [])})
    return clean


def _source(section: Section) -> Source | None:
    if not section.has("source"):
        if section.has("framework"):
            message = "is missing: framework runs your script, so give source.entryPoint with s3Uri or configMap"
            raise SpecError(section.field("source"), message)
        return None
    source = read_source(section.section("source"))
    if not source.entry_point.endswith(ENDINGS):
        message = f'"{source.entry_point}" must end with {" or ".join(ENDINGS)}, which says what runs it'
        raise SpecError(section.field("source.entryPoint"), message)
    return source


def _application(section: Section, source: Source | None, *, region: str) -> dict[str, Any]:
    application = section.section("appSpecification")
    image = application.text("imageUri")
    if bool(image) == section.has("framework"):
        message = f"say what to run in by exactly one of framework (your script) or {OWN_IMAGE_FIELD} (your container)"
        raise SpecError(section.path, message)
    start: dict[str, Any] = {}
    if source:
        if application.has("containerEntrypoint"):
            message = "is given together with source, which starts source.entryPoint: remove one of them"
            raise SpecError(application.field("containerEntrypoint"), message)
        start = {"containerEntrypoint": entrypoint(source.entry_point)}
    return {**given(application), "imageUri": image or _framework_image(section, region=region), **start}


def _framework_image(section: Section, *, region: str) -> str:
    """The image that the framework trains in, which is what FrameworkProcessor takes."""
    framework = section.section("framework")
    if framework.has("distribution"):
        raise SpecError(framework.field("distribution"), "is for training: a processing script runs once per instance")
    config = section.section("processingResources").section("clusterConfig")
    instance_type, field = _instance_type(config)
    reference = FrameworkRef(
        name=framework.required_text("name", hint="name a framework, such as sklearn"),
        version=framework.text("version"),
        python_version=framework.text("pythonVersion"),
        base_framework=framework.text("baseFramework"),
    )
    image = resolve_image(
        reference,
        purpose="training",
        region=region,
        instance_type=instance_type,
        field=framework.path,
        instance_field=field,
        own_image_field=OWN_IMAGE_FIELD,
    )
    return image.uri


def _instance_type(config: Section) -> tuple[str, str]:
    """The instance type that decides about the image, and where it stands."""
    holder = next(iter(config.sections("instancePreferences")), config)
    hint = "say what to run on: name an instance type, such as ml.m5.xlarge"
    return holder.required_text("instanceType", hint=hint), holder.field("instanceType")


def _cluster_config(section: Section) -> dict[str, Any]:
    config = section.section("processingResources").section("clusterConfig")
    for key in _SELECTED:
        if config.has(key):
            raise SpecError(config.field(key), "is what SageMaker answers, not what it is asked: remove it")
    if config.has("instanceType") == config.has("instancePreferences"):
        message = "say what to run on by exactly one of instanceType, such as ml.m5.xlarge, or instancePreferences"
        raise SpecError(config.path, message)
    count = {"instanceCount": 1} if config.has("instanceType") else {}
    return {"volumeSizeInGB": DEFAULT_VOLUME_SIZE_IN_GB, **count, **given(config)}
