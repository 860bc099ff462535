"""A tuning job's request as its training definitions see it, however it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.search.ranges import Parameter, parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

OBJECTIVE_PARAMETER: Final = "_tuning_objective_metric"
_COPIED: Final = (
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
    "RoleArn",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One way to train.

    Attributes:
        name: its DefinitionName; empty for the only one.
        request: its TrainingJobDefinition.
        metric: the objective's name.
        maximize: whether more of it is better.
        parameters: what is searched for.
    """

    name: str
    request: Mapping[str, Any]
    metric: str
    maximize: bool
    parameters: tuple[Parameter, ...]

    @property
    def combinations(self) -> float:
        """How many different trials there are."""
        product = 1.0
        for parameter in self.parameters:
            product *= parameter.count
        return product

    @property
    def objective(self) -> dict[str, str]:
        """The objective's MetricDefinition."""
        given = self._algorithm()["MetricDefinitions"]
        found = next((one for one in given if one["Name"] == self.metric), None)
        return dict(found or {"Name": self.metric, "Regex": built_in_regex(self.metric)})

    @property
    def static(self) -> Mapping[str, str]:
        """The hyperparameters that are the same for all trials."""
        given: Mapping[str, str] = self.request.get("StaticHyperParameters", {})
        return given

    def training_request(self, *, name: str, tuned: Mapping[str, str]) -> dict[str, Any]:
        """The CreateTrainingJob request of a trial."""
        request = {member: self.request[member] for member in _COPIED if member in self.request}
        return request | {
            "TrainingJobName": name,
            "AlgorithmSpecification": self._algorithm(),
            "ResourceConfig": self.resources(),
            "HyperParameters": {**self.static, **tuned, OBJECTIVE_PARAMETER: self.metric},
        }

    def _algorithm(self) -> dict[str, Any]:
        """The AlgorithmSpecification; a built-in algorithm knows how it logs its metrics, as on AWS."""
        given = dict(self.request["AlgorithmSpecification"])
        if not given.get("MetricDefinitions"):
            given["MetricDefinitions"] = [{"Name": self.metric, "Regex": built_in_regex(self.metric)}]
        return given

    def resources(self) -> dict[str, Any]:
        """The trials' ResourceConfig; of several instance configurations the first, which has priority."""
        given = self.request.get("HyperParameterTuningResourceConfig")
        if given is None:
            return dict(self.request.get("ResourceConfig", {}))
        resources = {
            member: value for member, value in given.items() if member not in {"AllocationStrategy", "InstanceConfigs"}
        }
        return resources | dict(given["InstanceConfigs"][0]) if given.get("InstanceConfigs") else resources


def built_in_regex(metric: str) -> str:
    """How a built-in algorithm logs a metric such as validation:rmse: `validation-rmse:0.5`, `validation rmse=0.5`.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html (predefined metrics)
    """
    words = "[-: ]".join(re.escape(word) for word in metric.split(":"))
    return rf"{words}[^0-9=:]*[=:]\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"


def definitions(request: Mapping[str, Any]) -> tuple[Definition, ...]:
    """The training definitions of a CreateHyperParameterTuningJob request.

    Raises:
        sagebridge.core.search.ranges.RangeError: ranges that can't be searched.
    """
    config = request.get("HyperParameterTuningJobConfig", {})
    if "TrainingJobDefinition" in request:
        objective, ranges = config.get("HyperParameterTuningJobObjective"), config.get("ParameterRanges", {})
        return (_definition(request["TrainingJobDefinition"], objective, ranges),)
    return tuple(
        _definition(item, item.get("TuningObjective"), item.get("HyperParameterRanges", {}))
        for item in request.get("TrainingJobDefinitions", ())
    )


def _definition(
    request: Mapping[str, Any], objective: Mapping[str, str] | None, ranges: Mapping[str, Any]
) -> Definition:
    return Definition(
        name=request.get("DefinitionName", ""),
        request=request,
        metric=(objective or {}).get("MetricName", ""),
        maximize=(objective or {}).get("Type") == "Maximize",
        parameters=parameters(ranges),
    )
