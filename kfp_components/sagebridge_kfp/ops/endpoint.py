"""A model that answers, as a step."""

from typing import Any, NamedTuple

from kfp.dsl import Artifact, Output

from sagebridge_kfp.artifacts import point
from sagebridge_kfp.op import NOTHING, op
from sagebridge_kfp.specs.endpoint import KIND, endpoint_spec
from sagebridge_kfp.step.run import Outcome, Wanted, run


class EndpointOutputs(NamedTuple):
    """What a deployment gives on."""

    endpoint_name: str
    endpoint_url: str
    object_name: str


@op(name="endpoint", kind=KIND, check=endpoint_spec, caches=False)
def EndpointOp(  # noqa: N802, PLR0913
    *,
    deployment: Output[Artifact],
    name: str,
    instance_type: str = "",
    model_uri: str = "",
    image: str = "",
    framework: str = "",
    framework_version: str = "",
    python_version: str = "",
    base_framework: str = "",
    algorithm: str = "",
    algorithm_version: str = "",
    training_job: str = "",
    tuning_job: str = "",
    entry_point: str = "",
    source: str = "",
    environment: dict[str, Any] = NOTHING,
    instance_count: int = 0,
    volume_size_gb: int = 0,
    autoscaling: dict[str, Any] = NOTHING,
    serverless_memory_mb: int = 0,
    serverless_max_concurrency: int = 5,
    role_arn: str = "",
    region: str = "",
    target: str = "SageMaker",
    cluster: dict[str, Any] = NOTHING,
    tags: dict[str, Any] = NOTHING,
    deletion_policy: str = "",
    spec_overrides: dict[str, Any] = NOTHING,
) -> EndpointOutputs:
    """Deploy a model, or put a new one in the place of the one that is deployed, without a gap.

    An endpoint outlives the run that made it: the next run's step of the same `name` updates it, and `DeleteOp` removes
    it. What serves is said by exactly one of `image`, `framework`, `algorithm`, `training_job` and `tuning_job`.

    Args:
        deployment: what was deployed, as a small file that points to it.
        name: the Endpoint's name in the run's namespace, the same for each run that updates it.
        instance_type: such as `ml.m5.xlarge`, for either target; not with `serverless_memory_mb`.
        model_uri: a `model.tar.gz` on S3: the output of `TrainingJobOp` or `HPTuningJobOp`.
        image: the image that trained the model (the output of the same name) or one that serves it. For images of AWS's
            that only train, the inference image of the same version serves.
        framework: `pytorch`, `tensorflow`, `sklearn`, `xgboost`, `huggingface`, `mxnet`: its inference image serves.
        framework_version: its version, such as `2.3`; by default the newest.
        python_version: such as `py311`; by default the newest that this version of the framework has.
        base_framework: what Hugging Face runs on, such as `pytorch2.1`.
        algorithm: a built-in algorithm, such as `xgboost`.
        algorithm_version: its version, such as `1.7-1`; by default the newest.
        training_job: a TrainingJob of the run's namespace, whose model is served.
        tuning_job: an HPTuningJob of the run's namespace, whose best model is served.
        entry_point: the file in `source` that has `model_fn` and its like.
        source: code that serves: an `s3://` URI of a `.tar.gz`, or the name of a ConfigMap in the run's namespace.
        environment: environment variables of the container.
        instance_count: how many instances serve; 0 to leave that to whoever scales it, which begins with 1.
        volume_size_gb: their disks, in GB; 0 for what SageMaker chooses.
        autoscaling: as `spec.productionVariants[].autoscaling` of an Endpoint: `minCapacity`, `maxCapacity`,
            `targetValue` ...
        serverless_memory_mb: serve without instances, with so much memory: 1024 to 6144, in steps of 1024.
        serverless_max_concurrency: how many requests at a time, without instances.
        role_arn: the role the model acts as; by default the tenant's.
        region: by default the tenant's.
        target: `SageMaker`, or `Cluster` for pods of this cluster.
        cluster: how it runs there, as `spec.cluster` of an Endpoint; only with `target="Cluster"`.
        tags: tags of the endpoint, by key.
        deletion_policy: what becomes of the endpoint when the object is deleted: `Stop` (deleted, the default) or
            `Retain`.
        spec_overrides: any fields of the Endpoint's spec, merged last; `None` removes a field, lists (`models`,
            `productionVariants`) are replaced: the one model is called `model`, the variant `all-traffic`.

    Returns:
        endpoint_name: the endpoint's name in SageMaker, or on the cluster.
        endpoint_url: where it is invoked.
        object_name: the Endpoint's name: `InvokeEndpointOp` and `DeleteOp` take it.
    """
    spec = endpoint_spec(locals())
    outcome = run(Wanted(kind=KIND, spec=spec, name=name, keeps=True, output_uri=deployment.uri))
    outputs = outputs_of(outcome)
    point(deployment, endpoint_name=outputs.endpoint_name, endpoint_url=outputs.endpoint_url, model_uri=model_uri)
    return outputs


def outputs_of(outcome: Outcome) -> EndpointOutputs:
    """What an endpoint that serves gives on."""
    return EndpointOutputs(
        endpoint_name=str(outcome.status.get("endpointName") or outcome.name),
        endpoint_url=str(outcome.status.get("url") or ""),
        object_name=outcome.name,
    )
