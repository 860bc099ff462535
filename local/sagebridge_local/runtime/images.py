"""What an image means on this machine: a script on the local Python, a command, a container, or nothing.

docs/local-mode.md tells users the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.container import hyperparameters as hps
from sagebridge.core.container.frameworks import framework_module

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TRAIN: Final = "train"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptImage:
    """A framework image: the user's script runs on the local Python."""

    framework_module: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandImage:
    """A command on this machine stands for the image."""

    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerImage:
    """The image itself, in a container."""

    image: str
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownImage:
    """Nothing here can run the image."""

    reason: str


Meaning = ScriptImage | CommandImage | DockerImage | UnknownImage


def meaning(request: Mapping[str, Any], *, mapping: Mapping[str, Sequence[str]], docker: bool) -> Meaning:
    """Decide what the image of a CreateTrainingJob request means.

    Args:
        request: The request.
        mapping: The user's: image, or glob over images, -> command. It comes before everything else.
        docker: Whether a Docker daemon answers.
    """
    algorithm = request.get("AlgorithmSpecification", {})
    image = algorithm.get("TrainingImage") or algorithm.get("AlgorithmName") or ""
    entrypoint = tuple(algorithm.get("ContainerEntrypoint", ()))
    arguments = tuple(algorithm.get("ContainerArguments", ()))
    command = mapped_command(image, mapping)
    if command is not None:
        return CommandImage(command=(*command, *(arguments or (TRAIN,))))
    if (module := framework_module(image)) is not None:
        if entrypoint:
            return CommandImage(command=(*entrypoint, *arguments))
        if hps.PROGRAM in request.get("HyperParameters", {}):
            return ScriptImage(framework_module=module or None)
    if docker and "TrainingImage" in algorithm:
        return DockerImage(image=image, entrypoint=entrypoint, arguments=arguments or (TRAIN,))
    return UnknownImage(reason=_unknown(image))


def mapped_command(image: str, mapping: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    """The user's command for an image: the exact name first, then the first glob that fits."""
    if image in mapping:
        return tuple(mapping[image])
    return next((tuple(command) for pattern, command in mapping.items() if fnmatchcase(image, pattern)), None)


def _unknown(image: str) -> str:
    if not image:
        return "Local mode needs AlgorithmSpecification.TrainingImage: it can't run serverless jobs."
    return (
        f"Local mode can't run the image {image}: it is not a framework image with a script of yours, and no Docker "
        "daemon answers. Either start Docker, or say which command stands for it: "
        f"sagebridge local up --image-map '{image}=COMMAND'."
    )
