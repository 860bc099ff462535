"""What the launcher lets a step give on, and what the step is told; in a process of its own once."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from support.kfp_runner import Compiled, Place, RefusedError, Run, State, launcher
from support.kfp_runner.inputs import Inputs
from support.kfp_runner.records import Outputs

ROOT = "s3://pipelines/v2/digits/run-1"
COMPONENT = {
    "executorLabel": "exec-train",
    "inputDefinitions": {
        "parameters": {
            "rates": {"parameterType": "LIST"},
            "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 4.0, "isOptional": True},
        }
    },
    "outputDefinitions": {
        "parameters": {"objective": {"parameterType": "NUMBER_DOUBLE"}},
        "artifacts": {"model": {"artifactType": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"}}},
    },
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(directory=tmp_path, root="s3://pipelines/v2")


@pytest.fixture
def told(place: Place, tmp_path: Path) -> dict[str, Any]:
    """What a step is told, with its folders made."""
    task_root = launcher.task_root(ROOT, "train")
    inputs = Inputs(parameters={"rates": [1.0, 0.5]})
    found = launcher.executor_input(COMPONENT, inputs, task_root=task_root, place=place, temporary=tmp_path)
    launcher.prepare(found, place)
    return found


def end(told: dict[str, Any], said: Any) -> Outputs:
    """Let the step say something in its last words, and end well."""
    Path(told["outputs"]["outputFile"]).write_text(said if isinstance(said, str) else json.dumps(said))
    return launcher.collect(COMPONENT, told, run_root=ROOT)


def artifact(**fields: Any) -> dict[str, Any]:
    return {"parameterValues": {"objective": 0.5}, "artifacts": {"model": {"artifacts": [fields]}}}


def test_what_a_step_is_told(told: dict[str, Any], place: Place) -> None:
    container = {"command": ["sh", "{{$.inputs.parameters['epochs']}}"], "args": ["{{$}}", "{{$.pipeline_job_uuid}}"]}
    shell, epochs, whole, unknown = launcher.command(container, told, place)
    assert (shell, epochs) == ("sh", "4"), "the launcher fills in defaults"
    assert unknown == "{{$.pipeline_job_uuid}}", "which the launcher does not know"
    assert json.loads(whole)["inputs"] == {"parameterValues": {"rates": [1, 0.5], "epochs": 4}}, "without artifacts"
    assert '"rates":[1,0.5]' in whole, "floats arrive as integers where they are whole"
    assert json.loads(whole)["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"].startswith(f"{ROOT}/train/")


def test_a_value_takes_its_placeholders_place_within_json(place: Place, tmp_path: Path) -> None:
    wanted = {"executorLabel": "exec", "inputDefinitions": {"parameters": {"channels": {"parameterType": "STRUCT"}}}}
    channels = {"train": "{{$.inputs.parameters['pipelinechannel--data']}}/train/"}
    inputs = Inputs(parameters={"channels": channels, "pipelinechannel--data": "s3://a"})
    told = launcher.executor_input(wanted, inputs, task_root=ROOT, place=place, temporary=tmp_path)
    [whole] = launcher.command({"args": ["{{$}}"]}, told, place)
    assert json.loads(whole)["inputs"]["parameterValues"]["channels"] == {"train": "s3://a/train/"}


def test_what_a_step_gives_on(told: dict[str, Any]) -> None:
    outputs = end(told, artifact(metadata={"framework": "sklearn"}))
    assert outputs.parameters == {"objective": 0.5}
    [model] = outputs.artifacts["model"]
    assert model["uri"].startswith(f"{ROOT}/train/")
    assert model["metadata"] == {"framework": "sklearn"}


@pytest.mark.parametrize(
    ("said", "match", "reason"),
    [
        (artifact(uri="s3://models/a/model.tar.gz"), "expected bucket prefix", "another bucket"),
        (artifact(uri="s3://pipelines/v2/digits/run-2/model"), "expected bucket prefix", "another run's folder"),
        (artifact(uri=f"{ROOT}/"), "empty key", "the run's folder itself"),
        (artifact(metadata={"job": None}), "'job' is null", "metadata know no null"),
        (artifact(size=1), "unknown field size", "an artifact has no such field"),
        ({"parameterValues": {"objective": 1}, "output": {}}, "unknown field output", "nor has the message"),
        ({"parameterValues": {}}, "failed to read output parameter name='objective'", "an output that is missing"),
        ('{"parameterValues": {"objective": NaN}}', "NaN", "which Python writes, and JSON does not have"),
        ("[]", "no message", "another JSON"),
    ],
)
def test_what_fails_a_step_that_has_ended_well(told: dict[str, Any], said: Any, match: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=match):
        end(told, said)


def test_a_steps_log_is_an_artifact_of_the_launchers(told: dict[str, Any], place: Place, tmp_path: Path) -> None:
    [logs] = told["outputs"]["artifacts"]["executor-logs"]["artifacts"]
    assert logs["uri"].endswith("/executor-logs-0"), "each pod of a task has its own"
    (tmp_path / "log").write_text("epoch=1\n")
    launcher.keep_log(told, tmp_path / "log", place)
    said = artifact()
    said["artifacts"]["executor-logs"] = {"artifacts": [{"uri": "s3://elsewhere/log", "metadata": {"a": 1}}]}

    [recorded] = end(told, said).artifacts["executor-logs"]
    assert (recorded["uri"], recorded["metadata"]) == (logs["uri"], {}), "what the step says of it does not count"
    assert place.local(recorded["uri"]).read_text() == "epoch=1\n"


def test_what_a_step_has_left_is_uploaded(told: dict[str, Any], place: Place) -> None:
    uploaded: list[tuple[str, Path]] = []
    to_a_bucket = replace(place, upload=lambda uri, path: uploaded.append((uri, path)))

    launcher.upload(end(told, artifact()), to_a_bucket)
    assert uploaded == [], "it has written nothing"

    [model] = told["outputs"]["artifacts"]["model"]["artifacts"]
    place.local(model["uri"]).write_text("weights")
    launcher.upload(end(told, artifact()), to_a_bucket)
    assert uploaded == [(model["uri"], place.local(model["uri"]))]


def test_an_artifact_elsewhere_than_in_a_bucket_is_not_uploaded(told: dict[str, Any]) -> None:
    [model] = end(told, artifact(uri="https://example.com/model")).artifacts["model"]
    assert model["uri"] == "https://example.com/model"


def test_a_folder_is_the_runs_by_how_its_name_begins(told: dict[str, Any]) -> None:
    """The launcher compares texts. That a run's id, a UUID, is the beginning of another does not come about."""
    [model] = end(told, artifact(uri=f"{ROOT}0/model")).artifacts["model"]
    assert model["uri"] == f"{ROOT}0/model"


