"""`sagebridge local` as a user calls it, on stacks of its own."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sagebridge_local.stack import ControlPlane, LocalStack, processes
from sagebridge_local.stack.ports import is_free
from support.waiting import eventually

pytestmark = pytest.mark.controlplane

CONTROL_PLANE = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]


GONE = "its S3 buckets, jobs and endpoints are gone."


class Cli:
    """Runs `sagebridge local COMMAND --work-dir DIR`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def popen(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "sagebridge.cli.main", "local", *arguments, "--work-dir", str(self.directory)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments: str, want: int = 0) -> str:
        process = self.popen(*arguments)
        stdout, stderr = process.communicate()
        assert process.returncode == want, stderr
        return stdout + stderr if want else stdout

    def told(self, *arguments: str) -> str:
        """Run it, and return what it says beside its output."""
        process = self.popen(*arguments)
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr
        return stderr

    def states(self) -> dict[str, str]:
        process = self.popen("status", "-o", "json")
        return {each["component"]: each["state"] for each in json.loads(process.communicate()[0])}

    def pids(self) -> dict[str, int]:
        return {name: record.pid for name, record in self.records().items()}

    def records(self) -> dict[str, processes.Record]:
        return dict(LocalStack(self.directory).records())

    def leftovers(self) -> list[int]:
        return [process.pid for process in processes.marked(self.directory)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A stack without operator that the tests below break and mend in turn."""
    cli = Cli(tmp_path_factory.mktemp("stack") / "it's a stack")
    cli.run("up", "--no-operator")
    yield cli
    cli.run("down")


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    made = Cli(tmp_path / "stack")
    yield made
    made.run("down")


def test_up_makes_everything_ready(shared: Cli) -> None:
    assert shared.states() == dict.fromkeys([*CONTROL_PLANE, "sagemaker"], "Ready")


def test_a_second_up_reuses_what_runs(shared: Cli) -> None:
    before = shared.pids()
    shared.run("up", "--no-operator")

    assert shared.pids() == before


def test_env_makes_a_shell_ready_for_kubectl_and_aws(shared: Cli) -> None:
    exports = shared.run("env")
    script = f'{exports}\nkubectl get crd trainingjobs.sagebridge.io -o name; echo "$AWS_ENDPOINT_URL $AWS_REGION"'

    result = subprocess.run(
        ["sh", "-ec", script],
        capture_output=True,
        text=True,
        env={"PATH": os.defpath, "HOME": "/nonexistent"},
        check=True,
    )

    crd, aws = result.stdout.splitlines()
    assert crd == "customresourcedefinition.apiextensions.k8s.io/trainingjobs.sagebridge.io"
    assert aws == f"{shared.records()['sagemaker'].address} us-east-1"


def test_kubectl_is_passed_through(shared: Cli) -> None:
    assert shared.run("kubectl", "get", "namespace", "default", "-o", "jsonpath={.metadata.name}") == "default"


def test_logs(shared: Cli) -> None:
    assert shared.records()["sagemaker"].address in shared.run("logs", "sagemaker", "-n", "5")
    assert "kube-apiserver" in shared.run("logs", "nonsense", want=1), "the message lists what there is"


def test_a_killed_part_is_seen_and_mended_on_the_same_port(shared: Cli) -> None:
    before = shared.records()
    server = psutil.Process(before["kube-apiserver"].pid)
    server.kill()
    eventually(lambda: not _runs(server), what="its end")

    assert shared.states()["kube-apiserver"] == "Stopped"
    shared.run("up", "--no-operator")

    after = shared.records()
    assert after["kube-apiserver"].address == before["kube-apiserver"].address
    assert [name for name in before if before[name].pid != after[name].pid] == ["kube-apiserver"]


def test_a_taken_port_is_replaced_and_all_follow(shared: Cli) -> None:
    before = shared.records()["kube-apiserver"]
    LocalStack(shared.directory).control_plane.kill("kube-apiserver")
    with socket.create_server(("127.0.0.1", int(before.address.rpartition(":")[2]))):
        shared.run("up", "--no-operator")

    assert shared.records()["kube-apiserver"].address != before.address
    assert shared.run("kubectl", "get", "--raw", "/readyz") == "ok"
    assert shared.states() == dict.fromkeys([*CONTROL_PLANE, "sagemaker"], "Ready")


def test_a_damaged_state_file_leaves_nothing_running_unseen(shared: Cli) -> None:
    before = set(shared.leftovers())
    (shared.directory / "state.json").write_text('{"format": 1, "rec')
    shared.run("up", "--no-operator")

    assert not before.intersection(shared.leftovers()), "the old ones are gone"
    assert shared.states() == dict.fromkeys([*CONTROL_PLANE, "sagemaker"], "Ready")


def test_what_runs_survives_a_cluster_that_is_refused(shared: Cli) -> None:
    before = shared.pids()
    own = str(shared.directory / "kubeconfig")

    assert "There is no kubeconfig" in shared.run("up", "--kubeconfig", f"{own}.mistyped", want=1)
    assert "leave --kubeconfig out" in shared.run("up", "--kubeconfig", own, want=1)

    assert shared.pids() == before
    assert shared.run("kubectl", "get", "--raw", "/readyz") == "ok"


def test_a_changed_setting_of_the_shell_restarts_what_reads_it(shared: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shared.pids()
    monkeypatch.setenv("SAGEBRIDGE_LOCAL_FILE_SYSTEMS", "fs-1=/tmp")
    shared.run("up", "--no-operator")
    after = shared.pids()

    assert [name for name in before if before[name] != after[name]] == ["sagemaker"]


def test_changed_options_restart_what_they_concern(shared: Cli) -> None:
    before = shared.pids()
    told = shared.told("up", "--no-operator", "--lifecycle-only", "--image-map", "my/image:1=python3 -m train")
    after = shared.pids()

    assert [name for name in before if before[name] != after[name]] == ["sagemaker"]
    assert f"The local SageMaker was restarted: {GONE} Write data that jobs need to S3 again.\n" in told


def test_a_local_sagemaker_that_is_no_longer_asked_for_takes_its_buckets_with_it(cli: Cli) -> None:
    assert GONE not in cli.told("up", "--no-operator"), "there was none"
    assert GONE not in cli.told("up", "--no-operator"), "it runs on"

    assert f"The local SageMaker was ended: {GONE}\n" in cli.told("up", "--no-operator", "--no-simulator")
    assert GONE not in cli.told("up", "--no-operator"), "it was told before"


def test_down_leaves_no_process_and_no_port(cli: Cli) -> None:
    cli.run("up", "--no-operator")
    ports = LocalStack(cli.directory).ports()
    assert len(ports) == 6

    cli.run("down")

    assert cli.leftovers() == []
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()
    assert not list(cli.directory.rglob("*.key")), "credentials are of one run"
    assert not (cli.directory / "kubeconfig").exists()
    assert "not up" in cli.run("status", want=1)
    assert "not up" in cli.run("env", want=1)
    assert "sagemaker" in {path.stem for path in (cli.directory / "logs").iterdir()}, "logs stay"


def test_the_operator_works_on_the_local_sagemaker_with_credentials_worth_nothing(cli: Cli) -> None:
    cli.run("up", "--lifecycle-only")
    assert cli.states() == dict.fromkeys([*CONTROL_PLANE, "sagemaker", "operator"], "Ready")

    seen = psutil.Process(cli.pids()["operator"]).environ()

    assert seen["AWS_ENDPOINT_URL"] == cli.records()["sagemaker"].address
    assert seen["AWS_ACCESS_KEY_ID"] == "local"
    assert seen["KUBECONFIG"] == str(cli.directory / "kubeconfig")
    logs = seen["SAGEBRIDGE_LOGS_URL"].rpartition(":")[2]
    assert int(logs) in LocalStack(cli.directory).ports()
    eventually(lambda: not is_free(int(logs)), what="the log service")

    cli.run("up", "--lifecycle-only", "--no-operator")

    assert "operator" not in cli.pids(), "what is no longer asked for is stopped"


def test_an_up_that_was_killed_half_way_is_taken_over(cli: Cli) -> None:
    process = cli.popen("up", "--no-operator", "--no-simulator")
    while not cli.leftovers() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.communicate()

    cli.run("up", "--no-operator", "--no-simulator")

    assert cli.states() == dict.fromkeys(CONTROL_PLANE, "Ready")
    assert sorted(cli.leftovers()) == sorted(cli.pids().values()), "nothing runs twice"


def test_an_existing_cluster_is_used_and_left_alone(cli: Cli, control_plane: ControlPlane) -> None:
    kubeconfig = shutil.copy(control_plane.kubeconfig, cli.directory.parent / "kubeconfig")
    cli.run("up", "--kubeconfig", str(kubeconfig), "--no-operator", "--lifecycle-only")

    assert cli.states() == {"cluster": "Ready", "sagemaker": "Ready"}
    assert list(cli.pids()) == ["sagemaker"], "no control plane of its own"
    assert f"export KUBECONFIG={kubeconfig}" in cli.run("env")

    cli.run("down")

    assert cli.leftovers() == []
    assert Path(kubeconfig).exists()
    assert "trainingjobs" in control_plane.kubectl("get", "crd", "-o", "name")


@pytest.mark.parametrize(
    ("content", "want"),
    [(None, "There is no kubeconfig"), ("apiVersion: v1\nkind: Config\n", "can't be used")],
)
def test_a_cluster_that_can_not_be_used_is_refused(tmp_path: Path, content: str | None, want: str) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)

    assert want in Cli(tmp_path / "stack").run("up", "--kubeconfig", str(path), want=1)


@pytest.mark.parametrize(
    ("arguments", "want", "reason"),
    [
        (["up", "--name", "../x"], "no name for a stack", "names are folder names"),
        (["up", "--image-map", "image"], "IMAGE=COMMAND", "half a mapping"),
    ],
)
def test_wrong_arguments_are_explained(tmp_path: Path, arguments: list[str], want: str, reason: str) -> None:
    output = Cli(tmp_path / "stack").popen(*arguments)
    _, stderr = output.communicate()

    assert output.returncode in (1, 2), reason
    assert want in stderr, reason


def test_a_folder_that_can_not_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "--work-dir" in Cli(tmp_path / "file" / "stack").run("up", want=1)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):  # it may end between two looks
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
