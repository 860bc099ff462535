"""The instances a job runs on, and for how long it may.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/train-heterogeneous-cluster.html
    https://github.com/Kenza-AI/sagify/issues/111 (MaxWaitTimeInSeconds without spot is refused)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.training.instances import is_accelerated

if TYPE_CHECKING:
    from sagebridge.core.training.section import Section

DEFAULT_VOLUME_SIZE_IN_GB: Final = 30
DEFAULT_MAX_RUNTIME_IN_SECONDS: Final = 86_400
LONGEST_WAIT_IN_SECONDS: Final = 28 * 86_400

_WHAT_TO_GIVE: Final = "say what to run on: instanceType, such as ml.m5.xlarge, instanceGroups or instancePreferences"


@dataclass(frozen=True, kw_only=True, slots=True)
class Instances:
    """What the image and the launcher have to fit.

    Attributes:
        instance_type: of a heterogeneous cluster the first accelerated one, since GPU images also run on CPUs.
        field: where it stands.
        groups: names of the instance groups with that type, of a heterogeneous cluster only.
    """

    instance_type: str
    field: str
    groups: tuple[str, ...] = ()


def instances_of(section: Section) -> Instances:
    """Return the instance type that decides about the image.

    Raises:
        SpecError: none is given, or several that exclude each other.
    """
    config = section.section("resourceConfig")
    ways = [key for key in ("instanceType", "instanceGroups", "instancePreferences") if config.has(key)]
    if not ways:
        raise SpecError(config.path, _WHAT_TO_GIVE)
    if len(ways) > 1:
        raise SpecError(config.field(ways[1]), f"is given together with {ways[0]}: keep one of them")
    if ways[0] == "instanceType":
        hint = "name an instance type, such as ml.m5.xlarge"
        return Instances(
            instance_type=config.required_text("instanceType", hint=hint), field=config.field("instanceType")
        )
    return _of_several(config.sections(ways[0]), config.field(ways[0]))


def _of_several(choices: list[Section], field: str) -> Instances:
    if not choices:
        raise SpecError(field, "is empty: name at least one instance type")
    hint = "name an instance type, such as ml.m5.xlarge"
    types = [choice.required_text("instanceType", hint=hint) for choice in choices]
    index = next((index for index, name in enumerate(types) if is_accelerated(name)), 0)
    return Instances(
        instance_type=types[index],
        field=choices[index].field("instanceType"),
        groups=tuple(
            group
            for choice, name in zip(choices, types, strict=True)
            if name == types[index] and (group := choice.text("instanceGroupName"))
        ),
    )


def complete_resources(section: Section) -> dict[str, Any]:
    """Return ``resourceConfig`` with its defaults: one instance, a volume of 30 GB.

    The size is also sent for instance types with NVMe disks, where SageMaker ignores it, as its own SDK does.

    Raises:
        SpecError: fields that SageMaker refuses together.
    """
    config = section.section("resourceConfig")
    for key in ("selectedInstanceType", "selectedInstanceCount"):
        if config.has(key):
            raise SpecError(config.field(key), "is what SageMaker answers, not what it is asked: remove it")
    if config.has("instanceGroups") and config.has("instanceCount"):
        raise SpecError(config.field("instanceCount"), "goes into each of the instanceGroups: remove it here")
    _check_exclusions(section, config)
    defaults: dict[str, Any] = {"volumeSizeInGB": DEFAULT_VOLUME_SIZE_IN_GB}
    if config.has("instanceType"):
        defaults["instanceCount"] = 1
        if config.number("instanceCount") == 0:
            raise SpecError(config.field("instanceCount"), "must be at least 1")
    return {**defaults, **given(config)}


def _check_exclusions(section: Section, config: Section) -> None:
    spot = section.flag("enableManagedSpotTraining")
    if spot and config.has("instancePreferences"):
        message = "can't be used with enableManagedSpotTraining: use instanceType, or train on demand"
        raise SpecError(config.field("instancePreferences"), message)
    if (config.number("keepAlivePeriodInSeconds") or 0) > 0 and (spot or config.has("instanceGroups")):
        what = "enableManagedSpotTraining" if spot else "instanceGroups"
        message = f"a warm pool can't be kept with {what}: remove one of them"
        raise SpecError(config.field("keepAlivePeriodInSeconds"), message)


def complete_stopping_condition(section: Section) -> dict[str, Any]:
    """Return ``stoppingCondition`` with its defaults.

    The job may run for a day. A spot job may wait as long again as it may run, in all at most 28 days.

    Raises:
        SpecError: a limit for waiting that is no use, or is shorter than the one for running.
    """
    condition = section.section("stoppingCondition")
    runtime = condition.number("maxRuntimeInSeconds")
    runtime = DEFAULT_MAX_RUNTIME_IN_SECONDS if runtime is None else runtime
    complete = {**given(condition), "maxRuntimeInSeconds": runtime}
    wait = condition.number("maxWaitTimeInSeconds")
    if not section.flag("enableManagedSpotTraining"):
        if wait is not None:
            message = "is for spot training only: set enableManagedSpotTraining: true, or remove it"
            raise SpecError(condition.field("maxWaitTimeInSeconds"), message)
        return complete
    if wait is None:
        wait = max(runtime, min(2 * runtime, LONGEST_WAIT_IN_SECONDS))
    if wait < runtime:
        message = f"counts the waiting and the running, so {wait} must be at least the maxRuntimeInSeconds of {runtime}"
        raise SpecError(condition.field("maxWaitTimeInSeconds"), message)
    return {**complete, "maxWaitTimeInSeconds": wait}


def given(section: Section) -> dict[str, Any]:
    """Return the fields of a section that have a value."""
    return {key: value for key, value in section.values.items() if value is not None}
