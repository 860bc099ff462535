"""Local SageMaker processes, called through boto3 as users do."""

import secrets
from typing import Any

import pytest
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import Simulator

from .studio import BUCKET, Studio


@pytest.fixture(scope="module")
def scripted(tmp_path_factory, forked_simulator) -> Simulator:
    """A server that follows scripts over a clock that only tests move; tests use names of their own."""
    arguments = ("--lifecycle-only", "--clock", "manual")
    running = Simulator.start(tmp_path_factory.mktemp("scripted"), arguments=arguments, spawn=forked_simulator)
    yield running
    running.stop(grace=5)


@pytest.fixture(scope="module")
def relayed(tmp_path_factory, forked_simulator) -> Simulator:
    """A server that other machines know as 198.18.0.1."""
    arguments = ("--lifecycle-only", "--host", "198.18.0.1")
    running = Simulator.start(tmp_path_factory.mktemp("relayed"), arguments=arguments, spawn=forked_simulator)
    yield running
    running.stop(grace=5)


@pytest.fixture
def admin(scripted) -> AdminClient:
    """The admin API, with no faults and fresh counters."""
    client = AdminClient(scripted.url)
    client.clear_faults()
    client.clear_calls()
    return client


@pytest.fixture
def client(scripted) -> Any:
    """A boto3 client without retries."""
    return scripted.client("sagemaker")


@pytest.fixture
def name() -> str:
    """A job name of the test's own."""
    return f"job-{secrets.token_hex(4)}"


@pytest.fixture
def training_request():
    """Makes a CreateTrainingJob request."""

    def make(name: str, **changes: Any) -> dict[str, Any]:
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": "local:1", "TrainingInputMode": "File"},
            "RoleArn": "arn:aws:iam::123456789012:role/training",
            "OutputDataConfig": {"S3OutputPath": "s3://training-bucket/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        } | changes

    return make


@pytest.fixture(scope="module")
def running(tmp_path_factory, forked_simulator) -> Simulator:
    """A server that really serves models, with the bucket of the studio."""
    simulator = Simulator.start(tmp_path_factory.mktemp("endpoints"), spawn=forked_simulator)
    simulator.make_bucket(BUCKET)
    yield simulator
    simulator.stop(grace=5)


@pytest.fixture
def studio(running) -> Studio:
    """Makes models and endpoints; the endpoints are gone afterwards."""
    made = Studio(running, f"t{secrets.token_hex(3)}")
    yield made
    made.settled() if made.sagemaker.list_endpoints(NameContains=made.prefix)["Endpoints"] else None
    for endpoint in made.sagemaker.list_endpoints(NameContains=made.prefix)["Endpoints"]:
        made.sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])
