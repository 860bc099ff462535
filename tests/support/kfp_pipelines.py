"""A pipeline that has all components, and what pipelines do with tasks."""

from kfp import dsl
from sagebridge_kfp import (
    BatchTransformOp,
    DeleteOp,
    EndpointOp,
    HPTuningJobOp,
    InvokeEndpointOp,
    ProcessingJobOp,
    TrainingJobOp,
)

ALGORITHMS = [
    {"algorithm": "xgboost", "version": "1.7-1"},
    {"algorithm": "linear-learner", "version": "1"},
    {"algorithm": "knn", "version": "1"},
]


@dsl.pipeline(name="digits")
def everything(bucket: str = "s3://sagebridge-local/digits", endpoint: str = "digits", least: float = 0.9) -> None:
    """Prepare, tune, train, transform, deploy, invoke; whatever happens, the endpoint goes."""
    removed = DeleteOp(kind="Endpoint", name=endpoint)
    with dsl.ExitHandler(removed):
        prepared = ProcessingJobOp(
            framework="sklearn",
            framework_version="1.2-1",
            entry_point="prepare.py",
            source="digits-code",
            inputs={"raw": f"{bucket}/raw/"},
            outputs={"train": ""},
            instance_type="ml.m5.large",
        )
        tuned = HPTuningJobOp(
            framework="sklearn",
            framework_version="1.2-1",
            entry_point="train.py",
            source="digits-code",
            objective_metric="accuracy",
            metric_definitions={"accuracy": "accuracy=([0-9.]+)"},
            integer_ranges={"trees": [10, 100]},
            channels={"train": prepared.outputs["output_uri"]},
            instance_type="ml.m5.large",
            max_jobs=4,
        )
        trained = TrainingJobOp(
            framework="sklearn",
            framework_version="1.2-1",
            entry_point="train.py",
            source="digits-code",
            hyperparameters=tuned.outputs["best_hyperparameters"],
            metric_definitions={"accuracy": "accuracy=([0-9.]+)"},
            objective_metric="accuracy",
            channels={"train": prepared.outputs["output_uri"]},
            instance_type="ml.m5.large",
        )
        trained.set_retry(num_retries=2)
        with dsl.If(trained.outputs["objective"] >= least, name="good-enough"):
            BatchTransformOp(
                model_uri=trained.outputs["model_uri"],
                image=trained.outputs["image"],
                input_uri=f"{bucket}/held-out/",
                instance_type="ml.m5.large",
            )
            deployed = EndpointOp(
                name=endpoint,
                model_uri=trained.outputs["model_uri"],
                image=trained.outputs["image"],
                instance_type="ml.m5.large",
            )
            InvokeEndpointOp(endpoint=deployed.outputs["object_name"], payload="0,0,5,13")
    # Beside the exit handler: within it the driver does not find the items (kubeflow/pipelines#13273).
    with dsl.ParallelFor(ALGORITHMS, name="algorithms") as each:
        TrainingJobOp(
            algorithm=each.algorithm,
            algorithm_version=each.version,
            channels={"train": f"{bucket}/train/"},
            content_type="text/csv",
            instance_type="ml.m5.large",
        )
