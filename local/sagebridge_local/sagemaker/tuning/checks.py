"""What CreateHyperParameterTuningJob refuses beyond its model; `docs/local-sagemaker.md` has the source of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.search import warm_start as parents
from sagebridge.core.search.definition import Definition
from sagebridge.core.search.definition import definitions as read_definitions
from sagebridge.core.search.hyperband import HYPERBAND, ResourceError, hyperband
from sagebridge.core.search.ranges import RangeError
from sagebridge.core.search.search import BAYESIAN, GRID

from sagebridge_local.sagemaker import errors, tags
from sagebridge_local.sagemaker.quotas import training_usages
from sagebridge_local.sagemaker.training import checks as training
from sagebridge_local.sagemaker.tuning.trial import TuningJob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.jobs.kind import Check, CreateCall

MOST_PARAMETERS: Final = 30
# https://github.com/aws/amazon-sagemaker-examples/issues/1207
NO_METRIC: Final = (
    "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric definitions."
)
_BUILT_IN_MARK: Final = "sagemaker_program"


def definitions(request: Mapping[str, Any]) -> tuple[Definition, ...]:
    """The training definitions of a CreateHyperParameterTuningJob request.

    Raises:
        ServiceError: ValidationException for ranges that can't be searched.
    """
    try:
        return read_definitions(request)
    except RangeError as error:
        raise errors.validation(str(error)) from error


def shape(call: CreateCall) -> None:
    """One training definition with the objective and the ranges in the configuration, or several with their own."""
    request, config = call.request, call.request["HyperParameterTuningJobConfig"]
    given = [name for name in ("TrainingJobDefinition", "TrainingJobDefinitions") if name in request]
    if len(given) != 1:
        raise errors.validation("Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be provided")
    if given[0] == "TrainingJobDefinition":
        if "HyperParameterTuningJobObjective" not in config:
            raise errors.validation("HyperParameterTuningJobObjective is required with TrainingJobDefinition")
        return
    misplaced = [name for name in ("HyperParameterTuningJobObjective", "ParameterRanges") if name in config]
    if misplaced:
        raise errors.validation(
            f"{misplaced[0]} can't be given with TrainingJobDefinitions: each has its own TuningObjective and "
            "HyperParameterRanges"
        )
    items = request["TrainingJobDefinitions"]
    names = [item.get("DefinitionName") for item in items]
    if None in names or len(set(names)) < len(names):
        raise errors.validation("Each of TrainingJobDefinitions needs a DefinitionName of its own")
    if any("TuningObjective" not in item for item in items):
        raise errors.validation("Each of TrainingJobDefinitions needs a TuningObjective")


def objectives(call: CreateCall) -> None:
    """The objective is a metric that the training reports."""
    for definition in definitions(call.request):
        specification = definition.request["AlgorithmSpecification"]
        metrics = [metric["Name"] for metric in specification.get("MetricDefinitions", ())]
        is_script = _BUILT_IN_MARK in definition.static
        if definition.metric not in metrics and (metrics or is_script):
            raise errors.validation(NO_METRIC)
    kinds = {definition.maximize for definition in definitions(call.request)}
    if len(kinds) > 1:
        raise errors.validation("All training job definitions must have the same objective type")


def search(call: CreateCall) -> None:
    """The strategy fits its ranges and the other settings."""
    config, found = call.request["HyperParameterTuningJobConfig"], definitions(call.request)
    for definition in found:
        _ranges(definition, call.request)
    strategy = config["Strategy"]
    if strategy == GRID and any(not item.values for definition in found for item in definition.parameters):
        raise errors.validation("Grid search supports only categorical parameter ranges")
    if strategy == HYPERBAND and config.get("TrainingJobEarlyStoppingType") == "Auto":
        raise errors.validation("TrainingJobEarlyStoppingType must be Off when the strategy is Hyperband")
    if "StrategyConfig" in config and strategy != HYPERBAND:
        raise errors.validation(f"StrategyConfig is for the strategy Hyperband, not for {strategy}")
    if strategy == HYPERBAND:
        for definition in found:
            _resources(config, definition)
    converges = config.get("TuningJobCompletionCriteria", {}).get("ConvergenceDetected", {})
    if converges.get("CompleteOnConvergence") == "Enabled" and strategy != BAYESIAN:
        raise errors.validation("ConvergenceDetected is supported with the strategy Bayesian only")


def _resources(config: Mapping[str, Any], definition: Definition) -> None:
    try:
        hyperband(config, definition)
    except ResourceError as error:
        raise errors.validation(str(error)) from error


def _ranges(definition: Definition, request: Mapping[str, Any]) -> None:
    if not definition.parameters:
        raise errors.validation("At least one hyperparameter range must be provided")
    if len(definition.parameters) > MOST_PARAMETERS and "Autotune" not in request:
        raise errors.validation(f"At most {MOST_PARAMETERS} hyperparameters can be searched")
    both = sorted({item.name for item in definition.parameters} & definition.static.keys())
    if both:
        raise errors.validation(f"Hyperparameters can't be both static and tunable: {', '.join(both)}")


def limits(call: CreateCall) -> None:
    """The number of trials is known, and there are as many combinations."""
    config = call.request["HyperParameterTuningJobConfig"]
    resources = config["ResourceLimits"]
    most = resources.get("MaxNumberOfTrainingJobs")
    combinations = sum(definition.combinations for definition in definitions(call.request))
    if config["Strategy"] == GRID:
        if most not in {None, int(combinations)}:
            raise errors.validation(
                f"MaxNumberOfTrainingJobs must be the number of combinations of a grid, {int(combinations)}, or absent"
            )
        return
    if most is None:
        if "Autotune" not in call.request and "MaxRuntimeInSeconds" not in resources:
            raise errors.validation("MaxNumberOfTrainingJobs or MaxRuntimeInSeconds must be provided in ResourceLimits")
        return
    if resources["MaxParallelTrainingJobs"] > most:
        raise errors.validation("MaxParallelTrainingJobs must not be greater than MaxNumberOfTrainingJobs")
    if combinations < most:
        # https://github.com/aws/amazon-sagemaker-operator-for-k8s/issues/123
        raise errors.validation(
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            f"combinations for the provided ranges [{float(combinations)}] must be equal or greater than the value of "
            f"MaxNumberOfJobs, [{most}]. Provide additional ranges."
        )


def trainings(call: CreateCall) -> None:
    """Each definition makes a training job that SageMaker would accept."""
    for definition in definitions(call.request):
        if "HyperParameterTuningResourceConfig" in definition.request and "ResourceConfig" in definition.request:
            raise errors.validation("ResourceConfig and HyperParameterTuningResourceConfig exclude each other")
        request = definition.training_request(name="trial", tuned={})
        for check in training.ALL:
            check(replace(call, request=request))


def warm_start(call: CreateCall) -> None:
    """Parents are there, have ended, and tune the same objective; identical ones the same data and algorithm."""
    config = call.request.get("WarmStartConfig")
    if config is None:
        return
    names = [parent.get("HyperParameterTuningJobName", "") for parent in config["ParentHyperParameterTuningJobs"]]
    if len(set(names)) < len(names):
        raise errors.validation("Parent hyperparameter tuning jobs must not be repeated")
    mine = definitions(call.request)
    try:
        parents.check_one(mine)
    except parents.ParentError as error:
        raise errors.validation(str(error)) from error
    for name in names:
        parent = call.table.find(name)
        if not parent.is_terminal:
            raise errors.validation(
                f"The parent hyperparameter tuning job {name} is {parent.status}: it must have ended"
            )
        if isinstance(parent, TuningJob):
            _fits(mine[0], parent, kind=config["WarmStartType"])


def _fits(mine: Definition, parent: TuningJob, *, kind: str) -> None:
    try:
        parents.check_fit(mine, parent.definitions[0], name=parent.name, kind=kind)
    except parents.ParentError as error:
        raise errors.validation(str(error)) from error


def request_tags(call: CreateCall) -> None:
    """Tag keys are unique and not reserved."""
    tags.check(call.request.get("Tags", []))


def capacity(call: CreateCall) -> None:
    """The account may use what one round of trials needs."""
    parallel: int = call.request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"]
    for definition in definitions(call.request):
        request = definition.training_request(name="trial", tuned={})
        call_limits = call.instance_limits
        for usage, asked in training_usages(request).items():
            if asked * parallel > call_limits.get(usage, float("inf")):
                raise errors.ServiceError(
                    errors.RESOURCE_LIMIT_EXCEEDED,
                    f"The account-level service limit '{usage}' is {call_limits[usage]} Instances, with current "
                    f"utilization of 0 Instances and a request delta of {asked * parallel} Instances. Please use AWS "
                    "Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, "
                    "contact AWS support to request an increase for this quota.",
                )


ALL: Final[tuple[Check, ...]] = (
    shape,
    objectives,
    search,
    limits,
    trainings,
    warm_start,
    request_tags,
    capacity,
)
