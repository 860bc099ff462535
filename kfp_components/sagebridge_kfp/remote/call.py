"""A component's call as the job gets it: the same inputs and outputs, at places in the job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from sagebridge.core.names import digest

from sagebridge_kfp.remote.command import Command
from sagebridge_kfp.remote.places import ARTIFACTS, EXECUTOR_OUTPUT, PARAMETERS
from sagebridge_kfp.remote.settings import MOST_RESULTS_GB


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """An input artifact.

    Attributes:
        number: its place among all of them.
        uri: where it is.
        path: where the pod has it.
    """

    number: int
    uri: str
    path: Path

    @property
    def is_on_s3(self) -> bool:
        """Whether a job can read it where it is."""
        return self.uri.startswith("s3://")

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is where no pod has it as a file, such as https://: its URI is all there is then."""
        return "://" in self.uri and self.path == Path(self.uri)

    @property
    def file_name(self) -> str:
        """Its last part, which may say by its ending what it is."""
        return PurePosixPath(self.uri.rstrip("/")).name or "artifact"


def local_path(artifact: Mapping[str, Any]) -> Path:
    """Where a pod has an artifact, or is to leave it: by kfp's own rules.

    Args:
        artifact: as the executor input has it.
    """
    from kfp.dsl import Model

    # An image has its files in a folder of its own, which kfp knows of models only. What an input artifact is, the
    # launcher does not say, and it takes each that is an image for a model.
    metadata = dict(artifact.get("metadata") or {})
    return Path(Model(name="", uri=artifact.get("uri", ""), metadata=metadata).path)


def uri_of(path: Path) -> str:
    """The URI of what lies at a path in a pod, by kfp's own rules: the launcher uploads nothing that has none."""
    from kfp.dsl.types.artifact_types import convert_local_path_to_remote_path

    return str(convert_local_path_to_remote_path(str(path)))


def inputs_of(executor_input: Mapping[str, Any]) -> list[Given]:
    """All input artifacts, those of lists too, in order."""
    return [
        Given(number=number, uri=artifact.get("uri", ""), path=local_path(artifact))
        for number, artifact in enumerate(_artifacts(executor_input.get("inputs") or {}))
    ]


def job_input(executor_input: Mapping[str, Any], *, places: Mapping[int, str]) -> dict[str, Any]:
    """The executor input of the job. Its URIs are relative: to the directory of the channels, and to that of results.

    Args:
        executor_input: that of the pod.
        places: where each input artifact lies below the channels' directory, by its number.
    """
    # A copy, of which the artifacts get other URIs.
    copy: dict[str, Any] = json.loads(json.dumps(executor_input))
    for number, artifact in enumerate(_artifacts(copy.get("inputs") or {})):
        artifact["uri"] = places[number]
        # What lies in a pipeline's workspace lies in a channel here.
        artifact.get("metadata", {}).pop("_kfp_workspace", None)
    outputs = copy.setdefault("outputs", {})
    for name, entry in (outputs.get("artifacts") or {}).items():
        for artifact in entry["artifacts"]:
            artifact["uri"] = f"{ARTIFACTS}/{name}"
    for name, parameter in (outputs.get("parameters") or {}).items():
        parameter["outputFile"] = f"{PARAMETERS}/{name}"
    outputs["outputFile"] = EXECUTOR_OUTPUT
    return copy


def call_digest(command: Command) -> str:
    """Ten characters that stand for what is called with what: they tell tasks apart where there is no cluster.

    How much comes back is no part of it: with more room, a step takes what the same job has left.
    """
    inputs = command.executor_input.get("inputs") or {}
    settings = replace(command.settings, max_results_gb=MOST_RESULTS_GB)
    return digest(json.dumps([command.words, settings.to_text(), inputs], sort_keys=True))


def _artifacts(inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for _, entry in sorted((inputs.get("artifacts") or {}).items()):
        yield from entry.get("artifacts") or ()
