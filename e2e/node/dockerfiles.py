"""Images made by docker: a Dockerfile of what an image's layers say, or the one that the image names."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from node import docker
from node.code import ROOT
from node.images import Image
from node.layers import write


def build(image: Image) -> None:
    """Make an image under its name; docker keeps the layers, so that a second time costs little.

    Raises:
        RuntimeError: docker could not.
    """
    if image.dockerfile:
        docker.run("docker", "build", f"--file={image.dockerfile}", f"--tag={image.name}", str(ROOT))
        return
    with tempfile.TemporaryDirectory() as directory:
        context = Path(directory)
        for path, content in _files(image).items():
            write(context / path, content)
        dockerfile = context / "Dockerfile"
        dockerfile.write_text(text(image))
        docker.run("docker", "build", f"--file={dockerfile}", f"--tag={image.name}", str(context))


def text(image: Image) -> str:
    """Return what a Dockerfile says that makes the image.

    Source: https://docs.docker.com/reference/dockerfile/
    """
    recipes = [layer.recipe for layer in image.layers]
    lines = [
        f"FROM {recipes[0].base or 'scratch'}",
        *(instruction for recipe in recipes for instruction in recipe.instructions),
        *(f"ENV {name}={_quoted(value)}" for name, value in image.environment.items()),
        *([f"WORKDIR {image.working_directory}"] if image.working_directory else []),
        *([f"USER {image.user}"] if image.user else []),
        f"ENTRYPOINT {json.dumps(image.entrypoint)}",
        # What an image begins with may have a command of its own.
        f"CMD {json.dumps(image.command)}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _quoted(value: str) -> str:
    """A word that docker reads as the value; it would put variables in."""
    return json.dumps(value, ensure_ascii=False).replace("$", "\\$")


def _files(image: Image) -> dict[str, bytes]:
    return {path: content for layer in image.layers for path, content in layer.recipe.files.items()}
