"""Nothing of a node is left when its owner ends, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from node import places
from node.node import Node
from node.places import Place

pytestmark = pytest.mark.own_node(reason="a kind cluster outlives tests that are killed; the next start removes it")

OWNS_A_NODE = """
import sys
from node.real_node import RealNode
with RealNode.start() as node:
    print(node.name.rpartition("-")[2], flush=True)
    sys.stdin.read()
"""
_PATIENCE = 120.0


def processes_in(place: Place) -> list[psutil.Process]:
    """Those whose command line names a place's folder."""
    return [each for each in psutil.process_iter(["cmdline"]) if str(place.directory) in str(each.info["cmdline"])]


def wait_until(reached: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            pytest.fail(f"Not within {_PATIENCE:.0f} s: {what}")
        time.sleep(0.1)


def groups_of(place: Place) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"*/{place.name}")) + list(Path("/sys/fs/cgroup").glob(place.name))


def test_a_killed_owner_leaves_no_node(node: Node) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNS_A_NODE],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout
    place = Place(index=int(owner.stdout.readline()))
    interface = Path(f"/sys/class/net/sagebridge{place.index}")
    assert interface.exists()
    assert any("kubelet" in each.info["cmdline"] for each in processes_in(place))

    owner.send_signal(signal.SIGKILL)
    owner.wait()

    wait_until(lambda: not interface.exists(), what="the node's network is gone")
    wait_until(
        lambda: not any("kubelet" in each.info["cmdline"] for each in processes_in(place)), what="the kubelet is gone"
    )
    with places.take(Place):
        assert not place.directory.exists()
        assert not processes_in(place)
        assert not groups_of(place)
    assert node.kubectl("get", "node", node.name, "--output=name") == f"node/{node.name}\n"
