"""Putting the complete request together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from sagebridge.core import training
from sagebridge.core.errors import SpecError
from sagebridge.core.references import warm_start_parents
from sagebridge.core.resolution import Part, ResolveContext, value_at, with_value_at, without_nulls
from sagebridge.core.training.levels import Level, level_of
from sagebridge.core.training.limits import merge_tags
from sagebridge.core.training.resources import given
from sagebridge.core.training.section import Section
from sagebridge.core.tuning.ranges import GRID, check_grid, complete_ranges, names
from sagebridge.core.tuning.sections import ONE, SEVERAL, sections

HYPERBAND: Final = "Hyperband"
MOST_VARIABLES: Final = 48
_ADDED_FIELDS: Final = frozenset({"target", "region", "roleArn", "cluster", "runPolicy"})
_NOT_TRAINING: Final = (
    "definitionName",
    "tuningObjective",
    "hyperParameterRanges",
    "hyperParameterTuningResourceConfig",
)
_NOT_TUNING: Final = ("trainingJobName", "hyperParameters", "tags")
_CONFIG: Final = "hyperParameterTuningJobConfig"
_IMAGE: Final = ("algorithmSpecification", "trainingImage")
_INSTANCES: Final = "hyperParameterTuningResourceConfig"


def resolve(spec: Mapping[str, Any], context: ResolveContext) -> dict[str, Any]:
    """Return the complete request of CreateHyperParameterTuningJob in lowerCamelCase, with nothing but its members.

    Args:
        spec: the manifest's spec; it is not changed.
        context: what the manifest does not say.

    Raises:
        SpecError: names the field, and says what to do.
    """
    section = Section.of(spec, "spec")
    if section.has("cluster") or section.text("target") == "Cluster":
        raise SpecError(section.field("target"), "this is a job for SageMaker: remove cluster and target: Cluster")
    return complete(spec, context)


def complete(spec: Mapping[str, Any], context: ResolveContext, *, file_systems_need_vpc: bool = True) -> dict[str, Any]:
    """Return the complete request, wherever the trials run.

    Args:
        spec: as for `resolve`, without what says where the trials run.
        context: what the manifest does not say.
        file_systems_need_vpc: see `sagebridge.core.training.resolve`.

    Raises:
        SpecError: names the field, and says what to do.
    """
    section = Section.of(spec, "spec")
    if section.has(ONE) == section.has(SEVERAL):
        raise SpecError(section.path, f"must say how to train by exactly one of {ONE} or {SEVERAL}")
    config = section.section(_CONFIG)
    _check_config(section, config)
    request = {key: value for key, value in given(section).items() if key not in _ADDED_FIELDS}
    request |= _definitions(section, config, context, file_systems_need_vpc=file_systems_need_vpc)
    request["hyperParameterTuningJobName"] = context.job_name
    request[_CONFIG] = _complete_config(section, config)
    request |= _warm_start(section, context)
    tags = merge_tags(section, context.tags)
    request |= {"tags": tags} if tags else {}
    clean: dict[str, Any] = without_nulls(request)
    return clean


def _check_config(section: Section, config: Section) -> None:
    strategy = config.text("strategy")
    if strategy == HYPERBAND and config.text("trainingJobEarlyStoppingType") == "Auto":
        message = f"Auto does not go with strategy {HYPERBAND}, which stops trials by itself: remove it"
        raise SpecError(config.field("trainingJobEarlyStoppingType"), message)
    if config.has("strategyConfig") and strategy != HYPERBAND:
        raise SpecError(config.field("strategyConfig"), f"is for strategy {HYPERBAND}: remove it, or use that")
    limits = config.section("resourceLimits")
    most, parallel = limits.number("maxNumberOfTrainingJobs"), limits.number("maxParallelTrainingJobs")
    if most is not None and parallel is not None and parallel > most:
        message = f"must not be greater than maxNumberOfTrainingJobs, {most}"
        raise SpecError(limits.field("maxParallelTrainingJobs"), message)
    unlimited = most is None and not limits.has("maxRuntimeInSeconds")
    if unlimited and strategy != GRID and not section.has("autotune"):
        message = "is missing: say how many trials there may be, or for how long they may go on by maxRuntimeInSeconds"
        raise SpecError(limits.field("maxNumberOfTrainingJobs"), message)


def _complete_config(section: Section, config: Section) -> dict[str, Any]:
    complete = {"strategy": "Bayesian", **given(config)}
    if section.has(ONE) and config.has("parameterRanges"):
        is_script = section.section(ONE).has("source")
        complete["parameterRanges"] = complete_ranges(config.section("parameterRanges"), is_script=is_script)
    return complete


def _definitions(
    section: Section, config: Section, context: ResolveContext, *, file_systems_need_vpc: bool
) -> dict[str, Any]:
    own = {path: Section.of(values, f"{section.path}.{path}") for path, values in sections(section.values).items()}
    complete_one = partial(_definition, file_systems_need_vpc=file_systems_need_vpc)
    if section.has(ONE):
        definition = own[ONE]
        objective, ranges = config.section("hyperParameterTuningJobObjective"), config.section("parameterRanges")
        return {ONE: complete_one(definition, ONE, config, objective, ranges, context)}
    for key in ("hyperParameterTuningJobObjective", "parameterRanges"):
        if config.has(key):
            raise SpecError(config.field(key), f"goes into each of {SEVERAL}: move it there")
    _check_definition_names(list(own.values()))
    return {
        SEVERAL: [
            complete_one(
                definition,
                path,
                config,
                definition.section("tuningObjective"),
                definition.section("hyperParameterRanges"),
                context,
            )
            for path, definition in own.items()
        ]
    }


def _check_definition_names(definitions: list[Section]) -> None:
    seen: set[str] = set()
    for definition in definitions:
        name = definition.required_text("definitionName", hint=f"each of {SEVERAL} needs a name of its own")
        if name in seen:
            raise SpecError(definition.field("definitionName"), f'"{name}" is used twice: each needs its own name')
        seen.add(name)


def _definition(
    definition: Section,
    path: str,
    config: Section,
    objective: Section,
    ranges: Section,
    context: ResolveContext,
    *,
    file_systems_need_vpc: bool,
) -> dict[str, Any]:
    part = context.parts.get(path, Part())
    own = replace(
        context,
        source_uri=part.source_uri,
        environment=part.environment,
        role_arn=definition.text("roleArn") or context.role_arn,
        output_path=_output_path(definition, context),
    )
    request = _train(definition, own, file_systems_need_vpc=file_systems_need_vpc)
    _check_objective(definition, objective, request)
    _check_ranges(definition, config, ranges)
    complete = {key: value for key, value in request.items() if key not in _NOT_TUNING}
    if part.image and value_at(complete, _IMAGE) is not None:
        complete = with_value_at(complete, _IMAGE, part.image)
    complete |= {key: definition.values[key] for key in _NOT_TRAINING if definition.has(key)}
    if definition.has("hyperParameterRanges"):
        complete["hyperParameterRanges"] = complete_ranges(ranges, is_script=definition.has("source"))
    if definition.has(_INSTANCES):
        complete.pop("resourceConfig", None)
    if request.get("hyperParameters"):
        complete["staticHyperParameters"] = request["hyperParameters"]
    return complete


def _output_path(definition: Section, context: ResolveContext) -> str:
    path = definition.section("outputDataConfig").text("s3OutputPath") or context.output_path
    if path:
        return path
    raise SpecError(
        definition.field("outputDataConfig.s3OutputPath"),
        "No output path is given, and there is no default bucket: set it, or ask for buckets.default in the tenant "
        "policy.",
    )


def _train(definition: Section, context: ResolveContext, *, file_systems_need_vpc: bool) -> dict[str, Any]:
    """The definition, completed as the training job that it stands for."""
    spec = {
        key: value for key, value in definition.values.items() if key not in (*_NOT_TRAINING, "staticHyperParameters")
    }
    if definition.has("staticHyperParameters"):
        spec["hyperParameters"] = definition.values["staticHyperParameters"]
    if definition.has(_INSTANCES):
        if definition.has("resourceConfig"):
            raise SpecError(
                definition.field("resourceConfig"), f"is given together with {_INSTANCES}: keep one of them"
            )
        spec["resourceConfig"] = _first_instances(definition.section(_INSTANCES))
    try:
        request = training.resolve(
            spec, replace(context, tags={}), path=definition.path, file_systems_need_vpc=file_systems_need_vpc
        )
    except SpecError as error:
        field = error.field.replace(f"{definition.path}.hyperParameters", f"{definition.path}.staticHyperParameters")
        raise SpecError(field, error.message) from error
    if len(request.get("environment", {})) > MOST_VARIABLES:
        message = f"has {len(request['environment'])} variables, and a tuning job's trainings take {MOST_VARIABLES}"
        raise SpecError(definition.field("environment"), message)
    return request


def _first_instances(config: Section) -> dict[str, Any]:
    choices = config.sections("instanceConfigs")
    first = choices[0] if choices else config
    hint = "name an instance type, such as ml.m5.xlarge, or instanceConfigs"
    return {"instanceType": first.required_text("instanceType", hint=hint), "instanceCount": 1}


def _check_objective(definition: Section, objective: Section, request: Mapping[str, Any]) -> None:
    metric = objective.required_text("metricName", hint="name the metric to optimize, such as validation:accuracy")
    definitions = (request.get("algorithmSpecification") or {}).get("metricDefinitions") or ()
    found = [item.get("name") for item in definitions]
    level = level_of(definition)
    needs_one = level is Level.FRAMEWORK or (level is Level.OWN_IMAGE and (bool(found) or definition.has("source")))
    if needs_one and metric not in found:
        message = (
            f'lacks the objective "{metric}": SageMaker finds its value by a regular expression over the log, so add '
            f'{{name: "{metric}", regex: "{metric}=([0-9.]+)"}} or whatever your script prints'
        )
        raise SpecError(definition.field("algorithmSpecification.metricDefinitions"), message)


def _check_ranges(definition: Section, config: Section, ranges: Section) -> None:
    static = definition.section("staticHyperParameters")
    found = list(names(ranges))
    for name, item in found:
        if static.has(name):
            raise SpecError(item.field("name"), f'"{name}" is in staticHyperParameters, too: keep one')
    if not found:
        raise SpecError(ranges.path, "is empty: give a range for at least one hyperparameter")
    if config.text("strategy") == GRID:
        check_grid(ranges)


def _warm_start(section: Section, context: ResolveContext) -> dict[str, Any]:
    if not section.has("warmStartConfig"):
        return {}
    config = section.section("warmStartConfig")
    parents = list(context.parents) or [
        str(parent["hyperParameterTuningJobName"]) for parent in warm_start_parents(section.values)
    ]
    repeated = len(set(parents)) < len(parents)
    if repeated:
        raise SpecError(config.field("parentHyperParameterTuningJobs"), "names a parent twice: keep one")
    named = [{"hyperParameterTuningJobName": name} for name in parents]
    return {"warmStartConfig": {**given(config), "parentHyperParameterTuningJobs": named}}