@pytest.mark.parametrize("name", ["", "part-0"])
def test_a_retry_finds_no_disk_of_an_earlier_pod(told: dict[str, Any], place: Place, name: str) -> None:
    model = place.local(told["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"])
    if name:
        model.mkdir()
    for file in (model / name, Path(told["outputs"]["outputFile"])):
        file.write_text("half")
    launcher.prepare(told, place)
    assert model.parent.is_dir()
    assert not model.exists()
    assert launcher.collect({}, {"outputs": {**told["outputs"], "parameters": {}}}, run_root=ROOT).parameters == {}


def test_outputs_in_files(told: dict[str, Any]) -> None:
    Path(told["outputs"]["parameters"]["objective"]["outputFile"]).write_text("0.25\n")
    assert launcher.collect(COMPONENT, told, run_root=ROOT).parameters == {"objective": 0.25}


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def look(numbers: list, model: dsl.Output[dsl.Model]) -> dict:
    import os
    import tempfile
    from pathlib import Path

    Path(model.path).write_text("weights")
    model.metadata["framework"] = "sklearn"
    return {
        "types": [type(number).__name__ for number in numbers],
        "pod": os.environ["KFP_POD_NAME"],
        "temporary": tempfile.gettempdir(),
        "home": "SECRET" in os.environ,
    }


def test_in_a_process(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of this machine's user")

    @dsl.pipeline(name="looks")
    def looks() -> None:
        look(numbers=[1.0, 0.5])

    finished = Run(Compiled.of(looks, tmp_path), place=place, run_id="run-1").run()
    record = finished["look"]
    assert record.state is State.SUCCEEDED, finished.told()
    found = record.outputs.parameters["Output"]
    assert found["types"] == ["int", "float"]
    assert found["pod"].startswith("looks-")
    assert found["temporary"].startswith(str(tmp_path))
    assert found["home"] is False, "a pod knows nothing of the shell"
    [model] = record.outputs.artifacts["model"]
    assert model["uri"].startswith("s3://pipelines/v2/looks/run-1/look/")
    assert place.local(model["uri"]).read_text() == "weights"
    assert model["metadata"] == {"framework": "sklearn"}
