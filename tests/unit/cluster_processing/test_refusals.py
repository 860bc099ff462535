"""What the cluster can't do for a processing job is refused with the field's name and what to do."""

from collections.abc import Iterator
from typing import Any

import pytest
from sagebridge.core.cluster.processing import refusals
from sagebridge.core.cluster.refusals import Refusal
from sagebridge.core.errors import SpecError
from sagebridge.kinds.rules import asks
from sagebridge.schema.openapi import request_schema
from support.processing_jobs import spec

S3 = {"s3Uri": "s3://bucket/table/"}
FEATURES = {"outputName": "f", "appManaged": True, "featureStoreOutput": {"featureGroupName": "g"}}
ATHENA = {"inputName": "rows", "datasetDefinition": {"athenaDatasetDefinition": {"catalog": "c"}}}
ON = {"instanceType": "ml.m5.large"}
KEPT = {
    "processingInputs[].inputName",
    "processingInputs[].appManaged",
    "processingInputs[].s3Input.s3Uri",
    "processingInputs[].s3Input.localPath",
    "processingInputs[].s3Input.s3DataType",
    "processingInputs[].s3Input.s3DataDistributionType",
    "processingOutputConfig.outputs[].outputName",
    "processingOutputConfig.outputs[].appManaged",
    "processingOutputConfig.outputs[].s3Output.s3Uri",
    "processingOutputConfig.outputs[].s3Output.localPath",
    "processingOutputConfig.outputs[].s3Output.s3UploadMode",
    "processingOutputConfig.kmsKeyId",
    "processingJobName",
    "processingResources.clusterConfig.instanceCount",
    "processingResources.clusterConfig.instanceType",
    "processingResources.clusterConfig.volumeSizeInGB",
    "stoppingCondition.maxRuntimeInSeconds",
    "appSpecification.imageUri",
    "appSpecification.containerEntrypoint",
    "appSpecification.containerArguments",
    "environment",
    "roleArn",
    "tags[].key",
    "tags[].value",
}
ANSWERS = {f"processingResources.clusterConfig.selectedInstance{what}" for what in ("Type", "Count")}
"""Refused wherever the job runs."""

_INPUTS, _OUTPUTS = "spec.processingInputs", "spec.processingOutputConfig.outputs"


def inputs(*s3_inputs: dict[str, Any]) -> dict[str, Any]:
    return {"processingInputs": [{"inputName": f"i{n}", "s3Input": S3 | each} for n, each in enumerate(s3_inputs)]}


def outputs(*items: dict[str, Any]) -> dict[str, Any]:
    return {"processingOutputConfig": {"outputs": list(items)}}


