"""The Kubernetes objects of one attempt at a transform job: an Indexed Job, and what its pods have to know."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.clock import format_time, parse_time
from sagebridge.core.cluster.document import FILE
from sagebridge.core.cluster.environment import agent_environment
from sagebridge.core.cluster.fragments import AGENT_SECURITY, NO_PROXIES, identity, scheduling
from sagebridge.core.cluster.manifests import DISRUPTED, indexed_job, owned_metadata
from sagebridge.core.cluster.names import AGENT, FETCH_MODEL, SERVE
from sagebridge.core.cluster.serving import document as model_document
from sagebridge.core.cluster.serving.pod import fetch_container, serve_container, volumes
from sagebridge.core.cluster.volumes import JOB_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.cluster.transform.job import TransformWork

STARTUP_SECONDS: Final = 480
"""How long a model server may take until it answers /ping."""

_VERSION: Final = 1
_VOLUME: Final = "job"
_END_SECONDS: Final = 30
_AGENT_MEMORY_LIMIT: Final = "4Gi"
_CLOCKS_APART: Final = timedelta(seconds=5)
"""How much S3's clock may be ahead of the API server's: what was uploaded just before belongs to the job."""
_REJECTIONS: Final = 3
"""How often a pod may be made anew that its node did not take: it has not begun."""

_ANNOTATIONS: Final = {
    "kubectl.kubernetes.io/default-container": SERVE,
    # A pod that is moved for the sake of order begins with its share of the objects anew.
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
    **NO_PROXIES,
}


def job_manifest(job: TransformWork) -> dict[str, Any]:
    """The Indexed Job. One pod that fails does not end the others, whose outputs are worth having."""
    policy = {
        "backoffLimitPerIndex": _REJECTIONS,
        "podFailurePolicy": {"rules": [DISRUPTED, _failing(AGENT), _failing(FETCH_MODEL)]},
    }
    return indexed_job(job, policy, size=job.size, template=_pod_template(job))


def belongings(job: TransformWork, *, owner: Mapping[str, str], created: str) -> dict[str, dict[str, Any]]:
    """What goes with the Job and when it goes, by plural: the documents of its pods.

    Args:
        job: the attempt.
        owner: the Job, as a reference.
        created: when it was made, RFC 3339.
    """
    pod = job.serving
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": owned_metadata(job, owner=owner),
        "immutable": True,
        "data": {
            FILE: document(job, created=created),
            model_document.FILE: model_document.document(
                pod.model, region=job.region, fetch_seconds=job.settings.upload_seconds
            ),
        },
        "binaryData": model_document.binary_data(pod.model),
    }
    return {"configmaps": config_map}


def document(job: TransformWork, *, created: str) -> str:
    """The text of job.json; the same for all pods."""
    # Pods begin minutes apart, and each takes every so many-th of what it finds: new objects would shift the shares.
    listed_before = format_time(parse_time(created) + _CLOCKS_APART) if job.size > 1 else None
    content = {
        "version": _VERSION,
        "request": job.request,
        "region": job.region,
        "startupSeconds": STARTUP_SECONDS,
        "uploadSeconds": job.settings.upload_seconds,
        "listedBefore": listed_before,
    }
    return json.dumps(content, sort_keys=True)


def _pod_template(job: TransformWork) -> dict[str, Any]:
    pod = job.serving
    # A native sidecar: it is ended after the agent, and its exit code is not the pod's.
    serve = {
        **serve_container(pod),
        "restartPolicy": "Always",
        # Its last words are how people learn why it does not serve.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    spec = {
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        # Credentials for AWS come by the service account; the API server is none of the job's business.
        "automountServiceAccountToken": False,
        # The agent sees whether the model server runs.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": _END_SECONDS,
        "initContainers": [fetch_container(pod), serve],
        "containers": [_agent(job)],
        "volumes": [*volumes(pod), {"name": _VOLUME, "configMap": {"name": job.name, "items": [_item()]}}],
        **scheduling(job.placement),
        **identity(job.cluster),
    }
    return {"metadata": {"labels": job.labels, "annotations": dict(_ANNOTATIONS)}, "spec": spec}


def _failing(container: str) -> dict[str, Any]:
    """The rule by which a pod is not made anew once this container has failed: it would fail again."""
    return {
        "action": "FailIndex",
        "onExitCodes": {"containerName": container, "operator": "NotIn", "values": [0]},
    }


def _item() -> dict[str, str]:
    return {"key": FILE, "path": FILE}


def _agent(job: TransformWork) -> dict[str, Any]:
    settings = job.settings
    resources = settings.agent_resources
    return {
        "name": AGENT,
        "image": settings.agent_image,
        "imagePullPolicy": settings.agent_pull_policy,
        "command": ["python", "-m", "sagebridge.agent", "transform"],
        "env": agent_environment(job),
        # An object and its output are in memory while it is transformed.
        "resources": {**resources, "limits": {**resources["limits"], "memory": _AGENT_MEMORY_LIMIT}},
        "securityContext": AGENT_SECURITY,
        "volumeMounts": [{"name": _VOLUME, "mountPath": JOB_DIRECTORY, "readOnly": True}],
    }
