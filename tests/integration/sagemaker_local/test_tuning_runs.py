"""Tuning jobs whose trials really run: parallel processes, values from their logs, an early end for the hopeless."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from sagebridge_local.stack import Simulator

SCORES = 'for epoch in 1 2 3 4 5 6; do echo "score=$SM_HP_X;"; sleep {pause}; done; echo m > $SM_MODEL_DIR/model.txt'
COMMANDS = {
    "quick:*": ["/bin/sh", "-c", SCORES.format(pause=0), "sh"],
    "slow:*": ["/bin/sh", "-c", SCORES.format(pause=1), "sh"],
    "endless:*": ["/bin/sh", "-c", "while true; do sleep 0.2; done", "sh"],
}


@pytest.fixture(scope="module")
def running(tmp_path_factory, forked_simulator):
    directory = tmp_path_factory.mktemp("tuning")
    images = directory / "images.json"
    images.write_text(json.dumps(COMMANDS))
    arguments = ("--images", str(images), "--stop-grace", "1")
    simulator = Simulator.start(directory / "simulator", arguments=arguments, spawn=forked_simulator)
    simulator.make_bucket("tuning-bucket")
    yield simulator
    simulator.stop(grace=5)


@pytest.fixture
def client(running):
    return running.client("sagemaker")


def create(client, name, image, *, trials=4, **config):
    settings = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
        "RandomSeed": 3,
    }
    client.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=settings | config,
        TrainingJobDefinition={
            "AlgorithmSpecification": {
                "TrainingImage": f"{image}:1",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.e-]+);"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/training",
            "OutputDataConfig": {"S3OutputPath": "s3://tuning-bucket/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    )


def until_ended(client, name):
    while True:
        described = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if described["HyperParameterTuningJobStatus"] not in ("InProgress", "Stopping"):
            return described
        time.sleep(0.1)


def trials_of(client, name, **how):
    reply = client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **how)
    return reply["TrainingJobSummaries"]


def test_trials_run_and_the_best_leaves_its_model(running, client):
    create(client, "quick-tune", "quick")
    ended = until_ended(client, "quick-tune")
    assert ended["HyperParameterTuningJobStatus"] == "Completed"
    assert ended["TrainingJobStatusCounters"]["Completed"] == 4
    best = trials_of(client, "quick-tune", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")[0]
    assert best["TrainingJobName"] == ended["BestTrainingJob"]["TrainingJobName"]
    value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert value == pytest.approx(float(best["TunedHyperParameters"]["x"]))
    model = client.describe_training_job(TrainingJobName=best["TrainingJobName"])["ModelArtifacts"]["S3ModelArtifacts"]
    key = model.removeprefix("s3://tuning-bucket/")
    assert running.client("s3").head_object(Bucket="tuning-bucket", Key=key)["ContentLength"] > 0


def test_early_stopping_ends_real_trials(client):
    create(client, "early", "slow", trials=8, TrainingJobEarlyStoppingType="Auto")
    ended = until_ended(client, "early")
    assert ended["HyperParameterTuningJobStatus"] == "Completed"
    stopped = trials_of(client, "early", StatusEquals="Stopped")
    completed = trials_of(client, "early", StatusEquals="Completed")
    assert stopped
    assert len(stopped) + len(completed) == 8
    values = [trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for trial in (*completed, *stopped)]
    best = ended["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert best == max(values) == max(values[: len(completed)])


def test_stop_ends_the_processes_of_all_trials(client):
    create(client, "endless-tune", "endless")
    while {trial["TrainingJobStatus"] for trial in trials_of(client, "endless-tune")} != {"InProgress"}:
        time.sleep(0.05)
    client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="endless-tune")
    assert until_ended(client, "endless-tune")["HyperParameterTuningJobStatus"] == "Stopped"
    assert {trial["TrainingJobStatus"] for trial in trials_of(client, "endless-tune")} == {"Stopped"}
    client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="endless-tune")
    with pytest.raises(ClientError) as gone:
        client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="endless-tune")
    assert gone.value.response["Error"]["Code"] == "ResourceNotFound"
