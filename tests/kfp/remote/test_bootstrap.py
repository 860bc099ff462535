"""From a component's call to what it gives on, through the program that runs in the job, without a job around it."""

import ast
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from typing import Any, NamedTuple, Optional

import pip
import pytest
from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Output, OutputPath
from kfp.dsl.executor import Executor
from kfp.dsl.types import artifact_types
from sagebridge_kfp import run_on_sagemaker
from sagebridge_kfp.remote import bootstrap
from sagebridge_kfp.remote.bringing import packed_kfp
from sagebridge_kfp.remote.call import inputs_of, job_input
from sagebridge_kfp.remote.command import Command
from sagebridge_kfp.remote.results import put_back, unpack
from sagebridge_kfp.remote.room import GIGABYTE, Room

from .components import IMAGE, WHERE, break_down

JOBS = ["Training", "Processing"]
INPUTS = {"Training": "input/data", "Processing": "processing/input"}


def room() -> Room:
    return Room(GIGABYTE, uri="s3://staging/out")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def everything(
    table: Input[Dataset],
    parts: Input[list[Artifact]],  # type: ignore[type-var]
    words: list,
    folder: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
    note: OutputPath(str),  # type: ignore[valid-type]
    missing: Optional[str] = None,  # noqa: UP045
) -> NamedTuple("Given", [("numbers", list), ("table", dict), ("half", float), ("yes", bool)]):  # type: ignore[valid-type]
    """Give on something of each kind."""
    from collections import namedtuple
    from pathlib import Path

    Path(folder.path, "inner").mkdir(parents=True)
    Path(folder.path, "inner", "a.txt").write_text(Path(table.path).read_text() + "".join(words))
    folder.metadata["parts"] = [Path(part.path).read_text() for part in parts]
    Path(page.path).write_text("<p>hello</p>")
    Path(note).write_text("noted")
    metrics.log_metric("loss", 0.25)
    metrics.metadata["missing"] = missing
    print("to the log")
    return namedtuple("Given", ["numbers", "table", "half", "yes"])([1, 2.5, 3.0], {"a": [1]}, 0.5, True)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def elsewhere(model: Output[Artifact]) -> None:
    """Leave an artifact where it wants."""
    import tempfile
    from pathlib import Path

    model.custom_path = tempfile.mkdtemp()
    Path(model.custom_path, "weights").write_text("w")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def return_it() -> Dataset:
    """Return an artifact that it has made, as kfp's Pythonic artifacts are."""
    from pathlib import Path

    made = dsl.Dataset(uri=dsl.get_uri("table"), metadata={"rows": 2})
    Path(made.path).write_text("a,b")
    return made


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def leave() -> None:
    """End without an exception."""
    import sys

    print("no licence", file=sys.stderr)
    sys.exit(3)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def leave_well(model: Output[Artifact]) -> None:
    """End the process, as scripts with a main() do."""
    import sys
    from pathlib import Path

    Path(model.path).write_text("weights")
    sys.exit(0)


