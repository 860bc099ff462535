"""Whether the operator of a local stack serves logs, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from sagebridge_local.stack import LocalStack, OperatorProcess
from sagebridge_local.stack.supervisor import Supervisor

URL, PORT = "SAGEBRIDGE_LOGS_URL", "SAGEBRIDGE_LOGS_PORT"


def environment(directory: Path, *, serves_logs: bool = True) -> dict[str, str]:
    kubeconfig = directory / "kubeconfig"
    kubeconfig.touch()
    process = OperatorProcess(Supervisor(directory), kubeconfig=kubeconfig, endpoint_url=None, serves_logs=serves_logs)
    return dict(process.component(1).environment)


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL, raising=False)


def test_at_a_port_that_it_keeps(tmp_path: Path) -> None:
    first = environment(tmp_path)
    assert first[URL] == f"https://127.0.0.1:{first[PORT]}"
    assert first["SAGEBRIDGE_LOGS_HOST"] == "127.0.0.1"
    assert environment(tmp_path) == first, "the same again is no reason to restart it"


def test_where_the_port_was_taken_another_one_is_chosen(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    process = OperatorProcess(supervisor, kubeconfig=tmp_path, endpoint_url=None, serves_logs=True)
    assert process.port
    process.component(process.port)
    supervisor.forget_ports(process.port_names)
    assert supervisor.state.ports == {}


@pytest.mark.parametrize(
    ("given", "reason"), [("https://127.0.0.1:8443", "the shell says where"), ("", "the shell says nowhere")]
)
def test_the_shell_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, reason: str) -> None:
    monkeypatch.setenv(URL, given)
    found = environment(tmp_path)
    assert (found[URL], PORT in found) == (given, False), reason


def test_not_unless_asked_for(tmp_path: Path) -> None:
    assert URL not in environment(tmp_path, serves_logs=False)


@pytest.mark.parametrize(
    ("kubeconfig", "serves", "reason"),
    [("", True, "the stack's own"), ("/a/kind", False, "its pods don't reach this machine's loopback")],
)
def test_of_which_clusters(tmp_path: Path, kubeconfig: str, serves: bool, reason: str) -> None:
    Supervisor(tmp_path).remember_settings({"kubeconfig": kubeconfig, "operator": "yes"})
    assert LocalStack(tmp_path).operator.serves_logs is serves, reason
