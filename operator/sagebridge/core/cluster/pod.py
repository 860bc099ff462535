"""The pod of one host of a training job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.accompanied import Companionship, host_template
from sagebridge.core.cluster.environment import secret_sources, train_environment, verbatim
from sagebridge.core.cluster.names import TRAIN
from sagebridge.core.cluster.request import Launch
from sagebridge.core.cluster.volumes import RUN_DIRECTORY, train_mounts, volumes

if TYPE_CHECKING:
    from sagebridge.core.cluster.job import ClusterJob

LAUNCHER: Final = f"{RUN_DIRECTORY}/launcher.py"


def pod_template(job: ClusterJob) -> dict[str, Any]:
    """The template of the job's pods."""
    of = Companionship(container=_train(job), prepare="prepare", accompany="accompany", volumes=volumes(job))
    return host_template(job, of)


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
        return {"command": verbatim(entry_point), "args": verbatim(arguments or ())}
    return {"args": verbatim(arguments or ("train",))}
