"""The Kubernetes objects of one attempt: an Indexed Job, the Service that its hosts are found by, and job.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.document import FILE, document
from sagebridge.core.cluster.engines import Engine, job_set_manifest
from sagebridge.core.cluster.names import ANNOTATION_NOTES, ANNOTATION_TAGS, QUEUE_LABEL
from sagebridge.core.cluster.pod import pod_template
from sagebridge.core.cluster.pods import DISRUPTION
from sagebridge.core.names import without_ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.cluster.job import AccompaniedWork, ClusterJob, ClusterWork

# Leaves word of it in the Job: the pod itself goes.
DISRUPTED: Final = {"action": "FailJob", "onPodConditions": [{"type": DISRUPTION}]}
"""The rule of a podFailurePolicy for a pod that the cluster took away."""


def attempt_manifest(job: ClusterJob) -> dict[str, Any]:
    """What an attempt is made as: its Job, or a JobSet of that one Job."""
    manifest = job_manifest(job)
    return job_set_manifest(manifest, name=job.name) if job.engine is Engine.JOB_SET else manifest


def job_manifest(job: ClusterJob) -> dict[str, Any]:
    """The Indexed Job."""
    return hosts_job(job, template=pod_template(job))


def hosts_job(job: AccompaniedWork, *, template: Mapping[str, Any]) -> dict[str, Any]:
    """The Indexed Job of hosts that know each other. One pod that fails ends it: the others can't go on without it."""
    policy = {
        "backoffLimit": 0,
        "podFailurePolicy": {"rules": [DISRUPTED]},
        # Unlike the pods' own, it counts the time in which they wait for nodes.
        **({"activeDeadlineSeconds": wait} if (wait := job.max_wait_seconds) is not None else {}),
    }
    return indexed_job(job, policy, size=job.size, template=template)


def indexed_job(
    job: ClusterWork, policy: Mapping[str, Any], *, size: int, template: Mapping[str, Any]
) -> dict[str, Any]:
    """The Job of an attempt.

    With a queue it is created suspended; from then on it is Kueue's, which changes and resumes it.

    Args:
        job: the attempt.
        policy: of its spec, what is to happen when pods fail.
        size: how many pods it has.
        template: of its pods.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _job_metadata(job),
        "spec": {
            "completionMode": "Indexed",
            "completions": size,
            "parallelism": size,
            **policy,
            "suspend": bool(job.cluster.get("queueName")),
            "ttlSecondsAfterFinished": job.settings.ttl_seconds,
            "template": template,
        },
    }


def belongings(job: ClusterJob, *, owner: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What goes with the attempt's `owner` and when it goes, by plural."""
    return hosts_belongings(job, owner=owner, document=document(job))


def hosts_belongings(job: AccompaniedWork, *, owner: Mapping[str, str], document: str) -> dict[str, dict[str, Any]]:
    """The Service of an attempt's hosts, and job.json, by plural.

    Args:
        job: the attempt.
        owner: what they go with.
        document: the text of job.json.
    """
    metadata = owned_metadata(job, owner=owner)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        # Hosts look for each other before any of them is ready.
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": job.labels},
    }
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "immutable": True,
        "data": {FILE: document},
    }
    return {"services": service, "configmaps": config_map}


def _job_metadata(job: ClusterWork) -> dict[str, Any]:
    queue = job.cluster.get("queueName")
    return {
        "name": job.name,
        "namespace": job.namespace,
        "labels": {**job.labels, **({QUEUE_LABEL: queue} if queue else {})},
        "annotations": _annotations(job),
    }


def owned_metadata(job: ClusterWork, *, owner: Mapping[str, str]) -> dict[str, Any]:
    """The metadata of what goes with the Job and when it goes."""
    return {
        "name": job.name,
        "namespace": job.namespace,
        "labels": job.labels,
        "ownerReferences": [dict(owner)],
    }


def _annotations(job: ClusterWork) -> dict[str, str]:
    tags = json.dumps(_tags(job.request), sort_keys=True)
    return {
        **job.owner.tags(),
        ANNOTATION_TAGS: tags,
        ANNOTATION_NOTES: json.dumps(job.placement.lines),
        **job.annotations,
    }


def _tags(request: Mapping[str, Any]) -> dict[str, str]:
    return without_ownership({tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", ())})
