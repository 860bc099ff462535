"""A search for hyperparameters as a step."""

from typing import Any, NamedTuple

from kfp.dsl import Metrics, Model, Output

from sagebridge_kfp import results
from sagebridge_kfp.artifacts import log_metrics, point
from sagebridge_kfp.op import NOTHING, op
from sagebridge_kfp.specs.tuning import KIND, tuning_spec
from sagebridge_kfp.step.run import Outcome, Wanted, run


class HPTuningJobOutputs(NamedTuple):
    """What a search gives on."""

    best_hyperparameters: dict[str, str]
    best_objective: float
    best_job_name: str
    model_uri: str
    image: str
    job_name: str
    object_name: str


@op(name="hp-tuning-job", kind=KIND, check=tuning_spec)
def HPTuningJobOp(  # noqa: N802, PLR0913
    *,
    model: Output[Model],
    metrics: Output[Metrics],
    instance_type: str,
    objective_metric: str,
    objective_type: str = "Maximize",
    integer_ranges: dict[str, Any] = NOTHING,
    continuous_ranges: dict[str, Any] = NOTHING,
    categorical_ranges: dict[str, Any] = NOTHING,
    strategy: str = "",
    max_jobs: int = 10,
    max_parallel_jobs: int = 1,
    early_stopping: bool = False,
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
) -> HPTuningJobOutputs:
    """Search for the best hyperparameters, by training jobs that each try some.

    What the trials train is said as for `TrainingJobOp`: `algorithm`, or `framework` with a script, or `image`.

    Args:
        model: the best trial's model, as a small file that points to it.
        metrics: the best trial's objective.
        instance_type: of each trial, such as `ml.m5.xlarge`, for either target.
        objective_metric: the metric that is to be as good as possible. A script's, or an image's, must be among
            `metric_definitions`.
        objective_type: `Maximize` or `Minimize`.
        integer_ranges: by hyperparameter, `[least, greatest]` or `[least, greatest, scale]`; scales are `Auto`,
            `Linear`, `Logarithmic` and `ReverseLogarithmic`.
        continuous_ranges: the same for hyperparameters that are no whole numbers.
        categorical_ranges: by hyperparameter, the list of values to try.
        strategy: `Bayesian` (the default), `Random`, `Hyperband` or `Grid`.
        max_jobs: how many trials there are; 0 where the strategy `Grid` counts them itself.
        max_parallel_jobs: how many of them run at a time.
        early_stopping: whether trials that fall behind are stopped.
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
        hyperparameters: those that all trials share. A whole number arrives as an integer: 0.0 is `0`.
        channels: the data, by channel: an `s3://` URI, or a whole channel as a manifest has it (`dataSource` ...).
        content_type: of the channels that name none, such as `text/csv`.
        input_mode: `File`, `FastFile` or `Pipe`, for the channels that name none.
        output_path: the `s3://` prefix for the models; by default below the tenant's bucket.
        environment: environment variables of the trials.
        metric_definitions: regular expression by metric: what SageMaker looks for in the log.
        instance_count: how many instances train together in each trial.
        volume_size_gb: their disks, in GB; 0 for 30.
        max_runtime_seconds: after so long a trial is stopped; 0 for a day.
        spot: whether the trials use spot capacity, which is cheaper and may be taken away.
        max_wait_seconds: with `spot`, a trial's longest time for waiting and training; 0 for twice the runtime.
        checkpoints: the `s3://` prefix to which `/opt/ml/checkpoints` is copied, and from which it is restored.
        role_arn: the role the trials act as; by default the tenant's.
        region: by default the tenant's.
        target: `SageMaker`, or `Cluster` for the cluster's own nodes.
        cluster: how they run there, as `spec.cluster` of an HPTuningJob; only with `target="Cluster"`.
        tags: tags of the search, by key.
        retry_limit: how many searches may follow one that failed by an error of AWS's own.
        deletion_policy: what becomes of a running search when the object is deleted: `Stop` (the default), `Retain`,
            `Purge`.
        name: what the object's name begins with; by default the task's name.
        spec_overrides: any fields of the HPTuningJob's spec, merged last (`warmStartConfig`, `autotune` ...); `None`
            removes a field, lists are replaced. `trainingJobDefinitions` takes the place of what is said here.

    Returns:
        best_hyperparameters: all of the best trial's, as texts: `TrainingJobOp` takes them as `hyperparameters`.
        best_objective: its objective: for `dsl.If`.
        best_job_name: its training job.
        model_uri: where its model lies, `s3://...`.
        image: the image that trained it; `BatchTransformOp` and `EndpointOp` find by it what serves.
        job_name: the search's name in SageMaker, or on the cluster.
        object_name: the HPTuningJob's name; a cached step's may be gone.
    """
    spec = tuning_spec(locals())
    outcome = run(Wanted(kind=KIND, spec=spec, readable=name, output_uri=model.uri))
    outputs = _outputs(outcome, hyperparameters)
    log_metrics(metrics, {objective_metric: outputs.best_objective})
    point(model, model_uri=outputs.model_uri, job_name=outputs.best_job_name, image=outputs.image)
    return outputs


def _outputs(outcome: Outcome, hyperparameters: dict[str, Any]) -> HPTuningJobOutputs:
    status = outcome.status
    return HPTuningJobOutputs(
        best_hyperparameters=results.best_hyperparameters(status, hyperparameters),
        best_objective=results.best_objective(status),
        best_job_name=results.best_job_name(status),
        model_uri=results.model_uri(status),
        image=results.best_image(status),
        job_name=str(status.get("hyperParameterTuningJobName") or ""),
        object_name=outcome.name,
    )
