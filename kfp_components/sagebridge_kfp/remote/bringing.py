"""What a step brings to S3 before its job begins: the code, the call, and inputs that are not on S3."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from sagebridge_kfp.remote.call import Given, inputs_of, job_input
from sagebridge_kfp.remote.command import Command
from sagebridge_kfp.remote.places import ARTIFACTS, BOOTSTRAP, CALL, CODE, KFP, Channel, Prefix
from sagebridge_kfp.remote.spec import MOST_CHANNELS
from sagebridge_kfp.remote.store import Store

_FILE: Final = "file"
_DIRECTORY: Final = "directory"


@dataclass(kw_only=True, slots=True)
class Brought:
    """Where a job finds its input artifacts.

    Attributes:
        channels: those beside the code's.
        places: where each artifact lies below the channels' directory, by its number.
    """

    channels: list[Channel] = field(default_factory=list)
    places: dict[int, str] = field(default_factory=dict)


def bring(command: Command, *, prefix: Prefix, store: Store) -> list[Channel]:
    """Bring all that the job needs to S3, and return the channels that it reads beside the code's.

    Raises:
        StepFailedError: the step may not, or can't.
    """
    brought = _bring_inputs(inputs_of(command.executor_input), command=command, prefix=prefix, store=store)
    call = {
        "job": command.settings.job,
        "words": command.words,
        "executor_input": job_input(command.executor_input, places=brought.places),
    }
    store.put(f"{prefix.code}{CALL}", json.dumps(call).encode())
    store.put(f"{prefix.code}{BOOTSTRAP}", Path(__file__).with_name(BOOTSTRAP).read_bytes())
    store.put(f"{prefix.code}{KFP}", packed_kfp())
    return brought.channels


def _bring_inputs(given: Sequence[Given], *, command: Command, prefix: Prefix, store: Store) -> Brought:
    brought = Brought()
    room = 0 if command.settings.copy_inputs else MOST_CHANNELS[command.settings.job] - 1
    for artifact in given:
        if artifact.is_elsewhere:
            brought.places[artifact.number] = artifact.uri
            continue
        shape = _shape(artifact, store=store)
        if artifact.is_on_s3 and shape and len(brought.channels) < room:
            _refer_to(artifact, shape, brought=brought, prefix=prefix, store=store)
            continue
        place = f"{ARTIFACTS}/{artifact.number}/{artifact.file_name}"
        brought.places[artifact.number] = f"{CODE}/{place}"
        # What an earlier step has not written is not there in the job either.
        if shape:
            _copy(artifact, shape, f"{prefix.code}{place}", store=store)
    return brought


def _shape(artifact: Given, *, store: Store) -> str:
    """Whether an artifact is a file or a directory; empty where it is not there.

    Kubeflow's launcher brings inputs into the pod; kfp.local leaves where they are those that are on S3.
    """
    if artifact.path.exists():
        return _DIRECTORY if artifact.path.is_dir() else _FILE
    if artifact.is_on_s3 and store.has(artifact.uri):
        return _FILE
    return _DIRECTORY if artifact.is_on_s3 and store.has_below(artifact.uri) else ""


def _refer_to(artifact: Given, shape: str, *, brought: Brought, prefix: Prefix, store: Store) -> None:
    """Let the job read an artifact where it is."""
    name, uri = f"artifact-{artifact.number}", artifact.uri.rstrip("/")
    if shape == _DIRECTORY:
        brought.channels.append(Channel(name=name, uri=f"{uri}/"))
        brought.places[artifact.number] = name
        return
    # As a prefix, a file's URI would also bring its neighbours whose names begin so; a manifest is exact.
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    parent, _, file_name = uri.rpartition("/")
    manifest = prefix.manifest(artifact.number)
    store.put(manifest, json.dumps([{"prefix": f"{parent}/"}, file_name]).encode())
    brought.channels.append(Channel(name=name, uri=manifest, is_manifest=True))
    brought.places[artifact.number] = f"{name}/{file_name}"


def _copy(artifact: Given, shape: str, uri: str, *, store: Store) -> None:
    if artifact.path.exists():
        store.upload(uri, artifact.path)
    elif shape == _FILE:
        store.copy(artifact.uri, uri)
    else:
        store.copy_below(artifact.uri, uri)


def packed_kfp() -> bytes:
    """As much of kfp, as it is installed here, as runs a component: for images that have none.

    Its metadata go with it, so that pip takes this version for installed and asks no index.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in _files_of_kfp():
            # No time of today: the same version is the same archive.
            archive.writestr(zipfile.ZipInfo(name), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _files_of_kfp() -> list[tuple[str, Path]]:
    try:
        kfp = distribution("kfp")
    except PackageNotFoundError:
        return []
    return sorted((str(file), Path(str(file.locate()))) for file in kfp.files or () if _runs_components(file.parts))


def _runs_components(parts: tuple[str, ...]) -> bool:
    if parts[0].endswith(".dist-info"):
        return parts[-1] == "METADATA"
    name = parts[-1]
    is_run = parts[:2] == ("kfp", "dsl") or (parts[0] == "kfp" and len(parts) == 2)
    return is_run and name.endswith(".py") and not name.endswith("_test.py") and "test_data" not in parts
