"""BatchTransform: SageMaker's CreateTransformJob, and the model that it uses."""

from __future__ import annotations

from sagebridge.core.cluster.names import SERVE
from sagebridge.core.cluster.transform.refusals import AT_ADMISSION
from sagebridge.core.cluster.transform.request import resolve as resolve_on_cluster
from sagebridge.core.transform import model_of, resolve
from sagebridge.kinds import rules
from sagebridge.kinds.kind import JOB_PHASES, JobKind
from sagebridge.schema import common_fields
from sagebridge.schema.kind import Column, KindSchema, Rule

# What the API requires, and has one sensible answer that is filled in when the job is submitted.
_OPTIONAL = frozenset(
    {
        "transformJobName",
        "modelName",
        "transformInput.dataSource.s3DataSource.s3DataType",
        "transformOutput",
        "transformOutput.s3OutputPath",
        "transformResources.instanceCount",
    }
)

_MODEL_RULES = (
    Rule(
        rule="[has(self.modelRef), has(self.modelName), has(self.model)].exists_one(given, given)",
        message="say which model to use, by exactly one of modelRef (what an object of this namespace has trained), "
        "modelName (a model in SageMaker) or model (CreateModel's fields)",
    ),
    Rule(
        rule="!has(self.source) || !has(self.modelName)",
        message="source goes into a model that is made for this job, with modelRef or model: remove it",
    ),
    *rules.SOURCE,
    Rule(
        at="model",
        rule="has(self.primaryContainer) != has(self.containers)",
        message="give exactly one of primaryContainer and containers (a pipeline of 2 to 15)",
    ),
    # https://docs.aws.amazon.com/sagemaker/latest/dg/large-model-inference-uncompressed.html
    *(
        Rule(
            at=place,
            rule="!has(self.modelDataSource)",
            message="batch transform takes no modelDataSource: pack the model into a .tar.gz and give modelDataUrl",
        )
        for place in ("model.primaryContainer", "model.containers[]")
    ),
    # https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html
    *(
        Rule(
            at=f"{place}.mode",
            rule="self != 'MultiModel'",
            message="batch transform serves one model, not several from one container: remove mode",
        )
        for place in ("model.primaryContainer", "model.containers[]")
    ),
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformS3DataSource.html
_DATA_RULES = (
    Rule(
        rule="!has(self.maxPayloadInMB) || self.maxPayloadInMB *"
        " (has(self.maxConcurrentTransforms) && self.maxConcurrentTransforms > 1 ? self.maxConcurrentTransforms : 1)"
        " <= 100",
        message="maxPayloadInMB times maxConcurrentTransforms can be at most 100: make one of them smaller",
    ),
    Rule(
        at="transformInput.dataSource.s3DataSource.s3DataType",
        rule="self != 'AugmentedManifestFile'",
        message="a transform job takes S3Prefix or ManifestFile",
    ),
    *rules.TAGS,
)

SCHEMA = KindSchema(
    kind="BatchTransform",
    plural="batchtransforms",
    short_names=("bt",),
    description="A SageMaker batch transform job: spec is the request of CreateTransformJob in lowerCamelCase, with a "
    "few fields on top. The model is one in SageMaker, or is made for the job and deleted after it.",
    operation="CreateTransformJob",
    describe_operation="DescribeTransformJob",
    name_field="transformJobName",
    optional_fields=_OPTIONAL,
    fields={
        "target": common_fields.target(),
        "region": common_fields.region(),
        "roleArn": common_fields.role_arn(),
        "modelRef": common_fields.served_model_reference(["TrainingJob", "HPTuningJob"]),
        "model": common_fields.model(),
        "source": common_fields.source(
            "Inference code (model_fn, input_fn, predict_fn, output_fn), packed into the model's archive under code/."
        ),
        "environmentFrom": common_fields.environment_from(),
        "cluster": common_fields.cluster(
            instance_type="transformResources.instanceType",
            image="The image that serves, when the cluster can't pull SageMaker's, or the model was trained by one "
            "that does not serve. It is run as `<image> serve`.",
            spot="Avoid",
            has_engine=False,
        ),
        "runPolicy": common_fields.run_policy(),
    },
    rules=(*_MODEL_RULES, *rules.either_target(AT_ADMISSION, has_channels=False), *_DATA_RULES),
    mutable_fields=("runPolicy", "tags"),
    status_fields=(
        "transformJobName",
        "transformJobArn",
        "transformJobStatus",
        "failureReason",
        "modelName",
        "creationTime",
        "transformStartTime",
        "transformEndTime",
    ),
    own_status_fields={
        **common_fields.instances_status(),
        "modelSource": {
            "type": "string",
            "description": "Where the model comes from, in one line: the object that has trained it, its name in "
            "SageMaker if it is there anyway, or else its archives (images where there is none).",
        },
    },
    columns=(
        Column(
            name="STATUS",
            path='.status.conditions[?(@.type=="Ready")].reason',
            description="Where the object stands, in one word, before and after SageMaker knows the job.",
        ),
        Column(name="MODEL", path=".status.modelSource", description="Where the model comes from."),
        Column(name="INSTANCE-TYPE", path=".spec.transformResources.instanceType"),
        Column(name="COUNT", path=".status.instanceCount", type="integer"),
        Column(name="DURATION", path=".status.duration", description="How long the job took, once it has ended."),
        Column(name="OUTPUT", path=".status.outputPath", wide=True, description="Where on S3 the predictions are."),
        Column(name="READY", path='.status.conditions[?(@.type=="Ready")].status', wide=True),
        Column(name="JOB", path=".status.transformJobName", wide=True, description="The job's name in SageMaker."),
        Column(name="MESSAGE", path='.status.conditions[?(@.type=="Ready")].message', wide=True),
    ),
)

KIND = JobKind(
    schema=SCHEMA,
    create="CreateTransformJob",
    describe="DescribeTransformJob",
    list="ListTransformJobs",
    stop="StopTransformJob",
    delete="",
    name_member="TransformJobName",
    arn_member="TransformJobArn",
    summaries_member="TransformJobSummaries",
    status_member="TransformJobStatus",
    list_members=(),
    arn_resource="transform-job",
    phases=JOB_PHASES,
    resolve=resolve,
    fresh_fields={"transformJobStatus": "InProgress"},
    stopping_fields={"transformJobStatus": "Stopping"},
    start_field="transformStartTime",
    end_field="transformEndTime",
    log_group="/aws/sagemaker/TransformJobs",
    output=("transformOutput", "s3OutputPath"),
    model_of=model_of,
    instance=("transformResources", "instanceType"),
    resources=("transformResources",),
    resolve_on_cluster=resolve_on_cluster,
    container=SERVE,
)
