"""A forked program is a process as any other: its own environment, folder and log, and an end of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sagebridge_local.stack import StackError, processes
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.state import Record
from sagebridge_local.stack.supervisor import Supervisor
from support.forking import ForkServer, InTurns
from support.waiting import eventually

# A program of the standard library that does what its command line says.
PROGRAM = "timeit"
TELLS = "import os; print(os.getcwd(), os.environ['WORD'], os.getsid(0) == os.getpid(), flush=True)"


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer(PROGRAM, "json") as started:
        yield started


@pytest.fixture
def supervisor(tmp_path: Path, server: ForkServer) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "stack", spawn=server)
    yield made
    made.stop(list(made.state.records))


def start(supervisor: Supervisor, statement: str, *, word: str = "") -> Record:
    component = Component(
        name="forked",
        command=("python", "-m", PROGRAM, "-n1", "-r1", "-s", TELLS, statement),
        ready=lambda: True,
        address="",
        directory=supervisor.directory,
        environment={"WORD": word},
    )
    supervisor.ensure([component])
    return supervisor.state.records["forked"]


def logged(supervisor: Supervisor) -> list[str]:
    log = supervisor.log("forked")
    return log.read_text().splitlines() if log.exists() else []


def test_each_start_is_a_process_of_its_own(supervisor: Supervisor) -> None:
    first = start(supervisor, "import time; time.sleep(600)", word="one")
    eventually(lambda: logged(supervisor), what="what it tells")
    supervisor.kill("forked")
    second = start(supervisor, "import time; time.sleep(600)", word="two")
    eventually(lambda: len(logged(supervisor)) == 2, what="what the other tells")
    assert first.pid != second.pid
    assert logged(supervisor) == [f"{supervisor.directory} {word} True" for word in ("one", "two")]


def test_one_that_was_killed_is_gone(supervisor: Supervisor) -> None:
    record = start(supervisor, "import time; time.sleep(600)")
    assert processes.is_alive(record)
    psutil.Process(record.pid).kill()
    eventually(lambda: not psutil.pid_exists(record.pid), what="its end, not as a zombie")
    assert supervisor.alive("forked") is None


def test_one_that_ends_by_itself_is_gone(supervisor: Supervisor) -> None:
    record = start(supervisor, "pass")
    eventually(lambda: not psutil.pid_exists(record.pid), what="its end")
    assert "1 loop" in logged(supervisor)[-1]


def test_a_program_that_is_none_is_not_started(tmp_path: Path) -> None:
    with ForkServer("no_such_program") as broken, pytest.raises(StackError):
        start(Supervisor(tmp_path / "stack", spawn=broken), "pass")


def test_none_outlives_its_server(tmp_path: Path) -> None:
    with ForkServer(PROGRAM) as short_lived:
        made = Supervisor(tmp_path / "stack", spawn=short_lived)
        record = start(made, "import time; time.sleep(600)")
        assert processes.is_alive(record)
    assert not psutil.pid_exists(record.pid)


def test_no_two_of_a_server_throw_the_same_dice(tmp_path: Path) -> None:
    """What a library has drawn its seed for when it was imported: moto, for all of its ids."""
    throw = "from moto.moto_api._internal import mock_random; print(mock_random.uuid4(), flush=True)"
    with ForkServer(PROGRAM, "moto.moto_api._internal") as dice:
        made = Supervisor(tmp_path / "stack", spawn=dice)
        for times in range(1, 3):
            start(made, f"{throw}; import time; time.sleep(600)")
            eventually(lambda times=times: len(logged(made)) == 2 * times, what="its throw")  # type: ignore[misc]
            made.kill("forked")
    first, second = logged(made)[1::2]
    assert first != second


def test_one_that_is_started_again_has_other_hashes(tmp_path: Path) -> None:
    """What depends on the order of a set, and should not, shows after a restart."""
    with ForkServer(PROGRAM) as one, ForkServer(PROGRAM) as other:
        made = Supervisor(tmp_path / "stack", spawn=InTurns(one, other))
        for times in range(1, 5):
            start(made, "print(hash('word'), flush=True); import time; time.sleep(600)")
            eventually(lambda times=times: len(logged(made)) == 2 * times, what="its hash")  # type: ignore[misc]
            made.kill("forked")
    first, second, third, fourth = logged(made)[1::2]
    assert (first, second) == (third, fourth)
    assert first != second