@pytest.mark.parametrize(
    ("reason", "change", "field"),
    [
        ("a VPC", {"networkConfig": {"vpcConfig": {"subnets": ["s"]}}}, "spec.networkConfig.vpcConfig"),
        (
            "isolation",
            {"networkConfig": {"enableNetworkIsolation": True}},
            "spec.networkConfig.enableNetworkIsolation",
        ),
        (
            "encryption between hosts",
            {"networkConfig": {"enableInterContainerTrafficEncryption": True}},
            "spec.networkConfig.enableInterContainerTrafficEncryption",
        ),
        ("a service", {"experimentConfig": {"experimentName": "x"}}, "spec.experimentConfig"),
        (
            "a key for volumes",
            {"processingResources": {"clusterConfig": ON | {"volumeKmsKeyId": "k"}}},
            "spec.processingResources.clusterConfig.volumeKmsKeyId",
        ),
        (
            "several instance types",
            {"processingResources": {"clusterConfig": {"instancePreferences": [ON]}}},
            "spec.processingResources.clusterConfig.instancePreferences",
        ),
        (
            "a query",
            {"processingInputs": [{"inputName": "i", "s3Input": S3}, ATHENA]},
            f"{_INPUTS}[1].datasetDefinition",
        ),
        ("pipes", inputs({}, {"s3InputMode": "Pipe"}), f"{_INPUTS}[1].s3Input.s3InputMode"),
        (
            "pipes come before what goes with them",
            inputs({"s3InputMode": "Pipe", "s3CompressionType": "Gzip"}),
            f"{_INPUTS}[0].s3Input.s3InputMode",
        ),
        ("unpacking", inputs({"s3CompressionType": "Gzip"}), f"{_INPUTS}[0].s3Input.s3CompressionType"),
        ("a feature store", outputs({"outputName": "o"}, FEATURES), f"{_OUTPUTS}[1].featureStoreOutput"),
        (
            "a path that no volume can have",
            inputs({"localPath": "/opt/ml/processing/a:b"}),
            f"{_INPUTS}[0].s3Input.localPath",
        ),
        (
            "nor an output's",
            outputs({"outputName": "o", "s3Output": S3 | {"localPath": "/opt/ml/processing/a:b"}}),
            f"{_OUTPUTS}[0].s3Output.localPath",
        ),
        ("a web address", inputs({"s3Uri": "https://bucket.s3.amazonaws.com/a"}), f"{_INPUTS}[0].s3Input.s3Uri"),
        (
            "an output's",
            outputs({"outputName": "o", "s3Output": {"s3Uri": "https://bucket.s3.amazonaws.com/a"}}),
            f"{_OUTPUTS}[0].s3Output.s3Uri",
        ),
    ],
)
def test_refused(reason: str, change: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        refusals.check(spec(**change))
    assert caught.value.field == field, reason


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("the least", {}),
        (
            "switches that are off",
            {"networkConfig": {"enableNetworkIsolation": False, "enableInterContainerTrafficEncryption": False}},
        ),
        ("the defaults by name", inputs({"s3InputMode": "File", "s3CompressionType": "None"})),
        ("a manifest in shares", inputs({"s3DataType": "ManifestFile", "s3DataDistributionType": "ShardedByS3Key"})),
        ("what the container fetches itself", {"processingInputs": [{"inputName": "i", "appManaged": True}]}),
        (
            "what it fetches from anywhere",
            {"processingInputs": [{"inputName": "i", "appManaged": True, "s3Input": {"s3Uri": "https://host/a"}}]},
        ),
        ("a key for outputs", {"processingOutputConfig": {"outputs": [{"outputName": "o"}], "kmsKeyId": "k"}}),
        ("fields that say nothing", {"processingInputs": None, "networkConfig": {}, "processingOutputConfig": {}}),
    ],
)
def test_accepted(reason: str, change: dict[str, Any]) -> None:
    refusals.check(spec(**change))


@pytest.mark.parametrize("refusal", refusals.REFUSALS, ids=lambda refusal: refusal.field)
def test_each_field_is_one_of_the_request(refusal: Refusal) -> None:
    schema = request_schema("CreateProcessingJob")
    for key in refusal.field.split("."):
        schema = schema["properties"][key.removesuffix("[]")]
        schema = schema["items"] if key.endswith("[]") else schema

    assert schema


def test_whoever_adds_a_member_to_the_request_has_to_decide_about_it() -> None:
    """Each is refused, brought or kept by the agent, or of the Job itself: none may be passed over."""
    refused = {refusal.field for refusal in refusals.REFUSALS}
    passed = {path for path in members(request_schema("CreateProcessingJob")) if not refused & {path, *above(path)}}
    assert passed == KEPT | ANSWERS


def members(schema: dict[str, Any], at: str = "") -> Iterator[str]:
    """The paths of all that has no members of its own."""
    if "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from members(inner, f"{at}.{name}".removeprefix("."))
    elif "properties" in schema.get("items", {}):
        yield from members(schema["items"], f"{at}[]")
    else:
        yield at


def above(path: str) -> set[str]:
    """The paths of what a member is in."""
    names = path.split(".")
    wholes = {".".join(names[:depth]) for depth in range(1, len(names))}
    return wholes | {whole.removesuffix("[]") for whole in wholes}


@pytest.mark.parametrize(
    ("reason", "refusal", "rule"),
    [
        ("given at all", Refusal(field="a.b", why=""), "self.?a.?b.hasValue()"),
        ("switched on", Refusal(field="a", why="", unless=False), "self.?a.orValue(false)"),
        (
            "another word than the default",
            Refusal(field="a", why="", unless="File"),
            "self.?a.orValue('File') != 'File'",
        ),
        (
            "of any item of a list",
            Refusal(field="a.b[].c.d", why=""),
            "has(self.a) && has(self.a.b) && self.a.b.exists(each, each.?c.?d.hasValue())",
        ),
    ],
)
def test_how_admission_asks(reason: str, refusal: Refusal, rule: str) -> None:
    assert asks(refusal) == rule, reason
