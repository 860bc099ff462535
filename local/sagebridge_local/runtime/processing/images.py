"""What the image of a processing job means on this machine. docs/local-mode.md tells users the same rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge.core.container.frameworks import framework_module

from sagebridge_local.runtime.images import (
    CommandImage,
    DockerImage,
    Meaning,
    UnknownImage,
    mapped_command,
)
from sagebridge_local.runtime.processing.view import UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def meaning(request: Mapping[str, Any], *, mapping: Mapping[str, Sequence[str]], docker: bool, here: bool) -> Meaning:
    """Decide what the image of a CreateProcessingJob request means: a command here, a container, or nothing.

    Args:
        request: The request.
        mapping: The user's: image, or glob over images, -> the command that stands for its entrypoint. It comes
            before everything else.
        docker: Whether a Docker daemon answers.
        here: Whether a command on this machine can be shown its /opt/ml.
    """
    application = request["AppSpecification"]
    image = application["ImageUri"]
    entrypoint = tuple(application.get("ContainerEntrypoint", ()))
    arguments = tuple(application.get("ContainerArguments", ()))
    command = mapped_command(image, mapping)
    if command is None and entrypoint and framework_module(image) is not None and (here or not docker):
        command = entrypoint
    if command is not None:
        return CommandImage(command=(*command, *arguments)) if here else UnknownImage(reason=UNAVAILABLE)
    if docker:
        return DockerImage(image=image, entrypoint=entrypoint, arguments=arguments)
    return UnknownImage(
        reason=f"Local mode can't run the image {image}: it is not a framework image with an entrypoint of yours "
        "(AppSpecification.ContainerEntrypoint), and no Docker daemon answers. Either start Docker, or say which "
        f"command stands for it: sagebridge local up --image-map '{image}=COMMAND'."
    )
