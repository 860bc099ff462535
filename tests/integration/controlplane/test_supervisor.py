"""Processes that outlive their starter: reused, recognised, ended with all they started."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sagebridge_local.stack import NotReadyError, StackError, processes
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.readiness import answers_ok
from sagebridge_local.stack.state import Record
from sagebridge_local.stack.supervisor import Supervisor

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "stack")
    yield made
    made.stop_everything()


def _server(supervisor: Supervisor, **changes: str) -> Component:
    port = supervisor.ports(["server"])["server"]
    url = f"http://127.0.0.1:{port}"
    return Component(
        name="server",
        command=(sys.executable, "-c", SERVER, str(port)),
        ready=lambda: answers_ok(url),
        address=url,
        directory=supervisor.directory,
        environment=changes,
    )


def _start(supervisor: Supervisor, **changes: str) -> Record:
    component = _server(supervisor, **changes)
    supervisor.ensure([component])
    supervisor.wait_ready([component])
    record = supervisor.alive("server")
    assert record is not None
    return record


def _stubborn(supervisor: Supervisor) -> Component:
    log = supervisor.log("stubborn")
    return Component(
        name="stubborn",
        command=(sys.executable, "-c", STUBBORN),
        ready=lambda: log.exists() and "ready" in log.read_text(),
        address="",
        directory=supervisor.directory,
    )


def test_what_runs_is_reused_by_a_later_command(supervisor: Supervisor) -> None:
    first = _start(supervisor)

    assert _start(Supervisor(supervisor.directory)) == first


def test_what_runs_otherwise_is_replaced_on_its_port(supervisor: Supervisor) -> None:
    first = _start(supervisor)
    second = _start(supervisor, LOG_LEVEL="debug")

    assert second.pid != first.pid
    assert second.address == first.address
    assert not psutil.pid_exists(first.pid)


def test_a_crashed_one_comes_back_on_its_port(supervisor: Supervisor) -> None:
    first = _start(supervisor)
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)

    assert supervisor.alive("server") is None
    assert _start(supervisor).address == first.address


def test_a_port_that_someone_took_meanwhile_is_replaced(supervisor: Supervisor) -> None:
    before = _start(supervisor).address
    supervisor.kill("server")
    with socket.create_server(("127.0.0.1", int(before.rpartition(":")[2]))):
        after = _start(supervisor).address

    assert after != before


def test_a_pid_that_now_belongs_to_another_process_is_not_taken_for_ours(supervisor: Supervisor) -> None:
    stale = Record(name="server", pid=os.getpid(), created=1.0, fingerprint="", address="", command=("etcd",))

    assert not processes.is_alive(stale)
    processes.terminate([stale], grace=1)
    assert psutil.pid_exists(os.getpid()), "this test was not ended in its place"


def test_ending_reaches_what_a_process_started_even_in_a_session_of_its_own(supervisor: Supervisor) -> None:
    component = _stubborn(supervisor)
    supervisor.ensure([component])
    supervisor.wait_ready([component])
    family = processes.marked(supervisor.directory)
    assert len(family) == 2

    supervisor.stop(["stubborn"], grace=0.2)

    assert not [process.pid for process in family if process.is_running()]


def test_orphans_of_a_crashed_process_are_found_by_their_mark(supervisor: Supervisor) -> None:
    component = _stubborn(supervisor)
    supervisor.ensure([component])
    supervisor.wait_ready([component])
    record = supervisor.alive("stubborn")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    os.waitpid(record.pid, 0)
    assert len(processes.marked(supervisor.directory)) == 1, "its child lives on"

    supervisor.sweep()

    assert processes.marked(supervisor.directory) == []


@pytest.mark.parametrize("damage", ["", "{", None])
def test_without_its_state_file_nothing_is_left_running_unseen(supervisor: Supervisor, damage: str | None) -> None:
    first = _start(supervisor)
    path = supervisor.directory / "state.json"
    path.unlink() if damage is None else path.write_text(damage)

    supervisor.sweep()

    assert processes.marked(supervisor.directory) == []
    assert _start(supervisor).pid != first.pid


def test_sweeping_spares_what_is_known(supervisor: Supervisor) -> None:
    first = _start(supervisor)
    supervisor.sweep()

    assert supervisor.alive("server") == first


def test_one_that_ends_at_once_is_reported_with_its_last_words(supervisor: Supervisor) -> None:
    component = Component(
        name="broken",
        command=(sys.executable, "-c", "raise SystemExit('listen tcp 127.0.0.1:1: bind: address already in use')"),
        ready=lambda: False,
        address="",
        directory=supervisor.directory,
    )
    supervisor.ensure([component])

    with pytest.raises(NotReadyError, match="bind: address already in use") as caught:
        supervisor.wait_ready([component])

    assert caught.value.port_taken
    assert str(supervisor.log("broken")) in str(caught.value)


def test_a_program_that_is_missing_is_explained(supervisor: Supervisor) -> None:
    component = Component(
        name="missing", command=("/nowhere/etcd",), ready=lambda: False, address="", directory=supervisor.directory
    )

    with pytest.raises(StackError, match=r"missing can't be started \(/nowhere/etcd\)"):
        supervisor.ensure([component])


def test_stopping_everything_frees_the_ports(supervisor: Supervisor) -> None:
    port = int(_start(supervisor).address.rpartition(":")[2])
    supervisor.stop_everything()

    with socket.create_server(("127.0.0.1", port)):
        assert processes.marked(supervisor.directory) == []
