"""The pod of one host of a job: the user's container, and the agent before and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.environment import agent_environment
from sagebridge.core.cluster.fragments import AGENT_SECURITY, NO_PROXIES, identity, scheduling
from sagebridge.core.cluster.gangs import member_annotations, member_labels, member_spec
from sagebridge.core.cluster.names import AGENT, PREPARE
from sagebridge.core.cluster.volumes import agent_mounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.job import AccompaniedWork

_SYNC_SECONDS: Final = 30
_BACKSTOP_SECONDS: Final = 3600

_ANNOTATIONS: Final = {
    # What a job has done since its last checkpoint is lost when its pod is moved for the sake of order.
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
    # A proxy that does not end keeps the pod from ending.
    **NO_PROXIES,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Companionship:
    """The user's container of one kind of job, and its agent.

    Attributes:
        container: the user's.
        prepare: the agent's command before it.
        accompany: the agent's command beside it.
        volumes: of the pod.
    """

    container: Mapping[str, Any]
    prepare: str
    accompany: str
    volumes: Sequence[Mapping[str, Any]]


def host_template(job: AccompaniedWork, of: Companionship) -> dict[str, Any]:
    """The template of a job's pods, in which this runs."""
    default = {"kubectl.kubernetes.io/default-container": of.container["name"]}
    metadata = {
        "labels": job.labels | member_labels(job),
        "annotations": default | _ANNOTATIONS | member_annotations(job),
    }
    return {"metadata": metadata, "spec": _spec(job, of)}


def _spec(job: AccompaniedWork, of: Companionship) -> dict[str, Any]:
    settings = job.settings
    grace = settings.stop_grace_seconds + _SYNC_SECONDS
    prepare = _agent(job, name=PREPARE, command=of.prepare, resources=job.placement.resources)
    accompany = _agent(job, name=AGENT, command=of.accompany, resources=settings.agent_resources)
    return {
        "restartPolicy": "Never",
        "subdomain": job.name,
        "dnsConfig": {"searches": [job.host_domain]},
        "enableServiceLinks": False,
        # Credentials for AWS come by the service account; the API server is none of the job's business.
        "automountServiceAccountToken": False,
        # The agent sees the user's process, and can tell it to stop.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": grace,
        # The agent keeps the time; this is for a pod whose agent doesn't.
        "activeDeadlineSeconds": job.max_runtime_seconds + grace + settings.upload_seconds + _BACKSTOP_SECONDS,
        "initContainers": [prepare],
        "containers": [of.container, accompany],
        "volumes": of.volumes,
        **scheduling(job.placement),
        **member_spec(job),
        **identity(job.cluster),
    }


def _agent(job: AccompaniedWork, *, name: str, command: str, resources: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": job.settings.agent_image,
        "imagePullPolicy": job.settings.agent_pull_policy,
        "command": ["python", "-m", "sagebridge.agent", command],
        "env": agent_environment(job),
        "resources": resources,
        "securityContext": AGENT_SECURITY,
        "volumeMounts": agent_mounts(),
    }
