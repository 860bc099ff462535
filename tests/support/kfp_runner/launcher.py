"""What the launcher does before and after a step's own command: `launcher_v2.go`."""

from __future__ import annotations

import itertools
import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from support.kfp_runner.inputs import Inputs
from support.kfp_runner.ir import Spec, outputs_of, parameters_of
from support.kfp_runner.place import Place
from support.kfp_runner.records import Outputs
from support.kfp_runner.values import RefusedError, json_text, parsed, strict_json, text

_SCHEMES: Final = ("gs://", "s3://", "minio://")
_OUTPUT_FIELDS: Final = frozenset({"parameterValues", "parameter_values", "artifacts", "parameters"})
_ARTIFACT_FIELDS: Final = frozenset(
    {"name", "type", "uri", "properties", "customProperties", "metadata", "customPath", "custom_path"}
)
_LOGS: Final = "executor-logs"
"""An output of each step that no component has: what its container prints, unless PUBLISH_LOGS is set otherwise."""
_ids = itertools.count(1)


def executor_input(
    component: Spec, inputs: Inputs, *, task_root: str, place: Place, temporary: Path, number: int = 0
) -> dict[str, Any]:
    """What a step's executor is told: with the component's defaults, and each output in its place.

    Args:
        component: the step's.
        inputs: what it is given.
        task_root: the URI below which its outputs lie.
        place: where the run is.
        temporary: the folder of its pod.
        number: which of the task's pods it is.
    """
    parameters, artifacts = outputs_of(component)
    logs = _provisioned(_LOGS, {"artifactType": {"schemaTitle": "system.Artifact"}}, task_root)
    logs["uri"] += f"-{number}"
    defaults = {name: spec["defaultValue"] for name, spec in parameters_of(component).items() if "defaultValue" in spec}
    return {
        "inputs": {
            "parameterValues": {**defaults, **inputs.parameters},
            "artifacts": {name: {"artifacts": list(found)} for name, found in inputs.artifacts.items()},
        },
        "outputs": {
            "parameters": {name: {"outputFile": str(temporary / "outputs" / name)} for name in parameters},
            "artifacts": {
                **{name: {"artifacts": [_provisioned(name, spec, task_root)]} for name, spec in artifacts.items()},
                _LOGS: {"artifacts": [logs]},
            },
            "outputFile": str(place.local(task_root) / "output_metadata.json"),
        },
    }


def task_root(run_root: str, task: str) -> str:
    """Where the outputs of a task lie, which has another salt each time its driver runs."""
    return f"{run_root}/{task}/{secrets.token_hex(16)}"


def command(container: Spec, told: Mapping[str, Any], place: Place) -> list[str]:
    """A container's command with its arguments; a value takes a placeholder's place as it is, also within JSON."""
    whole = [*container.get("command", []), *container.get("args", [])]
    replacements = _placeholders(told, place)
    return [_replaced(word, _written(told), replacements) for word in whole]


def prepare(told: Mapping[str, Any], place: Place) -> None:
    """Make the folders of the outputs; a pod sees nothing of what an earlier one has written to its disk."""
    outputs = told["outputs"]
    written = [Path(each["outputFile"]) for each in (outputs, *outputs["parameters"].values())]
    for path in (*written, *(place.local(found["artifacts"][0]["uri"]) for found in outputs["artifacts"].values())):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)


def keep_log(told: Mapping[str, Any], log: Path, place: Place) -> None:
    """Write what a step has printed to where the launcher uploads it from."""
    shutil.copyfile(log, place.local(told["outputs"]["artifacts"][_LOGS]["artifacts"][0]["uri"]))


def collect(component: Spec, told: Mapping[str, Any], *, run_root: str) -> Outputs:
    """What a step that has ended well has given on.

    Raises:
        RefusedError: its outputs are not what the component has promised, or an artifact is not below the run's root.
    """
    file = Path(told["outputs"]["outputFile"])
    return read(component, told, file.read_text() if file.exists() else "{}", run_root=run_root)


