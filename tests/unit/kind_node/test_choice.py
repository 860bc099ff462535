"""Which kind of node a machine gets, and what it is told when it gets none."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from node import machine, packages
from node.kind_node import KindNode
from node.node import Node
from node.packages import UnsupportedMachineError
from node.real_node import RealNode

if TYPE_CHECKING:
    from unit.kind_node.conftest import Programs

NO_DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n"
DAEMON = ("docker", "version")


def root_on_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "ensure", lambda: None)


def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")


def root_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    who: Callable[[pytest.MonkeyPatch], None]
    installed: tuple[str, ...]
    daemon: bool = True
    want: type[Node] | str


ROOT = "a node needs root: it makes namespaces, mounts and control groups"
NO_DOCKER = "for kind instead, there is no docker (https://docs.docker.com/engine/install/)"
NO_KIND = "for kind instead, there is no kind (https://kind.sigs.k8s.io/docs/user/quick-start/#installation)"
CASES = [
    Case(reason="our own needs nothing else", who=root_on_debian, installed=(), want=RealNode),
    Case(reason="our own comes first", who=root_on_debian, installed=("docker", "kind"), want=RealNode),
    Case(reason="not root", who=somebody, installed=("docker", "kind"), want=KindNode),
    Case(reason="not Linux", who=mac, installed=("docker", "kind"), want=KindNode),
    Case(reason="root where there is no apt", who=root_elsewhere, installed=("docker", "kind"), want=KindNode),
    Case(reason="neither", who=somebody, installed=(), want=f"{ROOT}; {NO_DOCKER}"),
    Case(reason="kind without docker", who=somebody, installed=("kind",), want=f"{ROOT}; {NO_DOCKER}"),
    Case(reason="docker without kind", who=somebody, installed=("docker",), want=f"{ROOT}; {NO_KIND}"),
    Case(
        reason="docker without its daemon, said in one line",
        who=somebody,
        installed=("docker", "kind"),
        daemon=False,
        want=f"{ROOT}; for kind instead, docker is there, but its daemon can't be reached: {NO_DAEMON.strip()}",
    ),
    Case(reason="not Linux, neither", who=mac, installed=(), want=f"a node needs Linux; this is Darwin; {NO_DOCKER}"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_each_machine_gets_the_node_that_it_can_run(
    case: Case, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.who(monkeypatch)
    programs.install(*case.installed)
    if not case.daemon:
        programs.answer(*DAEMON, error=NO_DAEMON, status=1)
    monkeypatch.setattr(shutil, "which", only_in(programs.path))

    if isinstance(case.want, str):
        with pytest.raises(UnsupportedMachineError) as raised:
            machine.choose()
        assert str(raised.value) == case.want
    else:
        assert machine.choose() is case.want


def test_it_is_the_daemon_that_is_asked_for(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody(monkeypatch)
    programs.install("docker", "kind")

    machine.choose()

    assert programs.lines() == ["docker version --format={{.Server.Version}}"]


def only_in(directory: Path) -> Callable[..., str | None]:
    """What this machine has elsewhere is not there."""

    def which(name: str, path: str | None = None) -> str | None:
        return str(directory / name) if (directory / name).exists() else None

    return which
