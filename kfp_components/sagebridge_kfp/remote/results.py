"""What a job has left, put where the component would have left it in the pod."""

from __future__ import annotations

import json
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sagebridge.core.container.archives import stays_inside

from sagebridge_kfp.remote.call import local_path, uri_of
from sagebridge_kfp.remote.places import ARCHIVE, ARTIFACTS, EXECUTOR_OUTPUT, IN_RESULT, PARAMETERS, RESULT
from sagebridge_kfp.remote.room import Room
from sagebridge_kfp.remote.settings import TRAINING
from sagebridge_kfp.results import model_uri, output_uris
from sagebridge_kfp.step.failure import StepFailedError

_MOST_TOLD_BYTES: Final = 64 << 20
"""Of what the executor tells, which is read as a whole: far more than what Kubeflow Pipelines keeps of a task."""


def archive_uri(job: str, status: Mapping[str, Any]) -> str:
    """Where the archive of a job's results is.

    Args:
        job: `Training` or `Processing`.
        status: the object's.

    Raises:
        StepFailedError: the status does not tell.
    """
    if job == TRAINING:
        uri = model_uri(status)
    else:
        output = output_uris(status).get(RESULT, "")
        uri = output and f"{output.rstrip('/')}/{ARCHIVE}"
    if not uri:
        raise StepFailedError("The job has completed, and its status does not tell where its results are.")
    return uri


def unpack(archive: Path, folder: Path, *, room: Room) -> None:
    """Unpack the archive of a job's results, and nothing outside of a folder.

    Args:
        archive: a file.
        folder: where to.
        room: how much there may be.

    Raises:
        StepFailedError: it is no such archive, is too big, or has what leads out of it.
    """
    try:
        with tarfile.open(archive) as opened:
            # Members are checked here; Python before 3.11.4 has no filters, later ones warn when none is chosen.
            opened.extraction_filter = getattr(tarfile, "data_filter", None)
            for member in opened:
                if not stays_inside(member, folder):
                    raise StepFailedError(
                        f"The archive of the job's results has {member.name!r}, which leads out of it."
                    )
                room.take(member.size)
                opened.extract(member, folder)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise StepFailedError(f"The archive of the job's results can't be unpacked: {error}") from error
    _check_told(folder / EXECUTOR_OUTPUT)


def _check_told(file: Path) -> None:
    if not file.is_file():
        raise StepFailedError(f"The archive of the job's results has no {EXECUTOR_OUTPUT}.")
    if (size := file.stat().st_size) > _MOST_TOLD_BYTES:
        raise StepFailedError(
            f"What the function returns, with the metadata of its artifacts, is {size >> 20} MB of JSON: a step takes "
            f"{_MOST_TOLD_BYTES >> 20} MB of it. Write what is so big into an artifact."
        )


def put_back(folder: Path, executor_input: Mapping[str, Any], *, room: Room) -> None:
    """Put the content of artifacts and parameters, and what the executor has told, where the pod's launcher looks.

    Args:
        folder: what the job has left.
        executor_input: that of the pod.
        room: how much there may be: a link to a file or a directory becomes another one, as the launcher uploads it.

    Raises:
        StepFailedError: the results tell of what is not among them, or are too big.
        OSError: they can't be read or written.
        ValueError: what the executor has told is no JSON.
    """
    outputs = executor_input.get("outputs") or {}
    for name, artifact in _outputs(outputs):
        _put(folder / ARTIFACTS / name, local_path(artifact), room=room)
    for name, parameter in (outputs.get("parameters") or {}).items():
        if parameter.get("outputFile"):
            _put(folder / PARAMETERS / name, Path(parameter["outputFile"]), room=room)
    told = json.loads((folder / EXECUTOR_OUTPUT).read_text(encoding="utf-8"))
    target = Path(outputs["outputFile"])
    _correct_uris(told, dict(_outputs(outputs)), folder=folder, beside=target.parent, room=room)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(told), encoding="utf-8")


def _outputs(outputs: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in (outputs.get("artifacts") or {}).items():
        for artifact in entry.get("artifacts") or ():
            yield name, artifact


def _put(source: Path, target: Path, *, room: Room) -> None:
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=room.take_all, dirs_exist_ok=True)
    else:
        room.take(source.stat().st_size)
        shutil.copyfile(source, target)


def _correct_uris(
    told: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any]], *, folder: Path, beside: Path, room: Room
) -> None:
    for name, entry in (told.get("artifacts") or {}).items():
        for artifact in entry["artifacts"]:
            found, _, relative = artifact["uri"].rpartition(IN_RESULT)
            if relative == artifact["uri"] or found:
                continue
            if not (folder / relative).resolve().is_relative_to(folder.resolve()):
                raise StepFailedError(f"The job's results say that {name} is at {relative!r}, which is none of them.")
            if relative == f"{ARTIFACTS}/{name}":
                artifact["uri"] = wanted[name]["uri"]
            else:
                # A function may name a place beside the executor's output as its artifact's (kfp.dsl.get_uri).
                _put(folder / relative, beside / relative, room=room)
                artifact["uri"] = uri_of(beside / relative)