def read(component: Spec, told: Mapping[str, Any], last_words: str, *, run_root: str) -> Outputs:
    """The same, by what its executor has said at the end: kfp's ExecutorOutput, in JSON.

    Raises:
        RefusedError: as above.
    """
    said = strict_json(last_words)
    _check_fields("ExecutorOutput", said, _OUTPUT_FIELDS)
    promised, _ = outputs_of(component)
    parameters = dict(said.get("parameterValues") or said.get("parameter_values") or {})
    for name, output in told["outputs"]["parameters"].items():
        if name not in parameters:
            parameters[name] = _from_file(name, promised[name]["parameterType"], Path(output["outputFile"]))
    # Where its log is says the launcher alone.
    told_of = {name: each for name, each in (said.get("artifacts") or {}).items() if name != _LOGS}
    artifacts = {
        name: [_recorded(name, found["artifacts"][0], told_of, run_root=run_root)]
        for name, found in told["outputs"]["artifacts"].items()
    }
    return Outputs(parameters=parameters, artifacts=artifacts)


def upload(outputs: Outputs, place: Place) -> None:
    """Bring the artifacts to the bucket; those that a step has not written are left out."""
    for artifact in itertools.chain.from_iterable(outputs.artifacts.values()):
        path = place.local(artifact["uri"])
        if artifact["uri"].startswith(_SCHEMES) and path.exists():
            place.upload(artifact["uri"], path)


def _provisioned(name: str, spec: Spec, root: str) -> dict[str, Any]:
    metadata = {"metadata": spec["metadata"]} if "metadata" in spec else {}
    return {"name": name, "uri": f"{root}/{name}", "type": dict(spec["artifactType"]), **metadata}


def _written(told: Mapping[str, Any]) -> str:
    """As protobuf writes JSON: what is empty is not there."""
    return json_text({side: {name: found for name, found in told[side].items() if found} for side in told})


def _placeholders(told: Mapping[str, Any], place: Place) -> dict[str, str]:
    found = {f"{{{{$.inputs.parameters['{name}']}}}}": text(value) for name, value in _values(told).items()}
    for side in ("inputs", "outputs"):
        for name, listed in told[side]["artifacts"].items():
            uri = listed["artifacts"][0]["uri"]
            found[f"{{{{$.{side}.artifacts['{name}'].uri}}}}"] = uri
            found[f"{{{{$.{side}.artifacts['{name}'].path}}}}"] = str(place.local(uri))
    for name, output in told["outputs"]["parameters"].items():
        found[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = output["outputFile"]
    return found


def _values(told: Mapping[str, Any]) -> Mapping[str, Any]:
    values: Mapping[str, Any] = told["inputs"]["parameterValues"]
    return values


def _replaced(word: str, whole: str, replacements: Mapping[str, str]) -> str:
    word = word.replace("{{$}}", whole)
    for placeholder, replacement in replacements.items():
        word = word.replace(placeholder, replacement)
    return word


def _from_file(name: str, kind: str, file: Path) -> Any:
    if not file.exists():
        raise RefusedError(f"failed to read output parameter name={name!r}: no such file")
    return parsed(file.read_text(), kind)


def _recorded(
    name: str, provisioned: Mapping[str, Any], said: Mapping[str, Any], *, run_root: str
) -> Mapping[str, Any]:
    """An artifact as the launcher uploads and records it."""
    listed = (said.get(name) or {}).get("artifacts") or [{}]
    _check_fields(f"artifact {name!r}", listed[0], _ARTIFACT_FIELDS)
    uri = listed[0].get("uri") or provisioned["uri"]
    if uri.startswith(_SCHEMES):
        _check_uri(name, uri, run_root=run_root)
    metadata = {**provisioned.get("metadata", {}), **(listed[0].get("metadata") or {})}
    for key, value in metadata.items():
        if value is None:
            raise RefusedError(f"unable to produce MLMD artifact for output {name!r}: metadata {key!r} is null")
    return {"name": str(next(_ids)), "uri": uri, "type": provisioned["type"], "metadata": metadata}


def _check_uri(name: str, uri: str, *, run_root: str) -> None:
    """Refuse what the launcher has no place for: the beginning is compared as text, up to no slash."""
    failed = f"failed to upload output artifact {name!r}: URI {uri!r}"
    if not uri.startswith(run_root):
        raise RefusedError(f"{failed} does not have expected bucket prefix {run_root!r}")
    if not uri.removeprefix(run_root).strip("/"):
        raise RefusedError(f"{failed} has empty key given prefixed bucket {run_root!r}")


def _check_fields(what: str, found: Mapping[str, Any], known: frozenset[str]) -> None:
    if not isinstance(found, dict):
        raise RefusedError(f"{what} is no message: {json.dumps(found)}")
    if unknown := found.keys() - known:
        raise RefusedError(f"{what} has unknown field {', '.join(sorted(unknown))}")
