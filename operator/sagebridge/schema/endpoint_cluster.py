"""The fields of an Endpoint that are about the cluster's own nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.schema import common_fields
from sagebridge.schema.blocks import choice, list_of, map_of, object_name, set_of, structure, text

if TYPE_CHECKING:
    from sagebridge.schema.blocks import Schema

_NOT_OF_ENDPOINTS = ("queueName", "topologyKey")
_COUNT_OR_PERCENT: Schema = {"x-kubernetes-int-or-string": True, "maxLength": 8, "pattern": "^[0-9]+%?$"}


def target() -> Schema:
    """Where the endpoint is."""
    return choice(
        "Where the endpoint is: on Amazon SageMaker, the default, or on this cluster, as a Deployment and a Service.",
        ["SageMaker", "Cluster"],
    )


def cluster() -> Schema:
    """Where and how an endpoint with target: Cluster runs."""
    common = common_fields.cluster(has_engine=False)
    fields = {name: field for name, field in common["properties"].items() if name not in _NOT_OF_ENDPOINTS}
    types = "Instance types of the nodes. Default: the variant's instanceType without its ml. prefix."
    own = {
        "instanceTypes": set_of({"type": "string", "maxLength": 64}, types, most=20),
        "spot": choice("Whether the pods run on spot capacity. Default: Avoid.", ["Require", "Prefer", "Avoid"]),
        "image": text(
            "The image, when the cluster can't pull SageMaker's. It is run as `serve`, and answers /ping and "
            "/invocations on port 8080.",
            longest=512,
        ),
        "rollingUpdate": structure(
            {
                "maxSurge": _COUNT_OR_PERCENT | {"description": "Pods that may be there on top. Default: 25%."},
                "maxUnavailable": _COUNT_OR_PERCENT
                | {
                    "description": "Pods that may be missing meanwhile. Default: 0. Where no node is left for another "
                    "pod, set it to 1."
                },
            },
            "How pods are replaced, as in a Deployment.",
        ),
        "autoscaling": structure(
            {
                "triggers": list_of(
                    _trigger(), "What counts, as in a ScaledObject of KEDA, which has to be there.", most=20
                )
            },
            "Beside the minCapacity and maxCapacity of the variant's autoscaling.",
        ),
    }
    return structure(fields | own, str(common["description"]))


def _trigger() -> Schema:
    reference = structure(
        {
            "name": object_name("The TriggerAuthentication's name, in this namespace."),
            "kind": choice("The kind.", ["TriggerAuthentication"]),
        },
        "What the scaler authenticates with.",
        required=["name"],
    )
    return structure(
        {
            "type": text("The scaler, such as prometheus or aws-cloudwatch.", longest=64, shortest=1),
            "name": text("A name.", longest=63),
            "metadata": map_of({"type": "string", "maxLength": 4096}, "The scaler's own settings."),
            "metricType": choice("How the metric is compared.", ["AverageValue", "Value", "Utilization"]),
            "authenticationRef": reference,
        },
        "A trigger: https://keda.sh/docs/latest/scalers/.",
        required=["type"],
    )
