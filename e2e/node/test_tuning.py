"""A search for hyperparameters on the cluster, whose trials really train."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from node.jobs import EXAMPLE, SMALL, Jobs, changed
from node.training_image import training_image

TUNING = {
    "strategy": "Random",
    "randomSeed": 7,
    "hyperParameterTuningJobObjective": {"type": "Maximize", "metricName": "validation:accuracy"},
    "resourceLimits": {"maxNumberOfTrainingJobs": 3, "maxParallelTrainingJobs": 2},
    "parameterRanges": {
        "continuousParameterRanges": [{"name": "learning-rate", "minValue": "0.01", "maxValue": "0.5"}]
    },
}
ONLY_A_JOB_S = ("target", "cluster", "hyperParameters")


def test_three_trials_and_the_best_of_them(jobs: Jobs) -> None:
    jobs.node.apply(manifest("search"), namespace=jobs.namespace)

    jobs.node.wait_for("the search has ended", lambda: ready(jobs) in ("Completed", "JobFailed", "InvalidSpec"))
    status = jobs.node.get("hptuningjobs.sagebridge.io", "search", namespace=jobs.namespace)["status"]
    assert ready(jobs) == "Completed", yaml.safe_dump(status)
    listed = jobs.node.kubectl("get", "tj", f"--namespace={jobs.namespace}", "--output=json")
    trials = {trial["metadata"]["name"]: trial["status"] for trial in json.loads(listed)["items"]}
    values = {name: trial["finalMetricDataList"][0]["value"] for name, trial in trials.items()}
    best = status["bestTrainingJob"]
    assert len(trials) == 3
    assert status["trainingJobStatusCounters"]["completed"] == 3
    assert best["finalHyperParameterTuningJobObjectiveMetric"]["value"] == max(values.values())
    assert values[best["trainingJobName"]] == max(values.values())


EARLY = TUNING | {
    "strategy": "Grid",
    "trainingJobEarlyStoppingType": "Auto",
    "resourceLimits": {"maxParallelTrainingJobs": 2},
    "parameterRanges": {"categoricalParameterRanges": [{"name": "level", "values": ["0.9", "0.8", "0.1"]}]},
}
LEVELS = """
import json, os, time
level = float(json.loads(os.environ["SM_HPS"])["level"])
for epoch in range(200 if level > 0.5 else 100000):
    print(f"validation:accuracy={level}", flush=True)
    time.sleep(0 if level > 0.5 else 5)
"""
"""Shows how good it is at once, and often; what is no good goes on for a week."""


def test_a_trial_that_falls_behind_is_stopped_while_it_runs(jobs: Jobs) -> None:
    jobs.put_code(LEVELS)
    jobs.node.apply(manifest("search", EARLY), namespace=jobs.namespace)

    jobs.node.wait_for("the search has ended", lambda: ready(jobs) in ("Completed", "JobFailed", "InvalidSpec"))
    status = jobs.node.get("hptuningjobs.sagebridge.io", "search", namespace=jobs.namespace)["status"]
    assert ready(jobs) == "Completed", yaml.safe_dump(status)
    listed = jobs.node.kubectl("get", "tj", f"--namespace={jobs.namespace}", "--output=json")
    [stopped] = [one for one in json.loads(listed)["items"] if one["spec"]["runPolicy"].get("suspend")]
    said = json.loads(stopped["metadata"]["annotations"]["sagebridge.io/stopped-early"])
    assert float(stopped["spec"]["hyperParameters"]["level"]) == 0.1
    assert (said["by"], said["value"]) == ("MedianRule", 0.1)
    assert stopped["status"]["trainingJobStatus"] == "Stopped"
    assert stopped["status"]["finalMetricDataList"][0]["value"] == 0.1
    assert status["trainingJobStatusCounters"]["stopped"] == 1
    assert status["trainingJobStatusCounters"]["completed"] == 2
    assert status["objectiveStatusCounters"]["succeeded"] == 3
    assert status["best"]["objectiveValue"] == 0.9


def manifest(name: str, tuning: Mapping[str, object] = TUNING) -> dict[str, object]:
    """The example's job as the definition of a search, on one host for each trial."""
    spec = yaml.safe_load(EXAMPLE.read_text())["spec"]
    definition = changed(
        {key: value for key, value in spec.items() if key not in ONLY_A_JOB_S},
        {"resourceConfig": {"instanceCount": 1}, "staticHyperParameters": {"epochs": "5"}},
    )
    cluster = changed(spec["cluster"], {"image": training_image().name, "resources": SMALL})
    return {
        "apiVersion": "sagebridge.io/v1alpha1",
        "kind": "HPTuningJob",
        "metadata": {"name": name},
        "spec": {
            "target": "Cluster",
            "cluster": cluster,
            "hyperParameterTuningJobConfig": dict(tuning),
            "trainingJobDefinition": definition,
        },
    }


def ready(jobs: Jobs) -> str:
    """Why the search is Ready or not."""
    found = jobs.node.get("hptuningjobs.sagebridge.io", "search", namespace=jobs.namespace)
    conditions = found.get("status", {}).get("conditions", [])
    return str(next((one["reason"] for one in conditions if one["type"] == "Ready"), ""))
