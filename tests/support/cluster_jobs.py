"""Attempts at training jobs on the cluster, and their Jobs and pods as the API server would show them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sagebridge.core.cluster.job import ClusterJob, ClusterSettings
from sagebridge.core.cluster.names import ANNOTATION_STOP, COMPLETION_INDEX
from sagebridge.core.cluster.placing import wish
from sagebridge.core.cluster.request import resolve
from sagebridge.core.names import Owner, job_name
from sagebridge.core.placement import PlacementSettings, place
from sagebridge.core.resolution import ResolveContext
from sagebridge.kinds.training_job import KIND as TRAINING_JOB
from sagebridge.schema.convert import to_request
from sagebridge.targets.cluster.target import ClusterTarget
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.cluster.words import OthersWords
from sagebridge.targets.cluster.workloads import Training

OWNER = Owner(cluster="c1", namespace="team", name="digits", uid="6f1b0c7e-0000-4000-8000-000000000001")
SETTINGS = ClusterSettings(agent_image="registry.example/sagebridge:1")

JOB_UID = "job-uid"
UNSCHEDULABLE = [
    {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/12 nodes are available: 12 Insufficient nvidia.com/gpu.",
    }
]
"""The conditions of a pod for which there is no node."""
Json = dict[str, Any]


def cluster_job(
    spec: Mapping[str, Any],
    *,
    claims: Mapping[str, str] | None = None,
    attempt: int = 1,
    settings: ClusterSettings = SETTINGS,
) -> ClusterJob:
    """An attempt at a TrainingJob with this spec."""
    name = job_name(owner=OWNER, attempt=attempt)
    context = ResolveContext(
        job_name=name,
        region="eu-west-1",
        role_arn="",
        output_path="s3://bucket/team/digits",
        source_uri="s3://bucket/code/sourcedir.tar.gz",
        tags=OWNER.tags(),
    )
    complete = resolve(spec, context)
    cluster = complete.pop("cluster")
    request = to_request("CreateTrainingJob", complete)
    asked = wish(request, cluster, owner=OWNER, attempt=attempt, kind="TrainingJob", settings=PlacementSettings())
    return ClusterJob(
        owner=OWNER,
        attempt=attempt,
        kind="TrainingJob",
        job_name=name,
        region="eu-west-1",
        request=request,
        cluster=cluster,
        placement=place(asked),
        claims=claims or {},
        settings=settings,
    )


def cluster_target(*, view: ClusterView, objects: Any = None) -> ClusterTarget:
    """What runs TrainingJobs, as far as it looks at what the view has, and writes to `objects`."""
    planner: Any = None
    client: Any = None
    return ClusterTarget(
        kind=TRAINING_JOB,
        workload=Training(kind=TRAINING_JOB, planner=planner, client=client, objects=objects, fast_files=planner),
        client=client,
        objects=objects,
        view=view,
        words=OthersWords(view=view),
        stage=planner,
    )


def at(second: int) -> str:
    """A time of the day on which all of this happens."""
    return f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}Z"


def kubernetes_job(*, size: int = 1, ended: str = "", reason: str = "", message: str = "", **more: Any) -> Json:
    """A Job that began at second 0; `ended` is Complete or Failed, at second 100."""
    annotations = OWNER.tags() | ({ANNOTATION_STOP: more["stop"]} if "stop" in more else {})
    condition = {"type": ended, "status": "True", "reason": reason, "message": message, "lastTransitionTime": at(100)}
    return {
        "metadata": {
            "name": "job",
            "uid": JOB_UID,
            "creationTimestamp": at(0),
            "annotations": annotations,
            "labels": more.get("labels", {}),
        },
        "spec": {"completions": size, "suspend": more.get("suspend", False)},
        "status": {"conditions": [condition] if ended else []}
        | ({"completionTime": at(100)} if ended == "Complete" else {}),
    }


def running(second: int) -> Json:
    """The state of a container that runs since then."""
    return {"running": {"startedAt": at(second)}}


def ended(start: int, end: int, code: int = 0, *, said: Json | None = None, reason: str = "") -> Json:
    """The state of a container that ended."""
    terminated = {"startedAt": at(start), "finishedAt": at(end), "exitCode": code}
    return {
        "terminated": terminated
        | ({"message": json.dumps(said)} if said is not None else {})
        | ({"reason": reason} if reason else {})
    }


def held(reason: str, message: str = "") -> Json:
    """The state of a container that waits."""
    return {"waiting": {"reason": reason, "message": message}}


def pod(
    index: int = 0,
    *,
    prepare: Json | None = None,
    train: Json | None = None,
    agent: Json | None = None,
    phase: str = "Running",
    **more: Any,
) -> Json:
    """A pod of the host `index`, with the states of its containers."""
    name = more.get("name", f"job-{index}-x7k2p")
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": at(more.get("born", 1)),
            "annotations": {COMPLETION_INDEX: str(index)},
            "ownerReferences": [{"kind": "Job", "name": "job", "uid": JOB_UID, "controller": True}],
            **more.get("metadata", {}),
        },
        "spec": {"nodeName": more.get("node", f"node-{index}")},
        "status": {
            "phase": phase,
            "conditions": more.get("conditions", []),
            "initContainerStatuses": [{"name": "prepare", "state": prepare or {}}],
            "containerStatuses": [{"name": "train", "state": train or {}}, {"name": "agent", "state": agent or {}}],
            **more.get("status", {}),
        },
    }


def deleted(second: int, *, grace: int = 150) -> Json:
    """The metadata of a pod that somebody deleted then."""
    return {"metadata": {"deletionTimestamp": at(second + grace), "deletionGracePeriodSeconds": grace}}


def disruption(reason: str, message: str, *, since: int | None = None) -> list[Json]:
    """The conditions of a pod that the cluster took away, and in which second."""
    when = {} if since is None else {"lastTransitionTime": at(since)}
    return [{"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message, **when}]
