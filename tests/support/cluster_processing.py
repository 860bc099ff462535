"""Attempts at processing jobs on the cluster, and their pods as the API server would show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.cluster.placing import wish
from sagebridge.core.cluster.processing.job import ProcessingWork
from sagebridge.core.cluster.processing.request import resolve
from sagebridge.core.names import job_name
from sagebridge.core.placement import PlacementSettings, place
from sagebridge.core.resolution import ResolveContext
from sagebridge.kinds.processing_job import KIND
from sagebridge.schema.convert import to_request

from support import cluster_jobs
from support.cluster_jobs import OWNER, SETTINGS
from support.processing_jobs import spec as processing_spec

Json = dict[str, Any]


def processing_work(spec: Mapping[str, Any] | None = None) -> ProcessingWork:
    """An attempt at a ProcessingJob with this spec."""
    name = job_name(owner=OWNER, attempt=1)
    context = ResolveContext(
        job_name=name,
        region="eu-west-1",
        role_arn="",
        output_path="s3://bucket/team/digits",
        source_uri="s3://bucket/code/sourcedir.tar.gz",
        tags=OWNER.tags(),
    )
    complete = resolve(spec or processing_spec(), context)
    cluster = complete.pop("cluster")
    request = to_request("CreateProcessingJob", complete)
    asked = wish(
        request,
        cluster,
        owner=OWNER,
        attempt=1,
        kind=KIND.name,
        settings=PlacementSettings(),
        resources=KIND.resources,
    )
    return ProcessingWork(
        owner=OWNER,
        attempt=1,
        kind=KIND.name,
        job_name=name,
        region="eu-west-1",
        request=request,
        cluster=cluster,
        placement=place(asked),
        settings=SETTINGS,
    )


def pod(index: int = 0, *, process: Json | None = None, **given: Any) -> Json:
    """A pod of the host `index`; see `support.cluster_jobs.pod`."""
    body = cluster_jobs.pod(index, train=process, **given)
    containers: list[Json] = body["status"].get("containerStatuses", [])
    for container in containers:
        container["name"] = "process" if container["name"] == "train" else container["name"]
    return body
