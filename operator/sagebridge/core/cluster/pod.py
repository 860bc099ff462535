"""The pod of one host of a training job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.environment import agent_environment, secret_sources, train_environment
from sagebridge.core.cluster.fragments import AGENT_SECURITY, NO_PROXIES, identity, scheduling
from sagebridge.core.cluster.gangs import member_annotations, member_labels, member_spec
from sagebridge.core.cluster.names import AGENT, PREPARE, TRAIN
from sagebridge.core.cluster.request import Launch
from sagebridge.core.cluster.volumes import RUN_DIRECTORY, agent_mounts, train_mounts, volumes

if TYPE_CHECKING:
    from sagebridge.core.cluster.job import ClusterJob

LAUNCHER: Final = f"{RUN_DIRECTORY}/launcher.py"
_SYNC_SECONDS: Final = 30
_BACKSTOP_SECONDS: Final = 3600

_ANNOTATIONS: Final = {
    "kubectl.kubernetes.io/default-container": TRAIN,
    # What a training has done since its last checkpoint is lost when its pod is moved for the sake of order.
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
    # A proxy that does not end keeps the pod from ending.
    **NO_PROXIES,
}


def pod_template(job: ClusterJob) -> dict[str, Any]:
    """The template of the job's pods."""
    metadata = {
        "labels": job.labels | member_labels(job),
        "annotations": _ANNOTATIONS | member_annotations(job),
    }
    return {"metadata": metadata, "spec": _spec(job)}


def _spec(job: ClusterJob) -> dict[str, Any]:
    settings = job.settings
    grace = settings.stop_grace_seconds + _SYNC_SECONDS
    return {
        "restartPolicy": "Never",
        "subdomain": job.name,
        "dnsConfig": {"searches": [job.host_domain]},
        "enableServiceLinks": False,
        # Credentials for AWS come by the service account; the API server is none of the job's business.
        "automountServiceAccountToken": False,
        # The agent sees the training process, and can tell it to stop.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": grace,
        # The agent keeps the time; this is for a pod whose agent doesn't.
        "activeDeadlineSeconds": job.max_runtime_seconds + grace + settings.upload_seconds + _BACKSTOP_SECONDS,
        "initContainers": [_agent(job, name=PREPARE, command="prepare", resources=job.placement.resources)],
        "containers": [_train(job), _agent(job, name=AGENT, command="accompany", resources=settings.agent_resources)],
        "volumes": volumes(job),
        **scheduling(job.placement),
        **member_spec(job),
        **identity(job.cluster),
    }


def _agent(job: ClusterJob, *, name: str, command: str, resources: Any) -> dict[str, Any]:
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


def _train(job: ClusterJob) -> dict[str, Any]:
    return {
        "name": TRAIN,
        "image": job.request["AlgorithmSpecification"]["TrainingImage"],
        **_command(job),
        "env": train_environment(job),
        "envFrom": secret_sources(job.cluster),
        "resources": job.placement.resources,
        "volumeMounts": train_mounts(job),
    }


def _command(job: ClusterJob) -> dict[str, Any]:
    """The image is run as ``docker run IMAGE train``: its own entry point stays.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html
    """
    if job.launch is Launch.SCRIPT:
        return {"command": ["python3", LAUNCHER]}
    algorithm = job.request["AlgorithmSpecification"]
    entry_point, arguments = algorithm.get("ContainerEntrypoint"), algorithm.get("ContainerArguments")
    if entry_point:
        return {"command": list(entry_point), "args": list(arguments or ())}
    return {"args": list(arguments or ("train",))}
