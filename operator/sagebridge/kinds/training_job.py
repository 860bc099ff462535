"""TrainingJob: SageMaker's CreateTrainingJob."""

from __future__ import annotations

from sagebridge.core.cluster.refusals import REFUSALS
from sagebridge.core.cluster.request import resolve as resolve_on_cluster
from sagebridge.core.observation import Phase
from sagebridge.core.training import resolve
from sagebridge.kinds import rules
from sagebridge.kinds.kind import JOB_PHASES, JobKind
from sagebridge.schema import common_fields
from sagebridge.schema.kind import Column, KindSchema, Rule

# What the API requires, and has one sensible answer that is filled in when the job is submitted.
_OPTIONAL = frozenset(
    {
        "trainingJobName",
        "roleArn",
        "outputDataConfig",
        "outputDataConfig.s3OutputPath",
        "algorithmSpecification.trainingInputMode",
        "inputDataConfig[].dataSource.s3DataSource.s3DataType",
    }
)

# Each field of `spec` that a rule asks for costs the API server microseconds, at every write of an object: rules sit on
# the field they are about, and ask first what most manifests do not have.

# The levels of api.md, of which a manifest chooses one.
_LEVELS = (
    "[has(self.algorithm), has(self.framework), has(self.serverlessJobConfig),"
    " self.?algorithmSpecification.?trainingImage.hasValue(), self.?algorithmSpecification.?algorithmName.hasValue()]"
)
_OWN_IMAGE = "self.?algorithmSpecification.?trainingImage.hasValue()"
_SPOT = "has(self.enableManagedSpotTraining) && self.enableManagedSpotTraining"

