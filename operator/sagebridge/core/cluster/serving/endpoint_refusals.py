"""What SageMaker does for an Endpoint and the cluster can't: refused with the reason, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.refusals import ON_SAGEMAKER, ON_THE_NODES_DISK, SERVICE, Refusal, refuse
from sagebridge.core.cluster.serving.refusals import NETWORK_REFUSALS, check_model
from sagebridge.core.endpoint import refusals as anywhere
from sagebridge.core.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSALS: Final = (
    Refusal(field="asyncInferenceConfig", why=SERVICE),
    Refusal(field="dataCaptureConfig", why=f"nothing stands between the callers and the pods; {ON_SAGEMAKER}"),
    Refusal(field="explainerConfig", why=SERVICE),
    Refusal(field="metricsConfig", why=SERVICE),
    Refusal(field="crossRegionTrafficConfig", why=SERVICE),
    Refusal(field="kmsKeyId", why=ON_THE_NODES_DISK),
    *NETWORK_REFUSALS,
    Refusal(
        field="shadowProductionVariants",
        why="a Service sends each request to one pod; remove them, or use target: SageMaker",
    ),
    Refusal(
        field="deploymentConfig.blueGreenUpdatePolicy",
        why="a Deployment replaces its pods step by step; use deploymentConfig.rollingUpdatePolicy",
    ),
    Refusal(
        field="deploymentConfig.autoRollbackConfiguration",
        why="the alarms are CloudWatch's; an update whose pods do not get ready goes back by itself. Remove it",
    ),
)
"""Of the whole spec."""

VARIANT_REFUSALS: Final = (
    Refusal(field="serverlessConfig", why="pods run on nodes; give instanceType"),
    Refusal(field="instancePools", why="list what will do in cluster.instanceTypes, and give instanceType"),
    Refusal(field="managedInstanceScaling", why="pods are scaled by autoscaling; use that"),
    Refusal(field="routingConfig", why=f"the cluster's network chooses the pod; {ON_SAGEMAKER}"),
    Refusal(field="coreDumpConfig", why=SERVICE),
    Refusal(field="acceleratorType", why="Elastic Inference is gone; remove it"),
    Refusal(field="acceleratorPartitionLayouts", why="give cluster.gpu.resourceName; remove it"),
    Refusal(field="capacityReservationConfig", why="give cluster.nodeSelector; remove it"),
    Refusal(field="enableSSMAccess", why="use kubectl exec on the pods; remove it", unless=False),
    Refusal(field="inferenceAmiVersion", why="the nodes' images are their own; remove it"),
    Refusal(
        field="variantInstanceProvisionTimeoutInSeconds",
        why="how long a pod may wait for its node is the operator's setting; remove it",
    ),
)
"""Of a production variant."""

ONE_VARIANT: Final = (
    "several production variants are not there with target: Cluster: make an Endpoint for each, and share the traffic "
    "between them where the callers' requests come in"
)


def check(spec: Mapping[str, Any]) -> None:
    """Refuse a spec that asks for what the cluster can't do.

    The CRD's rules do the same at admission for the most part; this also holds for what was admitted by an older one.

    Raises:
        SpecError: names the field, and what to do.
    """
    refuse(spec, REFUSALS, path="spec")
    variants = list(spec.get("productionVariants") or ())
    if len(variants) != 1:
        raise SpecError("spec.productionVariants", ONE_VARIANT)
    refuse(variants[0], VARIANT_REFUSALS, path="spec.productionVariants[0]")
    if not variants[0].get("modelName"):
        message = "is missing: name the model of spec.models that serves; there are no inference components"
        raise SpecError("spec.productionVariants[0].modelName", message)
    _check_anywhere(spec)
    for index, model in enumerate(spec.get("models") or ()):
        check_model(model, at=f"spec.models[{index}]")


def _check_anywhere(spec: Mapping[str, Any]) -> None:
    """What holds on SageMaker, too; but KEDA can scale to none, and a Deployment's steps have no bounds."""
    [variant] = spec["productionVariants"]
    scaling = variant.get("autoscaling")
    plain = {key: value for key, value in spec.items() if key != "deploymentConfig"}
    if scaling:
        least = {**scaling, "minCapacity": max(1, int(scaling["minCapacity"]))}
        plain["productionVariants"] = [{**variant, "autoscaling": least}]
    anywhere.check(plain)
