"""A script or container over files as a step."""

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Output

from sagebridge_kfp import results
from sagebridge_kfp.artifacts import point
from sagebridge_kfp.op import NO_WORDS, NOTHING, op
from sagebridge_kfp.specs.processing import KIND, processing_spec
from sagebridge_kfp.step.run import Wanted, run


class ProcessingJobOutputs(NamedTuple):
    """What a processing job gives on."""

    output_uris: dict[str, str]
    output_uri: str
    exit_message: str
    job_name: str
    object_name: str


@op(name="processing-job", kind=KIND, check=processing_spec)
def ProcessingJobOp(  # noqa: N802, PLR0913
    *,
    files: Output[Artifact],
    instance_type: str,
    framework: str = "",
    framework_version: str = "",
    python_version: str = "",
    base_framework: str = "",
    image: str = "",
    entry_point: str = "",
    source: str = "",
    arguments: list[Any] = NO_WORDS,
    entrypoint: list[Any] = NO_WORDS,
    inputs: dict[str, Any] = NOTHING,
    outputs: dict[str, Any] = NOTHING,
    environment: dict[str, Any] = NOTHING,
    instance_count: int = 1,
    volume_size_gb: int = 0,
    max_runtime_seconds: int = 0,
    role_arn: str = "",
    region: str = "",
    target: str = "SageMaker",
    cluster: dict[str, Any] = NOTHING,
    tags: dict[str, Any] = NOTHING,
    retry_limit: int = 0,
    deletion_policy: str = "",
    name: str = "",
    spec_overrides: dict[str, Any] = NOTHING,
) -> ProcessingJobOutputs:
    """Run a script or a container over files on S3: to prepare data, or to score a model.

    What runs is said by exactly one of `framework` (with `source` and `entry_point`) and `image`.

    Args:
        files: where the outputs went, as a small file that points to them.
        instance_type: such as `ml.m5.xlarge`.
        framework: `sklearn`, `pytorch`, `xgboost` ...: the image in which it trains runs the script.
        framework_version: its version, such as `1.2-1`; by default the newest.
        python_version: such as `py311`; by default the newest that this version of the framework has.
        base_framework: what Hugging Face runs on, such as `pytorch2.1`.
        image: a container image of yours.
        entry_point: the script in `source` that runs: a `.py` or a `.sh`.
        source: the code: an `s3://` URI of a `.tar.gz`, or the name of a ConfigMap in the run's namespace.
        arguments: of the script, or of the image's entry point. A whole number arrives as an integer: 1.0 is `1`.
        entrypoint: with `image` and no `source`, what is run instead of the image's own entry point.
        inputs: by name, an `s3://` URI, which is copied to `/opt/ml/processing/input/NAME`, or a whole input as a
            manifest has it (`s3Input`, `datasetDefinition`).
        outputs: by name, the `s3://` prefix to which `/opt/ml/processing/output/NAME` is copied, `""` for one below the
            tenant's bucket, or a whole output as a manifest has it.
        environment: environment variables.
        instance_count: how many instances run it.
        volume_size_gb: their disks, in GB; 0 for 30.
        max_runtime_seconds: after so long the job is stopped; 0 for a day.
        role_arn: the role the job acts as; by default the tenant's.
        region: by default the tenant's.
        target: `SageMaker`, or `Cluster` for the cluster's own nodes.
        cluster: how it runs there, as `spec.cluster` of a ProcessingJob; only with `target="Cluster"`.
        tags: tags of the job, by key.
        retry_limit: how many jobs may follow one that failed for want of capacity or by an error of AWS's own.
        deletion_policy: what becomes of a running job when the object is deleted: `Stop` (the default), `Retain`,
            `Purge`.
        name: what the object's name begins with; by default the task's name.
        spec_overrides: any fields of the ProcessingJob's spec, merged last; `None` removes a field,
            lists are replaced.

    Returns:
        output_uris: where each output went, by name.
        output_uri: where it went if there is exactly one, otherwise empty: what a channel takes.
        exit_message: what the script wrote to `/opt/ml/output/message`.
        job_name: the job's name in SageMaker, or on the cluster.
        object_name: the ProcessingJob's name; a cached step's may be gone.
    """
    spec = processing_spec(locals())
    outcome = run(Wanted(kind=KIND, spec=spec, readable=name, output_uri=files.uri))
    uris = results.output_uris(outcome.status)
    job_name = str(outcome.status.get("processingJobName") or "")
    point(files, output_uris=uris, job_name=job_name)
    return ProcessingJobOutputs(
        output_uris=uris,
        output_uri=next(iter(uris.values())) if len(uris) == 1 else "",
        exit_message=str(outcome.status.get("exitMessage") or ""),
        job_name=job_name,
        object_name=outcome.name,
    )
