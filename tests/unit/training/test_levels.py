"""What each level sends to SageMaker."""

import json
from typing import Any

from sagebridge.core.training import Level, level_of, resolve, source_object
from sagebridge.core.training.section import Section

from tests.unit.training.jobs import OWN_IMAGE, algorithm, channel, context, own_image, resources, script, serverless


def test_built_in_algorithm() -> None:
    spec = algorithm(hyperParameters={"num_round": 10, "eta": 0.2, "verbose": True, "eval_metric": "auc"})
    assert resolve(spec, context()) == {
        "trainingJobName": "team-a-digits-abc",
        "roleArn": "arn:aws:iam::123456789012:role/training",
        "algorithmSpecification": {
            "trainingImage": "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:3.2-0",
            "trainingInputMode": "File",
        },
        "hyperParameters": {"num_round": "10", "eta": "0.2", "verbose": "true", "eval_metric": "auc"},
        "outputDataConfig": {"s3OutputPath": "s3://bucket/team-a/digits"},
        "resourceConfig": {"instanceType": "ml.m5.xlarge", "instanceCount": 1, "volumeSizeInGB": 30},
        "stoppingCondition": {"maxRuntimeInSeconds": 86400},
        "tags": [
            {"key": "sagebridge.io/name", "value": "digits"},
            {"key": "sagebridge.io/uid", "value": "u-1"},
        ],
    }


def test_script_mode_sends_json_so_that_the_toolkit_reads_back_what_was_written() -> None:
    values = {"lr": 0.1, "version": "1.10", "name": "a b", "flag": True, "layers": [1, 2], "nested": {"a": "b"}}
    sent = resolve(script(hyperParameters=values), context())["hyperParameters"]
    assert {key: json.loads(value) for key, value in sent.items()} == {
        **values,
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://bucket/code/sourcedir.tar.gz",
        "sagemaker_region": "eu-central-1",
        "sagemaker_job_name": "team-a-digits-abc",
        "sagemaker_container_log_level": 20,
    }
    assert sent["version"] == '"1.10"'


def test_script_from_a_config_map_is_where_it_was_packed() -> None:
    spec = script(source={"entryPoint": "train.py", "configMap": {"name": "code"}})
    packed = context(source_uri="s3://staging/key/sourcedir.tar.gz")
    sent = resolve(spec, packed)["hyperParameters"]
    assert json.loads(sent["sagemaker_submit_directory"]) == "s3://staging/key/sourcedir.tar.gz"


def test_log_level_can_be_changed() -> None:
    spec = script(hyperParameters={"sagemaker_container_log_level": 10})
    assert resolve(spec, context())["hyperParameters"]["sagemaker_container_log_level"] == "10"


def test_own_image_gets_plain_text_and_keeps_its_specification() -> None:
    spec = own_image(hyperParameters={"lr": 0.1, "list": [1, 2]}, inputDataConfig=[channel()])
    spec["algorithmSpecification"] |= {
        "containerEntrypoint": ["python", "train.py"],
        "metricDefinitions": [{"name": "accuracy", "regex": "accuracy=(.*)"}],
        "trainingInputMode": "FastFile",
    }
    request = resolve(spec, context())
    assert request["algorithmSpecification"] == spec["algorithmSpecification"]
    assert request["hyperParameters"] == {"lr": "0.1", "list": "[1, 2]"}


def test_own_image_with_source_is_script_mode() -> None:
    spec = own_image(source={"entryPoint": "src/train.py", "s3Uri": "s3://bucket/c.tar.gz"}, hyperParameters={"a": "x"})
    request = resolve(spec, context())
    assert request["algorithmSpecification"]["trainingImage"] == OWN_IMAGE
    assert request["hyperParameters"]["sagemaker_program"] == '"src/train.py"'
    assert request["hyperParameters"]["a"] == '"x"'


def test_algorithm_resource_of_the_marketplace() -> None:
    arn = "arn:aws:sagemaker:eu-central-1:123456789012:algorithm/mine"
    spec = {"algorithmSpecification": {"algorithmName": arn}, "resourceConfig": resources()}
    request = resolve(spec, context())
    assert request["algorithmSpecification"] == {"algorithmName": arn, "trainingInputMode": "File"}


def test_serverless_leaves_instances_and_times_to_sagemaker() -> None:
    request = resolve(serverless(hyperParameters={"epochs": 3}), context())
    assert set(request) == {
        "trainingJobName",
        "roleArn",
        "outputDataConfig",
        "serverlessJobConfig",
        "hyperParameters",
        "tags",
    }


