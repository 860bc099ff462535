"""What a killed run has left is gone when the next one takes a place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from node import control_groups
from node.kind_node import KindPlace
from node.places import Place, take
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.supervisor import Supervisor

if TYPE_CHECKING:
    from unit.kind_node.conftest import Programs


@pytest.fixture(autouse=True)
def no_control_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the machine's, by name: a node that runs here meanwhile may have the same one."""
    monkeypatch.setattr(control_groups, "remove", lambda name: None)


@pytest.mark.parametrize("sort", [Place, KindPlace])
@pytest.mark.parametrize("of", ["directory", "cloud"])
def test_its_processes_are_ended(programs: Programs, sort: type[Place], of: str) -> None:
    programs.install("docker", "kind")
    with take(sort) as place:
        pass
    process = left_running(Supervisor(getattr(place, of)))

    with take(sort):
        assert not _runs(process)
        assert not place.directory.exists()


def test_the_sorts_do_not_share_places(programs: Programs) -> None:
    programs.install("docker", "kind")
    with take(Place) as own, take(KindPlace) as kind:
        assert own.index == kind.index
        assert own.root() != kind.root()


def left_running(supervisor: Supervisor) -> psutil.Process:
    sleep = [sys.executable, "-I", "-c", "import time; print('up', flush=True); time.sleep(600)"]
    component = Component(
        name="left",
        command=tuple(sleep),
        ready=lambda: "up" in supervisor.log("left").read_text(),
        address="",
        directory=supervisor.directory,
    )
    supervisor.ensure([component])
    supervisor.wait_ready([component])
    record = supervisor.alive("left")
    assert record
    return psutil.Process(record.pid)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
