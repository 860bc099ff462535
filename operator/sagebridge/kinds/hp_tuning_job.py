"""HPTuningJob: SageMaker's CreateHyperParameterTuningJob."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sagebridge.core.cluster.tuning.request import resolve as resolve_on_cluster
from sagebridge.core.observation import Phase
from sagebridge.core.tuning import resolve, sections
from sagebridge.core.tuning.results import (
    best_model_fields,
    best_model_request,
    best_trials_fields,
    best_trials_request,
)
from sagebridge.kinds import rules, tuning_rules
from sagebridge.kinds.kind import JOB_PHASES, Children, FollowUp, JobKind
from sagebridge.schema import common_fields
from sagebridge.schema.blocks import list_of, map_of, object_name, structure
from sagebridge.schema.kind import Column, KindSchema, Rule

_DEFINITIONS = ("trainingJobDefinition", "trainingJobDefinitions[]")
_CONFIG = "hyperParameterTuningJobConfig"
_RANGES = (f"{_CONFIG}.parameterRanges", *(f"{path}.hyperParameterRanges" for path in _DEFINITIONS))
_PARENTS = "warmStartConfig.parentHyperParameterTuningJobs[]"

# What the API requires, and has one sensible answer that is filled in when the job is submitted.
_OPTIONAL = frozenset(
    {
        "hyperParameterTuningJobName",
        f"{_CONFIG}.strategy",
        *(
            f"{path}.{field}"
            for path in _DEFINITIONS
            for field in (
                "algorithmSpecification",
                "algorithmSpecification.trainingInputMode",
                "roleArn",
                "outputDataConfig",
                "outputDataConfig.s3OutputPath",
                "stoppingCondition",
                "inputDataConfig[].dataSource.s3DataSource.s3DataType",
            )
        ),
    }
)


def _value(description: str) -> dict[str, Any]:
    """A hyperparameter's value: a text, a number or a boolean."""
    return {
        "description": description,
        "x-kubernetes-preserve-unknown-fields": True,
        "maxLength": 256,
        "maxProperties": 0,
        "maxItems": 0,
    }


def _range_fields(path: str) -> dict[str, dict[str, Any]]:
    numbers = {
        f"{path}.{kind}ParameterRanges[].{bound}": _value(f"The {end} value that is tried.")
        for kind in ("integer", "continuous")
        for bound, end in (("minValue", "least"), ("maxValue", "greatest"))
    }
    values = list_of(_value("One of the values."), "The values that are tried.", most=30) | {"minItems": 1}
    return {
        **numbers,
        f"{path}.categoricalParameterRanges[].values": values,
        f"{path}.autoParameters[].valueHint": _value("A value that is known to be good."),
    }


_RANGE_FIELDS = {name: field for path in _RANGES for name, field in _range_fields(path).items()}

_OWN_IMAGE = "self.?algorithmSpecification.?trainingImage.hasValue()"


def _definition_rules(path: str) -> tuple[Rule, ...]:
    """Each rule sits on the field that it is about; see docs/decisions/work-before-word.md."""
    return (
        Rule(
            at=path,
            rule=f"[has(self.algorithm), has(self.framework), {_OWN_IMAGE},"
            " self.?algorithmSpecification.?algorithmName.hasValue()].exists_one(given, given)",
            message="say what to train with, by exactly one of algorithm (a built-in algorithm), framework (your "
            "script), algorithmSpecification.trainingImage (your container) or algorithmSpecification.algorithmName "
            "(an algorithm resource)",
        ),
        Rule(
            at=path,
            rule=f"has(self.framework) ? has(self.source) : !has(self.source) || {_OWN_IMAGE}",
            message="framework runs a script: give source.entryPoint with source.s3Uri or source.configMap; source "
            "goes with framework, or with algorithmSpecification.trainingImage when that image has SageMaker's "
            "training toolkit",
        ),
        Rule(
            at=path,
            rule="has(self.resourceConfig) != has(self.hyperParameterTuningResourceConfig)",
            message="say what to run on, by exactly one of resourceConfig or hyperParameterTuningResourceConfig",
        ),
        *(replace(rule, at=f"{path}.{rule.at}") for rule in (*rules.SOURCE, rules.ONE_SOURCE)),
        Rule(
            at=f"{path}.stoppingCondition",
            rule="!(has(self.maxWaitTimeInSeconds) && has(self.maxRuntimeInSeconds))"
            " || self.maxWaitTimeInSeconds >= self.maxRuntimeInSeconds",
            message="maxWaitTimeInSeconds counts the waiting and the running: it must be at least maxRuntimeInSeconds",
        ),
        Rule(
            at=f"{path}.inputDataConfig[].dataSource",
            rule="[has(self.s3DataSource), has(self.fileSystemDataSource), has(self.datasetSource)]"
            ".exists_one(given, given)",
            message="say where the data is, by exactly one of s3DataSource, fileSystemDataSource or datasetSource",
        ),
    )


# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobConfig.html
_CONFIG_RULES = (
    Rule(
        rule="has(self.trainingJobDefinition) != has(self.trainingJobDefinitions)",
        message="say how to train, by exactly one of trainingJobDefinition or trainingJobDefinitions",
    ),
    Rule(
        rule="has(self.trainingJobDefinition)"
        " == has(self.hyperParameterTuningJobConfig.hyperParameterTuningJobObjective)",
        message="with trainingJobDefinition, give hyperParameterTuningJobConfig.hyperParameterTuningJobObjective; each "
        "of trainingJobDefinitions has its own tuningObjective instead",
    ),
    Rule(
        at=_CONFIG,
        rule="!(has(self.trainingJobEarlyStoppingType) && self.trainingJobEarlyStoppingType == 'Auto'"
        " && has(self.strategy) && self.strategy == 'Hyperband')",
        message="Hyperband stops trials by itself: remove trainingJobEarlyStoppingType",
    ),
    Rule(
        at=f"{_CONFIG}.resourceLimits",
        rule="!has(self.maxNumberOfTrainingJobs) || self.maxParallelTrainingJobs <= self.maxNumberOfTrainingJobs",
        message="maxParallelTrainingJobs must not be greater than maxNumberOfTrainingJobs",
    ),
    Rule(
        at="trainingJobDefinitions[]",
        rule="has(self.definitionName) && has(self.tuningObjective) && has(self.hyperParameterRanges)",
        message="each of trainingJobDefinitions needs its own definitionName, tuningObjective and hyperParameterRanges",
    ),
    Rule(
        at=_PARENTS,
        rule="has(self.ref) != has(self.hyperParameterTuningJobName)",
        message="name a parent by exactly one of ref (an HPTuningJob of this namespace) or hyperParameterTuningJobName",
    ),
    *rules.TAGS,
)

_TEXT = {"type": "string"}
_TEXTS = map_of(_TEXT, "By name, as the manifest has them.")
_TRIAL: dict[str, Any] = {
    "trainingJobName": _TEXT | {"description": "The training job's name in SageMaker."},
    "trainingJobDefinitionName": _TEXT | {"description": "Which of several training definitions it is of."},
    "trainingJobStatus": _TEXT | {"description": "Completed, or Stopped if it was stopped early."},
    "metricName": _TEXT | {"description": "The objective."},
    "objectiveValue": {"description": "The objective's final value.", "type": "number"},
    "tunedHyperParameters": _TEXTS | {"description": "The hyperparameters that were searched for."},
}
_STATUS: dict[str, dict[str, Any]] = {
    "best": structure(
        _TRIAL | {"staticHyperParameters": _TEXTS | {"description": "The hyperparameters that all trials share."}},
        "The best trial so far, with all its hyperparameters.",
    ),
    "bestTrials": {
        "description": "The ten best trials so far, best first.",
        "type": "array",
        "items": structure(_TRIAL, "A trial: one training job."),
        "x-kubernetes-list-type": "atomic",
    },
    "modelArtifacts": structure(
        {"s3ModelArtifacts": _TEXT | {"description": "The model on S3."}},
        "The best training job's model, once the search has ended.",
    ),
    "sourceUris": {
        "description": "Where on S3 the packed source of each training definition lies, by its path in spec.",
        "type": "object",
        "additionalProperties": _TEXT,
    },
    "images": {
        "description": "The image of each training definition, by its path in spec, where there are several.",
        "type": "object",
        "additionalProperties": _TEXT,
    },
    "parents": {
        "description": "The tuning jobs that a warm start has learned from.",
        "type": "array",
        "items": structure(
            {
                "name": _TEXT | {"description": "The HPTuningJob, if it was referred to."},
                "uid": _TEXT | {"description": "Its UID."},
                "hyperParameterTuningJobName": _TEXT | {"description": "Its name in SageMaker."},
            },
            "A parent.",
        ),
        "x-kubernetes-list-type": "atomic",
    },
}

