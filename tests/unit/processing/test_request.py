"""What a spec becomes: defaults, script mode, and nothing but the request's members."""

from typing import Any

import pytest
from sagebridge.core.processing import resolve
from sagebridge.core.processing.script import ENDINGS, entrypoint
from sagebridge.schema.convert import to_request

from tests.unit.processing.jobs import (
    IMAGE,
    athena,
    context,
    on,
    output,
    outputs,
    own_image,
    s3_input,
    script,
)


def test_least_manifest_becomes_a_whole_request() -> None:
    assert resolve(own_image(), context()) == {
        "processingJobName": "team-a-split-abc",
        "roleArn": "arn:aws:iam::123456789012:role/training",
        "appSpecification": {"imageUri": IMAGE},
        "processingResources": {
            "clusterConfig": {"instanceType": "ml.m5.xlarge", "instanceCount": 1, "volumeSizeInGB": 30}
        },
        "stoppingCondition": {"maxRuntimeInSeconds": 86400},
        "tags": [{"key": "sagebridge.io/uid", "value": "u"}],
    }


def test_a_script_comes_as_an_input_and_is_started_by_the_entrypoint() -> None:
    spec = script(appSpecification={"containerArguments": ["--share", "0.2"]}, processingInputs=[s3_input()])
    request = resolve(spec, context())
    application = request["appSpecification"]
    assert application["imageUri"] == (
        "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    )
    assert application["containerEntrypoint"] == entrypoint("split.py")
    assert application["containerArguments"] == ["--share", "0.2"]
    assert [item["inputName"] for item in request["processingInputs"]] == ["table", "code"]
    assert request["processingInputs"][1]["s3Input"] == {
        "s3Uri": "s3://code/sourcedir.tar.gz",
        "localPath": "/opt/ml/processing/input/code",
        "s3DataType": "S3Prefix",
        "s3InputMode": "File",
        "s3DataDistributionType": "FullyReplicated",
        "s3CompressionType": "None",
    }
    assert not {"framework", "source"} & request.keys()


def test_a_packed_config_map_is_the_code() -> None:
    spec = script(source={"entryPoint": "split.py", "configMap": {"name": "code"}})
    request = resolve(spec, context(source_uri="s3://default/packed/sourcedir.tar.gz"))
    assert request["processingInputs"][0]["s3Input"]["s3Uri"] == "s3://default/packed/sourcedir.tar.gz"


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_word_of_the_entrypoint_is_one_short_line(ending: str) -> None:
    words = entrypoint(f"a{ending}")
    assert all(len(word) <= 256 and "\n" not in word for word in words)
    assert words[3:] == [f"a{ending}"]


def test_gpu_image_for_a_gpu_instance() -> None:
    spec = script(framework={"name": "pytorch", "version": "2.3"}) | on(instanceType="ml.g5.xlarge")
    assert "pytorch-training:2.3-gpu-py311" in resolve(spec, context())["appSpecification"]["imageUri"]


def test_first_preference_decides_about_the_image() -> None:
    preferences = [{"instanceType": "ml.g5.xlarge", "instanceCount": 2}, {"instanceType": "ml.m5.xlarge"}]
    config = {"clusterConfig": {"instancePreferences": preferences}}
    spec = script(framework={"name": "pytorch", "version": "2.3"}, processingResources=config)
    request = resolve(spec, context())
    assert "-gpu-" in request["appSpecification"]["imageUri"]
    assert request["processingResources"]["clusterConfig"] == {"instancePreferences": preferences, "volumeSizeInGB": 30}


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
        (
            "defaults",
            s3_input(),
            {
                "s3Uri": "s3://bucket/table/",
                "s3DataType": "S3Prefix",
                "s3InputMode": "File",
                "s3DataDistributionType": "FullyReplicated",
                "localPath": "/opt/ml/processing/input/table",
            },
        ),
        (
            "what is given holds",
            s3_input(
                localPath="/opt/ml/processing/x/",
                s3DataType="ManifestFile",
                s3InputMode="Pipe",
                s3CompressionType="Gzip",
                s3DataDistributionType="ShardedByS3Key",
            ),
            {
                "s3Uri": "s3://bucket/table/",
                "s3DataType": "ManifestFile",
                "s3InputMode": "Pipe",
                "s3CompressionType": "Gzip",
                "s3DataDistributionType": "ShardedByS3Key",
                "localPath": "/opt/ml/processing/x/",
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_s3_inputs(reason: str, given: dict[str, Any], want: dict[str, Any]) -> None:
    [item] = resolve(own_image(processingInputs=[given]), context())["processingInputs"]
    assert item["s3Input"] == want, reason


def test_an_input_that_the_container_fetches_needs_no_place() -> None:
    [item] = resolve(own_image(processingInputs=[s3_input() | {"appManaged": True}]), context())["processingInputs"]
    assert "localPath" not in item["s3Input"]
    assert item["appManaged"] is True


def test_dataset_definitions_pass_through() -> None:
    [item] = resolve(own_image(processingInputs=[athena()]), context())["processingInputs"]
    assert item["datasetDefinition"] == athena()["datasetDefinition"] | {
        "localPath": "/opt/ml/processing/input/rows",
        "inputMode": "File",
        "dataDistributionType": "FullyReplicated",
    }


def test_outputs_go_below_the_default_bucket() -> None:
    spec = own_image(**outputs(output("train"), output("test", s3Uri="s3://mine/x"), kmsKeyId="k"))
    config = resolve(spec, context())["processingOutputConfig"]
    assert config == {
        "kmsKeyId": "k",
        "outputs": [
            {
                "outputName": "train",
                "s3Output": {
                    "s3Uri": "s3://default/team-a/split/team-a-split-abc/output/train",
                    "s3UploadMode": "EndOfJob",
                    "localPath": "/opt/ml/processing/output/train",
                },
            },
            {
                "outputName": "test",
                "s3Output": {
                    "s3Uri": "s3://mine/x",
                    "s3UploadMode": "EndOfJob",
                    "localPath": "/opt/ml/processing/output/test",
                },
            },
        ],
    }


def test_the_feature_store_is_the_containers_work() -> None:
    item = {"outputName": "features", "appManaged": True, "featureStoreOutput": {"featureGroupName": "g"}}
    assert resolve(own_image(**outputs(item)), context())["processingOutputConfig"]["outputs"] == [item]


def test_no_default_bucket_is_needed_where_every_output_has_a_place() -> None:
    spec = own_image(**outputs(output("train", s3Uri="s3://mine/x")))
    assert resolve(spec, context(output_path=""))["processingOutputConfig"]["outputs"][0]["s3Output"]["s3Uri"]


def test_everything_else_passes_through_without_nulls() -> None:
    network = {"enableNetworkIsolation": True, "vpcConfig": {"securityGroupIds": ["sg-1"], "subnets": ["s"]}}
    spec = own_image(
        networkConfig=network,
        experimentConfig={"experimentName": "e", "trialName": None},
        environment={"A": 1, "B": True},
        runPolicy={"suspend": False},
        region="eu-central-1",
        stoppingCondition={"maxRuntimeInSeconds": 60},
    )
    request = resolve(spec, context(environment={"A": "0", "C": "c"}))
    assert request["networkConfig"] == network
    assert request["experimentConfig"] == {"experimentName": "e"}
    assert request["environment"] == {"A": "1", "B": "true", "C": "c"}
    assert request["stoppingCondition"] == {"maxRuntimeInSeconds": 60}
    assert not {"runPolicy", "region", "environmentFrom"} & request.keys()
    assert to_request("CreateProcessingJob", request)["Environment"] == {"A": "1", "B": "true", "C": "c"}


def test_the_spec_is_left_as_it_was() -> None:
    spec = script(processingInputs=[s3_input()], **outputs(output()))
    before = repr(spec)
    resolve(spec, context())
    assert repr(spec) == before
