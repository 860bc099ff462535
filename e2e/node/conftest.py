"""One node for the whole run, and the operator in its cluster for the tests that ask for it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

import pytest

from node import debian, serving_image
from node.images import Image
from node.jobs import Jobs, be_a_gpu_node, put_data
from node.machine import choose
from node.node import Node
from node.operator import OWN_IMAGE, Cloud, Installation
from node.operator_image import operator_image
from node.packages import UnsupportedMachineError
from node.processing import Processing
from node.real_node import RealNode


@pytest.fixture(scope="session")
def machine() -> type[Node]:
    """The kind of node that this machine can run."""
    try:
        return choose()
    except UnsupportedMachineError as error:
        do_without(f"No node: {error}")


@pytest.fixture(autouse=True)
def fit(request: pytest.FixtureRequest) -> None:
    """Tests of what only a node of our own can give don't run on another."""
    marker = request.node.get_closest_marker("own_node")
    if marker and request.getfixturevalue("machine") is not RealNode:
        do_without(f"No node of our own: {marker.kwargs['reason']}")


@pytest.fixture(scope="session")
def node(machine: type[Node]) -> Iterator[Node]:
    """The node, ready."""
    with machine.start() as started:
        yield started


@pytest.fixture(scope="session")
def python(node: Node) -> Image:
    """An image with Python and no more, on the node."""
    image = Image(name="localhost/python:1", layers=(debian.base(),), environment={"PATH": debian.PATH})
    node.load(image)
    return image


@pytest.fixture(scope="session")
def cloud(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The local SageMaker, which runs what jobs say; ``OWN_IMAGE`` and the image that serves are known to it."""
    images = tmp_path_factory.mktemp("cloud") / "images.json"
    own = [sys.executable, "-c", "print('trained')"]
    images.write_text(json.dumps({OWN_IMAGE: own, serving_image.IMAGE: serving_image.COMMAND}))
    with Cloud.start(node, "--images", str(images)) as started:
        yield started


@pytest.fixture(scope="session")
def operator(node: Node, cloud: Cloud) -> Iterator[Installation]:
    """The operator in the cluster, ready."""
    installation = Installation(node=node, image=operator_image(), cloud=cloud)
    installation.install()
    yield installation
    installation.uninstall()


@pytest.fixture(scope="session")
def gpu_node(node: Node, operator: Installation) -> Node:
    """The node with GPUs, the operator, and the example's data and image."""
    be_a_gpu_node(node)
    put_data(operator.cloud)
    return node


@pytest.fixture
def jobs(gpu_node: Node, namespace: str) -> Jobs:
    """The TrainingJobs of a fresh namespace that has the example's code."""
    made = Jobs(gpu_node, namespace)
    made.put_code()
    return made


@pytest.fixture
def processing(gpu_node: Node, namespace: str) -> Processing:
    """The ProcessingJobs of a fresh namespace that has the example's code."""
    made = Processing(gpu_node, namespace)
    made.put_code()
    return made


@pytest.fixture
def namespace(node: Node) -> Iterator[str]:
    """A fresh namespace."""
    with node.namespace() as name:
        yield name


def do_without(why: str) -> NoReturn:
    """Skip a test with one line; under CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why} (CI is set)", pytrace=False)
    pytest.skip(why)
