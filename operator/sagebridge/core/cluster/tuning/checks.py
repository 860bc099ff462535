"""What the API refuses of a search beyond its model, where no API is asked.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobConfig.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sagebridge.core.cluster.tuning.quotas import MOST_PARALLEL, MOST_PARAMETERS, MOST_TRIALS
from sagebridge.core.cluster.tuning.series import MOST_RESOURCE
from sagebridge.core.errors import SpecError
from sagebridge.core.search.hyperband import HYPERBAND, ResourceError, hyperband
from sagebridge.core.search.ranges import RangeError
from sagebridge.core.search.search import BAYESIAN, GRID

if TYPE_CHECKING:
    from sagebridge.core.cluster.tuning.record import Record

_CONFIG: Final = "spec.hyperParameterTuningJobConfig"
_LIMITS: Final = f"{_CONFIG}.resourceLimits"
_MOST: Final = f"{_LIMITS}.maxNumberOfTrainingJobs"


def check(record: Record) -> None:
    """Refuse a search that can't be carried out as it is asked for.

    Raises:
        SpecError: names the field, and what to do.
    """
    try:
        _check_ranges(record)
    except RangeError as error:
        raise SpecError(f"{_CONFIG}.parameterRanges", str(error)) from error
    _check_quotas(record)
    _check_combinations(record)
    if len({definition.maximize for definition in record.definitions}) > 1:
        message = "must be Maximize in all training job definitions, or Minimize in all"
        raise SpecError("spec.trainingJobDefinitions[].tuningObjective.type", message)
    _check_resources(record)
    converges = record.config.get("TuningJobCompletionCriteria", {}).get("ConvergenceDetected", {})
    if converges.get("CompleteOnConvergence") == "Enabled" and record.config["Strategy"] != BAYESIAN:
        field = f"{_CONFIG}.tuningJobCompletionCriteria.convergenceDetected"
        raise SpecError(field, f"is for strategy {BAYESIAN}: remove it, or use that")


def _check_ranges(record: Record) -> None:
    for definition in record.definitions:
        field = f"{_CONFIG}.parameterRanges"
        if definition.name:
            field = f"spec.trainingJobDefinitions[{definition.name}].hyperParameterRanges"
        if len(definition.parameters) > MOST_PARAMETERS:
            raise SpecError(field, f"must not be of more than {MOST_PARAMETERS} hyperparameters")
        numbers = [item.name for item in definition.parameters if not item.values]
        if record.config["Strategy"] == GRID and numbers:
            message = f"strategy {GRID} tries each combination of categorical ranges, and these are of numbers: "
            raise SpecError(field, f"{message}{', '.join(numbers)}. Give their values, or use another strategy")


def _check_quotas(record: Record) -> None:
    limits = record.config["ResourceLimits"]
    if limits["MaxParallelTrainingJobs"] > MOST_PARALLEL:
        raise SpecError(f"{_LIMITS}.maxParallelTrainingJobs", f"must not be greater than {MOST_PARALLEL}")
    if limits.get("MaxNumberOfTrainingJobs", 0) > MOST_TRIALS:
        raise SpecError(_MOST, f"must not be greater than {MOST_TRIALS}")
    if record.config["Strategy"] == GRID and record.combinations > MOST_TRIALS:
        message = (
            f"have {record.combinations:.0f} combinations, and a grid has at most {MOST_TRIALS}: give fewer values"
        )
        raise SpecError(f"{_CONFIG}.parameterRanges", message)


def _check_resources(record: Record) -> None:
    if record.config["Strategy"] != HYPERBAND:
        return
    field = f"{_CONFIG}.strategyConfig.hyperbandStrategyConfig"
    for definition in record.definitions:
        try:
            most = hyperband(record.config, definition).most
        except ResourceError as error:
            raise SpecError(field, str(error)) from error
        if most > MOST_RESOURCE:
            message = (
                f"must not be greater than {MOST_RESOURCE} with target: Cluster: no more values are kept of a trial"
            )
            raise SpecError(f"{field}.maxResource", message)


def _check_combinations(record: Record) -> None:
    most, combinations = record.config["ResourceLimits"].get("MaxNumberOfTrainingJobs"), record.combinations
    if most is None:
        return
    if record.config["Strategy"] == GRID and most != combinations:
        raise SpecError(_MOST, f"must be the number of combinations of the grid, {combinations:.0f}: or remove it")
    if combinations < most:
        message = f"must not be greater than {combinations:.0f}: there are no more combinations in the ranges"
        raise SpecError(_MOST, message)
