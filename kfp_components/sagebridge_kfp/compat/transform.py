"""The former component `batch_transform`."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kfp.dsl import Artifact, Output

from sagebridge_kfp.compat import described
from sagebridge_kfp.compat.arguments import Argument, blamed_on, blaming, inputs_of, put, read
from sagebridge_kfp.compat.constants import checked
from sagebridge_kfp.compat.parsing import mapping, text, whole
from sagebridge_kfp.compat.shared import CONNECTION, readable
from sagebridge_kfp.op import NOTHING, op
from sagebridge_kfp.ops.batch_transform import BatchTransformOp
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.transform import KIND

ARGUMENTS: Final = (
    *CONNECTION,
    Argument(
        name="job_name",
        parse=text,
        default="",
        path="transformJobName",
        is_merged=True,
        note="the object's name begins with it, too. As before, no second job may have it; empty for one of its own",
    ),
    Argument(
        name="model_name",
        parse=text,
        path="model",
        makes=("role_arn",),
        note="the output of `model`, with its role, region and tags; or the name of a model in SageMaker: `modelName`",
    ),
    Argument(
        name="max_concurrent",
        parse=whole,
        default=0,
        path="maxConcurrentTransforms",
        becomes="max_concurrent_transforms",
    ),
    Argument(name="max_payload", parse=whole, default=6, path="maxPayloadInMB", is_merged=True),
    Argument(name="batch_strategy", parse=text, default="", path="batchStrategy", becomes="batch_strategy"),
    Argument(name="environment", parse=mapping, default={}, path="environment", becomes="environment"),
    Argument(
        name="input_location",
        parse=text,
        path="transformInput.dataSource.s3DataSource.s3Uri",
        becomes="input_uri",
    ),
    Argument(
        name="data_type",
        parse=text,
        default="S3Prefix",
        path="transformInput.dataSource.s3DataSource.s3DataType",
        is_merged=True,
    ),
    Argument(name="content_type", parse=text, default="", path="transformInput.contentType", becomes="content_type"),
    Argument(name="split_type", parse=text, default="None", path="transformInput.splitType", becomes="split_type"),
    Argument(
        name="compression_type", parse=text, default="None", path="transformInput.compressionType", is_merged=True
    ),
    Argument(
        name="output_location",
        parse=text,
        path="transformOutput.s3OutputPath",
        becomes="output_path",
        is_optional=True,
        note="empty for one below the tenant's bucket",
    ),
    Argument(name="accept", parse=text, default="", path="transformOutput.accept", becomes="accept"),
    Argument(
        name="assemble_with", parse=text, default="", path="transformOutput.assembleWith", becomes="assemble_with"
    ),
    Argument(name="output_encryption_key", parse=text, default="", path="transformOutput.kmsKeyId", is_merged=True),
    Argument(name="input_filter", parse=text, default="", path="dataProcessing.inputFilter", becomes="input_filter"),
    Argument(name="output_filter", parse=text, default="", path="dataProcessing.outputFilter", becomes="output_filter"),
    Argument(name="join_source", parse=text, default="None", path="dataProcessing.joinSource", is_merged=True),
    Argument(
        name="instance_type",
        parse=text,
        default="ml.m4.xlarge",
        path="transformResources.instanceType",
        becomes="instance_type",
    ),
    Argument(
        name="instance_count",
        parse=whole,
        default=1,
        path="transformResources.instanceCount",
        becomes="instance_count",
    ),
    Argument(
        name="resource_encryption_key",
        parse=text,
        default="",
        path="transformResources.volumeKmsKeyId",
        is_merged=True,
    ),
)


class BatchTransformOutputs(NamedTuple):
    """What a transform gives on."""

    output_location: str
    object_name: str


def transform_inputs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of `BatchTransformOp`.

    Args:
        values: what the arguments say.

    Raises:
        InputError: one of them does not fit another; names it.
    """
    inputs = {**inputs_of(ARGUMENTS, values), "name": readable(values["job_name"])}
    model = described.parse(values["model_name"], "model_name")
    if model is None:
        return {**inputs, "model_name": values["model_name"]}
    region = values["region"] or ""
    if model.region and region and model.region != region:
        raise InputError("model_name", f"is in {model.region}, and region is {region}")
    with blamed_on("model_name"):
        section = model.section(region=region, instance_type=values["instance_type"], archive_only=True)
    put(inputs["spec_overrides"], "model", section)
    tags = described.together({"model_name.tags": model.tags, "tags": values["tags"]})
    return {**inputs, "region": region or model.region, "role_arn": model.role, "tags": tags}


