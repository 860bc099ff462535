"""The former component `train`."""

from typing import Any, Final, NamedTuple

from kfp.dsl import Metrics, Model, Output

from sagebridge_kfp.compat.arguments import Argument, blaming, read
from sagebridge_kfp.compat.constants import checked
from sagebridge_kfp.compat.parsing import listing, mapping, text
from sagebridge_kfp.compat.shapes import shaped
from sagebridge_kfp.compat.shared import CONNECTION, ROLE, training, training_inputs
from sagebridge_kfp.op import NO_WORDS, NOTHING, op
from sagebridge_kfp.ops.training_job import TrainingJobOp
from sagebridge_kfp.specs.training import KIND

ARGUMENTS: Final = (
    *CONNECTION,
    ROLE,
    Argument(
        name="job_name",
        parse=text,
        default="",
        path="trainingJobName",
        is_merged=True,
        note="the object's name begins with it, too. As before, no second job may have it; empty for one of its own",
    ),
    *training(),
    Argument(name="hyperparameters", parse=mapping, default={}, path="hyperParameters", becomes="hyperparameters"),
    Argument(
        name="model_artifact_path",
        parse=text,
        path="outputDataConfig.s3OutputPath",
        becomes="output_path",
        is_optional=True,
        note="empty for one below the tenant's bucket",
    ),
    Argument(
        name="debug_hook_config",
        parse=shaped(mapping, "CreateTrainingJob", "DebugHookConfig"),
        default={},
        path="debugHookConfig",
        is_merged=True,
    ),
    Argument(
        name="debug_rule_config",
        parse=shaped(listing, "CreateTrainingJob", "DebugRuleConfigurations"),
        default=[],
        path="debugRuleConfigurations",
        is_merged=True,
        note="the step ends with the job, and does not wait for what the rules find",
    ),
)


class TrainOutputs(NamedTuple):
    """What training gives on."""

    model_artifact_url: str
    job_name: str
    training_image: str
    object_name: str


@op(name="compat-train", kind=KIND, takes_texts=True, check=checked(ARGUMENTS, KIND))
def train(  # noqa: PLR0913
    *,
    model: Output[Model],
    metrics: Output[Metrics],
    region: str,
    role: str,
    channels: list[Any],
    model_artifact_path: str,
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
    metric_definitions: dict[str, Any] = NOTHING,
    training_input_mode: str = "File",
    hyperparameters: dict[str, Any] = NOTHING,
    instance_type: str = "ml.m4.xlarge",
    instance_count: int = 1,
    volume_size: int = 30,
    resource_encryption_key: str = "",
    output_encryption_key: str = "",
    vpc_security_group_ids: str = "",
    vpc_subnets: str = "",
    network_isolation: bool = True,
    traffic_encryption: bool = False,
    debug_hook_config: dict[str, Any] = NOTHING,
    debug_rule_config: list[Any] = NO_WORDS,
) -> TrainOutputs:
    """Train a model, said as for the former component `train`.

    Inputs may be texts, as they were there: `"50"`, `"False"`, JSON. New pipelines are better off with `TrainingJobOp`.

    Args:
        model: the model, as a small file that points to it.
        metrics: the last value of each metric.
        region: where it trains.
        role: the role the job acts as.
        channels: the data, as the API's `InputDataConfig`.
        model_artifact_path: the `s3://` prefix for the model.
        spot_instance: whether to use spot capacity.
        max_wait_time: with `spot_instance`, the longest time for waiting and training together, in seconds.
        max_run_time: after so many seconds the job is stopped.
        checkpoint_config: where checkpoints go, as the API's `CheckpointConfig`.
        endpoint_url: refused: the operator calls SageMaker.
        assume_role: refused: the tenant policy says which role the operator assumes.
        tags: tags of the job, by key.
        job_name: the job's name in SageMaker; by default one of its own.
        image: the container image that trains.
        algorithm_name: a built-in algorithm, or an algorithm resource of yours.
        metric_definitions: regular expression by metric.
        training_input_mode: `File`, `FastFile` or `Pipe`.
        hyperparameters: by name; numbers and booleans need no quotes.
        instance_type: such as `ml.m5.xlarge`.
        instance_count: how many instances train together.
        volume_size: their disks, in GB.
        resource_encryption_key: the KMS key of their disks.
        output_encryption_key: the KMS key of the model.
        vpc_security_group_ids: of the VPC, with commas between them.
        vpc_subnets: of the VPC, with commas between them.
        network_isolation: whether the container has no network.
        traffic_encryption: whether traffic between instances is encrypted.
        debug_hook_config: as the API's `DebugHookConfig`.
        debug_rule_config: as the API's `DebugRuleConfigurations`.

    Returns:
        model_artifact_url: where the model lies, `s3://...`.
        job_name: the job's name in SageMaker.
        training_image: the image that trained.
        object_name: the TrainingJob's name; a cached step's may be gone.
    """
    values = read(ARGUMENTS, locals())
    with blaming(ARGUMENTS):
        made = TrainingJobOp.python_func(model=model, metrics=metrics, **training_inputs(ARGUMENTS, values))
    return TrainOutputs(
        model_artifact_url=made.model_uri,
        job_name=made.job_name,
        training_image=made.image,
        object_name=made.object_name,
    )
