"""ProcessingJob: SageMaker's CreateProcessingJob."""

from __future__ import annotations

from sagebridge.core.cluster.names import PROCESS
from sagebridge.core.cluster.processing.refusals import REFUSALS
from sagebridge.core.cluster.processing.request import resolve as resolve_on_cluster
from sagebridge.core.processing import resolve
from sagebridge.kinds import rules
from sagebridge.kinds.kind import JOB_PHASES, JobKind
from sagebridge.schema import common_fields
from sagebridge.schema.kind import Column, KindSchema, Rule

# What the API requires, and has one sensible answer that is filled in when the job is submitted.
_OPTIONAL = frozenset(
    {
        "processingJobName",
        "roleArn",
        "appSpecification",
        "appSpecification.imageUri",
        "processingResources.clusterConfig.volumeSizeInGB",
        "stoppingCondition.maxRuntimeInSeconds",
        "processingInputs[].s3Input.s3DataType",
        "processingOutputConfig.outputs[].s3Output.s3Uri",
        "processingOutputConfig.outputs[].s3Output.s3UploadMode",
    }
)

_IMAGE = "self.?appSpecification.?imageUri.hasValue()"

_APPLICATION_RULES = (
    Rule(
        rule=f"has(self.framework) != {_IMAGE}",
        message="say what to run in, by exactly one of framework (your script) or appSpecification.imageUri (your "
        "container)",
    ),
    Rule(
        rule="!has(self.framework) || has(self.source)",
        message="framework runs a script: give source.entryPoint with source.s3Uri or source.configMap",
    ),
    Rule(
        rule="!has(self.source) || !self.?appSpecification.?containerEntrypoint.hasValue()",
        message="source starts source.entryPoint, so appSpecification.containerEntrypoint has no use: remove one of "
        "them; appSpecification.containerArguments are the script's",
    ),
    *rules.SOURCE,
    Rule(
        at="source",
        rule="self.entryPoint.endsWith('.py') || self.entryPoint.endsWith('.sh')",
        message="entryPoint must end with .py or .sh, which says what runs it",
    ),
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html
_CLUSTER_CONFIG = "processingResources.clusterConfig"
_RESOURCE_RULES = (
    Rule(
        at=_CLUSTER_CONFIG,
        rule="has(self.instanceType) != has(self.instancePreferences)",
        message="say what to run on by exactly one of instanceType, such as ml.m5.xlarge, or instancePreferences",
    ),
    *(
        Rule(at=f"{_CLUSTER_CONFIG}.{field}", rule="false", message=f"{field} is what SageMaker answers: remove it")
        for field in ("selectedInstanceType", "selectedInstanceCount")
    ),
)

# https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-input-and-output.html
_PLACES = (
    "processingInputs[].s3Input.localPath",
    "processingInputs[].datasetDefinition.localPath",
    "processingOutputConfig.outputs[].s3Output.localPath",
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingInput.html
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingOutput.html
_DATA_RULES = (
    Rule(
        at="processingInputs[]",
        rule="has(self.s3Input) != has(self.datasetDefinition)",
        message="say where the data is, by exactly one of s3Input or datasetDefinition",
    ),
    Rule(
        at="processingInputs[].datasetDefinition",
        rule="has(self.athenaDatasetDefinition) != has(self.redshiftDatasetDefinition)",
        message="say where the data is, by exactly one of athenaDatasetDefinition or redshiftDatasetDefinition",
    ),
    Rule(
        at="processingInputs[].s3Input",
        rule="!has(self.s3CompressionType) || self.s3CompressionType != 'Gzip'"
        " || has(self.s3InputMode) && self.s3InputMode == 'Pipe'",
        message="s3CompressionType: Gzip is unpacked in Pipe mode only: set s3InputMode: Pipe, or unpack it in your "
        "code",
    ),
    *(
        Rule(
            at=path,
            rule="self.startsWith('/opt/ml/processing/') && !self.contains('..')",
            message="localPath must begin with /opt/ml/processing/, and have no ..",
        )
        for path in _PLACES
    ),
    Rule(
        at="processingOutputConfig.outputs[]",
        rule="!has(self.featureStoreOutput) || !has(self.s3Output) && has(self.appManaged) && self.appManaged",
        message="featureStoreOutput excludes s3Output, and needs appManaged: true, since it is the container that "
        "writes there",
    ),
)

SCHEMA = KindSchema(
    kind="ProcessingJob",
    plural="processingjobs",
    short_names=("pj",),
    description="A SageMaker processing job: spec is the request of CreateProcessingJob in lowerCamelCase, with a few "
    "fields on top.",
    operation="CreateProcessingJob",
    describe_operation="DescribeProcessingJob",
    name_field="processingJobName",
    optional_fields=_OPTIONAL,
    fields={
        "target": common_fields.target(),
        "region": common_fields.region(),
        "roleArn": common_fields.role_arn(),
        "framework": common_fields.framework(distributed=False),
        "source": common_fields.source(
            "The script, for a framework or for an own image that has sh, tar and, for a .py file, python3."
        ),
        "environmentFrom": common_fields.environment_from(),
        "cluster": common_fields.cluster(
            instance_type="processingResources.clusterConfig.instanceType",
            image="The image, when the cluster can't pull SageMaker's. With source, it needs sh, tar and, for a .py "
            "file, python3.",
            spot="Avoid",
            has_engine=False,
        ),
        "runPolicy": common_fields.run_policy(),
    },
    rules=(
        *_APPLICATION_RULES,
        *rules.either_target(REFUSALS, has_channels=False),
        *_RESOURCE_RULES,
        *_DATA_RULES,
        *rules.TAGS,
    ),
    mutable_fields=("runPolicy", "tags"),
    status_fields=(
        "processingJobName",
        "processingJobArn",
        "processingJobStatus",
        "exitMessage",
        "failureReason",
        "processingOutputConfig",
        "creationTime",
        "processingStartTime",
        "processingEndTime",
    ),
    own_status_fields=common_fields.instances_status(),
    columns=(
        Column(
            name="STATUS",
            path='.status.conditions[?(@.type=="Ready")].reason',
            description="Where the object stands, in one word, before and after SageMaker knows the job.",
        ),
        Column(name="INSTANCE-TYPE", path=".spec.processingResources.clusterConfig.instanceType"),
        Column(name="COUNT", path=".status.instanceCount", type="integer"),
        Column(name="DURATION", path=".status.duration", description="How long the job took, once it has ended."),
        Column(name="READY", path='.status.conditions[?(@.type=="Ready")].status', wide=True),
        Column(name="JOB", path=".status.processingJobName", wide=True, description="The job's name in SageMaker."),
        Column(name="EXIT", path=".status.exitMessage", wide=True, description="What the container left to say."),
        Column(name="MESSAGE", path='.status.conditions[?(@.type=="Ready")].message', wide=True),
    ),
)

KIND = JobKind(
    schema=SCHEMA,
    create="CreateProcessingJob",
    describe="DescribeProcessingJob",
    list="ListProcessingJobs",
    stop="StopProcessingJob",
    delete="DeleteProcessingJob",
    name_member="ProcessingJobName",
    arn_member="ProcessingJobArn",
    summaries_member="ProcessingJobSummaries",
    status_member="ProcessingJobStatus",
    list_members=(),
    arn_resource="processing-job",
    phases=JOB_PHASES,
    resolve=resolve,
    fresh_fields={"processingJobStatus": "InProgress"},
    stopping_fields={"processingJobStatus": "Stopping"},
    start_field="processingStartTime",
    end_field="processingEndTime",
    log_group="/aws/sagemaker/ProcessingJobs",
    image=("appSpecification", "imageUri"),
    resources=("processingResources", "clusterConfig"),
    resolve_on_cluster=resolve_on_cluster,
    container=PROCESS,
)
