"""The fields of an Endpoint that are Sagebridge's own: models, autoscaling, history, and what its status adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.schema import common_fields
from sagebridge.schema.blocks import choice, flag, list_of, object_name, structure, text, whole_number
from sagebridge.schema.openapi import input_fields, request_schema

if TYPE_CHECKING:
    from sagebridge.schema.blocks import Schema

_PREFIXED_NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_COUNT: Schema = {"type": "integer", "format": "int64"}
_NUMBER: Schema = {"type": "number"}


def models() -> Schema:
    """The models that variants run."""
    request = request_schema("CreateModel", optional=("modelName",))["properties"]
    container = dict(request["primaryContainer"]["properties"])
    containers = request["containers"] | {"items": structure(_with_reference(container), "One container.")}
    kept = {key: value for key, value in request.items() if key not in ("modelName", "tags", "executionRoleArn")}
    own = {"environmentFrom": common_fields.environment_from()}
    kept["primaryContainer"] = kept["primaryContainer"] | {"properties": dict(sorted((container | own).items()))}
    fields = (
        _with_reference(container)
        | kept
        | {
            "name": text("The model's name in this manifest.", pattern=_PREFIXED_NAME, longest=63, shortest=1),
            "containers": containers,
        }
    )
    model = structure(
        dict(sorted(fields.items())),
        "A model: one container by the fields here or in primaryContainer, or a pipeline of containers.",
        required=["name"],
    )
    return list_of(model, "The models that variants run. SageMaker's names of them are in status.", most=50, key="name")


def _with_reference(container: dict[str, Schema]) -> dict[str, Schema]:
    return container | {
        "modelRef": _model_reference(),
        "modelPackageArn": text(
            "The ARN of an approved model package, with its version if it has one, instead of image and model.",
            # CreateModel's bounds of ModelPackageName, which would be told under that name:
            # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
            pattern=r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:[a-z-]*/[a-zA-Z0-9](-*[a-zA-Z0-9])*(/[0-9]{1,9})?$",
            longest=176,
        ),
        "framework": common_fields.framework(),
        "algorithm": common_fields.algorithm(),
        "source": common_fields.source(),
        "environmentFrom": common_fields.environment_from(),
    }


def _model_reference() -> Schema:
    return structure(
        {
            "kind": choice("The kind of the object.", ["TrainingJob", "HPTuningJob"]),
            "name": object_name("The object's name, in this namespace."),
            "updatePolicy": choice(
                "Follow deploys the model of a newer object of that name once it is Ready. Pin, the default, keeps "
                "the one that was taken first.",
                ["Pin", "Follow"],
            ),
        },
        "An object whose model is served, by the image that can serve it. The endpoint waits until it is Ready.",
        required=["kind", "name"],
    )


def autoscaling() -> Schema:
    """How a variant is scaled."""
    dimension = structure(
        {"name": text("The dimension.", longest=255), "value": text("Its value.", longest=1024)},
        "A dimension of a metric.",
        required=["name", "value"],
    )
    metric = structure(
        {
            "namespace": text("The metric's namespace.", longest=255),
            "metricName": text("The metric's name.", longest=255),
            "statistic": choice("The statistic.", ["Average", "Minimum", "Maximum", "SampleCount", "Sum"]),
            "unit": text("The unit.", longest=64),
            "dimensions": list_of(dimension, "The dimensions.", most=30, key="name"),
        },
        "A CloudWatch metric to keep at targetValue, instead of metric.",
        required=["namespace", "metricName", "statistic"],
    )
    return structure(
        {
            "minCapacity": whole_number("The least it is scaled in to; 0 on asynchronous endpoints only."),
            "maxCapacity": whole_number("The most it is scaled out to.", least=1),
            "targetValue": {"description": "What the metric is kept at.", "type": "number", "minimum": 0},
            "metric": choice(
                "The metric that is kept at targetValue. Default: InvocationsPerInstance (a minute), of serverless "
                "variants ProvisionedConcurrencyUtilization.",
                ["InvocationsPerInstance", "ConcurrentRequestsPerModel", "ProvisionedConcurrencyUtilization"],
            ),
            "customizedMetric": metric,
            "scaleInCooldown": whole_number("Seconds between two steps in."),
            "scaleOutCooldown": whole_number("Seconds between two steps out."),
            "disableScaleIn": flag("Never scales in."),
            "stepScaling": list_of(
                _step_scaling(), "Step scaling policies; an alarm of yours acts on their ARNs.", most=10, key="name"
            ),
            "scheduled": list_of(_scheduled(), "Changes of the bounds by the clock.", most=50, key="name"),
        },
        "Scales the variant through Application Auto Scaling: its instances, or its provisioned concurrency if it is "
        "serverless.",
        required=["minCapacity", "maxCapacity"],
    )


def _policy_name() -> Schema:
    return text("The name, unique in the list.", pattern=_PREFIXED_NAME, longest=63, shortest=1)


def _step_scaling() -> Schema:
    adjustment = structure(
        {
            "metricIntervalLowerBound": _NUMBER | {"description": "From so far above the alarm's threshold."},
            "metricIntervalUpperBound": _NUMBER | {"description": "Up to so far above the alarm's threshold."},
            "scalingAdjustment": {"description": "By how much.", "type": "integer", "format": "int32"},
        },
        "One step.",
        required=["scalingAdjustment"],
    )
    return structure(
        {
            "name": _policy_name(),
            "adjustmentType": choice(
                "What scalingAdjustment is.", ["ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"]
            ),
            "stepAdjustments": list_of(adjustment, "The steps.", most=20, least=1),
            "cooldown": whole_number("Seconds between two activities."),
            "metricAggregationType": choice("How the metric is aggregated.", ["Average", "Minimum", "Maximum"]),
            "minAdjustmentMagnitude": whole_number("The least change, with PercentChangeInCapacity.", least=1),
        },
        "A step scaling policy.",
        required=["name", "adjustmentType", "stepAdjustments"],
    )


def _scheduled() -> Schema:
    return structure(
        {
            "name": _policy_name(),
            "schedule": text("at(…), rate(…) or cron(…).", longest=1600, shortest=1),
            "timezone": text("An IANA time zone. Default: UTC.", longest=64),
            "minCapacity": whole_number("The bound below from then on."),
            "maxCapacity": whole_number("The bound above from then on."),
        },
        "A scheduled action.",
        required=["name", "schedule"],
    )


def deployment_config() -> Schema:
    """UpdateEndpoint's own."""
    return input_fields("UpdateEndpoint")["deploymentConfig"] | {
        "description": "How an update is rolled out, and what rolls it back. Default: blue/green, all at once."
    }


