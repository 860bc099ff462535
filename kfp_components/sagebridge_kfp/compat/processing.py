"""The former component `process`."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kfp.dsl import Artifact, Output

from sagebridge_kfp.compat.arguments import Argument, blaming, inputs_of, read
from sagebridge_kfp.compat.constants import checked
from sagebridge_kfp.compat.parsing import listing, mapping, text, whole
from sagebridge_kfp.compat.shapes import keyed, shaped
from sagebridge_kfp.compat.shared import CONNECTION, ROLE, check_vpc, network, readable
from sagebridge_kfp.op import NO_WORDS, NOTHING, op
from sagebridge_kfp.ops.processing_job import ProcessingJobOp
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.processing import KIND

_CLUSTER: Final = "processingResources.clusterConfig"

ARGUMENTS: Final = (
    *CONNECTION,
    Argument(
        name="job_name",
        parse=text,
        default="",
        path="processingJobName",
        is_merged=True,
        note="the object's name begins with it, too. As before, no second job may have it; empty for one of its own",
    ),
    ROLE,
    Argument(name="image", parse=text, default="", path="appSpecification.imageUri", becomes="image"),
    Argument(
        name="instance_type",
        parse=text,
        default="ml.m4.xlarge",
        path=f"{_CLUSTER}.instanceType",
        becomes="instance_type",
    ),
    Argument(name="instance_count", parse=whole, default=1, path=f"{_CLUSTER}.instanceCount", becomes="instance_count"),
    Argument(name="volume_size", parse=whole, default=30, path=f"{_CLUSTER}.volumeSizeInGB", becomes="volume_size_gb"),
    Argument(name="resource_encryption_key", parse=text, default="", path=f"{_CLUSTER}.volumeKmsKeyId", is_merged=True),
    Argument(
        name="output_encryption_key", parse=text, default="", path="processingOutputConfig.kmsKeyId", is_merged=True
    ),
    Argument(
        name="max_run_time",
        parse=whole,
        default=86400,
        path="stoppingCondition.maxRuntimeInSeconds",
        becomes="max_runtime_seconds",
    ),
    Argument(name="environment", parse=mapping, default={}, path="environment", becomes="environment"),
    Argument(
        name="container_entrypoint",
        parse=listing,
        default=[],
        path="appSpecification.containerEntrypoint",
        becomes="entrypoint",
    ),
    Argument(
        name="container_arguments",
        parse=listing,
        default=[],
        path="appSpecification.containerArguments",
        becomes="arguments",
    ),
    Argument(
        name="output_config",
        parse=keyed(shaped(listing, "CreateProcessingJob", "ProcessingOutputConfig", "Outputs"), "outputName"),
        default=[],
        path="processingOutputConfig.outputs",
        becomes="outputs",
    ),
    Argument(
        name="input_config",
        parse=keyed(shaped(listing, "CreateProcessingJob", "ProcessingInputs"), "inputName"),
        default=[],
        path="processingInputs",
        becomes="inputs",
    ),
    *network("networkConfig."),
)


class ProcessOutputs(NamedTuple):
    """What a processing job gives on."""

    job_name: str
    output_artifacts: dict[str, str]
    object_name: str


def processing_inputs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of `ProcessingJobOp`.

    Args:
        values: what the arguments say.

    Raises:
        InputError: one of them does not fit another; names it.
    """
    check_vpc(values)
    if not values["image"]:
        raise InputError("image", "is empty: say what runs")
    return {**inputs_of(ARGUMENTS, values), "name": readable(values["job_name"])}


@op(name="compat-process", kind=KIND, takes_texts=True, check=checked(ARGUMENTS, KIND))
def process(  # noqa: PLR0913
    *,
    files: Output[Artifact],
    region: str,
    role: str,
    endpoint_url: str = "",
    assume_role: str = "",
    tags: dict[str, Any] = NOTHING,
    job_name: str = "",
    image: str = "",
    instance_type: str = "ml.m4.xlarge",
    instance_count: int = 1,
    volume_size: int = 30,
    resource_encryption_key: str = "",
    output_encryption_key: str = "",
    max_run_time: int = 86400,
    environment: dict[str, Any] = NOTHING,
    container_entrypoint: list[Any] = NO_WORDS,
    container_arguments: list[Any] = NO_WORDS,
    output_config: list[Any] = NO_WORDS,
    input_config: list[Any] = NO_WORDS,
    vpc_security_group_ids: str = "",
    vpc_subnets: str = "",
    network_isolation: bool = True,
    traffic_encryption: bool = False,
) -> ProcessOutputs:
    """Run a container over files on S3, said as for the former component `process`.

    Inputs may be texts, as they were there: `"50"`, `"False"`, JSON. New pipelines are better off with
    `ProcessingJobOp`, which also runs a script by itself.

    Args:
        files: where the outputs went, as a small file that points to them.
        region: where it runs.
        role: the role the job acts as.
        endpoint_url: refused: the operator calls SageMaker.
        assume_role: refused: the tenant policy says which role the operator assumes.
        tags: tags of the job, by key.
        job_name: the job's name in SageMaker; by default one of its own.
        image: the container image that runs.
        instance_type: such as `ml.m5.xlarge`.
        instance_count: how many instances run it.
        volume_size: their disks, in GB.
        resource_encryption_key: the KMS key of their disks.
        output_encryption_key: the KMS key of the outputs.
        max_run_time: after so many seconds the job is stopped.
        environment: environment variables.
        container_entrypoint: what is run instead of the image's own entry point.
        container_arguments: arguments of the entry point.
        output_config: what is written to S3, as the API's `Outputs`.
        input_config: what is read from S3, as the API's `ProcessingInputs`.
        vpc_security_group_ids: of the VPC, with commas between them.
        vpc_subnets: of the VPC, with commas between them.
        network_isolation: whether the container has no network.
        traffic_encryption: whether traffic between instances is encrypted.

    Returns:
        job_name: the job's name in SageMaker.
        output_artifacts: where each output went, by name.
        object_name: the ProcessingJob's name; a cached step's may be gone.
    """
    values = read(ARGUMENTS, locals())
    with blaming(ARGUMENTS):
        made = ProcessingJobOp.python_func(files=files, **processing_inputs(values))
    return ProcessOutputs(job_name=made.job_name, output_artifacts=made.output_uris, object_name=made.object_name)