class Job:
    """What stands for a job's /opt/ml, and for the pod of its step."""

    def __init__(self, directory: Path, job: str) -> None:
        self.job, self.root, self.pod = job, directory / "ml", directory / "pod"
        self.code = self.root / INPUTS[job] / "sagebridge"
        self.code.mkdir(parents=True)

    def call(self, component: Any, inputs: dict[str, Any] | None = None) -> dict[str, Any]:
        """The executor input of the pod."""
        outputs: dict[str, Any] = {"outputFile": str(self.pod / "executor_output.json")}
        for name, each in (component.component_spec.outputs or {}).items():
            if each.type.startswith("system."):
                entry = {"name": name, "uri": str(self.pod / name), "type": {"schemaTitle": each.type.split("@")[0]}}
                outputs.setdefault("artifacts", {})[name] = {"artifacts": [entry]}
            else:
                outputs.setdefault("parameters", {})[name] = {"outputFile": str(self.pod / "parameters" / name)}
        return {"inputs": inputs or {}, "outputs": outputs}

    def run(self, component: Any, executor_input: dict[str, Any], **started: Any) -> Any:
        """Run the bootstrap as SageMaker would."""
        with self.start(component, executor_input, **started) as process:
            output, errors = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def start(
        self,
        component: Any,
        executor_input: dict[str, Any],
        python: Path = Path(sys.executable),
        **environment: str,
    ) -> "subprocess.Popen[str]":
        """Start it."""
        container = run_on_sagemaker(component, job=self.job, **WHERE).component_spec.implementation.container
        command = Command.of([*container.command[3:], "--executor_input", "{}", *container.args[2:]])
        places = {}
        for given in inputs_of(executor_input):
            places[given.number] = f"sagebridge/artifacts/{given.number}"
            target = self.code / "artifacts" / str(given.number)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(given.path, target)
        call = {
            "job": self.job,
            "words": command.words,
            "executor_input": job_input(executor_input, places=places),
        }
        (self.code / "call.json").write_text(json.dumps(call))
        shutil.copyfile(bootstrap.__file__, self.code / "bootstrap.py")
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            [str(python), str(self.code / "bootstrap.py")],
            env={"PATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def results(self, directory: Path) -> Path:
        """What the step gets of what the job has left."""
        if self.job == "Processing":
            archive = self.root / "processing" / "output" / "result" / "result.tar.gz"
        else:
            archive = directory / "model.tar.gz"
            with tarfile.open(archive, "w:gz") as made:
                made.add(self.root / "model", arcname=".")
        unpack(archive, directory / "results", room=room())
        return directory / "results"


@pytest.fixture(params=JOBS)
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Job:
    return Job(tmp_path, request.param)


def given(directory: Path) -> dict[str, Any]:
    """Inputs of `everything`."""
    artifacts = []
    for name in ("table", "one", "two"):
        (directory / name).write_text(name)
        artifacts.append({"name": name, "uri": str(directory / name), "type": {"schemaTitle": "system.Dataset"}})
    return {
        "parameterValues": {"words": ["x", "y"]},
        "artifacts": {"table": {"artifacts": artifacts[:1]}, "parts": {"artifacts": artifacts[1:]}},
    }


def test_all_comes_back_as_if_it_had_run_in_the_pod(job: Job, tmp_path: Path) -> None:
    inputs = given(tmp_path)
    executor_input = job.call(everything, inputs)

    done = job.run(everything, executor_input)
    assert done.returncode == 0, done.stderr
    assert "to the log" in done.stdout
    put_back(job.results(tmp_path), executor_input, room=room())
    remote = {path.relative_to(job.pod): path.read_text() for path in job.pod.rglob("*") if path.is_file()}

    shutil.rmtree(job.pod)
    Executor(executor_input=executor_input, function_to_execute=everything.python_func).execute()
    local = {path.relative_to(job.pod): path.read_text() for path in job.pod.rglob("*") if path.is_file()}
    told = {Path("executor_output.json"), Path("parameters/note")}
    assert told < remote.keys()
    assert {key: text for key, text in remote.items() if key not in told} == {
        key: text for key, text in local.items() if key not in told
    }
    assert remote[Path("parameters/note")] == local[Path("parameters/note")] == "noted"
    assert json.loads(remote[Path("executor_output.json")]) == json.loads(local[Path("executor_output.json")])


def test_an_artifact_may_be_left_elsewhere(job: Job, tmp_path: Path) -> None:
    executor_input = job.call(elsewhere)

    assert job.run(elsewhere, executor_input).returncode == 0
    put_back(job.results(tmp_path), executor_input, room=room())

    assert (job.pod / "model" / "weights").read_text() == "w"
    told = json.loads((job.pod / "executor_output.json").read_text())
    assert told["artifacts"]["model"]["artifacts"] == [{"name": "model", "uri": str(job.pod / "model"), "metadata": {}}]


def test_a_returned_artifact_has_a_uri_below_the_pipelines_root(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_types, "_S3_LOCAL_MOUNT_PREFIX", f"{tmp_path}/s3/")
    task = "root/v2/forest/run/return-it/salt"
    executor_input = job.call(return_it)
    [output] = executor_input["outputs"]["artifacts"]["Output"]["artifacts"]
    output["uri"] = f"s3://{task}/Output"
    # https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/driver.go (provisionOutputs)
    told = Path(f"{tmp_path}/s3/{task}/output_metadata.json")
    executor_input["outputs"]["outputFile"] = str(told)

    process = job.run(return_it, executor_input)
    put_back(job.results(tmp_path), executor_input, room=room())

    assert process.returncode == 0, process.stderr
    [found] = json.loads(told.read_text())["artifacts"]["Output"]["artifacts"]
    assert (found["uri"], found["metadata"]) == (f"s3://{task}/table", {"rows": 2})
    assert (told.parent / "table").read_text() == "a,b"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def stay() -> None:
    """Stay until it is told to end."""
    import signal
    import sys

    def end(*_: object) -> None:
        print("saved", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    signal.pause()


def test_a_function_that_ends_its_process_well_has_succeeded(job: Job, tmp_path: Path) -> None:
    executor_input = job.call(leave_well)

    process = job.run(leave_well, executor_input)
    put_back(job.results(tmp_path), executor_input, room=room())

    assert process.returncode == 0, process.stderr
    assert (job.pod / "model").read_text() == "weights"
    assert json.loads((job.pod / "executor_output.json").read_text()) == {}


def test_what_no_pod_has_as_a_file_keeps_its_uri(tmp_path: Path) -> None:
    uris = ["https://example.com/table.csv", "sagebridge/artifacts/1"]
    given = {"artifacts": {"table": {"artifacts": [{"uri": uri} for uri in uris]}}}

    placed = bootstrap.placed({"inputs": given, "outputs": {"outputFile": "o"}}, inputs=tmp_path, results=tmp_path)

    found = [each["uri"] for each in placed["inputs"]["artifacts"]["table"]["artifacts"]]
    assert found == [uris[0], str(tmp_path / uris[1])]


def test_a_stopped_job_lets_the_function_end_and_keeps_no_results(job: Job) -> None:
    with job.start(stay, job.call(stay)) as process:
        assert process.stdout is not None
        assert "ready\n" in process.stdout
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readlines() == ["saved\n"]

    assert process.returncode == 143
    assert not [*job.root.glob("model/*"), *job.root.glob("processing/output/result/*")]


@dsl.component(base_image=IMAGE)
def count(words: list) -> int:
    """As most are written: kfp is installed before it runs."""
    return len(words)


def test_an_image_without_kfp_and_without_an_index_runs_it(job: Job, tmp_path: Path) -> None:
    python = tmp_path / "image" / "bin" / "python3"
    venv.create(tmp_path / "image", with_pip=False)
    # This pip and nothing else: to install one takes ten seconds.
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "pip").symlink_to(Path(pip.__file__).parent)
    python.with_name("pip").symlink_to(python)
    (job.code / "kfp.zip").write_bytes(packed_kfp())
    executor_input = job.call(count, {"parameterValues": {"words": ["a", "b"]}})

    done = job.run(count, executor_input, python=python, PYTHONPATH=str(tmp_path / "packages"), PIP_NO_INDEX="1")

    assert done.returncode == 0, done.stderr
    told = json.loads((job.results(tmp_path) / "executor_output.json").read_text())
    assert told == {"parameterValues": {"Output": 2}}


def failure(job: Job) -> str:
    return (job.root / "output" / ("failure" if job.job == "Training" else "message")).read_text()


def test_a_failed_function_is_told_by_its_own_traceback(job: Job) -> None:
    done = job.run(break_down, job.call(break_down, {"parameterValues": {"number": 0}}))

    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr, "the log has all of it"
    lines = failure(job).splitlines()
    assert lines[0].startswith('File "component", line ')
    assert lines[0].endswith("in break_down")
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "kfp" not in failure(job)
    assert "^" not in failure(job)


def test_what_ends_without_a_traceback_is_told_by_its_last_words(job: Job) -> None:
    done = job.run(leave, job.call(leave))

    assert done.returncode == 3
    assert failure(job) == "no licence"


def test_it_is_written_for_the_oldest_python_of_the_images() -> None:
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 9))


