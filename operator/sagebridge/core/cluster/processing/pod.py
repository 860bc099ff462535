"""The pod of one host of a processing job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.accompanied import Companionship, host_template
from sagebridge.core.cluster.environment import listed, region_variables, secret_sources, verbatim
from sagebridge.core.cluster.names import PROCESS
from sagebridge.core.cluster.volumes import ml_mounts, own_volumes, shared_memory
from sagebridge.core.container.layout import Layout

if TYPE_CHECKING:
    from sagebridge.core.cluster.processing.job import ProcessingWork

PREPARE_COMMAND: Final = "prepare-processing"
ACCOMPANY_COMMAND: Final = "accompany-processing"


def pod_template(job: ProcessingWork) -> dict[str, Any]:
    """The template of the job's pods."""
    of = Companionship(
        container=_process(job), prepare=PREPARE_COMMAND, accompany=ACCOMPANY_COMMAND, volumes=own_volumes(job)
    )
    return host_template(job, of)


def _process(job: ProcessingWork) -> dict[str, Any]:
    layout = Layout()
    return {
        "name": PROCESS,
        "image": job.request["AppSpecification"]["ImageUri"],
        **_command(job),
        "env": _environment(job),
        "envFrom": secret_sources(job.cluster),
        "resources": job.placement.resources,
        # Each place by itself: what the image has elsewhere below /opt/ml/processing stays visible.
        "volumeMounts": [
            *ml_mounts([layout.processing_config, layout.output, *job.places]),
            *shared_memory(job),
        ],
    }


def _command(job: ProcessingWork) -> dict[str, Any]:
    """ContainerEntrypoint and ContainerArguments stand for ENTRYPOINT and CMD of the image.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    application = job.request["AppSpecification"]
    words = {"command": application.get("ContainerEntrypoint"), "args": application.get("ContainerArguments")}
    return {key: verbatim(given) for key, given in words.items() if given}


def _environment(job: ProcessingWork) -> list[dict[str, Any]]:
    return listed(
        {
            **job.settings.environment,
            **region_variables(job.region),
            **job.placement.environment,
            **job.request.get("Environment", {}),
        }
    )
