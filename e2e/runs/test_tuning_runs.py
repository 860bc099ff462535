"""The digits example, applied as it stands, is really searched: trials that train, a best one whose model is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import kubernetes
import yaml
from sagebridge_local.stack import OperatorProcess, Simulator
from support.tuning_jobs import TuningJobs

EXAMPLES = Path(__file__).parents[2] / "examples/digits"
BUCKET = "sagebridge-local"


def test_the_digits_example_finds_a_good_model(
    simulator: Callable[..., Simulator],
    operator: Callable[..., OperatorProcess],
    kube: kubernetes.client.ApiClient,
    namespace: str,
    tmp_path: Path,
) -> None:
    local = simulator()
    credentials = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}
    subprocess.run(
        [sys.executable, EXAMPLES / "data.py", f"s3://{BUCKET}/digits"],
        cwd=tmp_path,
        env=os.environ | credentials | {"AWS_ENDPOINT_URL": local.url, "AWS_DEFAULT_REGION": "us-east-1"},
        check=True,
    )
    operator(endpoint_url=local.url, environment={"SAGEBRIDGE_POLL_INTERVAL_SECONDS": "0.5"})
    code = {"metadata": {"name": "digits-code"}, "data": {"train.py": (EXAMPLES / "train.py").read_text()}}
    kubernetes.client.CoreV1Api(kube).create_namespaced_config_map(namespace, code)
    manifest = yaml.safe_load((EXAMPLES / "hptuningjob.yaml").read_text())
    objects = TuningJobs(kube, namespace)
    objects.create("digits-tuning", manifest["spec"])

    status = objects.wait_reason("digits-tuning", "Completed")["status"]

    assert status["trainingJobStatusCounters"]["completed"] == 8
    assert len(status["bestTrials"]) == 8
    best = status["best"]
    assert best["objectiveValue"] > 0.9
    assert best["staticHyperParameters"] == {"epochs": "10"}
    assert best["tunedHyperParameters"].keys() == {"learning-rate", "hidden-units", "batch-size"}
    bucket, key = status["modelArtifacts"]["s3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    assert local.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    trials = local.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=status["hyperParameterTuningJobName"]
    )["TrainingJobSummaries"]
    overlaps = max(
        sum(one["TrainingStartTime"] <= other["TrainingStartTime"] < one["TrainingEndTime"] for one in trials)
        for other in trials
    )
    assert overlaps <= 2
