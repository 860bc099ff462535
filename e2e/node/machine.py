"""Which kind of node this machine can run."""

from __future__ import annotations

from node import docker, packages
from node.kind_node import KindNode
from node.node import Node
from node.packages import UnsupportedMachineError
from node.real_node import RealNode


def choose() -> type[Node]:
    """Return the node of our own where it can run, and kind's elsewhere.

    Raises:
        UnsupportedMachineError: Neither can; the message says why, in one line.
    """
    try:
        packages.ensure()
    except UnsupportedMachineError as own:
        try:
            docker.ensure()
        except UnsupportedMachineError as other:
            raise UnsupportedMachineError(f"{own}; for kind instead, {other}") from own
        return KindNode
    return RealNode
