"""Attempts at transform jobs on the cluster, and their pods as the API server would show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.cluster.names import COMPLETION_INDEX
from sagebridge.core.cluster.serving.model import Code, served_model
from sagebridge.core.cluster.transform.job import TransformWork
from sagebridge.core.cluster.transform.request import SERVED, resolve
from sagebridge.core.names import job_name
from sagebridge.core.placement import PlacementRequest, place
from sagebridge.core.resolution import ResolveContext
from sagebridge.schema.convert import to_request

from support.batch_transforms import MODEL, transform_spec
from support.cluster_jobs import JOB_UID, OWNER, SETTINGS, at

Json = dict[str, Any]


def transform_work(spec: Mapping[str, Any] | None = None, *, code: Code | None = None) -> TransformWork:
    """An attempt at a BatchTransform with this spec."""
    given = dict(spec or transform_spec())
    name = job_name(owner=OWNER, attempt=1)
    context = ResolveContext(
        job_name=name,
        region="eu-west-1",
        role_arn="",
        output_path="s3://bucket/team/digits",
        tags=OWNER.tags(),
        served=served_model(MODEL["primaryContainer"], region="eu-west-1", code=code),
    )
    complete = resolve(given, context)
    cluster = complete.pop("cluster")
    request = to_request("CreateTransformJob", complete)
    resources = request["TransformResources"]
    wish = PlacementRequest(
        instance_types=tuple(cluster.get("instanceTypes") or (resources["InstanceType"],)),
        instance_count=resources["InstanceCount"],
        cluster=cluster,
        spot=False,
        namespace=OWNER.namespace,
        labels={"sagebridge.io/uid": OWNER.uid, "sagebridge.io/attempt": "1"},
    )
    return TransformWork(
        owner=OWNER,
        attempt=1,
        kind="BatchTransform",
        job_name=name,
        region="eu-west-1",
        request=request,
        cluster=cluster,
        placement=place(wish),
        settings=SETTINGS,
        served=cluster[SERVED],
    )


def pod(
    index: int = 0,
    *,
    fetch: Json | None = None,
    serve: Json | None = None,
    agent: Json | None = None,
    phase: str = "Failed",
    **more: Any,
) -> Json:
    """A pod of the job with this completion index; `serve` may have a ``lastState`` beside its ``state``."""
    served = serve or {}
    known = ("state", "lastState", "restartCount")
    states = {key: value for key, value in served.items() if key in known} or {"state": served}
    return {
        "metadata": {
            "name": f"job-{index}-x7k2p",
            "creationTimestamp": at(1),
            "annotations": {COMPLETION_INDEX: str(index)},
            "ownerReferences": [{"kind": "Job", "name": "job", "uid": JOB_UID, "controller": True}],
            **more.get("metadata", {}),
        },
        "spec": {"nodeName": f"node-{index}"},
        "status": {
            "phase": phase,
            "conditions": more.get("conditions", []),
            "initContainerStatuses": [
                {"name": "fetch-model", "state": fetch or {}},
                {"name": "serve", **states},
            ],
            "containerStatuses": [{"name": "agent", "state": agent or {}}],
            **more.get("status", {}),
        },
    }


def failed_object(position: int, reason: str, *, count: int = 1, is_algorithms: bool = False) -> Json:
    """What an agent says of objects that have no outputs."""
    first = {"position": position, "failureReason": reason}
    return {"stopped": "", "failed": {"count": count, "isAlgorithms": is_algorithms, "first": first}}
