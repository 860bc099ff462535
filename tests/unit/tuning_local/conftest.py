"""Tuning jobs of a local SageMaker in this process, over a clock that only the test moves."""

import asyncio
import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest
from sagebridge_local.sagemaker import admin_api
from sagebridge_local.sagemaker.clock import ManualClock
from sagebridge_local.sagemaker.service import LocalSageMaker
from sagebridge_local.sagemaker.settings import ServerSettings

START = 1_800_000_000.0
METRIC = "validation:score"


class CallError(Exception):
    """A reply that is an error."""

    def __init__(self, *, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass
class Tuner:
    """Calls the service about tuning jobs."""

    service: LocalSageMaker

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        authorization = "AWS4-HMAC-SHA256 Credential=local/20270115/us-east-1/sagemaker/aws4_request, Signature=0"
        answer = asyncio.run(
            self.service.answer(operation=operation, body=json.dumps(request).encode(), authorization=authorization)
        )
        reply = json.loads(answer.reply.body)
        if answer.reply.status != 200:
            raise CallError(code=reply["__type"], message=reply.get("message", reply.get("Message")))
        return reply

    def refused(self, operation: str, **request: Any) -> CallError:
        with pytest.raises(CallError) as caught:
            self(operation, **request)
        return caught.value

    def create(self, request: dict[str, Any]) -> str:
        return self("CreateHyperParameterTuningJob", **request)["HyperParameterTuningJobArn"]

    def describe(self, name: str = "tune") -> dict[str, Any]:
        return self("DescribeHyperParameterTuningJob", HyperParameterTuningJobName=name)

    def children(self, name: str = "tune", **request: Any) -> list[dict[str, Any]]:
        request = {"HyperParameterTuningJobName": name, "MaxResults": 100} | request
        return self("ListTrainingJobsForHyperParameterTuningJob", **request)["TrainingJobSummaries"]

    def child(self, name: str) -> dict[str, Any]:
        return self("DescribeTrainingJob", TrainingJobName=name)

    def script(self, pattern: str, **script: Any) -> None:
        status, reply = admin_api.respond(
            self.service,
            method="POST",
            path=f"/_sagebridge/jobs/{pattern}/outcome",
            body=json.dumps(script).encode(),
        )
        assert status == 200, reply

    def advance(self, seconds: float) -> None:
        self.service.scheduler.advance(seconds)


def definition(**changes: Any) -> dict[str, Any]:
    given = {
        "StaticHyperParameters": {"epochs": "3"},
        "AlgorithmSpecification": {
            "TrainingImage": "image:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": METRIC, "Regex": "score=([0-9.]+)"}],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/training",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    return {key: value for key, value in (given | changes).items() if value is not None}


def request(name: str = "tune", *, trials: int | None = 6, parallel: int = 2, **config: Any) -> dict[str, Any]:
    """A request that maximizes its own continuous hyperparameter x; members of the configuration may be replaced."""
    limits = {"MaxParallelTrainingJobs": parallel} | ({} if trials is None else {"MaxNumberOfTrainingJobs": trials})
    given = {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": METRIC},
        "ResourceLimits": limits,
        "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
        "RandomSeed": 7,
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {key: value for key, value in (given | config).items() if value is not None},
        "TrainingJobDefinition": copy.deepcopy(definition()),
    }


@pytest.fixture
def make_tuner():
    def make(**settings: Any) -> Tuner:
        tuner = Tuner(LocalSageMaker(ServerSettings(lifecycle_only=True, **settings), clock=ManualClock(START)))
        tuner.script("*", seconds=60, metrics={METRIC: "x"})
        return tuner

    return make


@pytest.fixture
def tuner(make_tuner) -> Tuner:
    """A service whose training jobs take a minute and report their hyperparameter x as the objective."""
    return make_tuner()


@pytest.fixture
def request_of():
    return request


@pytest.fixture
def definition_of():
    return definition
