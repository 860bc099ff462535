"""The Go programs of a node that don't come with the control plane."""

from __future__ import annotations

from pathlib import Path

from sagebridge_local.golang import GoProgram
from sagebridge_local.golang.binary import binary

_MODULES = Path(__file__).parent / "go"
_PAUSE = GoProgram(name="pause", title="pause", package=".")
_TRAINER = GoProgram(name="trainer", title="trainer", package=".", system="linux")
_COREDNS = GoProgram(name="coredns", title="CoreDNS", package=".", version_of="github.com/coredns/coredns")


def pause() -> Path:
    """Return the first process of every pod; linked statically."""
    return binary(_PAUSE, module=_MODULES / "pause")


def trainer() -> Path:
    """Return a training program that understands ``train``; linked statically."""
    return binary(_TRAINER, module=_MODULES / "trainer")


def coredns() -> Path:
    """Return the cluster's DNS server, built if need be: two minutes the first time."""
    return binary(_COREDNS)