def replicas() -> Schema:
    """The `scale` subresource's field."""
    return whole_number("Instances of the only variant; `kubectl scale` sets it.", least=1, most=10_000_000)


def history() -> Schema:
    """How many old revisions stay."""
    return structure(
        {
            "limit": whole_number(
                "How many configs, with their models, are kept beside the one that runs. Default: 3.", most=50
            )
        },
        "What is kept of earlier revisions, to go back to.",
    )


def run_policy() -> Schema:
    """What the end of the object means for the endpoint."""
    return structure(
        {
            "deletionPolicy": choice(
                "What happens in SageMaker when this object is deleted. Stop, the default, and Purge: the endpoint, "
                "its configs and models are deleted. Retain: nothing.",
                ["Stop", "Retain", "Purge"],
            )
        },
        "How the operator treats the endpoint.",
    )


def status() -> dict[str, Schema]:
    """What the status of an Endpoint has beside what Describe tells."""
    return {
        "url": _TEXT | {"description": "Where it is invoked."},
        "replicas": _COUNT | {"description": "Instances of its production variants, together."},
        "variants": _list("variantName", _variant_status(), "The variants as they run."),
        "traffic": _TEXT
        | {
            "description": "The variants in one line: with their present weights if "
            "several share the traffic; shadow variants are named as such."
        },
        "instanceTypes": _TEXT
        | {
            "description": "What the production variants run on, in one line; a shadow variant's type is added, and "
            "named as such, where it is another."
        },
        "pendingDeploymentSummary": _pending(),
        "stage": _TEXT
        | {
            "description": "The stage of the deployment under way, in a word, such as Baking; of variants in "
            "different stages, each. Empty if there is no deployment."
        },
        "servedModels": _list(
            "name", _model_status(), "The models of the config that the endpoint runs, and what they were made of."
        ),
        "revisions": _list("endpointConfigName", _revision(), "The configs in SageMaker, oldest first."),
        "update": _update(),
        "lastFailure": _failure(),
        "scalingPolicies": _policies(),
        "scalableTargets": _targets(),
    }


def _update() -> Schema:
    return structure(
        {
            "key": _TEXT,
            "since": _TEXT,
            "failureBefore": _TEXT,
            "begun": {"type": "boolean"},
            "refused": {"type": "boolean"},
            "tries": _COUNT,
            "recordedAt": _TIME,
            "endpointConfigName": _TEXT,
        },
        "The change that SageMaker was asked for last.",
    )


def _failure() -> Schema:
    return structure(
        {
            "key": _TEXT,
            "message": _TEXT,
            "time": _TIME,
            "endpointConfigName": _TEXT,
            "resolved": {"type": "boolean", "description": "Whether another version was reached since."},
        },
        "The last change that failed.",
    )


