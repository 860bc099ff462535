"""The fields that Sagebridge puts on top of the SageMaker API, the same on every kind that can have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.schema.blocks import (
    anything,
    choice,
    flag,
    list_of,
    map_of,
    object_name,
    set_of,
    structure,
    text,
    whole_number,
)
from sagebridge.schema.openapi import request_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sagebridge.schema.blocks import Schema

_REGION_PATTERN = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"
_WORD_PATTERN = r"^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$"
_RELATIVE_FILE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$"
_ROLE_PATTERN = r"^(?:arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+)$"

_FAILURES = ("AlgorithmError", "CapacityError", "ClientError", "InternalServerError", "ResourceLimitExceeded")

_QUANTITY: Schema = {"x-kubernetes-int-or-string": True, "maxLength": 64}


def target() -> Schema:
    """Where the job runs."""
    return choice("Where the job runs: on Amazon SageMaker, the default, or on this cluster.", ["SageMaker", "Cluster"])


def region() -> Schema:
    """The AWS region."""
    return text(
        "The AWS Region of the job. Default: the tenant policy's, else the operator's.",
        pattern=_REGION_PATTERN,
        longest=32,
    )


def role_arn() -> Schema:
    """The execution role."""
    return text(
        "The ARN of the IAM role that SageMaker assumes for the job. It must be allowed in this namespace. "
        "Default: the tenant policy's, else the operator's.",
        pattern=_ROLE_PATTERN,
        longest=2048,
        shortest=20,
    )


def algorithm() -> Schema:
    """The highest level: a built-in algorithm, whose image is looked up."""
    return structure(
        {
            "name": text("The algorithm, such as xgboost or linear-learner.", pattern=_WORD_PATTERN, longest=64),
            "version": text(
                'The version, such as "1.7-1". Default: the newest known. Put it in quotes, or YAML reads a number.',
                pattern=_WORD_PATTERN,
                longest=64,
            ),
        },
        "A built-in algorithm of SageMaker; its image in the region is looked up.",
        required=["name"],
    )


def framework(*, distributed: bool = True) -> Schema:
    """The middle level: script mode in a framework's image; `distributed` where SageMaker can start it on several."""
    distribution = choice(
        "How the script is started on several GPUs or instances. Default: once per instance.", ["torchrun", "mpi"]
    )
    return structure(
        {
            "name": text("The framework, such as pytorch, tensorflow, huggingface or sklearn.", pattern=_WORD_PATTERN),
            "version": text(
                'The framework\'s version, such as "2.3". Default: the newest known. '
                "Put it in quotes, or YAML reads a number.",
                pattern=_WORD_PATTERN,
                longest=64,
            ),
            "pythonVersion": text(
                "The image's Python, such as py311. Default: the newest of that framework version.",
                pattern=r"^py[0-9]{1,4}$",
                longest=8,
            ),
            "baseFramework": text(
                "The framework below this one, such as pytorch2.1.0 for huggingface.", pattern=_WORD_PATTERN, longest=64
            ),
            **({"distribution": distribution} if distributed else {}),
        },
        "Script mode: your script in a framework's image, which is looked up. It needs source.",
        required=["name"],
    )


_TRAINING_CODE = "The training code, for a framework or for an own image that has the SageMaker training toolkit."


def source(description: str = _TRAINING_CODE) -> Schema:
    """The code for script mode."""
    config_map = structure(
        {"name": object_name("The ConfigMap's name, in this namespace.")},
        "A ConfigMap whose keys are the files. The operator packs it and uploads it to the bucket.",
        required=["name"],
    )
    s3_uri = text(
        "One .tar.gz on S3, such as `sagebridge source push DIR S3URI` makes.",
        pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$",
        longest=1024,
    )
    return structure(
        {
            "entryPoint": text(
                "The script to run, a path inside the source, such as train.py.",
                pattern=_RELATIVE_FILE_PATTERN,
                longest=256,
                shortest=1,
            ),
            "s3Uri": s3_uri,
            "configMap": config_map,
        },
        description,
        required=["entryPoint"],
    )


def model_reference(kinds: Sequence[str]) -> Schema:
    """A reference to an object of this namespace whose model is taken."""
    return structure(
        {
            "kind": choice("The kind of the object.", kinds),
            "name": object_name("The object's name, in this namespace."),
            "channelName": text(
                "The input channel that the model is given in. Default: model.",
                pattern=r"^[A-Za-z0-9.\-_]+$",
                longest=64,
                shortest=1,
            ),
        },
        "A model to go on training from (incremental training). The job waits until that object is Ready, then gets "
        "its model as an input channel.",
        required=["kind", "name"],
    )


def served_model_reference(kinds: Sequence[str]) -> Schema:
    """A reference to an object of this namespace whose model is served."""
    return structure(
        {
            "kind": choice("The kind of the object.", kinds),
            "name": object_name("The object's name, in this namespace."),
        },
        "A model that an object of this namespace trains. The job waits until that object is Ready, then takes its "
        "artifact, with the image that can serve it.",
        required=["kind", "name"],
    )


def model() -> Schema:
    """A model to be made: CreateModel's fields, but for those that the operator fills in."""
    schema = request_schema("CreateModel")
    for name in ("modelName", "tags"):
        del schema["properties"][name]
    del schema["required"]
    return schema | {"description": "A model that is made for this object: CreateModel's fields."}


