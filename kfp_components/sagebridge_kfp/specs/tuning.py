"""A search for hyperparameters: from the inputs of `HPTuningJobOp` to the spec of an HPTuningJob."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Common, Inputs
from sagebridge_kfp.specs.origins import origins
from sagebridge_kfp.specs.training import definition, definition_origins
from sagebridge_kfp.specs.values import given
from sagebridge_kfp.specs.whole_spec import finish

KIND: Final = "HPTuningJob"

_SEARCH: Final = origins(
    hyperparameters="trainingJobDefinition.staticHyperParameters",
) + origins(
    "hyperParameterTuningJobConfig.",
    objective_metric="hyperParameterTuningJobObjective.metricName",
    objective_type="hyperParameterTuningJobObjective.type",
    strategy="strategy",
    max_jobs="resourceLimits.maxNumberOfTrainingJobs",
    max_parallel_jobs="resourceLimits.maxParallelTrainingJobs",
    integer_ranges="parameterRanges.integerParameterRanges",
    continuous_ranges="parameterRanges.continuousParameterRanges",
    categorical_ranges="parameterRanges.categoricalParameterRanges",
    early_stopping="trainingJobEarlyStoppingType",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Search(Inputs):
    """What is searched for, how, and for how long."""

    objective_metric: str
    objective_type: str
    strategy: str
    integer_ranges: Mapping[str, Any]
    continuous_ranges: Mapping[str, Any]
    categorical_ranges: Mapping[str, Any]
    max_jobs: int
    max_parallel_jobs: int
    early_stopping: bool


def tuning_spec(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec.

    Args:
        inputs: those of `HPTuningJobOp`, by name.

    Raises:
        InputError: one of them is wrong; names it.
    """
    common, search = Common.of(inputs), Search.of(inputs)
    overrides = common.spec_overrides
    if "trainingJobDefinitions" in overrides:
        # Several definitions bring objectives and ranges of their own.
        trials = {}
    else:
        trials = definition(inputs, overrides.get("trainingJobDefinition") or {})
        trials["staticHyperParameters"] = dict(inputs["hyperparameters"])
    spec = {
        "hyperParameterTuningJobConfig": _config(search, has_trials=bool(trials)),
        "trainingJobDefinition": given(trials),
    }
    made_of = (*_SEARCH, *definition_origins(inputs["channels"], "trainingJobDefinition."))
    return finish(KIND, spec, common, made_of=made_of, name=inputs["name"], retry_limit=inputs["retry_limit"])


def _config(search: Search, *, has_trials: bool) -> dict[str, Any]:
    limits = {"maxNumberOfTrainingJobs": search.max_jobs, "maxParallelTrainingJobs": search.max_parallel_jobs}
    objective = {"type": search.objective_type, "metricName": search.objective_metric} if has_trials else {}
    return given(
        {
            "strategy": search.strategy,
            "hyperParameterTuningJobObjective": objective,
            "resourceLimits": given(limits),
            "parameterRanges": _ranges(search),
            "trainingJobEarlyStoppingType": "Auto" if search.early_stopping else "",
        }
    )


def _ranges(search: Search) -> dict[str, Any]:
    return given(
        {
            "integerParameterRanges": _numbers(search.integer_ranges, "integer_ranges"),
            "continuousParameterRanges": _numbers(search.continuous_ranges, "continuous_ranges"),
            "categoricalParameterRanges": _choices(search.categorical_ranges),
        }
    )


def _numbers(ranges: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    return [_range(name, value, f"{field}.{name}") for name, value in ranges.items()]


def _range(name: str, value: Any, field: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        if not {"minValue", "maxValue"} <= value.keys():
            raise InputError(field, f"give [least, greatest], or minValue and maxValue in the object: it is {value!r}")
        return {"name": name, **value}
    if not isinstance(value, list | tuple) or len(value) not in {2, 3}:
        raise InputError(field, f"must be [least, greatest] or [least, greatest, scale], and is {value!r}")
    scale = {"scalingType": value[2]} if len(value) == 3 else {}
    return {"name": name, "minValue": value[0], "maxValue": value[1], **scale}


def _choices(ranges: Mapping[str, Any]) -> list[dict[str, Any]]:
    for name, values in ranges.items():
        if not isinstance(values, list | tuple) or not values:
            raise InputError(f"categorical_ranges.{name}", f"must be a list of the values to try, and is {values!r}")
    return [{"name": name, "values": list(values)} for name, values in ranges.items()]
