"""Archives with inference code, made of those that training left."""

import errno
import gzip
import io
import random
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sagebridge.core.errors import AwsError, ErrorClass, SpecError
from sagebridge.core.serving import Repack
from sagebridge.targets.sagemaker import repacking
from sagebridge.targets.sagemaker.repacking import pack


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return stream.getvalue()


def contents(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
        return {member.name: found.read() for member in tar if member.isfile() and (found := tar.extractfile(member))}


def repack(entry_point: str = "inference.py", **files: bytes) -> Repack:
    return Repack(model_uri=None, code_uri=None, entry_point=entry_point, key="k", files=files)


def test_code_from_a_config_map_is_added_and_the_models_own_makes_way() -> None:
    model = archive(weights=b"w", code__old=b"o", nested__part=b"p")
    packed = pack(repack(**{"inference.py": b"i", "util.py": b"u"}), model=model, code=None)
    assert contents(packed) == {
        "weights": b"w",
        "nested/part": b"p",
        "code/inference.py": b"i",
        "code/util.py": b"u",
    }


def test_code_from_an_archive_is_added() -> None:
    code = archive(**{"inference.py": b"i", "lib__util.py": b"u"})
    packed = pack(repack(), model=archive(weights=b"w"), code=code)
    assert contents(packed) == {"weights": b"w", "code/inference.py": b"i", "code/lib/util.py": b"u"}


@pytest.mark.parametrize("name", ["deep/" * 30 + "util.py", "é.py"], ids=["long", "not ASCII"])
def test_code_with_names_that_need_pax_headers_stays_under_code(name: str) -> None:
    packed = pack(repack(), model=None, code=archive(**{"inference.py": b"i", name: b"u"}))
    assert contents(packed) == {"code/inference.py": b"i", f"code/{name}": b"u"}


def test_a_model_may_be_code_alone() -> None:
    assert contents(pack(repack(**{"inference.py": b"i"}), model=None, code=None)) == {"code/inference.py": b"i"}


def test_the_same_gives_the_same_bytes() -> None:
    model = archive(weights=b"w")
    made = [pack(repack(**{"inference.py": b"i"}), model=model, code=None) for _ in range(2)]
    assert made[0] == made[1]


def test_the_entry_point_must_be_there() -> None:
    with pytest.raises(SpecError, match=r'"inference\.py" is not in the source') as caught:
        pack(repack(**{"other.py": b""}), model=None, code=None)
    assert caught.value.field == "spec.source.entryPoint"


def test_what_is_no_archive_is_said() -> None:
    with pytest.raises(SpecError, match=r"the model is no readable \.tar\.gz"):
        pack(repack(**{"inference.py": b"i"}), model=b"no archive", code=None)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repacking, "MOST_UNPACKED_BYTES", 1000)
    with pytest.raises(SpecError, match="unpacks to over 1000 bytes"):
        pack(repack(**{"inference.py": b"i"}), model=archive(weights=bytes(2000)), code=None)


def test_an_archive_that_got_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repacking, "MOST_MODEL_BYTES", 10)
    with pytest.raises(SpecError, match="more than 10 bytes"):
        pack(repack(**{"inference.py": b"i"}), model=None, code=None)


def noise(size: int) -> bytes:
    """Bytes that do not get smaller by compression."""
    return random.Random(0).randbytes(size)


def cut(body: bytes) -> bytes:
    return body[: len(body) // 2]


def spoilt(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes(5000) + body[middle + 5000 :]


@pytest.mark.parametrize("broken", [cut, spoilt])
def test_a_model_that_breaks_off_is_said(broken: Callable[[bytes], bytes]) -> None:
    model = broken(archive(weights=noise(500_000), more=b"m"))
    with pytest.raises(SpecError, match=r"the model is no readable \.tar\.gz") as caught:
        pack(repack(**{"inference.py": b"i"}), model=model, code=None)
    assert caught.value.field == "spec.source"


@pytest.mark.parametrize("broken", [cut, spoilt])
def test_a_source_that_breaks_off_is_said(broken: Callable[[bytes], bytes]) -> None:
    code = broken(archive(**{"inference.py": b"i", "table.bin": noise(500_000)}))
    with pytest.raises(SpecError, match=r"the source is no readable \.tar\.gz") as caught:
        pack(repack(), model=archive(weights=b"w"), code=code)
    assert caught.value.field == "spec.source.s3Uri"


class FullDisk(io.BytesIO):
    """A temporary file where there is no room."""

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_not_the_archives_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", FullDisk)
    with pytest.raises(AwsError, match=r"can't pack .* No space left on device") as caught:
        pack(repack(**{"inference.py": b"i"}), model=archive(weights=noise(500_000)), code=None)
    assert caught.value.error_class is ErrorClass.FAST_RETRY


def linked(target: str, **files: bytes) -> bytes:
    """An archive in which link.py is a hard link, after the files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(f"./{name.replace('__', '/')}")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
        link = tarfile.TarInfo("./link.py")
        link.type, link.linkname = tarfile.LNKTYPE, f"./{target}"
        tar.addfile(link)
    return stream.getvalue()


def unpacked(body: bytes, path: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
        tar.extractall(path, filter="data")
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_hard_links_keep_their_content(tmp_path: Path) -> None:
    code = linked("inference.py", **{"inference.py": b"i"})
    packed = pack(repack("link.py"), model=linked("weights", weights=b"w"), code=code)
    assert unpacked(packed, tmp_path) == {
        "weights": b"w",
        "link.py": b"w",
        "code/inference.py": b"i",
        "code/link.py": b"i",
    }


@pytest.mark.parametrize("target", ["code/old", "elsewhere"])
def test_a_hard_link_without_its_file_is_refused(target: str) -> None:
    with pytest.raises(SpecError, match=f"link.py is a hard link to ./{target}"):
        pack(repack(**{"inference.py": b"i"}), model=linked(target, code__old=b"o"), code=None)
    with pytest.raises(SpecError, match=r"in the source, \./link.py is a hard link"):
        pack(repack(), model=None, code=linked("elsewhere", **{"inference.py": b"i"}))


def test_what_follows_an_archive_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repacking, "MOST_UNPACKED_BYTES", 1000)
    model = archive(weights=b"w") + gzip.compress(bytes(100_000))
    with pytest.raises(SpecError, match="it does not end"):
        pack(repack(**{"inference.py": b"i"}), model=model, code=None)
