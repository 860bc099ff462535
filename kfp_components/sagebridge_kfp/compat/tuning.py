"""The former component `hyperparameter_tuning`."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kfp.dsl import Metrics, Model, Output

from sagebridge_kfp.compat.arguments import Argument, blaming, put, read
from sagebridge_kfp.compat.constants import checked
from sagebridge_kfp.compat.parsing import Parser, listing, mapping, names, text, whole
from sagebridge_kfp.compat.shapes import keyed, shaped
from sagebridge_kfp.compat.shared import CONNECTION, ROLE, training, training_inputs
from sagebridge_kfp.op import NO_WORDS, NOTHING, op
from sagebridge_kfp.ops.tuning_job import HPTuningJobOp
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.tuning import KIND

_TRIALS: Final = "trainingJobDefinition."
_CONFIG: Final = "hyperParameterTuningJobConfig"


def _ranges(kind: str) -> Parser:
    members = ("HyperParameterTuningJobConfig", "ParameterRanges", f"{kind}ParameterRanges")
    return keyed(shaped(listing, "CreateHyperParameterTuningJob", *members), "name")


def _choices(value: Any, argument: str) -> dict[str, Any] | None:
    found = _ranges("Categorical")(value, argument)
    return None if found is None else {name: each.get("values") for name, each in found.items()}


ARGUMENTS: Final = (
    *CONNECTION,
    ROLE,
    Argument(
        name="job_name",
        parse=text,
        default="",
        path="hyperParameterTuningJobName",
        is_merged=True,
        note="the object's name begins with it, too. As before, no second job may have it; empty for one of its own",
    ),
    *training(_TRIALS),
    Argument(name="strategy", parse=text, default="Bayesian", path=f"{_CONFIG}.strategy", becomes="strategy"),
    Argument(
        name="metric_name",
        parse=text,
        path=f"{_CONFIG}.hyperParameterTuningJobObjective.metricName",
        becomes="objective_metric",
    ),
    Argument(
        name="metric_type",
        parse=text,
        path=f"{_CONFIG}.hyperParameterTuningJobObjective.type",
        becomes="objective_type",
    ),
    Argument(
        name="early_stopping_type",
        parse=text,
        default="Off",
        path=f"{_CONFIG}.trainingJobEarlyStoppingType",
        is_merged=True,
    ),
    Argument(
        name="static_parameters",
        parse=mapping,
        default={},
        path=f"{_TRIALS}staticHyperParameters",
        becomes="hyperparameters",
    ),
    Argument(
        name="integer_parameters",
        parse=_ranges("Integer"),
        default=[],
        path=f"{_CONFIG}.parameterRanges.integerParameterRanges",
        becomes="integer_ranges",
    ),
    Argument(
        name="continuous_parameters",
        parse=_ranges("Continuous"),
        default=[],
        path=f"{_CONFIG}.parameterRanges.continuousParameterRanges",
        becomes="continuous_ranges",
    ),
    Argument(
        name="categorical_parameters",
        parse=_choices,
        default=[],
        path=f"{_CONFIG}.parameterRanges.categoricalParameterRanges",
        becomes="categorical_ranges",
    ),
    Argument(
        name="output_location",
        parse=text,
        path=f"{_TRIALS}outputDataConfig.s3OutputPath",
        becomes="output_path",
        is_optional=True,
        note="empty for one below the tenant's bucket",
    ),
    Argument(
        name="max_num_jobs",
        parse=whole,
        path=f"{_CONFIG}.resourceLimits.maxNumberOfTrainingJobs",
        becomes="max_jobs",
    ),
    Argument(
        name="max_parallel_jobs",
        parse=whole,
        path=f"{_CONFIG}.resourceLimits.maxParallelTrainingJobs",
        becomes="max_parallel_jobs",
    ),
    Argument(
        name="warm_start_type",
        parse=text,
        default="",
        path="warmStartConfig.warmStartType",
        is_merged=True,
        note="with `parent_hpo_jobs`",
    ),
    Argument(
        name="parent_hpo_jobs",
        parse=names,
        default="",
        path="warmStartConfig.parentHyperParameterTuningJobs",
        note="names in SageMaker, with commas between them; with `warm_start_type`",
    ),
)


class HyperparameterTuningOutputs(NamedTuple):
    """What a search gives on."""

    hpo_job_name: str
    model_artifact_url: str
    best_job_name: str
    best_hyperparameters: dict[str, str]
    training_image: str
    object_name: str


def tuning_inputs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of `HPTuningJobOp`.

    Args:
        values: what the arguments say.

    Raises:
        InputError: one of them does not fit another; names it.
    """
    inputs = training_inputs(ARGUMENTS, values, prefix=_TRIALS)
    put(inputs["spec_overrides"], "warmStartConfig.parentHyperParameterTuningJobs", _parents(values))
    return inputs


def _parents(values: Mapping[str, Any]) -> list[dict[str, str]]:
    parents, kind = values["parent_hpo_jobs"], values["warm_start_type"]
    if bool(parents) != bool(kind):
        given, missing = ("parent_hpo_jobs", "warm_start_type")[:: 1 if parents else -1]
        raise InputError(given, f"is given without {missing}: a warm start needs both")
    return [{"hyperParameterTuningJobName": name} for name in parents or ()]


