"""Shapes as structural schemas."""

from typing import Any

import pytest
from sagebridge.schema.openapi import request_schema, response_fields
from support.operations import OPERATIONS


def at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    for step in path.split("."):
        schema = schema["properties"][step.removesuffix("[]")]
        schema = schema["items"] if step.endswith("[]") else schema
    return schema


@pytest.mark.parametrize(
    ("reason", "operation", "path", "want"),
    [
        (
            "bounds, pattern and AWS's words",
            "CreateTrainingJob",
            "trainingJobName",
            {
                "description": "The name of the training job.",
                "type": "string",
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^(?:[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62})$",
            },
        ),
        (
            "an enum",
            "CreateTrainingJob",
            "algorithmSpecification.trainingInputMode",
            {"type": "string", "enum": ["Pipe", "File", "FastFile"]},
        ),
        (
            "instance types are no enum: AWS adds some every month",
            "CreateTrainingJob",
            "resourceConfig.instanceType",
            {"description": "The ML compute instance type.", "type": "string", "pattern": r"^ml\."},
        ),
        (
            "what else begins so is left alone",
            "CreateEndpointConfig",
            "productionVariants[].acceleratorType",
            {"type": "string"},
        ),
        (
            "a catalogue is no enum",
            "CreateCompilationJob",
            "outputConfig.targetDevice",
            {"type": "string"},
        ),
        (
            "an integer",
            "CreateTrainingJob",
            "resourceConfig.keepAlivePeriodInSeconds",
            {"type": "integer", "format": "int32", "minimum": 0, "maximum": 21600},
        ),
        ("a long", "CreateTrainingJob", "inputDataConfig[].shuffleConfig.seed", {"type": "integer", "format": "int64"}),
        (
            "a float",
            "CreateEndpointConfig",
            "productionVariants[].initialVariantWeight",
            {"type": "number", "minimum": 0},
        ),
        ("a boolean", "CreateTrainingJob", "enableNetworkIsolation", {"type": "boolean"}),
    ],
)
def test_request_schema(reason: str, operation: str, path: str, want: dict[str, Any]) -> None:
    schema = at(request_schema(operation), path)
    assert {key: schema.get(key) for key in want} == want, reason
    assert set(schema) <= {*want, "description"}, reason


@pytest.mark.parametrize(
    ("reason", "operation", "path", "want"),
    [
        ("channels have unique names", "CreateTrainingJob", "inputDataConfig", ("map", ["channelName"], 1, 20)),
        ("tags have unique keys", "CreateTransformJob", "tags", ("map", ["key"], None, 50)),
        ("subnets are a plain list", "CreateTrainingJob", "vpcConfig.subnets", ("atomic", None, 1, 16)),
        ("CEL needs a bound that AWS has not", "CreateInferenceRecommendationsJob", "", ()),
    ],
)
def test_lists(reason: str, operation: str, path: str, want: tuple[object, ...]) -> None:
    schema = request_schema(operation)
    if not path:
        assert all("maxItems" in found for found in walk(schema) if found.get("type") == "array"), reason
        return
    found = at(schema, path)
    keys = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "minItems", "maxItems")
    assert tuple(found.get(key) for key in keys) == want, reason


def walk(schema: dict[str, Any]) -> list[dict[str, Any]]:
    below = [*schema.get("properties", {}).values()]
    below += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return [schema, *(found for each in below for found in walk(each))]


def test_maps_of_strings_take_numbers_and_booleans_but_no_objects() -> None:
    schema = at(request_schema("CreateTrainingJob"), "hyperParameters")
    assert schema["maxProperties"] == 100
    assert schema["additionalProperties"] == {
        "x-kubernetes-preserve-unknown-fields": True,
        "maxProperties": 0,
        "maxItems": 0,
        "maxLength": 2500,
        "pattern": "^(?:.*)$",
    }


def test_required_members_but_for_those_with_a_sensible_answer() -> None:
    optional = {"trainingJobName", "inputDataConfig[].dataSource.s3DataSource.s3DataType"}
    schema = request_schema("CreateTrainingJob", optional=optional)
    assert schema["required"] == ["outputDataConfig", "roleArn"]
    assert at(schema, "inputDataConfig[]")["required"] == ["channelName", "dataSource"]
    assert at(schema, "inputDataConfig[].dataSource.s3DataSource")["required"] == ["s3Uri"]


@pytest.mark.parametrize("path", ["vpcConfig", "noSuchField", "inputDataConfig.channelName"])
def test_an_exception_that_names_nothing_required_is_an_error(path: str) -> None:
    with pytest.raises(ValueError, match=path):
        request_schema("CreateTrainingJob", optional={path})


def test_a_status_keeps_types_only() -> None:
    fields = response_fields("DescribeTrainingJob", ["trainingJobStatus", "finalMetricDataList", "creationTime"])
    status = fields["trainingJobStatus"]
    assert set(status) == {"type", "description"}, "a status that AWS adds later must fit"
    assert status["description"] == "The status of the training job."
    metric = fields["finalMetricDataList"]["items"]
    assert {name: field["type"] for name, field in metric["properties"].items()} == {
        "metricName": "string",
        "value": "number",
        "timestamp": "string",
    }
    assert "required" not in metric
    assert fields["creationTime"]["format"] == "date-time"


def test_a_status_field_that_describe_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="noSuchField"):
        response_fields("DescribeTrainingJob", ["noSuchField"])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_structural(operation: str) -> None:
    for schema in walk(request_schema(operation)):
        assert "type" in schema or schema.get("x-kubernetes-preserve-unknown-fields"), schema
        assert not ("properties" in schema and "additionalProperties" in schema), schema