@op(name="compat-batch-transform", kind=KIND, takes_texts=True, check=checked(ARGUMENTS, KIND))
def batch_transform(  # noqa: PLR0913
    *,
    predictions: Output[Artifact],
    region: str,
    model_name: str,
    input_location: str,
    output_location: str,
    endpoint_url: str = "",
    assume_role: str = "",
    tags: dict[str, Any] = NOTHING,
    job_name: str = "",
    max_concurrent: int = 0,
    max_payload: int = 6,
    batch_strategy: str = "",
    environment: dict[str, Any] = NOTHING,
    data_type: str = "S3Prefix",
    content_type: str = "",
    split_type: str = "None",
    compression_type: str = "None",
    accept: str = "",
    assemble_with: str = "",
    output_encryption_key: str = "",
    input_filter: str = "",
    output_filter: str = "",
    join_source: str = "None",
    instance_type: str = "ml.m4.xlarge",
    instance_count: int = 1,
    resource_encryption_key: str = "",
) -> BatchTransformOutputs:
    """Predict for whatever lies under a prefix on S3, said as for the former component `batch_transform`.

    Inputs may be texts, as they were there: `"50"`, JSON. New pipelines are better off with `BatchTransformOp`.

    Args:
        predictions: where they are, as a small file that points to it.
        region: where it runs.
        model_name: the output of `model`, or the name of a model that is in SageMaker already.
        input_location: the `s3://` prefix of what to predict for.
        output_location: the `s3://` prefix for the predictions.
        endpoint_url: refused: the operator calls SageMaker.
        assume_role: refused: the tenant policy says which role the operator assumes.
        tags: tags of the job, by key.
        job_name: the job's name in SageMaker; by default one of its own.
        max_concurrent: requests to an instance at a time; 0 for what the container chooses.
        max_payload: the longest request, in MB; 0 for one without end.
        batch_strategy: `MultiRecord` or `SingleRecord`: how many records make a request.
        environment: environment variables of the container that serves.
        data_type: `S3Prefix`, `ManifestFile` or `AugmentedManifestFile`: what `input_location` is.
        content_type: of the input, such as `text/csv`.
        split_type: `Line`, `RecordIO`, `TFRecord` or `None`: how an object is cut into records.
        compression_type: `Gzip` or `None`.
        accept: the type wanted of the predictions, such as `text/csv`.
        assemble_with: `Line` or `None`: what is put between predictions.
        output_encryption_key: the KMS key of the predictions.
        input_filter: the part of each record that the model gets, as a JSONPath.
        output_filter: the part of each result that is written.
        join_source: `Input` to write each prediction beside its record, or `None`.
        instance_type: such as `ml.m5.xlarge`.
        instance_count: how many instances share the objects.
        resource_encryption_key: the KMS key of their disks.

    Returns:
        output_location: the `s3://` prefix of the predictions.
        object_name: the BatchTransform's name; a cached step's may be gone.
    """
    values = read(ARGUMENTS, locals())
    with blaming(ARGUMENTS):
        made = BatchTransformOp.python_func(predictions=predictions, **transform_inputs(values))
    return BatchTransformOutputs(output_location=made.output_uri, object_name=made.object_name)
