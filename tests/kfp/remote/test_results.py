"""What a step takes of a job's results, and what it refuses."""

import gzip
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sagebridge_kfp.remote.results import archive_uri, put_back, unpack
from sagebridge_kfp.remote.room import GIGABYTE, Room
from sagebridge_kfp.step.failure import StepFailedError

JOBS = ["Training", "Processing"]
URI = "s3://staging/fit/abc/out/model.tar.gz"


def room(most: int = GIGABYTE) -> Room:
    return Room(most, uri=URI)


@pytest.mark.parametrize(
    ("job", "status", "wanted"),
    [
        ("Training", {"modelArtifacts": {"s3ModelArtifacts": "s3://a/model.tar.gz"}}, "s3://a/model.tar.gz"),
        (
            "Processing",
            {"processingOutputConfig": {"outputs": [{"outputName": "result", "s3Output": {"s3Uri": "s3://a/out"}}]}},
            "s3://a/out/result.tar.gz",
        ),
    ],
)
def test_where_the_results_are(job: str, status: dict[str, Any], wanted: str) -> None:
    assert archive_uri(job, status) == wanted


@pytest.mark.parametrize("job", JOBS)
def test_a_status_that_does_not_tell_where_they_are(job: str) -> None:
    with pytest.raises(StepFailedError, match="does not tell where its results are"):
        archive_uri(job, {})


def _outside() -> tarfile.TarInfo:
    return tarfile.TarInfo("../evil-outside")


def _link() -> tarfile.TarInfo:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return link


@pytest.mark.parametrize("member", [_outside, _link])
@pytest.mark.parametrize("has_filters", [True, False], ids=["", "a Python without filters"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(
    member: Callable[[], tarfile.TarInfo], has_filters: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_filters:
        monkeypatch.delattr(tarfile, "data_filter")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.addfile(member())

    with pytest.raises(StepFailedError, match="which leads out of it"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "in" / "results", room=room())
    assert not list(tmp_path.rglob("evil-outside"))


@pytest.mark.parametrize("relative", ["../secret", "artifacts/../../secret", "/secret", "link"])
def test_results_that_name_what_is_outside_of_them_are_refused(tmp_path: Path, relative: str) -> None:
    folder, pod = tmp_path / "unpacked" / "results", tmp_path / "outputs" / "task"
    folder.mkdir(parents=True)
    (folder.parent / "secret").write_text("token")
    (folder / "link").symlink_to(folder.parent / "secret")
    uri = f"{tmp_path}/unpacked/secret" if relative.startswith("/") else relative
    artifact = {"uri": f"sagebridge-result:{uri}"}
    (folder / "executor_output.json").write_text(json.dumps({"artifacts": {"model": {"artifacts": [artifact]}}}))
    outputs = {"outputFile": str(pod / "executor_output.json")}

    with pytest.raises(StepFailedError, match=r"The job's results say that model is at .*, which is none of them"):
        put_back(folder, {"outputs": outputs}, room=room())
    assert [each.name for each in tmp_path.rglob("*") if each.is_file() and "token" in each.read_text()] == [
        "secret",
        "link",
    ]


def test_an_archive_without_results_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz"):
        pass

    with pytest.raises(StepFailedError, match=r"has no executor_output\.json"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "results", room=room())


def test_what_the_function_tells_is_not_read_into_memory_whatever_its_size(tmp_path: Path) -> None:
    told = tmp_path / "executor_output.json"
    told.touch()
    os.truncate(told, (64 << 20) + 1)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(told, "executor_output.json")

    with pytest.raises(StepFailedError, match=r"64 MB of JSON: a step takes 64 MB .* artifact"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "results", room=room())


def archive_of(directory: Path, *members: tarfile.TarInfo) -> Path:
    """An archive that promises more than it has."""
    with gzip.open(directory / "a.tar.gz", "wb") as archive:
        for member in members:
            archive.write(member.tobuf())
        archive.write(bytes(2 * tarfile.BLOCKSIZE))
    return directory / "a.tar.gz"


def file_of(size: int, name: str = "artifacts/model") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([file_of(GIGABYTE + 1)], "one file"),
        ([file_of(0, str(number)) for number in range(300)], "files without content, of which each needs a block"),
    ],
)
def test_more_than_there_is_room_for_is_not_unpacked(
    members: list[tarfile.TarInfo], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(StepFailedError, match=rf"more than the \S+ GB .*max_results_gb.*{URI}"):
        unpack(archive_of(tmp_path, *members), tmp_path / "results", room=room(1 << 20))

    assert sum(each.stat().st_size for each in (tmp_path / "results").rglob("*")) == 0, reason


def _many_names(artifact: Path) -> None:
    (artifact / "weights").write_bytes(bytes(100_000))
    for number in range(20):
        os.link(artifact / "weights", artifact / f"again-{number}")


def _one_within_itself(artifact: Path) -> None:
    (artifact / "weights").write_bytes(bytes(100_000))
    (artifact / "again").symlink_to(artifact)


@pytest.mark.parametrize("fill", [_many_names, _one_within_itself])
def test_links_do_not_make_more_of_it_than_there_is_room_for(fill: Callable[[Path], None], tmp_path: Path) -> None:
    folder, pod = tmp_path / "results", tmp_path / "outputs"
    (folder / "artifacts" / "model").mkdir(parents=True)
    fill(folder / "artifacts" / "model")
    (folder / "executor_output.json").write_text("{}")
    outputs = {
        "artifacts": {"model": {"artifacts": [{"name": "model", "uri": str(pod / "model")}]}},
        "outputFile": str(pod / "executor_output.json"),
    }

    with pytest.raises(StepFailedError, match="max_results_gb"):
        put_back(folder, {"outputs": outputs}, room=room(1 << 20))
    assert sum(each.stat().st_size for each in pod.rglob("*") if each.is_file()) <= 1 << 20


def test_what_there_is_room_for_is_put_back(tmp_path: Path) -> None:
    folder, pod = tmp_path / "results", tmp_path / "outputs"
    (folder / "artifacts" / "model").mkdir(parents=True)
    (folder / "artifacts" / "model" / "weights").write_bytes(bytes(1 << 19))
    (folder / "executor_output.json").write_text("{}")
    outputs = {
        "artifacts": {"model": {"artifacts": [{"name": "model", "uri": str(pod / "model")}]}},
        "outputFile": str(pod / "executor_output.json"),
    }

    put_back(folder, {"outputs": outputs}, room=room(1 << 20))

    assert (pod / "model" / "weights").stat().st_size == 1 << 19
