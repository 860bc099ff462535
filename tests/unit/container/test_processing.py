"""What the container of a processing job is told about it, and what it may say in its end."""

import json
from typing import Any

import pytest
from sagebridge.core.container.processing import config_files, exit_message, hosts, local_paths

ARN = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/split"


def request(**config: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": "split",
        "AppSpecification": {"ImageUri": "split:1"},
        "ProcessingResources": {"ClusterConfig": {"VolumeSizeInGB": 30, **config}},
        "Tags": [{"Key": "a", "Value": "b"}],
    }


@pytest.mark.parametrize(
    ("reason", "config", "want"),
    [
        ("one", {"InstanceType": "ml.m5.large", "InstanceCount": 1}, ("algo-1",)),
        ("of the first preference", {"InstancePreferences": [{"InstanceCount": 2}, {}]}, ("algo-1", "algo-2")),
        ("of all preferences", {"InstancePreferences": [{}], "InstanceCount": 2}, ("algo-1", "algo-2")),
    ],
)
def test_hosts(reason: str, config: dict[str, Any], want: tuple[str, ...]) -> None:
    assert hosts(request(**config)) == want, reason


def test_ten_hosts_in_order_of_their_letters() -> None:
    assert hosts(request(InstanceCount=10))[:3] == ("algo-1", "algo-10", "algo-2")


def test_the_files_hold_the_request_without_what_is_nobodys_business() -> None:
    files = config_files(request(InstanceCount=2), arn=ARN, host="algo-2", hosts=["algo-1", "algo-2"])
    assert json.loads(files["processingjobconfig.json"]) == {
        "ProcessingJobArn": ARN,
        "ProcessingJobName": "split",
        "AppSpecification": {"ImageUri": "split:1"},
        "Environment": {},
        "ProcessingInputs": [],
        "ProcessingOutputConfig": {"Outputs": []},
        "ProcessingResources": {"ClusterConfig": {"VolumeSizeInGB": 30, "InstanceCount": 2}},
    }
    assert json.loads(files["resourceconfig.json"]) == {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}


def test_the_places_are_those_of_inputs_and_outputs_each_once() -> None:
    found = local_paths(
        {
            "ProcessingInputs": [
                {"InputName": "b", "S3Input": {"LocalPath": "/opt/ml/processing/b/"}},
                {"InputName": "own", "AppManaged": True, "S3Input": {}},
                {"InputName": "query", "DatasetDefinition": {}},
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "a", "S3Output": {"LocalPath": "/opt/ml/processing//a"}},
                    {"OutputName": "b", "S3Output": {"LocalPath": "/opt/ml/processing/b"}},
                    {"OutputName": "features", "FeatureStoreOutput": {}},
                ]
            },
        }
    )
    assert found == ("/opt/ml/processing/a", "/opt/ml/processing/b")


def test_no_places() -> None:
    assert local_paths(request()) == ()


@pytest.mark.parametrize(
    ("reason", "messages", "want"),
    [
        ("none", [b""], ""),
        ("of all hosts", [b"one ", b"two"], "one two"),
        ("a kilobyte", [b"x" * 2000], "x" * 1024),
        ("no half letters", [b"x" * 1023 + "é".encode()], "x" * 1023),
    ],
)
def test_exit_message(reason: str, messages: list[bytes], want: str) -> None:
    assert exit_message(messages) == want, reason


def test_a_message_that_is_no_text() -> None:
    with pytest.raises(UnicodeDecodeError):
        exit_message([b"\xff"])
