"""Endpoints on the cluster, and their Deployments and pods as the API server would show them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sagebridge.core.cluster.serving.deployment import Deployment
from sagebridge.core.cluster.serving.endpoint import ANNOTATION_REVISION, ClusterEndpoint
from sagebridge.core.cluster.serving.pods import EndpointPod
from sagebridge.core.cluster.serving.scaling import scaling_of
from sagebridge.core.names import Owner

from support.served_models import serving_pod

OWNER = Owner(cluster="c1", namespace="team", name="digits", uid="6f1b0c7e-0000-4000-8000-000000000001")
REFERENCE = {"kind": "Endpoint", "name": "digits", "uid": OWNER.uid, "controller": True}
AT = "2026-01-01T00:00:00Z"

Json = dict[str, Any]


def endpoint(
    variant: Mapping[str, Any] | None = None,
    *,
    deployment: Mapping[str, Any] | None = None,
    cluster: Mapping[str, Any] | None = None,
    **more: Any,
) -> ClusterEndpoint:
    """An endpoint that serves an archive."""
    fields = {"variantName": "a", "modelName": "m", "instanceType": "ml.g5.xlarge", **(variant or {})}
    pod = serving_pod(more.pop("model", None), cluster=cluster or {}, volume_size=fields.get("volumeSizeInGB"))
    scaling = scaling_of(fields, cluster or {}, at="v")
    return ClusterEndpoint(
        owner=OWNER,
        name="digits",
        pod=pod,
        variant=fields,
        replicas=None if scaling else 1,
        scaling=scaling,
        deployment=deployment or {},
        history=3,
        tags={},
        **more,
    )


def deployment(revision: str, *, wanted: int = 1, ready: int = 1, updated: int = 1, **more: Any) -> Deployment:
    """A Deployment with so many pods; `late` for one whose deadline is over, `refusal` for refused pods."""
    conditions = []
    if more.get("late"):
        late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
        conditions.append(late | ({"lastUpdateTime": more["late_at"]} if "late_at" in more else {}))
    if "refusal" in more:
        conditions.append({"type": "ReplicaFailure", "status": "True", "message": more["refusal"]})
    metadata: Json = {"name": "digits", "namespace": "team", "uid": "d", "generation": 2}
    if more.get("deleted"):
        metadata["deletionTimestamp"] = AT
    return Deployment(
        body={
            "metadata": metadata,
            "spec": {
                "replicas": wanted,
                "template": {"metadata": {"annotations": {ANNOTATION_REVISION: revision}}},
            },
            "status": {
                "observedGeneration": more.get("seen", 2),
                "replicas": more.get("total", updated),
                "updatedReplicas": updated,
                "availableReplicas": ready,
                "conditions": conditions,
            },
        }
    )


def pod(revision: str, *, ready: bool = False, restarts: int = 0, **more: Any) -> EndpointPod:
    """A pod of a revision; `ended` is how its container `serve` ended last, `fetch` what fetch-model said."""
    serve: Json = {"name": "serve", "state": {}, "restartCount": restarts}
    fetch: Json = {"name": "fetch-model", "state": {}, "restartCount": 0}
    if "ended" in more:
        serve["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error", **more["ended"]}}
    if "waiting" in more:
        serve["state"] = {"waiting": more["waiting"]}
    if "fetch" in more:
        said = json.dumps({"failureReason": more["fetch"]})
        fetch |= {"state": {"terminated": {"exitCode": 1, "message": said}}, "restartCount": restarts}
    conditions = [{"type": "Ready", "status": str(ready)}]
    if "unschedulable" in more:
        said = more["unschedulable"]
        conditions.append({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said})
    return EndpointPod(
        body={
            "metadata": {
                "name": more.get("name", "digits-1-x"),
                "annotations": {ANNOTATION_REVISION: revision},
                "ownerReferences": [{"kind": "ReplicaSet", "name": "digits-1", "uid": "r", "controller": True}],
            },
            "spec": {"nodeName": None if "unschedulable" in more else "n"},
            "status": {
                "phase": more.get("phase", "Running"),
                "conditions": conditions,
                "initContainerStatuses": [fetch],
                "containerStatuses": [serve],
                **more.get("status", {}),
            },
        }
    )