@op(name="compat-hyperparameter-tuning", kind=KIND, takes_texts=True, check=checked(ARGUMENTS, KIND))
def hyperparameter_tuning(  # noqa: PLR0913
    *,
    model: Output[Model],
    metrics: Output[Metrics],
    region: str,
    role: str,
    metric_name: str,
    metric_type: str,
    channels: list[Any],
    output_location: str,
    max_num_jobs: int,
    max_parallel_jobs: int,
    spot_instance: bool = False,
    max_wait_time: int = 86400,
    max_run_time: int = 86400,
    checkpoint_config: dict[str, Any] = NOTHING,
    endpoint_url: str = "",
    assume_role: str = "",
    tags: dict[str, Any] = NOTHING,
    job_name: str = "",
    image: str = "",
    algorithm_name: str = "",
    training_input_mode: str = "File",
    metric_definitions: dict[str, Any] = NOTHING,
    strategy: str = "Bayesian",
    early_stopping_type: str = "Off",
    static_parameters: dict[str, Any] = NOTHING,
    integer_parameters: list[Any] = NO_WORDS,
    continuous_parameters: list[Any] = NO_WORDS,
    categorical_parameters: list[Any] = NO_WORDS,
    output_encryption_key: str = "",
    instance_type: str = "ml.m4.xlarge",
    instance_count: int = 1,
    volume_size: int = 30,
    resource_encryption_key: str = "",
    vpc_security_group_ids: str = "",
    vpc_subnets: str = "",
    network_isolation: bool = True,
    traffic_encryption: bool = False,
    warm_start_type: str = "",
    parent_hpo_jobs: str = "",
) -> HyperparameterTuningOutputs:
    """Search for the best hyperparameters, said as for the former component `hyperparameter_tuning`.

    Inputs may be texts, as they were there: `"50"`, `"False"`, JSON. New pipelines are better off with `HPTuningJobOp`.

    Args:
        model: the best trial's model, as a small file that points to it.
        metrics: the best trial's objective.
        region: where the trials run.
        role: the role the trials act as.
        metric_name: the metric that is to be as good as possible.
        metric_type: `Maximize` or `Minimize`.
        channels: the data, as the API's `InputDataConfig`.
        output_location: the `s3://` prefix for the models.
        max_num_jobs: how many trials there are.
        max_parallel_jobs: how many of them run at a time.
        spot_instance: whether the trials use spot capacity.
        max_wait_time: with `spot_instance`, a trial's longest time for waiting and training, in seconds.
        max_run_time: after so many seconds a trial is stopped.
        checkpoint_config: where checkpoints go, as the API's `CheckpointConfig`.
        endpoint_url: refused: the operator calls SageMaker.
        assume_role: refused: the tenant policy says which role the operator assumes.
        tags: tags of the search, by key.
        job_name: the search's name in SageMaker; by default one of its own.
        image: the container image that trains.
        algorithm_name: a built-in algorithm, or an algorithm resource of yours.
        training_input_mode: `File`, `FastFile` or `Pipe`.
        metric_definitions: regular expression by metric.
        strategy: `Bayesian`, `Random`, `Hyperband` or `Grid`.
        early_stopping_type: `Off` or `Auto`: whether trials that fall behind are stopped.
        static_parameters: the hyperparameters that all trials share.
        integer_parameters: as the API's `IntegerParameterRanges`.
        continuous_parameters: as the API's `ContinuousParameterRanges`.
        categorical_parameters: as the API's `CategoricalParameterRanges`.
        output_encryption_key: the KMS key of the models.
        instance_type: of each trial, such as `ml.m5.xlarge`.
        instance_count: how many instances train together in each trial.
        volume_size: their disks, in GB.
        resource_encryption_key: the KMS key of their disks.
        vpc_security_group_ids: of the VPC, with commas between them.
        vpc_subnets: of the VPC, with commas between them.
        network_isolation: whether the containers have no network.
        traffic_encryption: whether traffic between instances is encrypted.
        warm_start_type: `IdenticalDataAndAlgorithm` or `TransferLearning`, with `parent_hpo_jobs`.
        parent_hpo_jobs: searches in SageMaker to learn from, with commas between them.

    Returns:
        hpo_job_name: the search's name in SageMaker.
        model_artifact_url: where the best trial's model lies, `s3://...`.
        best_job_name: the best trial's training job.
        best_hyperparameters: all of the best trial's, as texts: `train` takes them as `hyperparameters`.
        training_image: the image that trained it.
        object_name: the HPTuningJob's name; a cached step's may be gone.
    """
    values = read(ARGUMENTS, locals())
    with blaming(ARGUMENTS):
        made = HPTuningJobOp.python_func(model=model, metrics=metrics, **tuning_inputs(values))
    return HyperparameterTuningOutputs(
        hpo_job_name=made.job_name,
        model_artifact_url=made.model_uri,
        best_job_name=made.best_job_name,
        best_hyperparameters=made.best_hyperparameters,
        training_image=made.image,
        object_name=made.object_name,
    )