def environment_from() -> Schema:
    """Environment variables out of ConfigMaps."""
    name = {"name": object_name("The object's name, in this namespace.")}
    optional = {"optional": flag("Goes on without it when it is not there. Default: the job waits for it.")}
    entry = structure(
        {
            "prefix": text("Put before each name.", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", longest=64),
            "configMapRef": structure(name | optional, "A ConfigMap whose keys become variables.", required=["name"]),
            "secretRef": structure(
                name, "A Secret whose keys become variables. Only with target: Cluster.", required=["name"]
            ),
        },
        "One source of variables.",
    )
    return list_of(
        entry, "Further environment variables. Later sources win over earlier ones, environment over both.", most=10
    )


def run_policy() -> Schema:
    """How the operator treats the job. Always mutable."""
    retry = structure(
        {
            "limit": whole_number("How many more attempts after the first.", least=1, most=20),
            "errors": set_of(
                {"type": "string", "enum": list(_FAILURES)},
                "The failures to try again after, by the first word of SageMaker's FailureReason. "
                "Default: CapacityError and InternalServerError.",
                most=len(_FAILURES),
                least=1,
            ),
        },
        "New attempts after a failure, each a SageMaker job of its own. Not together with retryStrategy.",
        required=["limit"],
    )
    return structure(
        {
            "deletionPolicy": choice(
                "What happens in SageMaker when this object is deleted. Stop, the default: a running job is stopped "
                "and kept. Retain: nothing. Purge: the job is stopped and deleted.",
                ["Stop", "Retain", "Purge"],
            ),
            "suspend": flag("Stops a running job, and starts none, until it is false again."),
            "retry": retry,
            "ttlSecondsAfterFinished": whole_number("Deletes this object so many seconds after the job has ended."),
        },
        "How the operator treats the job. May be changed at any time.",
    )


_TRAINING_IMAGE = (
    "The image, when the cluster can't pull SageMaker's. With framework, it needs no SageMaker toolkit: python3 of the "
    "image runs the operator's launcher, which runs the script; scripts under MPI excepted, whose image must have the "
    "toolkit."
)


_ENGINE = choice(
    "What an attempt is made as: Job, the default, or a JobSet of one Job, where JobSet is installed.",
    ["Job", "JobSet"],
)


def cluster(
    *,
    instance_type: str = "resourceConfig.instanceType",
    image: str = _TRAINING_IMAGE,
    spot: str = "Prefer with enableManagedSpotTraining, else Avoid",
    has_engine: bool = True,
) -> Schema:
    """Where and how a job with target: Cluster runs.

    Args:
        instance_type: the field that says on what, unless this does.
        image: what an image here means.
        spot: the default of `spot`.
        has_engine: whether there is a choice of what runs the pods.
    """
    return structure(
        {
            "instanceTypes": set_of(
                {"type": "string", "maxLength": 64},
                f"Instance types of the nodes. Default: {instance_type} without its ml. prefix.",
                most=20,
            ),
            "queueName": object_name("The Kueue LocalQueue that admits the job."),
            **({"engine": _ENGINE} if has_engine else {}),
            "nodeSelector": map_of({"type": "string", "maxLength": 63}, "Labels that the nodes must have."),
            "tolerations": list_of(_toleration(), "Taints that the pods tolerate.", most=50),
            "affinity": anything("The pods' affinity, as in a Pod."),
            "priorityClassName": object_name("The pods' PriorityClass."),
            "serviceAccountName": object_name("The pods' ServiceAccount."),
            "imagePullSecrets": list_of(
                structure({"name": object_name("The Secret's name.")}, "A Secret.", required=["name"]),
                "Secrets to pull the image with.",
                most=10,
                key="name",
            ),
            "resources": structure(
                {
                    "requests": map_of(_QUANTITY, "What the container is given at least."),
                    "limits": map_of(_QUANTITY, "What the container is given at most."),
                },
                "Overrides what the instance type gives. 0 of vpc.amazonaws.com/efa leaves EFA out.",
            ),
            "gpu": _gpu(),
            "spot": choice(
                f"Whether the pods run on spot capacity. Default: {spot}.",
                ["Require", "Prefer", "Avoid"],
            ),
            "topologyKey": text(
                "A node label whose value all nodes of the job share. The first pod decides where: the others "
                "wait while there is no room.",
                longest=317,
            ),
            "image": text(image, longest=512),
        },
        "Only with target: Cluster.",
    )


def _toleration() -> Schema:
    return structure(
        {
            "key": text("The taint's key.", longest=317),
            "operator": choice("How the value is compared.", ["Exists", "Equal"]),
            "value": text("The taint's value.", longest=63),
            "effect": choice("The taint's effect.", ["NoSchedule", "PreferNoSchedule", "NoExecute"]),
            "tolerationSeconds": {
                "description": "How long the taint is tolerated.",
                "type": "integer",
                "format": "int64",
            },
        },
        "A toleration, as in a Pod.",
    )


def _gpu() -> Schema:
    return structure(
        {
            "resourceName": text(
                "The extended resource, such as nvidia.com/gpu or nvidia.com/mig-1g.5gb.", longest=317
            ),
            "count": whole_number(
                "How many per pod. Default: all that the instance type has; 1 of MIG devices and of shared GPUs.",
                least=0,
                most=64,
            ),
            "product": text("The product label that the nodes must have.", longest=63),
            "allowShared": flag("Allows GPUs that are shared between pods."),
        },
        "Which GPUs, and how many.",
    )


def instances_status() -> dict[str, Schema]:
    """What the status of a job that has instances says of them."""
    return {
        "instanceCount": {
            "type": "integer",
            "format": "int64",
            "description": "How many instances the job was asked for, those of all its instance groups together.",
        }
    }
