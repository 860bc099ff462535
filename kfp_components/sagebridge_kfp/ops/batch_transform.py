"""Predictions for files as a step."""

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Output

from sagebridge_kfp.artifacts import point
from sagebridge_kfp.op import NOTHING, op
from sagebridge_kfp.specs.transform import KIND, transform_spec
from sagebridge_kfp.step.run import Wanted, run


class BatchTransformOutputs(NamedTuple):
    """What a batch transform gives on."""

    output_uri: str
    job_name: str
    object_name: str


@op(name="batch-transform", kind=KIND, check=transform_spec)
def BatchTransformOp(  # noqa: N802, PLR0913
    *,
    predictions: Output[Artifact],
    input_uri: str,
    instance_type: str,
    model_uri: str = "",
    image: str = "",
    training_job: str = "",
    tuning_job: str = "",
    model_name: str = "",
    entry_point: str = "",
    source: str = "",
    content_type: str = "",
    accept: str = "",
    split_type: str = "",
    assemble_with: str = "",
    batch_strategy: str = "",
    input_filter: str = "",
    output_filter: str = "",
    join_input: bool = False,
    output_path: str = "",
    max_concurrent_transforms: int = 0,
    max_payload_mb: int = 0,
    environment: dict[str, Any] = NOTHING,
    instance_count: int = 1,
    role_arn: str = "",
    region: str = "",
    target: str = "SageMaker",
    cluster: dict[str, Any] = NOTHING,
    tags: dict[str, Any] = NOTHING,
    retry_limit: int = 0,
    deletion_policy: str = "",
    name: str = "",
    spec_overrides: dict[str, Any] = NOTHING,
) -> BatchTransformOutputs:
    """Predict for whatever lies under a prefix on S3, and write the predictions to S3.

    Which model is said by exactly one of `model_uri` (with `image`), `training_job`, `tuning_job` and `model_name`.

    Args:
        predictions: where they are, as a small file that points to it.
        input_uri: the `s3://` prefix of what to predict for.
        instance_type: such as `ml.m5.xlarge`, for either target.
        model_uri: a `model.tar.gz` on S3: the output of `TrainingJobOp` or `HPTuningJobOp`.
        image: with `model_uri`, the image that trained the model (the output of the same name) or one that serves it.
            For images of AWS's that only train, the inference image of the same version serves.
        training_job: a TrainingJob of the run's namespace, whose model is used.
        tuning_job: an HPTuningJob of the run's namespace, whose best model is used.
        model_name: a model that is in SageMaker already.
        entry_point: the file in `source` that has `model_fn` and its like.
        source: code that serves: an `s3://` URI of a `.tar.gz`, or the name of a ConfigMap in the run's namespace.
        content_type: of the input, such as `text/csv`.
        accept: the type wanted of the predictions, such as `text/csv`.
        split_type: `Line`, `RecordIO`, `TFRecord` or `None`: how an object is cut into records.
        assemble_with: `Line` or `None`: what is put between predictions.
        batch_strategy: `MultiRecord` or `SingleRecord`: how many records make a request.
        input_filter: the part of each record that the model gets, as a JSONPath such as `$[1:]`.
        output_filter: the part of each result that is written.
        join_input: whether each prediction is written beside its record.
        output_path: the `s3://` prefix for the predictions; by default below the tenant's bucket.
        max_concurrent_transforms: requests to an instance at a time; 0 for what the container chooses.
        max_payload_mb: the longest request, in MB; 0 for 6, or what the container chooses.
        environment: environment variables of the container that serves.
        instance_count: how many instances share the objects.
        role_arn: the role of the model; by default the tenant's.
        region: by default the tenant's.
        target: `SageMaker`, or `Cluster` for the cluster's own nodes.
        cluster: how it runs there, as `spec.cluster` of a BatchTransform; only with `target="Cluster"`.
        tags: tags of the job, by key.
        retry_limit: how many jobs may follow one that failed by an error of AWS's own.
        deletion_policy: what becomes of a running job when the object is deleted: `Stop` (the default), `Retain`,
            `Purge`.
        name: what the object's name begins with; by default the task's name.
        spec_overrides: any fields of the BatchTransform's spec, merged last; `None` removes a field,
            lists are replaced.

    Returns:
        output_uri: the `s3://` prefix of the predictions: `data.csv` becomes `data.csv.out`.
        job_name: the job's name in SageMaker, or on the cluster.
        object_name: the BatchTransform's name; a cached step's may be gone.
    """
    spec = transform_spec(locals())
    outcome = run(Wanted(kind=KIND, spec=spec, readable=name, output_uri=predictions.uri))
    outputs = BatchTransformOutputs(
        output_uri=str(outcome.status.get("outputPath") or ""),
        job_name=str(outcome.status.get("transformJobName") or ""),
        object_name=outcome.name,
    )
    point(predictions, output_uri=outputs.output_uri, job_name=outputs.job_name)
    return outputs
