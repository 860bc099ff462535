"""What an image means for serving on this machine; docs/local-mode.md tells users the same rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sagebridge_local.runtime.images import mapped_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVE: Final = "serve"

# Images whose toolkit serves model_fn, input_fn, predict_fn and output_fn. TensorFlow's serves saved models by a
# program of its own: https://github.com/aws/deep-learning-containers/blob/master/available_images.md
_FRAMEWORKS: Final = (
    r"(huggingface-)?pytorch-inference(-\w+)*",
    r"sagemaker-pytorch",
    r"mxnet-inference(-eia)?",
    r"sagemaker-scikit-learn",
    r"sagemaker-xgboost",
    r"sagemaker-base-python(-\w+)?|sagemaker-data-science(-\w+)?|sagemaker-distribution(-\w+)?",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptImage:
    """A framework image: the user's functions are served by the local Python."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandImage:
    """A command on this machine stands for the image; it listens on SAGEMAKER_BIND_TO_PORT."""

    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerImage:
    """The image itself, in a container that listens on port 8080."""

    image: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownImage:
    """Nothing here can serve the image."""

    reason: str


Meaning = ScriptImage | CommandImage | DockerImage | UnknownImage


def meaning(image: str, *, mapping: Mapping[str, Sequence[str]], docker: bool, has_script: bool) -> Meaning:
    """Decide what an image means.

    Args:
        image: The image.
        mapping: The user's: image, or glob over images, -> command; `serve` is added to it.
        docker: Whether a Docker daemon answers.
        has_script: Whether the model has inference code, or can be served without.
    """
    command = mapped_command(image, mapping)
    if command is not None:
        return CommandImage(command=(*command, SERVE))
    if is_framework(image) and has_script:
        return ScriptImage()
    if docker:
        return DockerImage(image=image)
    return UnknownImage(reason=_unknown(image))


def is_framework(image: str) -> bool:
    """Whether the image serves a user's model_fn."""
    repository = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return any(re.fullmatch(pattern, repository) for pattern in _FRAMEWORKS)


def _unknown(image: str) -> str:
    if not image:
        return "Local mode needs a container's Image: it can't look model packages up."
    if is_framework(image):
        why = "the model archive has no code/inference.py (or the file that SAGEMAKER_PROGRAM names)"
    elif re.search(r"-training\b", image):
        why = "a training image does not serve: take the same framework's inference image"
    else:
        why = "it is not a framework image with inference code of yours"
    return (
        f"Local mode can't serve the image {image}: {why}, and no Docker daemon answers. Start Docker, or say which "
        f"command stands for the image: sagebridge local up --image-map '{image}=COMMAND'."
    )
