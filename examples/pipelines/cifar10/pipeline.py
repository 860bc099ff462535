"""The pipeline of AWS's CIFAR-10 example, for Kubeflow Pipelines 2: search, edit, train, describe, deploy.

    python pipeline.py

writes script-mode.yaml, whose code SageMaker's scikit-learn container runs, and own-container.yaml, whose code is in a
container of one's own. Arguments are as the former components took them.
"""

import json
from typing import Any

from kfp import compiler, dsl
from sagebridge_kfp import compat
from sagebridge_kfp.component import image as image_of_steps

REGION = "us-east-1"
# https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/ecr-us-east-1.html
SCIKIT_LEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/cifar10:1"


@dsl.component(base_image=image_of_steps(), install_kfp_package=False)
def edit_hyperparameters(best: dict, epochs: str) -> dict:
    """Let the training last longer than the trials."""
    return {**best, "epochs": epochs}


def channels(bucket: Any) -> str:
    found = [
        {
            "ChannelName": name,
            "DataSource": {
                "S3DataSource": {
                    "S3Uri": f"{bucket}/cifar10/{name}/",
                    "S3DataType": "S3Prefix",
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
            "CompressionType": "None",
            "RecordWrapperType": "None",
            "InputMode": "File",
        }
        for name in ("train", "validation")
    ]
    return json.dumps(found)


def search_train_and_deploy(
    *, image: str, code: dict[str, str], serving: dict[str, str], bucket: Any, role: Any, endpoint: Any, trials: Any
) -> Any:
    """The steps of both pipelines; returns the endpoint's name."""
    tuned = compat.hyperparameter_tuning(
        region=REGION,
        role=role,
        image=image,
        training_input_mode="File",
        strategy="Bayesian",
        metric_name="val_acc",
        metric_definitions='{"val_acc": "val_acc: ([0-9\\\\.]+)"}',
        metric_type="Maximize",
        early_stopping_type="Off",
        static_parameters=json.dumps({"epochs": "3", "momentum": "0.9", "weight-decay": "0.0002", **code}),
        continuous_parameters='[{"Name": "learning-rate", "MinValue": "0.0005", "MaxValue": "0.05", '
        '"ScalingType": "Logarithmic"}]',
        categorical_parameters='[{"Name": "optimizer", "Values": ["sgd", "adam"]}, '
        '{"Name": "batch-size", "Values": ["32", "128", "256"]}]',
        channels=channels(bucket),
        output_location=f"{bucket}/cifar10/models",
        instance_type="ml.m5.xlarge",
        instance_count="1",
        volume_size="50",
        max_num_jobs=trials,
        max_parallel_jobs="2",
        max_run_time="3600",
        network_isolation="False",
        traffic_encryption="False",
        spot_instance="False",
        checkpoint_config="{}",
    )
    edited = edit_hyperparameters(best=tuned.outputs["best_hyperparameters"], epochs="30")
    trained = compat.train(
        region=REGION,
        role=role,
        image=image,
        training_input_mode="File",
        metric_definitions='{"val_acc": "val_acc: ([0-9\\\\.]+)"}',
        hyperparameters=edited.output,
        channels=channels(bucket),
        model_artifact_path=f"{bucket}/cifar10/models",
        instance_type="ml.m5.xlarge",
        instance_count="1",
        volume_size="50",
        max_run_time="3600",
        network_isolation="False",
        traffic_encryption="False",
        spot_instance="False",
        checkpoint_config="{}",
    )
    described = compat.model(
        region=REGION,
        role=role,
        model_name=trained.outputs["job_name"],
        image=trained.outputs["training_image"],
        model_artifact_url=trained.outputs["model_artifact_url"],
        environment=json.dumps(serving),
        network_isolation="False",
    )
    deployed = compat.deploy(
        region=REGION,
        endpoint_name=endpoint,
        update_endpoint="True",
        model_name_1=described.outputs["model_name"],
        instance_type_1="ml.m5.large",
        initial_instance_count_1="1",
    )
    return deployed.outputs["endpoint_name"]


@dsl.pipeline(name="cifar10-script-mode")
def script_mode(
    bucket: str, code: str, role: str = "", endpoint: str = "cifar10-script-mode", trials: str = "4"
) -> str:
    return search_train_and_deploy(
        image=SCIKIT_LEARN,
        code={"sagemaker_program": "cifar10.py", "sagemaker_submit_directory": f"{code}"},
        serving={"SAGEMAKER_PROGRAM": "cifar10.py", "SAGEMAKER_SUBMIT_DIRECTORY": f"{code}"},
        bucket=bucket,
        role=role,
        endpoint=endpoint,
        trials=trials,
    )


@dsl.pipeline(name="cifar10-own-container")
def own_container(bucket: str, role: str = "", endpoint: str = "cifar10-own-container", trials: str = "4") -> str:
    return search_train_and_deploy(
        image=OWN, code={}, serving={}, bucket=bucket, role=role, endpoint=endpoint, trials=trials
    )


def main() -> None:
    for pipeline in (script_mode, own_container):
        file = f"{pipeline.name.removeprefix('cifar10-')}.yaml"
        compiler.Compiler().compile(pipeline, file)
        print(f"wrote {file}")


if __name__ == "__main__":
    main()
