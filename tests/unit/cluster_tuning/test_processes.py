"""MPI starts as many processes in a trial's pods as they have accelerators."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.cluster.tuning.request import resolve, with_processes
from sagebridge.core.resolution import Part
from sagebridge.schema.convert import to_request
from support.cluster_tuning import cluster_spec
from support.tuning_jobs import METRIC, definition

from .searches import context

PROCESSES = "sagemaker_mpi_num_of_processes_per_host"
OUTPUT = {"s3OutputPath": "s3://bucket/tune"}
OWN = {
    "tuningObjective": {"type": "Maximize", "metricName": METRIC},
    "hyperParameterRanges": {"integerParameterRanges": [{"name": "x", "minValue": 1, "maxValue": 99}]},
}


def script(distribution: str, **changes: Any) -> dict[str, Any]:
    """A definition that runs a script; the metric is the one that images of one's own have."""
    own = definition()["algorithmSpecification"]
    framework = {"name": "pytorch", "version": "2.3", "distribution": distribution}
    return definition(
        **{
            "framework": framework,
            "source": {"entryPoint": "train.py", "s3Uri": "s3://bucket/code.tar.gz"},
            "algorithmSpecification": {"metricDefinitions": own["metricDefinitions"]},
            "resourceConfig": {"instanceType": "ml.g5.12xlarge"},
            "outputDataConfig": OUTPUT,
        }
        | changes
    )


def resolved(spec: dict[str, Any], *paths: str) -> tuple[dict[str, Any], list[int]]:
    """The request, and which definitions' processes are to be counted."""
    made = resolve(spec, context(parts={path: Part() for path in paths}))
    cluster = made.pop("cluster")
    return to_request("CreateHyperParameterTuningJob", made), cluster["countsProcesses"]


@pytest.mark.parametrize(
    ("reason", "one", "counted", "processes"),
    [
        ("by MPI", script("mpi"), [0], "2"),
        ("the manifest says how many", script("mpi", staticHyperParameters={PROCESSES: 3}), [], "3"),
        ("by torchrun", script("torchrun"), [], None),
        ("an image of one's own", definition(outputDataConfig=OUTPUT), [], None),
    ],
)
def test_one_definition(reason: str, one: dict[str, Any], counted: list[int], processes: str | None) -> None:
    request, found = resolved(cluster_spec(trainingJobDefinition=one), "trainingJobDefinition")
    assert found == counted, reason
    for index in found:
        request = with_processes(request, index, count=2)
    assert request["TrainingJobDefinition"]["StaticHyperParameters"].get(PROCESSES) == processes


def test_of_several_definitions_only_those_that_say_nothing() -> None:
    spec = cluster_spec(
        config={"hyperParameterTuningJobObjective": None, "parameterRanges": None},
        trainingJobDefinition=None,
        trainingJobDefinitions=[
            script("mpi", definitionName="a", staticHyperParameters={PROCESSES: 3}, **OWN),
            script("mpi", definitionName="b", **OWN),
        ],
    )
    request, counted = resolved(spec, "trainingJobDefinitions[0]", "trainingJobDefinitions[1]")
    assert counted == [1]
    request = with_processes(request, 1, count=2)
    texts = [one["StaticHyperParameters"][PROCESSES] for one in request["TrainingJobDefinitions"]]
    assert texts == ["3", "2"]