def test_instance_type_decides_about_the_image() -> None:
    images = {
        instance_type: resolve(script(resourceConfig=resources(instance_type)), context())["algorithmSpecification"][
            "trainingImage"
        ].partition(":")[2]
        for instance_type in ("ml.m5.xlarge", "ml.g5.xlarge")
    }
    assert images == {"ml.m5.xlarge": "2.3-cpu-py311", "ml.g5.xlarge": "2.3-gpu-py311"}


def test_heterogeneous_cluster_takes_the_gpu_image() -> None:
    groups = [
        {"instanceGroupName": "data", "instanceType": "ml.c5.18xlarge", "instanceCount": 2},
        {"instanceGroupName": "train", "instanceType": "ml.p4d.24xlarge", "instanceCount": 1},
    ]
    spec = script(resourceConfig={"instanceGroups": groups})
    request = resolve(spec, context())
    assert "-gpu-" in request["algorithmSpecification"]["trainingImage"]
    assert request["resourceConfig"] == {"instanceGroups": groups, "volumeSizeInGB": 30}


def test_instance_preferences_take_the_gpu_image_and_no_count() -> None:
    preferences = [{"instanceType": "ml.g5.xlarge", "instanceCount": 1}, {"instanceType": "ml.g6.xlarge"}]
    request = resolve(script(resourceConfig={"instancePreferences": preferences}), context())
    assert "instanceCount" not in request["resourceConfig"]


def test_network_isolation_brings_the_code_as_a_channel() -> None:
    request = resolve(script(enableNetworkIsolation=True, inputDataConfig=[channel()]), context())
    directory = json.loads(request["hyperParameters"]["sagemaker_submit_directory"])
    assert directory == "/opt/ml/input/data/code/sourcedir.tar.gz"
    assert request["inputDataConfig"][1] == {
        "channelName": "code",
        "inputMode": "File",
        "dataSource": {
            "s3DataSource": {
                "s3DataType": "S3Prefix",
                "s3Uri": "s3://bucket/code/sourcedir.tar.gz",
                "s3DataDistributionType": "FullyReplicated",
            }
        },
    }


def test_network_isolation_without_source_adds_nothing() -> None:
    assert "inputDataConfig" not in resolve(own_image(enableNetworkIsolation=True), context())


def launcher(spec: dict[str, Any]) -> dict[str, Any]:
    sent = resolve(spec, context())["hyperParameters"]
    names = ("torch", "mpi", "instance", "distribution")
    return {key: json.loads(value) for key, value in sent.items() if any(name in key for name in names)}


def test_torchrun() -> None:
    spec = script(resourceConfig=resources("ml.g5.12xlarge"))
    spec["framework"]["distribution"] = "torchrun"
    assert launcher(spec) == {
        "sagemaker_torch_distributed_enabled": True,
        "sagemaker_instance_type": "ml.g5.12xlarge",
    }


def test_mpi_starts_a_process_for_each_gpu() -> None:
    spec = script(resourceConfig=resources("ml.p3.8xlarge"))
    spec["framework"]["distribution"] = "mpi"
    assert launcher(spec) == {
        "sagemaker_mpi_enabled": True,
        "sagemaker_mpi_num_of_processes_per_host": 4,
        "sagemaker_mpi_custom_mpi_options": "",
    }


def test_mpi_settings_of_the_user_win() -> None:
    spec = script(hyperParameters={"sagemaker_mpi_num_of_processes_per_host": 3})
    spec["framework"]["distribution"] = "mpi"
    assert launcher(spec)["sagemaker_mpi_num_of_processes_per_host"] == 3


def test_distribution_in_a_heterogeneous_cluster_is_over_the_gpu_group() -> None:
    groups = [
        {"instanceGroupName": "data", "instanceType": "ml.c5.18xlarge", "instanceCount": 2},
        {"instanceGroupName": "train", "instanceType": "ml.p4d.24xlarge", "instanceCount": 1},
    ]
    spec = script(resourceConfig={"instanceGroups": groups})
    spec["framework"]["distribution"] = "torchrun"
    assert launcher(spec)["sagemaker_distribution_instance_groups"] == ["train"]


def test_level_and_source_object() -> None:
    assert level_of(Section.of(algorithm(), "spec")) is Level.ALGORITHM
    assert source_object(algorithm()) is None
    assert source_object(script()) is None
    assert source_object(script(source={"entryPoint": "a.py", "configMap": {"name": "code"}})) == "code"


def test_spec_is_not_changed() -> None:
    spec = script(hyperParameters={"a": 1}, inputDataConfig=[channel()], enableNetworkIsolation=True)
    before = json.dumps(spec)
    request = resolve(spec, context())
    request["inputDataConfig"][0]["dataSource"]["s3DataSource"]["s3Uri"] = "changed"
    assert json.dumps(spec) == before
