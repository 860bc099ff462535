"""A lightweight component as one whose tasks run it on SageMaker, or on the cluster."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kfp.dsl import PipelineTask, pipeline_context, structures
from kfp.dsl.base_component import BaseComponent
from kfp.dsl.python_component import PythonComponent

from sagebridge_kfp.component import Op, identify
from sagebridge_kfp.component import image as steps_image
from sagebridge_kfp.keywords import with_hints
from sagebridge_kfp.remote.command import remote_command
from sagebridge_kfp.remote.places import Prefix
from sagebridge_kfp.remote.settings import MOST_RESULTS_GB, SAGEMAKER, TRAINING, Settings, check
from sagebridge_kfp.remote.settled import check_overrides, check_settled
from sagebridge_kfp.remote.spec import remote_spec
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.values import whole

STAGING_VARIABLE: Final = "SAGEBRIDGE_KFP_STAGING"
"""The environment variable with the staging prefix, where pipelines are compiled without `staging`."""


class RemoteComponent(PythonComponent):  # type: ignore[misc]
    """A component with the inputs and outputs of another one, which it has run as a job.

    Attributes:
        settings: where and how.
    """

    def __init__(self, component: PythonComponent, settings: Settings) -> None:
        """Prepare.

        Args:
            component: what is run.
            settings: where and how.
        """
        specification = copy.deepcopy(component.component_spec)
        own = specification.implementation.container
        specification.implementation = structures.Implementation(
            container=structures.ContainerSpecImplementation(
                image=steps_image(),
                command=remote_command(settings, own.command or ()),
                args=own.args,
            )
        )
        super().__init__(component_spec=specification, python_func=component.python_func)
        self.settings = settings
        self.__doc__ = component.python_func.__doc__

    def __call__(self, *args: Any, **inputs: Any) -> PipelineTask:
        """Make a task of a pipeline; outside of one, kfp.local runs it.

        Raises:
            TypeError: an input is unknown or missing, or is given without its name.
        """
        self.component_spec.implementation.container.image = steps_image()
        is_in_pipeline = pipeline_context.Pipeline.get_default_pipeline() is not None
        task = super().__call__(*args, **inputs)
        if is_in_pipeline:
            identify(task)
        return task


_GPUS: Final = "instance_type says which GPUs there are, and how many: such as ml.g5.xlarge"
_PACKAGES: Final = "the component has them: @dsl.component(packages_to_install=[...])"


@with_hints({"gpu": _GPUS, "gpus": _GPUS, "packages": _PACKAGES, "packages_to_install": _PACKAGES})
def run_on_sagemaker(  # noqa: PLR0913
    component: BaseComponent,
    *,
    instance_type: str,
    staging: str = "",
    image: str = "",
    job: str = TRAINING,
    target: str = SAGEMAKER,
    instance_count: int = 1,
    volume_size_gb: int = 0,
    max_runtime_seconds: int = 0,
    spot: bool = False,
    max_wait_seconds: int = 0,
    role_arn: str = "",
    region: str = "",
    subnets: Sequence[str] = (),
    security_group_ids: Sequence[str] = (),
    environment: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    cluster: Mapping[str, Any] | None = None,
    retry_limit: int = 0,
    deletion_policy: str = "",
    copy_inputs: bool = False,
    max_results_gb: int = MOST_RESULTS_GB,
    name: str = "",
    spec_overrides: Mapping[str, Any] | None = None,
) -> RemoteComponent:
    """Return a component with the same inputs and outputs, which runs as a TrainingJob or a ProcessingJob.

    Args:
        component: one of `@dsl.component`.
        instance_type: such as `ml.m5.xlarge`, for either target.
        staging: the `s3://` prefix where code, inputs and results pass; by default that of the environment variable
            `SAGEBRIDGE_KFP_STAGING` where the pipeline is compiled.
        image: what it runs in; by default the component's `base_image`.
        job: `Training` or `Processing`.
        target: `SageMaker`, or `Cluster` for the cluster's own nodes.
        instance_count: how many instances run it; what the first one gives on counts.
        volume_size_gb: their disks, in GB; 0 for 30.
        max_runtime_seconds: after so long the job is stopped; 0 for a day.
        spot: whether to use spot capacity (training only).
        max_wait_seconds: with `spot`, the longest time for waiting and running together; 0 for twice the runtime.
        role_arn: the role the job acts as; by default the tenant's.
        region: by default the tenant's.
        subnets: of the VPC in which it runs.
        security_group_ids: the security groups there.
        environment: environment variables.
        tags: tags of the job, by key.
        cluster: how it runs there, as `spec.cluster` of a TrainingJob or ProcessingJob; only with `target="Cluster"`.
        retry_limit: how many jobs may follow one that failed for want of capacity or by an error of AWS's own.
        deletion_policy: what becomes of a running job when the object is deleted: `Stop` (the default), `Retain`,
            `Purge`.
        copy_inputs: whether artifacts that are on S3 are copied to `staging`, too; by default the job reads them where
            they are.
        max_results_gb: how much the function may give on, unpacked, in GB (2^30 bytes); with more the step fails, and
            leaves it on S3.
        name: what the object's name begins with; by default the component's name.
        spec_overrides: any fields of the spec, merged last; `None` removes a field, lists are replaced.

    Raises:
        InputError: an argument is wrong, or SageMaker can't pull the image; names the argument.
        TypeError: an argument is unknown.
    """
    check_settled({argument: value for argument, value in locals().items() if argument != "component"})
    container = _container(component)
    settings = Settings(
        component=component.name,
        instance_type=instance_type,
        staging=staging or os.environ.get(STAGING_VARIABLE, ""),
        image=image or container.image,
        job=job,
        target=target,
        instance_count=instance_count,
        volume_size_gb=volume_size_gb,
        max_runtime_seconds=max_runtime_seconds,
        spot=spot,
        max_wait_seconds=max_wait_seconds,
        role_arn=role_arn,
        region=region,
        subnets=_names(subnets, "subnets"),
        security_group_ids=_names(security_group_ids, "security_group_ids"),
        environment=dict(environment or {}),
        tags=dict(tags or {}),
        cluster=dict(cluster or {}),
        retry_limit=retry_limit,
        deletion_policy=deletion_policy,
        copy_inputs=copy_inputs,
        max_results_gb=max_results_gb,
        name=name,
        spec_overrides=whole(spec_overrides or {}),
    )
    check(settings, image=image)
    check_overrides(settings)
    # What the schema refuses is refused here rather than in the run.
    remote_spec(settings, prefix=Prefix.of(settings.staging, component=component.name, step="step"))
    return RemoteComponent(component, settings)


def _names(given: Sequence[str], argument: str) -> tuple[str, ...]:
    """A list of names, for which a text would be one of letters."""
    if isinstance(given, str):
        raise InputError(argument, f"must be a list of texts, and is {given!r}")
    return tuple(given)


def _container(component: BaseComponent) -> structures.ContainerSpecImplementation:
    """The container of a component that brings a Python function."""
    if not isinstance(component, PythonComponent) or isinstance(component, Op | RemoteComponent):
        kind = f"{type(component).__name__} {getattr(component, 'name', '')}".rstrip()
        raise InputError("component", f"must be one of @dsl.component, and is {kind}")
    return component.component_spec.implementation.container
