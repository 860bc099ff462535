"""The same TrainingJob on SageMaker and on the cluster: it trains for real on either, and its status is the same."""

from __future__ import annotations

import json
from typing import Any

from node.jobs import Jobs, archive
from node.operator import Cloud

# What the two statuses differ in, and why (docs/cluster/README.md has the list for users).
TIMES = {
    "startTime",
    "completionTime",
    "creationTime",
    "trainingStartTime",
    "trainingEndTime",
    "trainingTimeInSeconds",
    "billableTimeInSeconds",
    "duration",
}
NAMES = {"trainingJobName", "trainingJobArn", "attempts", "modelArtifacts", "outputPath", "sourceUri"}
ONLY_SAGEMAKER = {"roleArn", "profilingStatus"}
DIFFERENT = {"logs", "image", "conditions"}


def test_the_digits_train_on_two_pods_as_on_two_instances(jobs: Jobs, cloud: Cloud) -> None:
    jobs.apply("here")
    jobs.apply("there", {"target": None, "cluster": None})
    here = jobs.wait_reason("here", "Completed", "JobFailed", "InvalidSpec")
    there = jobs.wait_reason("there", "Completed", "JobFailed", "InvalidSpec")

    assert jobs.reason("here") == "Completed", jobs.message("here")
    assert jobs.reason("there") == "Completed", jobs.message("there")
    assert comparable(here) == comparable(there)
    assert here.keys() - there.keys() <= {"logs"}
    assert there.keys() - here.keys() <= ONLY_SAGEMAKER | {"billableTimeInSeconds"}
    models = [archive(cloud, status["modelArtifacts"]["s3ModelArtifacts"]) for status in (here, there)]
    assert models[0].keys() == models[1].keys() == {"model.npz", "host-0.json", "host-1.json"}
    assert [json.loads(models[0][f"host-{rank}.json"]) for rank in (0, 1)] == [
        json.loads(models[1][f"host-{rank}.json"]) for rank in (0, 1)
    ]
    [accuracy] = here["finalMetricDataList"]
    assert accuracy["value"] > 0.9


def comparable(status: dict[str, Any]) -> dict[str, Any]:
    """A status without what has to differ; of times only that they are there."""
    kept = {key: value for key, value in status.items() if key not in TIMES | NAMES | ONLY_SAGEMAKER | DIFFERENT}
    kept["conditions"] = [(one["type"], one["status"], one["reason"]) for one in status["conditions"]]
    kept["attempts"] = [(one["number"], one["status"], one.get("reason")) for one in status["attempts"]]
    kept["secondaryStatusTransitions"] = [
        (one["status"], one["statusMessage"], set(one)) for one in status["secondaryStatusTransitions"]
    ]
    kept["finalMetricDataList"] = [(one["metricName"], one["value"]) for one in status["finalMetricDataList"]]
    kept["modelArtifacts"] = set(status["modelArtifacts"])
    return kept
