"""Conversion between manifests and the API."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sagebridge.schema.convert import ConversionError, from_request, from_response, rfc3339, to_request
from sagebridge.schema.model import UnknownOperationError, input_shape
from support.operations import OPERATIONS
from support.requests import manifests, requests, responses

THOROUGH = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.mark.parametrize("operation", OPERATIONS)
@THOROUGH
@given(data=st.data())
def test_requests_survive_the_manifest(operation: str, data: st.DataObject) -> None:
    request = data.draw(requests(operation))
    manifest = from_request(operation, request)
    assert to_request(operation, manifest) == request
    assert from_request(operation, to_request(operation, manifest)) == manifest
    assert json.loads(json.dumps(manifest)) == manifest


@pytest.mark.parametrize("operation", OPERATIONS)
@THOROUGH
@given(data=st.data())
def test_manifests_become_requests_that_botocore_accepts(operation: str, data: st.DataObject) -> None:
    request = to_request(operation, data.draw(manifests(operation)))
    report = ParamValidator().validate(request, input_shape(operation))
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("operation", OPERATIONS.values())
@THOROUGH
@given(data=st.data())
def test_responses_become_json(operation: str, data: st.DataObject) -> None:
    response = data.draw(responses(operation))
    status = from_response(operation, response | {"ResponseMetadata": {"HTTPStatusCode": 200}})
    assert json.loads(json.dumps(status, allow_nan=False)) == status
    assert len(status) == len(response)


@pytest.mark.parametrize(
    ("reason", "spec", "want"),
    [
        (
            "every number that JSON has, and booleans, in hyperparameters",
            {"hyperParameters": {"epochs": 3, "rate": 0.5, "tiny": 1e-07, "shuffle": True, "warm": False, "size": "9"}},
            {
                "HyperParameters": {
                    "epochs": "3",
                    "rate": "0.5",
                    "tiny": "1e-07",
                    "shuffle": "true",
                    "warm": "false",
                    "size": "9",
                }
            },
        ),
        ("the same in the environment", {"environment": {"DEBUG": True}}, {"Environment": {"DEBUG": "true"}}),
        (
            "keys of maps are data",
            {"hyperParameters": {"lowerCase": "a", "UpperCase": "b", "s3Uri": "c"}},
            {"HyperParameters": {"lowerCase": "a", "UpperCase": "b", "s3Uri": "c"}},
        ),
        (
            "leading acronyms deep inside",
            {
                "inputDataConfig": [
                    {"channelName": "train", "dataSource": {"s3DataSource": {"s3Uri": "s3://a/b", "s3DataType": "x"}}}
                ]
            },
            {
                "InputDataConfig": [
                    {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://a/b", "S3DataType": "x"}}}
                ]
            },
        ),
        (
            "a whole number that went through a float",
            {"resourceConfig": {"instanceCount": 2.0, "volumeSizeInGB": 30}},
            {"ResourceConfig": {"InstanceCount": 2, "VolumeSizeInGB": 30}},
        ),
        ("nothing", {}, {}),
    ],
)
def test_to_request(reason: str, spec: dict[str, Any], want: dict[str, Any]) -> None:
    assert to_request("CreateTrainingJob", spec) == want, reason


@pytest.mark.parametrize(
    ("reason", "spec", "path", "message"),
    [
        ("an unknown field", {"foo": 1}, "spec.foo", "remove it"),
        ("a misspelt field", {"hyperparameters": {}}, "spec.hyperparameters", "did you mean hyperParameters"),
        ("the API's own case", {"RoleArn": "x"}, "spec.RoleArn", "did you mean roleArn"),
        (
            "deep inside",
            {"inputDataConfig": [{"channelName": "a"}, {"chanelName": "b"}]},
            "spec.inputDataConfig[1].chanelName",
            "did you mean channelName",
        ),
        (
            "a string for a number",
            {"resourceConfig": {"instanceCount": "2"}},
            "spec.resourceConfig.instanceCount",
            "whole",
        ),
        (
            "a boolean for a number",
            {"resourceConfig": {"instanceCount": True}},
            "spec.resourceConfig.instanceCount",
            "",
        ),
        ("half an instance", {"resourceConfig": {"instanceCount": 0.5}}, "spec.resourceConfig.instanceCount", "whole"),
        ("a number for a string", {"roleArn": 5}, "spec.roleArn", "quotes"),
        ("a string for a boolean", {"enableNetworkIsolation": "yes"}, "spec.enableNetworkIsolation", "true or false"),
        ("an object for a list", {"tags": {"key": "a"}}, "spec.tags", "must be a list, not an object"),
        ("a string for a list", {"tags": "a"}, "spec.tags", "must be a list, not a string"),
        ("a list for an object", {"vpcConfig": []}, "spec.vpcConfig", "must be an object, not a list"),
        ("null", {"vpcConfig": None}, "spec.vpcConfig", "not null"),
        ("a list for a map", {"hyperParameters": ["a"]}, "spec.hyperParameters", "must be an object"),
        ("a nested hyperparameter", {"hyperParameters": {"a": {"b": 1}}}, "spec.hyperParameters[a]", "not an object"),
        ("a null hyperparameter", {"hyperParameters": {"a": None}}, "spec.hyperParameters[a]", "not null"),
        ("not a number", {"hyperParameters": {"a": float("nan")}}, "spec.hyperParameters[a]", "must be"),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_its_place(
    reason: str, spec: dict[str, Any], path: str, message: str
) -> None:
    with pytest.raises(ConversionError) as caught:
        to_request("CreateTrainingJob", spec)
    assert caught.value.path == path, reason
    assert message in caught.value.message, reason


def test_from_request_refuses_what_the_operation_does_not_have() -> None:
    with pytest.raises(ConversionError, match="VpcConfig"):
        from_request("CreateTrainingJob", {"VpcConfig": {"Nothing": 1}})


def test_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(UnknownOperationError, match="CreateNothing"):
        to_request("CreateNothing", {})


def test_from_response_takes_the_fields_asked_for() -> None:
    response = {
        "TrainingJobName": "a",
        "TrainingJobStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
        "SomethingNewerThanBotocore": 1,
    }
    fields = ["trainingJobStatus", "modelArtifacts", "failureReason"]
    assert from_response("DescribeTrainingJob", response, fields) == {
        "trainingJobStatus": "Completed",
        "modelArtifacts": {"s3ModelArtifacts": "s3://b/model.tar.gz"},
    }


def test_from_response_leaves_out_what_json_cannot_hold() -> None:
    metrics = [{"MetricName": "loss", "Value": float("nan")}, {"MetricName": "accuracy", "Value": 0.5}]
    status = from_response("DescribeTrainingJob", {"FinalMetricDataList": metrics})
    assert status == {
        "finalMetricDataList": [{"metricName": "loss"}, {"metricName": "accuracy", "value": 0.5}],
    }


@pytest.mark.parametrize(
    ("reason", "moment", "want"),
    [
        ("UTC", datetime(2030, 1, 31, 12, tzinfo=UTC), "2030-01-31T12:00:00Z"),
        ("another zone", datetime(2030, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))), "2030-01-31T10:00:00Z"),
        ("milliseconds", datetime(2030, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC), "2030-01-31T12:00:00.250Z"),
        ("less than a millisecond", datetime(2030, 1, 31, 12, 0, 0, 250, tzinfo=UTC), "2030-01-31T12:00:00Z"),
        ("the wire's seconds", 1_900_000_000.5, "2030-03-17T17:46:40.500Z"),
        ("a string already", "2030-01-31T12:00:00Z", "2030-01-31T12:00:00Z"),
    ],
)
def test_rfc3339(reason: str, moment: datetime | float | str, want: str) -> None:
    assert rfc3339(moment) == want, reason