_LEVEL_RULES = (
    Rule(
        rule=f"{_LEVELS}.exists_one(given, given)",
        message="say what to train with, by exactly one of algorithm (a built-in algorithm), framework (your script), "
        "algorithmSpecification.trainingImage (your container), algorithmSpecification.algorithmName (an algorithm "
        "resource) or serverlessJobConfig",
    ),
    Rule(
        rule=f"has(self.framework) ? has(self.source) : !has(self.source) || {_OWN_IMAGE}",
        message="framework runs a script: give source.entryPoint with source.s3Uri or source.configMap; source goes "
        "with framework, or with algorithmSpecification.trainingImage when that image has SageMaker's training toolkit",
    ),
    *rules.SOURCE,
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
# https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html (no spot, no heterogeneous clusters)
_RESOURCE_RULES = (
    Rule(
        rule="self.?resourceConfig.?instanceType.hasValue() || self.?resourceConfig.?instanceGroups.hasValue()"
        " || self.?resourceConfig.?instancePreferences.hasValue() || has(self.serverlessJobConfig)",
        message="say what to run on: resourceConfig.instanceType, such as ml.m5.xlarge, or "
        "resourceConfig.instanceGroups or resourceConfig.instancePreferences",
    ),
    Rule(
        at="resourceConfig",
        rule="!has(self.instanceGroups) || !(has(self.instanceType) || has(self.instanceCount)"
        " || self.?keepAlivePeriodInSeconds.orValue(0) > 0)",
        message="instanceGroups replaces instanceType and instanceCount, and no warm pool (keepAlivePeriodInSeconds) "
        "can be kept of it: give one or the other",
    ),
    Rule(
        at="resourceConfig",
        rule="!has(self.instancePreferences) ||"
        " !(has(self.instanceType) || has(self.instanceGroups) || has(self.instancePlacementConfig))"
        " && (has(self.instanceCount) ? self.instancePreferences.all(choice, !has(choice.instanceCount))"
        " : self.instancePreferences.all(choice, has(choice.instanceCount)))",
        message="instancePreferences excludes instanceType, instanceGroups and instancePlacementConfig; give "
        "resourceConfig.instanceCount once, or an instanceCount in every one of instancePreferences",
    ),
    *(
        Rule(at=f"resourceConfig.{field}", rule="false", message=f"{field} is what SageMaker answers: remove it")
        for field in ("selectedInstanceType", "selectedInstanceCount")
    ),
    Rule(
        rule=f"!({_SPOT} && (self.?resourceConfig.?instancePreferences.hasValue()"
        " || self.?resourceConfig.?keepAlivePeriodInSeconds.orValue(0) > 0))",
        message="enableManagedSpotTraining excludes resourceConfig.instancePreferences and a warm pool "
        "(resourceConfig.keepAlivePeriodInSeconds): remove one of them",
    ),
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
_RUN_RULES = (
    Rule(
        at="stoppingCondition",
        rule="!(has(self.maxWaitTimeInSeconds) && has(self.maxRuntimeInSeconds))"
        " || self.maxWaitTimeInSeconds >= self.maxRuntimeInSeconds",
        message="maxWaitTimeInSeconds counts the waiting and the running: it must be at least maxRuntimeInSeconds",
    ),
    Rule(
        rule=f"!self.?stoppingCondition.?maxWaitTimeInSeconds.hasValue() || ({_SPOT})",
        message="stoppingCondition.maxWaitTimeInSeconds is for spot training: set enableManagedSpotTraining: true, or "
        "remove it",
    ),
    Rule(
        rule="!(has(self.retryStrategy) && self.?runPolicy.?retry.hasValue())",
        message="give runPolicy.retry (new jobs, for several kinds of failure) or retryStrategy (SageMaker's own, for "
        "InternalServerError), not both",
    ),
    *rules.TAGS,
)

_IS_FILE_SYSTEM = "has(channel.dataSource.fileSystemDataSource)"

# https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
_DATA_RULES = (
    Rule(
        at="inputDataConfig[].dataSource",
        rule="[has(self.s3DataSource), has(self.fileSystemDataSource), has(self.datasetSource)]"
        ".exists_one(given, given)",
        message="say where the data is, by exactly one of s3DataSource, fileSystemDataSource or datasetSource",
    ),
    Rule(
        at="inputDataConfig[]",
        rule="!has(self.dataSource.fileSystemDataSource) || !has(self.inputMode) || self.inputMode == 'File'",
        message="a file system (EFS, FSx for Lustre) is mounted, so its inputMode is File: remove inputMode",
    ),
    Rule(
        rule=f"!has(self.inputDataConfig) || !self.inputDataConfig.exists(channel, {_IS_FILE_SYSTEM})"
        " || (has(self.vpcConfig) || self.?target.orValue('SageMaker') == 'Cluster')"
        " && (self.?algorithmSpecification.?trainingInputMode.orValue('File') == 'File'"
        f" || self.inputDataConfig.all(channel, !{_IS_FILE_SYSTEM} || has(channel.inputMode)))",
        message="a file system (EFS, FSx for Lustre) lies in a VPC and is mounted, which is File mode: give vpcConfig "
        "with subnets and security groups that reach it; set inputMode: File on its channel, or remove "
        "algorithmSpecification.trainingInputMode",
    ),
    Rule(
        rule="!has(self.modelRef) || !has(self.inputDataConfig) || self.inputDataConfig.all(channel,"
        " channel.channelName != (has(self.modelRef.channelName) ? self.modelRef.channelName : 'model'))",
        message="modelRef adds a channel (modelRef.channelName, by default model) that inputDataConfig has already: "
        "rename or remove one",
    ),
)

SCHEMA = KindSchema(
    kind="TrainingJob",
    plural="trainingjobs",
    short_names=("tj",),
    description="A SageMaker training job: spec is the request of CreateTrainingJob in lowerCamelCase, with a few "
    "fields on top.",
    operation="CreateTrainingJob",
    describe_operation="DescribeTrainingJob",
    name_field="trainingJobName",
    optional_fields=_OPTIONAL,
    fields={
        "target": common_fields.target(),
        "region": common_fields.region(),
        "roleArn": common_fields.role_arn(),
        "algorithm": common_fields.algorithm(),
        "framework": common_fields.framework(),
        "source": common_fields.source(),
        "modelRef": common_fields.model_reference(["TrainingJob", "HPTuningJob"]),
        "environmentFrom": common_fields.environment_from(),
        "cluster": common_fields.cluster(),
        "runPolicy": common_fields.run_policy(),
    },
    rules=(*_LEVEL_RULES, *rules.either_target(REFUSALS), *_RESOURCE_RULES, *_RUN_RULES, *_DATA_RULES),
    mutable_fields=("runPolicy", "tags"),
    status_fields=(
        "trainingJobName",
        "trainingJobArn",
        "trainingJobStatus",
        "secondaryStatus",
        "secondaryStatusTransitions",
        "failureReason",
        "modelArtifacts",
        "finalMetricDataList",
        "creationTime",
        "trainingStartTime",
        "trainingEndTime",
        "trainingTimeInSeconds",
        "billableTimeInSeconds",
        "billableTokenCount",
        "warmPoolStatus",
        "debugRuleEvaluationStatuses",
        "profilerRuleEvaluationStatuses",
        "profilingStatus",
        "progressInfo",
        "mlflowDetails",
        "outputModelPackageArn",
    ),
    own_status_fields=common_fields.instances_status(),
    columns=(
        Column(
            name="STATUS",
            path='.status.conditions[?(@.type=="Ready")].reason',
            description="Where the object stands, in one word, before and after SageMaker knows the job.",
        ),
        Column(name="SECONDARY", path=".status.secondaryStatus", description="SageMaker's secondary status."),
        Column(name="INSTANCE-TYPE", path=".spec.resourceConfig.instanceType"),
        Column(name="COUNT", path=".status.instanceCount", type="integer"),
        Column(name="DURATION", path=".status.duration", description="How long the job took, once it has ended."),
        Column(name="READY", path='.status.conditions[?(@.type=="Ready")].status', wide=True),
        Column(name="JOB", path=".status.trainingJobName", wide=True, description="The job's name in SageMaker."),
        Column(name="MESSAGE", path='.status.conditions[?(@.type=="Ready")].message', wide=True),
    ),
)

KIND = JobKind(
    schema=SCHEMA,
    create="CreateTrainingJob",
    describe="DescribeTrainingJob",
    list="ListTrainingJobs",
    stop="StopTrainingJob",
    delete="DeleteTrainingJob",
    name_member="TrainingJobName",
    arn_member="TrainingJobArn",
    summaries_member="TrainingJobSummaries",
    status_member="TrainingJobStatus",
    list_members=("SecondaryStatus",),
    arn_resource="training-job",
    phases={**JOB_PHASES, "Deleting": Phase.STOPPED},
    resolve=resolve,
    fresh_fields={"trainingJobStatus": "InProgress", "secondaryStatus": "Starting"},
    stopping_fields={"trainingJobStatus": "Stopping", "secondaryStatus": "Stopping"},
    start_field="trainingStartTime",
    end_field="trainingEndTime",
    log_group="/aws/sagemaker/TrainingJobs",
    image=("algorithmSpecification", "trainingImage"),
    output=("outputDataConfig", "s3OutputPath"),
    resources=("resourceConfig",),
    resolve_on_cluster=resolve_on_cluster,
)
