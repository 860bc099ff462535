"""Putting the complete request together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.images import ResolvedImage, resolve_image
from sagebridge.core.resolution import ResolveContext, without_nulls
from sagebridge.core.training import hyperparameters as hps
from sagebridge.core.training.channels import CODE_DIRECTORY, complete_channels
from sagebridge.core.training.levels import Level, Source, image_reference, level_of, source_of
from sagebridge.core.training.limits import merge_environment, merge_tags
from sagebridge.core.training.resources import (
    Instances,
    complete_resources,
    complete_stopping_condition,
    given,
    instances_of,
)
from sagebridge.core.training.section import Section

# The fields on top of CreateTrainingJob's; everything else in a spec is a member of the request.
ADDED_FIELDS: Final = frozenset(
    {
        "target",
        "region",
        "algorithm",
        "framework",
        "source",
        "cluster",
        "runPolicy",
        "environmentFrom",
        "modelRef",
    }
)
# https://docs.aws.amazon.com/sagemaker/latest/dg/incremental-training.html
_INCREMENTAL_ALGORITHMS: Final = ("image-classification", "object-detection", "semantic-segmentation")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A manifest of which the level, the image and the instances are known."""

    section: Section
    level: Level
    source: Source | None
    source_uri: str | None
    instances: Instances | None
    image: ResolvedImage | None
    context: ResolveContext


def resolve(
    spec: Mapping[str, Any], context: ResolveContext, *, path: str = "spec", file_systems_need_vpc: bool = True
) -> dict[str, Any]:
    """Return the complete request of CreateTrainingJob in lowerCamelCase, with nothing but the request's members.

    Bounds and patterns of single fields are the CRD's and botocore's; here is what takes more than one field to see.

    Args:
        spec: the manifest's spec; it is not changed.
        context: what the manifest does not say.
        path: where the spec stands, for messages.
        file_systems_need_vpc: whether a file system is reached by ``vpcConfig`` only, as on SageMaker.

    Raises:
        SpecError: names the field, and says what to do.
    """
    section = Section.of(spec, path)
    if section.has("cluster") or section.text("target") == "Cluster":
        raise SpecError(section.field("target"), "this is a job for SageMaker: remove cluster and target: Cluster")
    _check_retries(section)
    job = _examine(section, context)
    request = {key: value for key, value in given(section).items() if key not in ADDED_FIELDS}
    request |= {
        "trainingJobName": context.job_name,
        "roleArn": context.role_arn,
        "outputDataConfig": {"s3OutputPath": context.output_path, **given(section.section("outputDataConfig"))},
        **_algorithm(job),
        **_resources(job),
        **_filled("hyperParameters", _hyperparameters(job)),
        **_filled("inputDataConfig", _channels(job, file_systems_need_vpc=file_systems_need_vpc)),
        **_filled("environment", merge_environment(section, context.environment)),
        **_filled("tags", merge_tags(section, context.tags)),
    }
    for key in ("hyperParameters", "inputDataConfig", "environment", "tags"):
        if not request.get(key):
            request.pop(key, None)
    clean: dict[str, Any] = without_nulls(request)
    return clean


def _filled(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}


def _check_retries(section: Section) -> None:
    if section.section("runPolicy").has("retry") and section.has("retryStrategy"):
        message = (
            "is given together with runPolicy.retry: keep retryStrategy (SageMaker's own, for InternalServerError) "
            "or runPolicy.retry (new jobs, for several kinds of failure)"
        )
        raise SpecError(section.field("retryStrategy"), message)


def _examine(section: Section, context: ResolveContext) -> _Job:
    level = level_of(section)
    source = source_of(section, level)
    source_uri = (source.s3_uri or context.source_uri) if source else None
    if source and source_uri is None:
        raise SpecError(section.field("source.configMap"), "has not been packed: there is no bucket to put it in")
    if level is Level.SERVERLESS:
        _check_serverless(section)
    instances = None if level is Level.SERVERLESS else instances_of(section)
    reference = image_reference(section, level)
    image = None
    if reference and instances:
        image = resolve_image(
            reference,
            purpose="training",
            region=context.region,
            instance_type=instances.instance_type,
            field=section.field(level),
            instance_field=instances.field,
        )
    return _Job(
        section=section,
        level=level,
        source=source,
        source_uri=source_uri,
        instances=instances,
        image=image,
        context=context,
    )


def _check_serverless(section: Section) -> None:
    for key, instead in (
        ("resourceConfig", "SageMaker chooses the instances: remove it"),
        ("modelRef", "name the model in modelPackageConfig.sourceModelPackageArn"),
    ):
        if section.has(key):
            raise SpecError(section.field(key), f"does not go with serverlessJobConfig: {instead}")


def _algorithm(job: _Job) -> dict[str, Any]:
    specification = job.section.section("algorithmSpecification")
    if job.level is Level.SERVERLESS and not specification.values:
        return {}
    if job.level is Level.ALGORITHM and specification.has("metricDefinitions"):
        message = "SageMaker's built-in algorithms have their own metrics, which can't be replaced: remove it"
        raise SpecError(specification.field("metricDefinitions"), message)
    image = {"trainingImage": job.image.uri} if job.image else {}
    return {"algorithmSpecification": {"trainingInputMode": "File", **given(specification), **image}}


def _resources(job: _Job) -> dict[str, Any]:
    if job.level is Level.SERVERLESS:
        return {}
    return {
        "resourceConfig": complete_resources(job.section),
        "stoppingCondition": complete_stopping_condition(job.section),
    }


def _isolated(job: _Job) -> bool:
    return job.section.flag("enableNetworkIsolation")


def _hyperparameters(job: _Job) -> dict[str, str]:
    if job.source is None or job.source_uri is None:
        return hps.plain_hyperparameters(job.section)
    directory = job.source_uri
    if _isolated(job):
        # The toolkit can't reach S3 then; SageMaker itself brings the archive, as the channel `code`.
        directory = f"{CODE_DIRECTORY}/{job.source_uri.rpartition('/')[2]}"
    settings = hps.script_settings(
        entry_point=job.source.entry_point,
        submit_directory=directory,
        region=job.context.region,
        job_name=job.context.job_name,
    )
    if job.image and job.instances:
        settings |= hps.launcher_settings(job.section, image=job.image, instances=job.instances)
    return hps.script_hyperparameters(job.section, settings)


def _channels(job: _Job, *, file_systems_need_vpc: bool) -> list[dict[str, Any]]:
    model_uri = job.context.model_artifact
    if model_uri and job.level is Level.ALGORITHM and job.image and job.image.name not in _INCREMENTAL_ALGORITHMS:
        names = ", ".join(_INCREMENTAL_ALGORITHMS)
        message = f"{job.image.name} can't go on training from a model: of the built-in algorithms only {names} can"
        raise SpecError(job.section.field("modelRef"), message)
    code_uri = job.source_uri if _isolated(job) else None
    return complete_channels(
        job.section, code_uri=code_uri, model_uri=model_uri, file_systems_need_vpc=file_systems_need_vpc
    )