def _policies() -> Schema:
    return {
        "type": "array",
        "description": "The scaling policies of the variants: an alarm acts on the ARN of a step scaling policy.",
        "items": structure(
            {"variantName": _TEXT, "policyName": _TEXT, "policyType": _TEXT, "policyArn": _TEXT},
            "A scaling policy.",
            required=["variantName", "policyName"],
        ),
    }


def _targets() -> Schema:
    return {
        "type": "array",
        "description": "What may be registered with Application Auto Scaling.",
        "items": structure(
            {"variantName": _TEXT, "dimension": _TEXT, "minCapacity": _COUNT, "maxCapacity": _COUNT},
            "A scalable target.",
            required=["variantName", "dimension"],
        ),
    }


def _pending() -> Schema:
    stage = structure(
        {
            "status": _TEXT | {"description": "Creating, Updating, ActivatingTraffic, Baking or Deleting."},
            "statusMessage": _TEXT,
            "startTime": _TIME,
        },
        "A stage.",
    )
    variant = {
        "variantName": _TEXT,
        "currentWeight": _NUMBER,
        "desiredWeight": _NUMBER,
        "currentInstanceCount": _COUNT,
        "desiredInstanceCount": _COUNT,
        "instanceType": _TEXT,
        "variantStatus": {"type": "array", "description": "Where its deployment stands.", "items": stage},
    }
    return structure(
        {
            "endpointConfigName": _TEXT,
            "startTime": _TIME,
            "productionVariants": _list("variantName", variant, "The production variants that are to serve."),
            "shadowProductionVariants": _list("variantName", variant, "The shadow variants that are to be there."),
        },
        "The deployment under way, as SageMaker tells it.",
    )


def _list(key: str, fields: dict[str, Schema], description: str) -> Schema:
    return {
        "type": "array",
        "description": description,
        "items": {"type": "object", "properties": fields, "required": [key]},
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [key],
    }


def _variant_status() -> dict[str, Schema]:
    return {
        "variantName": _TEXT,
        "shadow": {"type": "boolean"},
        "currentWeight": _NUMBER,
        "desiredWeight": _NUMBER,
        "currentInstanceCount": _COUNT,
        "desiredInstanceCount": _COUNT,
        "currentProvisionedConcurrency": _COUNT,
        "desiredProvisionedConcurrency": _COUNT,
        "status": _TEXT | {"description": "What SageMaker is doing to it, such as Creating or Baking."},
    }


def _model_status() -> dict[str, Schema]:
    environment = {
        "type": "object",
        "description": "What the image needs to serve by the training script, where no source does.",
        "additionalProperties": _TEXT,
    }
    reference = structure(
        {"kind": _TEXT, "name": _TEXT, "uid": _TEXT, "uri": _TEXT, "environment": environment},
        "The object it was taken from.",
    )
    container = structure(
        {
            "index": _COUNT,
            "image": _TEXT,
            "imageKey": _TEXT,
            "repackedUri": _TEXT,
            "sourceKey": _TEXT,
            "modelDataUrl": _TEXT,
            "modelRef": reference,
        },
        "One of its containers.",
    )
    return {
        "name": _TEXT | {"description": "The name in spec.models."},
        "modelName": _TEXT | {"description": "The name in SageMaker."},
        "containers": {"type": "array", "items": container},
    }


def _by_variant(description: str) -> Schema:
    return {"type": "object", "description": description, "additionalProperties": _TEXT}


def _revision() -> dict[str, Schema]:
    return {
        "revision": _COUNT,
        "endpointConfigName": _TEXT,
        "modelNames": {"type": "array", "items": _TEXT},
        "instanceTypes": _by_variant("Of its production variants."),
        "shadowInstanceTypes": _by_variant("Of its shadow variants."),
        "scaling": {
            "type": "object",
            "description": "Autoscaling by variant, which is kept up while a newer version is refused.",
            "additionalProperties": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
        "recordedAt": _TIME,
        "deployedAt": _TIME | {"description": "When SageMaker was first asked to run it."},
        "servedAt": _TIME | {"description": "When it was first seen to serve; it can be gone back to."},
        "outcome": _TEXT
        | {
            "description": "What has become of it, as far as its last deployment goes: Serving, Served before, Failed, "
            "RolledBack, or Rejected by SageMaker. Empty while that is not known.",
            "enum": ["Serving", "Served", "Failed", "RolledBack", "Rejected"],
        },
        "models": _list("name", _model_status(), "What its models were made of, if it serves or is wanted."),
    }


def endpoint_name() -> Schema:
    """The endpoint's name in SageMaker."""
    return input_fields("CreateEndpoint")["endpointName"] | {
        "description": "The endpoint's name in SageMaker. Default: made of namespace and name, and the same for an "
        "object that is made anew."
    }
