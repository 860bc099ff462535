"""A training job as a step."""

from typing import Any, NamedTuple

from kfp.dsl import Metrics, Model, Output

from sagebridge_kfp import results
from sagebridge_kfp.artifacts import log_metrics, point
from sagebridge_kfp.op import NOTHING, op
from sagebridge_kfp.specs.training import KIND, training_spec
from sagebridge_kfp.step.run import Outcome, Wanted, run


class TrainingJobOutputs(NamedTuple):
    """What a training job gives on."""

    model_uri: str
    image: str
    job_name: str
    object_name: str
    final_metrics: dict[str, float]
    objective: float


@op(name="training-job", kind=KIND, check=training_spec)
def TrainingJobOp(  # noqa: N802, PLR0913
    *,
    model: Output[Model],
    metrics: Output[Metrics],
    instance_type: str,
    algorithm: str = "",
    algorithm_version: str = "",
    framework: str = "",
    framework_version: str = "",
    python_version: str = "",
    base_framework: str = "",
    distribution: str = "",
    image: str = "",
    entry_point: str = "",
    source: str = "",
    hyperparameters: dict[str, Any] = NOTHING,
    channels: dict[str, Any] = NOTHING,
    content_type: str = "",
    input_mode: str = "",
    output_path: str = "",
    environment: dict[str, Any] = NOTHING,
    metric_definitions: dict[str, Any] = NOTHING,
    objective_metric: str = "",
    instance_count: int = 1,
    volume_size_gb: int = 0,
    max_runtime_seconds: int = 0,
    spot: bool = False,
    max_wait_seconds: int = 0,
    checkpoints: str = "",
    role_arn: str = "",
    region: str = "",
    target: str = "SageMaker",
    cluster: dict[str, Any] = NOTHING,
    tags: dict[str, Any] = NOTHING,
    retry_limit: int = 0,
    deletion_policy: str = "",
    name: str = "",
    spec_overrides: dict[str, Any] = NOTHING,
) -> TrainingJobOutputs:
    """Train a model, on SageMaker or on the cluster's own nodes.

    What trains is said at one of three levels: a built-in `algorithm`; a `framework` that runs your script
    (`source`, `entry_point`); or an `image` of yours.

    Args:
        model: the model, as a small file that points to it; `model_uri`, `job_name`, `image` and more are its metadata.
        metrics: the last value of each metric.
        instance_type: such as `ml.m5.xlarge`, for either target.
        algorithm: a built-in algorithm, such as `xgboost`.
        algorithm_version: its version, such as `1.7-1`; by default the newest.
        framework: `pytorch`, `tensorflow`, `sklearn`, `xgboost`, `huggingface`, `mxnet`: runs `entry_point`.
        framework_version: its version, such as `2.3`; by default the newest.
        python_version: such as `py311`; by default the newest that this version of the framework has.
        base_framework: what Hugging Face runs on, such as `pytorch2.1`.
        distribution: `torchrun` or `mpi`: how a framework starts the script on several instances or GPUs.
        image: a container image of yours; with `source` only if it has SageMaker's training toolkit.
        entry_point: the script in `source` that runs.
        source: the code: an `s3://` URI of a `.tar.gz`, or the name of a ConfigMap in the run's namespace.
        hyperparameters: by name; numbers and booleans need no quotes. A whole number arrives as an integer: 0.0 is `0`.
        channels: the data, by channel: an `s3://` URI, or a whole channel as a manifest has it (`dataSource` ...).
        content_type: of the channels that name none, such as `text/csv`.
        input_mode: `File`, `FastFile` or `Pipe`, for the channels that name none.
        output_path: the `s3://` prefix for the model; by default below the tenant's bucket.
        environment: environment variables.
        metric_definitions: regular expression by metric: what SageMaker looks for in the log. Built-in algorithms
            have metrics of their own.
        objective_metric: the metric whose last value becomes the output `objective`.
        instance_count: how many instances train together.
        volume_size_gb: their disks, in GB; 0 for 30.
        max_runtime_seconds: after so long the job is stopped; 0 for a day.
        spot: whether to use spot capacity, which is cheaper and may be taken away.
        max_wait_seconds: with `spot`, the longest time for waiting and training together; 0 for twice the runtime.
        checkpoints: the `s3://` prefix to which `/opt/ml/checkpoints` is copied, and from which it is restored.
        role_arn: the role the job acts as; by default the tenant's.
        region: by default the tenant's.
        target: `SageMaker`, or `Cluster` for the cluster's own nodes.
        cluster: how it runs there, as `spec.cluster` of a TrainingJob; only with `target="Cluster"`.
        tags: tags of the job, by key.
        retry_limit: how many jobs may follow one that failed for want of capacity or by an error of AWS's own.
        deletion_policy: what becomes of a running job when the object is deleted: `Stop` (the default), `Retain`,
            `Purge`.
        name: what the object's name begins with; by default the task's name.
        spec_overrides: any fields of the TrainingJob's spec, merged last; `None` removes a field, lists are replaced.

    Returns:
        model_uri: where the model lies, `s3://...`.
        image: the image that trained; `BatchTransformOp` and `EndpointOp` find by it what serves.
        job_name: the job's name in SageMaker, or on the cluster.
        object_name: the TrainingJob's name; a cached step's may be gone.
        final_metrics: the last value of each metric.
        objective: the last value of `objective_metric`, 0 without one: for `dsl.If`.
    """
    spec = training_spec(locals())
    outcome = run(Wanted(kind=KIND, spec=spec, readable=name, output_uri=model.uri))
    # Also where the step fails after it for want of the metric, what the job has made is told.
    point(model, **_metadata(outcome, framework or algorithm))
    log_metrics(metrics, results.final_metrics(outcome.status))
    return _outputs(outcome, objective_metric, metric_definitions)


def _outputs(outcome: Outcome, objective_metric: str, metric_definitions: dict[str, Any]) -> TrainingJobOutputs:
    told = results.final_metrics(outcome.status)
    return TrainingJobOutputs(
        model_uri=results.model_uri(outcome.status),
        image=str(outcome.status.get("image") or ""),
        job_name=str(outcome.status.get("trainingJobName") or ""),
        object_name=outcome.name,
        final_metrics=told,
        objective=results.chosen_metric(told, objective_metric, definitions=metric_definitions),
    )


def _metadata(outcome: Outcome, framework: str) -> dict[str, str]:
    status = outcome.status
    return {
        "model_uri": results.model_uri(status),
        "job_name": str(status.get("trainingJobName") or ""),
        "job_arn": str(status.get("trainingJobArn") or ""),
        "image": str(status.get("image") or ""),
        "framework": framework,
    }