SCHEMA = KindSchema(
    kind="HPTuningJob",
    plural="hptuningjobs",
    short_names=("hptj",),
    description="A SageMaker hyperparameter tuning job: spec is the request of CreateHyperParameterTuningJob in "
    "lowerCamelCase, with a few fields on top.",
    operation="CreateHyperParameterTuningJob",
    describe_operation="DescribeHyperParameterTuningJob",
    name_field="hyperParameterTuningJobName",
    optional_fields=_OPTIONAL,
    fields={
        "target": common_fields.target(),
        "region": common_fields.region(),
        "roleArn": common_fields.role_arn(),
        "cluster": common_fields.cluster(),
        "runPolicy": common_fields.run_policy(),
        **{
            f"{path}.{name}": field
            for path in _DEFINITIONS
            for name, field in (
                ("algorithm", common_fields.algorithm()),
                ("framework", common_fields.framework()),
                ("source", common_fields.source()),
                ("environmentFrom", common_fields.environment_from()),
            )
        },
        **_RANGE_FIELDS,
        f"{_PARENTS}.ref": structure(
            {"name": object_name("The HPTuningJob's name, in this namespace.")},
            "An HPTuningJob to learn from. The job waits until it has ended.",
            required=["name"],
        ),
    },
    required_fields=tuple(_RANGE_FIELDS),
    rules=(
        *_CONFIG_RULES,
        *tuning_rules.ON_CLUSTER,
        *(rule for path in _DEFINITIONS for rule in _definition_rules(path)),
    ),
    mutable_fields=("runPolicy", "tags"),
    status_fields=(
        "hyperParameterTuningJobName",
        "hyperParameterTuningJobArn",
        "hyperParameterTuningJobStatus",
        "failureReason",
        "creationTime",
        "hyperParameterTuningEndTime",
        "trainingJobStatusCounters",
        "objectiveStatusCounters",
        "bestTrainingJob",
        "overallBestTrainingJob",
        "tuningJobCompletionDetails",
        "consumedResources",
    ),
    own_status_fields=_STATUS,
    columns=(
        Column(
            name="STATUS",
            path='.status.conditions[?(@.type=="Ready")].reason',
            description="Where the object stands, in one word, before and after SageMaker knows the job.",
        ),
        Column(name="COMPLETED", path=".status.trainingJobStatusCounters.completed", type="integer"),
        Column(name="RUNNING", path=".status.trainingJobStatusCounters.inProgress", type="integer"),
        Column(name="FAILED", path=".status.trainingJobStatusCounters.nonRetryableError", type="integer"),
        Column(name="BEST", path=".status.best.objectiveValue", type="number", description="The best objective value."),
        Column(name="DURATION", path=".status.duration", description="How long the job took, once it has ended."),
        Column(name="READY", path='.status.conditions[?(@.type=="Ready")].status', wide=True),
        Column(
            name="RETRYABLE",
            path=".status.trainingJobStatusCounters.retryableError",
            type="integer",
            wide=True,
            description="Trials that failed of an error of SageMaker's own; FAILED has the others.",
        ),
        Column(
            name="STOPPED",
            path=".status.trainingJobStatusCounters.stopped",
            type="integer",
            wide=True,
            description="Trials that were stopped, such as those that fell behind.",
        ),
        Column(name="BEST JOB", path=".status.best.trainingJobName", wide=True),
        Column(
            name="JOB",
            path=".status.hyperParameterTuningJobName",
            wide=True,
            description="The job's name in SageMaker.",
        ),
        Column(name="MESSAGE", path='.status.conditions[?(@.type=="Ready")].message', wide=True),
    ),
)

KIND = JobKind(
    schema=SCHEMA,
    create="CreateHyperParameterTuningJob",
    describe="DescribeHyperParameterTuningJob",
    list="ListHyperParameterTuningJobs",
    stop="StopHyperParameterTuningJob",
    delete="DeleteHyperParameterTuningJob",
    name_member="HyperParameterTuningJobName",
    arn_member="HyperParameterTuningJobArn",
    summaries_member="HyperParameterTuningJobSummaries",
    status_member="HyperParameterTuningJobStatus",
    list_members=("TrainingJobStatusCounters", "ObjectiveStatusCounters"),
    arn_resource="hyper-parameter-tuning-job",
    phases={**JOB_PHASES, "Deleting": Phase.STOPPED, "DeleteFailed": Phase.STOPPED},
    resolve=resolve,
    fresh_fields={"hyperParameterTuningJobStatus": "InProgress"},
    stopping_fields={"hyperParameterTuningJobStatus": "Stopping"},
    start_field="creationTime",
    end_field="hyperParameterTuningEndTime",
    log_group="/aws/sagemaker/TrainingJobs",
    image=("trainingJobDefinition", "algorithmSpecification", "trainingImage"),
    part_image=("algorithmSpecification", "trainingImage"),
    name_limit=32,
    sections=sections,
    look_when=(("objectiveStatusCounters", "succeeded"),),
    follow_ups=(
        FollowUp(
            operation="ListTrainingJobsForHyperParameterTuningJob",
            request=best_trials_request,
            names=("best", "bestTrials"),
            fields=best_trials_fields,
        ),
        FollowUp(
            operation="DescribeTrainingJob",
            request=best_model_request,
            names=("modelArtifacts",),
            fields=best_model_fields,
        ),
    ),
    children=Children(
        list="ListTrainingJobsForHyperParameterTuningJob",
        summaries_member="TrainingJobSummaries",
        name_member="TrainingJobName",
        delete="DeleteTrainingJob",
    ),
    log_separator="-",
    resolve_on_cluster=resolve_on_cluster,
)
