"""The images of this repository are those that its Dockerfiles describe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from node.images import Image
from node.operator_image import operator_image
from node.steps_image import steps_image

pytestmark = [
    pytest.mark.own_node(reason="elsewhere docker makes the images by these Dockerfiles"),
    pytest.mark.parametrize("make", [operator_image, steps_image]),
]


def last_stage(image: Image) -> str:
    """The Dockerfile's last stage, an instruction a line."""
    assert image.dockerfile is not None
    return image.dockerfile.read_text().rpartition("FROM ")[2].replace("\\\n", " ")


def instruction(image: Image, name: str, *, default: str = "") -> str:
    """The last instruction of a name in the last stage."""
    return str([default, *re.findall(rf"^{name} +(.+)$", last_stage(image), re.MULTILINE)][-1])


def test_it_starts_as_the_dockerfile_says(make: Callable[[], Image]) -> None:
    image = make()

    assert image.environment == dict(pair.split("=", 1) for pair in instruction(image, "ENV").split())
    assert image.user == instruction(image, "USER")
    assert image.working_directory == instruction(image, "WORKDIR")
    assert list(image.entrypoint) == json.loads(instruction(image, "ENTRYPOINT", default="[]"))


def test_its_files_are_where_the_dockerfile_puts_them(make: Callable[[], Image]) -> None:
    image = make()

    placed = [line.split()[-1] for line in re.findall(r"^COPY +(.+)$", last_stage(image), re.MULTILINE)]
    assert placed == ["/licenses/LICENSE", "/opt/sagebridge", "/app"]
    assert all(any((layer.root / path.lstrip("/")).exists() for layer in image.layers) for path in placed)


def test_the_same_code_is_the_same_image(make: Callable[[], Image]) -> None:
    assert make() == make()
