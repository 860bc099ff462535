"""The schema of a status: conditions, attempts, and what the Describe operation tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.schema.openapi import response_fields

if TYPE_CHECKING:
    from sagebridge.schema.blocks import Schema
    from sagebridge.schema.kind import KindSchema

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_COUNT: Schema = {"type": "integer", "format": "int64"}

# The API server refuses more attempts than this; with it, CEL can bound the cost of reading them.
_MAX_ATTEMPTS = 100


def status_schema(kind: KindSchema) -> Schema:
    """Give the schema of a kind's `status`.

    Args:
        kind: The declaration; its `status_fields` are members of its Describe operation's response.

    Returns:
        A structural schema of type object, with no required fields but the keys of lists.
    """
    described = response_fields(kind.describe_operation, kind.status_fields) if kind.describe_operation else {}
    own = _common_fields() | (_job_fields() if kind.is_job else {})
    return _object("What was observed last.", described | own | dict(kind.own_status_fields))


def _common_fields() -> dict[str, Schema]:
    return {
        "observedGeneration": _COUNT | {"description": "The generation of the spec that this status is about."},
        "conditions": _conditions(),
        "startTime": _TIME | {"description": "When work on it was recorded first."},
        "region": _TEXT | {"description": "The AWS Region where it is."},
        "accountId": _TEXT | {"description": "The AWS account where it is."},
        "roleArn": _TEXT | {"description": "Its execution role."},
        "tags": _tags(),
        "logs": _logs(),
    }


def _job_fields() -> dict[str, Schema]:
    return {
        "attempts": _attempts(),
        "completionTime": _TIME | {"description": "When the last attempt ended."},
        "duration": _TEXT | {"description": "How long the job took, written when it has ended."},
        "image": _TEXT | {"description": "The image that the job runs."},
        "outputPath": _TEXT | {"description": "Where on S3 the job writes its output."},
        "sourceUri": _TEXT | {"description": "Where on S3 the packed source lies."},
        "modelRef": _model_reference(),
        "models": _models(),
        "stepGone": _step_gone(),
        "cost": _cost(),
    }


def _object(description: str, properties: dict[str, Schema], *, required: tuple[str, ...] = ()) -> Schema:
    schema: Schema = {"description": description, "type": "object", "properties": properties}
    return schema | {"required": list(required)} if required else schema


def _map_list(items: Schema, key: str, description: str) -> Schema:
    return {
        "description": description,
        "type": "array",
        "items": items,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [key],
    }


def _conditions() -> Schema:
    condition = _object(
        "One aspect of the object's state.",
        {
            "type": _TEXT | {"description": "Ready, Reconciling, Stalled, Complete, Failed or Suspended."},
            "status": {"description": "Whether it holds.", "type": "string", "enum": ["True", "False", "Unknown"]},
            "reason": _TEXT | {"description": "Why, as one CamelCase word."},
            "message": _TEXT | {"description": "What happened, and what to do about it."},
            "lastTransitionTime": _TIME | {"description": "When status last changed."},
            "observedGeneration": _COUNT | {"description": "The generation that this is about."},
        },
        required=("status", "type"),
    )
    return _map_list(condition, "type", "The state in Kubernetes' terms, as kubectl wait, Flux and Argo CD read it.")


def _attempts() -> Schema:
    attempt = _object(
        "One job in SageMaker.",
        {
            "number": _COUNT | {"description": "Counted from 1."},
            "name": _TEXT | {"description": "The job's name in SageMaker."},
            "arn": _TEXT | {"description": "The job's ARN, once it was created."},
            "region": _TEXT | {"description": "The AWS Region that it was created in."},
            "status": _TEXT | {"description": "The job's status in SageMaker."},
            "reason": _TEXT | {"description": "Why it ended so, as one word."},
            "message": _TEXT | {"description": "Why it ended so."},
            "recordedAt": _TIME | {"description": "When the operator decided on it, before it was created."},
            "endTime": _TIME | {"description": "When it ended."},
            "stopRequested": _TEXT | {"description": "Why the operator stopped it, if it did."},
            "adopted": {"description": "Whether the job was there before the object.", "type": "boolean"},
        },
        required=("number",),
    )
    return _map_list(attempt, "number", "Every job made for this object, in order.") | {"maxItems": _MAX_ATTEMPTS}


def _model_reference() -> Schema:
    return _object(
        "The referenced object as it was when its model was taken.",
        {"kind": _TEXT, "name": _TEXT, "uid": _TEXT, "uri": _TEXT | {"description": "The model on S3."}},
    )


def _models() -> Schema:
    model = _object(
        "A model in SageMaker.",
        {
            "name": _TEXT | {"description": "The model's name in SageMaker."},
            "arn": _TEXT | {"description": "The model's ARN, once it was created."},
            "attempt": _COUNT | {"description": "The attempt that uses it."},
        },
        required=("name",),
    )
    return _map_list(model, "name", "The models that were made for this object, until they are deleted again.")


def _step_gone() -> Schema:
    return _object(
        "Why nothing runs for now: the pod of the pipeline's step that attended this object is gone.",
        {
            "pod": _TEXT | {"description": "The pod's name and UID, as in the annotation sagebridge.io/step-pod."},
            "since": _TIME | {"description": "Since when nobody attends it."},
        },
    )


def _tags() -> Schema:
    tag = _object("A tag.", {"key": _TEXT, "value": _TEXT}, required=("key",))
    return _map_list(tag, "key", "The tags of spec.tags that were applied.")


def _logs() -> Schema:
    return _object(
        "Where the logs are: in CloudWatch, or with target: Cluster with the pods.",
        {
            "groupName": _TEXT,
            "streamPrefix": _TEXT,
            "url": _TEXT | {"description": "The same in the AWS console."},
            "podSelector": _TEXT | {"description": "The label selector of the pods."},
            "container": _TEXT | {"description": "The pods' container that has the log."},
            "service": _object(
                "The operator's log service, which gives the lines to whoever may get the object.",
                {
                    "url": _TEXT | {"description": "Its URL."},
                    "namespace": _TEXT | {"description": "The namespace of the ConfigMap."},
                    "configMap": _TEXT
                    | {"description": "The ConfigMap with the certificate of its authority, under ca.crt."},
                },
            ),
        },
    )


def _cost() -> Schema:
    amount = {"type": "number"}
    return _object(
        "What the job costs.",
        {
            "estimate": amount | {"description": "Before it has ended."},
            "actual": amount | {"description": "After it has ended, from its billable time."},
            "currency": _TEXT,
            "spotSavingsPercent": amount,
            "source": _TEXT | {"description": "Where the price comes from."},
        },
    )
