"""What of a processing job's output comes to S3, whatever its script does to it meanwhile."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sagebridge.core.container.layout import Layout
from sagebridge.runtime.cancellation import CancelToken
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.processing import Output
from sagebridge.runtime.s3 import Connection, S3Location, Storage

from tests.integration.runtime.conftest import REGION, Workbench


class Recorder(Storage):
    """S3, and what was uploaded to it."""

    def __init__(self, bench: Workbench) -> None:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        connection = Connection.of(endpoint_url=bench.endpoint_url, region=REGION, credentials=keys)
        super().__init__(connection, token=CancelToken())
        self.uploaded: list[str] = []
        self.before: Callable[[str], object] = lambda _: None

    def upload(self, path: Path, location: S3Location, *, kms_key_id: str | None = None) -> None:
        self.before(location.key)
        super().upload(path, location, kms_key_id=kms_key_id)
        self.uploaded.append(location.key)


class Place:
    """A host's tree, and one output in it."""

    def __init__(self, bench: Workbench, root: Path, *, path: str = "result") -> None:
        self.layout = Layout(base=str(root / "ml"))
        self.storage = Recorder(bench)
        self.bucket = bench.bucket
        self.output = self.to(f"s3://{bench.bucket}/out", path=path)
        self.output.directory.mkdir(parents=True)

    def to(self, uri: str, *, path: str = "result") -> Output:
        s3 = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{path}", "S3UploadMode": "Continuous"}
        return Output({"OutputName": "result", "S3Output": s3}, layout=self.layout, storage=self.storage)

    def content(self, key: str) -> str:
        return self.storage.read(S3Location(bucket=self.bucket, key=key)).decode()

    def write(self, name: str, text: str = "x") -> Path:
        path = self.output.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def place(bench: Workbench, tmp_path: Path) -> Place:
    return Place(bench, tmp_path / "host")


def test_only_what_is_new_or_changed_is_uploaded_again(place: Place) -> None:
    place.write("a")
    place.write("deep/b")
    place.output.upload()
    place.write("a", "longer")
    place.write("c")
    place.output.upload()
    assert place.storage.uploaded == ["out/a", "out/deep/b", "out/a", "out/c"]


def test_links_and_names_that_s3_can_not_have_are_left_out(place: Place, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("token")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/key").write_text("token")
    place.write("a")
    (place.output.directory / "file").symlink_to(tmp_path / "secret")
    (place.output.directory / "directory").symlink_to(tmp_path / "home")
    os.mkfifo(place.output.directory / "pipe")
    place.output.directory.joinpath(os.fsdecode(b"\xff")).write_text("no text")
    place.output.upload()
    assert place.storage.uploaded == ["out/a"]


@pytest.mark.parametrize("link", ["deep/result", "deep"])
def test_a_directory_that_became_a_link_is_nobodys_output(bench: Workbench, tmp_path: Path, link: str) -> None:
    place = Place(bench, tmp_path / "host", path="deep/result")
    other = tmp_path / "other"
    (other / "result").mkdir(parents=True)
    (other / "result/secret").write_text("token")
    place.output.directory.rmdir()
    path = Path(place.layout.processing, link)
    if path.exists():
        path.rmdir()
    path.symlink_to(other / "result" if link.endswith("result") else other)
    place.output.upload()
    assert place.storage.uploaded == []


def test_a_directory_that_is_gone_is_no_output(place: Place) -> None:
    place.output.directory.rmdir()
    place.output.upload()
    assert place.storage.uploaded == []


def test_a_file_that_goes_away_meanwhile_is_no_failure(place: Place) -> None:
    files = {f"out/{name}": place.write(name) for name in "abc"}
    place.storage.before = lambda key: files["out/b" if key == "out/a" else key].unlink()
    place.output.upload()
    assert place.storage.uploaded == ["out/a", "out/c"]


@pytest.mark.parametrize("swapped", ["b/c", "b"], ids=["a file", "a directory"])
@pytest.mark.parametrize("when", ["out/a", "out/b/c"], ids=["before it is opened", "while it is uploaded"])
def test_what_becomes_a_link_meanwhile_is_not_followed(place: Place, tmp_path: Path, swapped: str, when: str) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c").write_text("token")
    place.write("a")
    place.write("b/c", "own")
    own = place.output.directory / swapped

    def swap(key: str) -> None:
        if key == when:
            own.rename(tmp_path / "aside")
            own.symlink_to(tmp_path / swapped)

    place.storage.before = swap
    place.output.upload()
    assert place.storage.uploaded == ["out/a", *(["out/b/c"] if when == "out/b/c" else [])]
    assert all(place.content(key) != "token" for key in place.storage.uploaded)


def test_a_refused_upload_is_made_good_later(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.write("a")
    lost = place.to("s3://no-such-bucket/out")
    lost.try_upload()
    assert "the output result is not in S3 yet: ClientError: Data upload failed: NoSuchBucket: " in caplog.text
    with pytest.raises(RunFailedError):
        lost.upload()
    with pytest.raises(RunFailedError):
        lost.check_writable()
    assert place.storage.uploaded == []


def test_passes_never_overlap(place: Place) -> None:
    place.write("a")
    place.write("b")
    meeting, met = threading.Barrier(2), threading.Event()

    def meet(_: str) -> None:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(1)  # for another pass, which never comes
            met.set()

    place.storage.before = meet
    passes = [threading.Thread(target=place.output.upload) for _ in range(2)]
    for each in passes:
        each.start()
    for each in passes:
        each.join()
    assert (met.is_set(), place.storage.uploaded) == (False, ["out/a", "out/b"])


def test_the_look_whether_it_can_be_written_leaves_nothing(place: Place, bench: Workbench) -> None:
    place.output.check_writable()
    s3: Any = bench.client("s3")
    assert "Contents" not in s3.list_objects_v2(Bucket=bench.bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bench.bucket)
