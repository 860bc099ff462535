"""HPTuningJob specs to start from."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes

from support.jobs import IMAGE, Jobs

METRIC = "validation:score"


def definition(**changes: Any) -> dict[str, Any]:
    """A small valid training definition; `changes` replace its fields, None removes one."""
    fields = {
        "algorithmSpecification": {
            "trainingImage": IMAGE,
            "metricDefinitions": [{"name": METRIC, "regex": "score=([0-9.]+)"}],
        },
        "staticHyperParameters": {"epochs": 3},
        "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def spec(*, config: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A small valid spec that maximizes its own hyperparameter x; `changes` replace its fields, None removes one."""
    settings = {
        "strategy": "Bayesian",
        "hyperParameterTuningJobObjective": {"type": "Maximize", "metricName": METRIC},
        "resourceLimits": {"maxNumberOfTrainingJobs": 4, "maxParallelTrainingJobs": 2},
        "parameterRanges": {"continuousParameterRanges": [{"name": "x", "minValue": 0, "maxValue": 0.5}]},
        "randomSeed": 7,
    } | (config or {})
    fields = {
        "hyperParameterTuningJobConfig": {key: value for key, value in settings.items() if value is not None},
        "trainingJobDefinition": definition(),
    } | changes
    return copy.deepcopy({name: value for name, value in fields.items() if value is not None})


class TuningJobs(Jobs):
    """The HPTuningJobs of one namespace."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        super().__init__(client, namespace, kind="HPTuningJob", plural="hptuningjobs")

    def make(self, name: str = "tune", **changes: Any) -> dict[str, Any]:
        """Make one from `spec`."""
        return self.create(name, spec(**changes))