@pytest.mark.parametrize(
    ("host", "keeps", "reason"),
    [("algo-2", True, "the first of them"), ("algo-10", False, "as a number, ten comes after two")],
)
def test_of_several_instances_the_first_ones_results_count(job: Job, host: str, keeps: bool, reason: str) -> None:
    config = job.root / ("input/config" if job.job == "Training" else "config")
    config.mkdir(parents=True)
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": host, "hosts": ["algo-10", "algo-2"]}))

    done = job.run(break_down, job.call(break_down, {"parameterValues": {"number": 2}}))

    assert done.returncode == 0, done.stderr
    left = [*job.root.glob("model/*"), *job.root.glob("processing/output/result/*")]
    assert bool(left) is keeps, reason


@pytest.mark.parametrize(
    ("errors", "wanted", "reason"),
    [
        ([], "The component's command ended with status 137.", "killed without a word"),
        (["pip: no matching distribution\n"], "pip: no matching distribution", "before the function began"),
        (
            [
                "Traceback (most recent call last):\n",
                '  File "/tmp/x/ephemeral_component.py", line 3\n',
                "ValueError: é\n",
            ],
            'File "component", line 3\nValueError: é',
            "the function's frames",
        ),
        (
            ["Traceback (most recent call last):\n", '  File "a.py", line 3\n', "E: b\n"],
            'File "a.py", line 3\nE: b',
            "none of them",
        ),
    ],
)
def test_reasons(errors: list[str], wanted: str, reason: str) -> None:
    assert bootstrap.reason(errors, 137) == wanted, reason


def test_a_long_reason_keeps_its_end() -> None:
    told = bootstrap.reason(["é" * 2000 + "ValueError: 7"], 1)

    assert len(told.encode()) <= 950
    assert told.startswith("...é")
    assert told.endswith("ValueError: 7")


def test_numbers_come_back_as_they_are(job: Job, tmp_path: Path) -> None:
    executor_input = job.call(break_down, {"parameterValues": {"number": 3}})

    job.run(break_down, executor_input)
    put_back(job.results(tmp_path), executor_input, room=room())

    told = json.loads((job.pod / "executor_output.json").read_text())
    assert told == {"parameterValues": {"Output": 1 / 3}}
    assert not math.isnan(told["parameterValues"]["Output"])
