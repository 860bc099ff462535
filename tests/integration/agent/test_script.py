"""Script mode without the toolkit: the source, the launcher, and what it says of failures."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sagebridge.agent import launcher
from sagebridge.core.container import failure

RESOURCES = {"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30}


def script_request(bucket: Any, text: str, *, files: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
    hyperparameters = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": f'"{bucket.source(train__py=text, **(files or {}))}"',
        "epochs": "3",
        **members.pop("hyperparameters", {}),
    }
    request: dict[str, Any] = bucket.request(HyperParameters=hyperparameters, **members)
    return request


def launch(pod: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((pod.places.run / "launch.json").read_text())
    return content


def test_the_source_and_the_launcher_are_in_place(pod: Any, bucket: Any) -> None:
    pod.job(script_request(bucket, "print('hello')", files={"requirements__txt": ""}), launch="script")
    assert pod.prepare() == 0
    assert pod.ml("code/train.py").read_text() == "print('hello')"
    assert pod.ml("code").stat().st_mode & 0o777 == 0o777
    assert (pod.places.run / "launcher.py").read_text() == Path(launcher.__file__).read_text()
    found = launch(pod)
    environment = found.pop("environment")
    assert found == {
        "command": ["python3", "train.py", "--epochs", "3"],
        "directory": "/opt/ml/code",
        "failure": "/opt/ml/output/failure",
        "requirements": True,
        "package": False,
    }
    assert (environment["SM_CURRENT_HOST"], environment["TRAINING_JOB_NAME"]) == ("digits-1-0", "digits-1")
    assert list(pod.places.ml.glob(".source-*")) == []


def test_torchrun_spans_hosts_and_accelerators(pods: list[Any], bucket: Any) -> None:
    request = script_request(
        bucket, "", ResourceConfig=RESOURCES, hyperparameters={"sagemaker_torch_distributed_enabled": "true"}
    )
    for pod in pods:
        pod.job(request, launch="script", machine={"cpus": 96, "gpus": 8, "neurons": 0})
        assert pod.prepare() == 0
    words = "python3 -m torch.distributed.run --nnodes 2 --nproc_per_node 8 --master_addr digits-1-0"
    assert [" ".join(launch(pod)["command"]) for pod in pods] == [
        f"{words} --master_port 7777 --node_rank {rank} train.py --epochs 3" for rank in range(2)
    ]


@pytest.mark.parametrize(
    ("hyperparameters", "want"),
    [
        (
            {"sagemaker_program": '"gone.py"'},
            "AlgorithmError: The entry point gone.py is not in the source; there are:",
        ),
        ({"sagemaker_submit_directory": '"s3://no-such-bucket/x"'}, "AlgorithmError: Framework Error: ClientError: "),
        ({"sagemaker_submit_directory": "7"}, "AlgorithmError: There is no sagemaker_program, or no"),
        ({"sagemaker_mpi_enabled": "true"}, "ClientError: The distribution that sagemaker_mpi_enabled asks for"),
    ],
)
def test_what_can_not_be_started(pod: Any, bucket: Any, hyperparameters: dict[str, str], want: str) -> None:
    pod.job(script_request(bucket, "", hyperparameters=hyperparameters), launch="script")
    assert pod.prepare() == 1
    assert pod.message()["failureReason"].startswith(want)


class Launched:
    """The launcher in a directory of its own."""

    def __init__(self, root: Path, **members: Any) -> None:
        self.code = root / "code"
        self.failure = root / "failure"
        self.command = [sys.executable, "train.py", "--name", "a b"]
        self.code.mkdir()
        self.launcher = root / "launcher.py"
        self.launcher.write_text(Path(launcher.__file__).read_text())
        content = {
            "environment": {"SM_CURRENT_HOST": "job-0"},
            "command": self.command,
            "directory": str(self.code),
            "failure": str(self.failure),
            "requirements": False,
            "package": False,
        }
        (root / "launch.json").write_text(json.dumps(content | members))

    def script(self, text: str, name: str = "train.py") -> "Launched":
        (self.code / name).write_text(textwrap.dedent(text))
        return self

    def start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-I", self.launcher], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self) -> tuple[int, str, str]:
        process = self.start()
        stdout, stderr = process.communicate()
        return process.returncode, stdout, stderr


def test_a_script_runs_in_its_directory_with_its_environment(tmp_path: Path) -> None:
    text = """
    import helper, os, sys
    print(os.environ["SM_CURRENT_HOST"], sys.argv[1:], os.getcwd())
    """
    launched = Launched(tmp_path).script(text).script("", "helper.py")
    code, stdout, _ = launched.run()
    assert code == 0
    assert stdout.splitlines() == [
        "Invoking script with the following command:",
        "",
        " ".join(launched.command),
        "",
        f"job-0 ['--name', 'a b'] {launched.code}",
    ]
    assert not launched.failure.exists()


@pytest.mark.parametrize(
    ("reason", "text", "exit_code", "error_lines"),
    [
        ("an exception", "print('fine')\nraise ValueError('no data')", 1, None),
        ("lines without one", "import sys\nsys.stderr.write('a\\nb\\n')\nsys.exit(3)", 3, ["a", "b"]),
        ("killed for its memory", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", 137, []),
        ("another signal", "import os, signal\nos.kill(os.getpid(), signal.SIGABRT)", 134, []),
    ],
)
def test_a_failure_reads_as_the_toolkits(
    tmp_path: Path, reason: str, text: str, exit_code: int, error_lines: list[str] | None
) -> None:
    launched = Launched(tmp_path).script(text)
    code, _, stderr = launched.run()
    lines = stderr.splitlines() if error_lines is None else error_lines
    want = failure.execute_user_script_error(exit_code=exit_code, error_lines=lines, command=launched.command)
    assert (code, launched.failure.read_text()) == (1, want), reason


def test_what_the_script_says_itself_stays(tmp_path: Path) -> None:
    launched = Launched(tmp_path)
    launched.script(f"open({str(launched.failure)!r}, 'w').write('diverged')\nraise SystemExit(9)")
    assert (launched.run()[0], launched.failure.read_text()) == (1, "diverged")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    launched = Launched(tmp_path, command=["/no/such/program"])
    assert launched.run()[0] == 1
    assert launched.failure.read_text().startswith("/no/such/program can't be started: ")


def test_requirements_are_installed_first(tmp_path: Path) -> None:
    launched = Launched(tmp_path, requirements=True, environment={"PIP_TARGET": str(tmp_path / "code")})
    package = tmp_path / "package"
    package.mkdir()
    (package / "wanted.py").write_text("here = True")
    wheel(package, launched.code)
    launched.script("./wanted-1-py3-none-any.whl", "requirements.txt").script("import wanted\nprint(wanted.here)")
    code, stdout, stderr = launched.run()
    assert (code, stdout.splitlines()[-1]) == (0, "True"), stderr


def wheel(package: Path, target: Path) -> None:
    """A wheel by hand, for which nothing needs to be downloaded."""
    with zipfile.ZipFile(target / "wanted-1-py3-none-any.whl", "w") as archive:
        archive.write(package / "wanted.py", "wanted.py")
        archive.writestr("wanted-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: wanted\nVersion: 1\n")
        archive.writestr("wanted-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("wanted-1.dist-info/RECORD", "")


def test_requirements_that_are_not_to_be_had(tmp_path: Path) -> None:
    launched = Launched(tmp_path, requirements=True, environment={"PIP_NO_INDEX": "1"})
    launched.script("no-such-package-anywhere", "requirements.txt").script("print('never')")
    code, stdout, _ = launched.run()
    assert (code, "never" in stdout) == (1, False)
    assert launched.failure.read_text().startswith('InstallRequirementsError:\nExitCode 1\nErrorMessage ""\nCommand "')


def test_sigterm_reaches_the_script_and_its_children(tmp_path: Path) -> None:
    text = """
    import pathlib, signal, subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "print('child', flush=True); import time; time.sleep(600)"])
    def stop(*_):
        pathlib.Path("ended").write_text(str(child.wait()))
        sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    print("ready", flush=True)
    while True:
        signal.pause()
    """
    launched = Launched(tmp_path).script(text)
    process = launched.start()
    assert process.stdout is not None
    seen = {process.stdout.readline() for _ in range(6)}
    assert {"ready\n", "child\n"} <= seen
    os.kill(process.pid, signal.SIGTERM)
    process.communicate()
    assert (process.returncode, (launched.code / "ended").read_text()) == (0, str(-signal.SIGTERM))
