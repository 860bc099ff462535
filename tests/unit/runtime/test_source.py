"""Source archives: what is unpacked, and what is refused."""

import io
import tarfile
from pathlib import Path

import pytest
from sagebridge.runtime import source
from sagebridge.runtime.failures import RunFailedError, TransferCancelledError

LIMIT = 10_000


def _member(
    name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b"", mode: int = 0o644
) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size, member.mode = kind, link, len(content), mode
    return member, content


def _archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    archive = path / "sourcedir.tar.gz"
    with tarfile.open(archive, mode="w:gz") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return archive


def test_files_directories_and_inner_links(tmp_path: Path) -> None:
    archive = _archive(
        tmp_path,
        _member("pkg", kind=tarfile.DIRTYPE, mode=0o755),
        _member("pkg/train.py", content=b"print()"),
        _member("run.sh", content=b"echo", mode=0o4777),
        _member("link.py", kind=tarfile.SYMTYPE, link="pkg/train.py"),
        _member("pkg/up.py", kind=tarfile.SYMTYPE, link="../run.sh"),
    )
    source.unpack(archive, tmp_path / "code", limit_bytes=LIMIT)
    code = tmp_path / "code"
    assert (code / "link.py").read_text() == "print()"
    assert (code / "pkg/up.py").read_text() == "echo"
    assert (code / "run.sh").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("reason", "members"),
    [
        ("upwards", [_member("../x")]),
        ("absolute", [_member("/etc/x")]),
        ("an absolute link", [_member("l", kind=tarfile.SYMTYPE, link="/etc")]),
        ("a link upwards", [_member("d/l", kind=tarfile.SYMTYPE, link="../../x")]),
        ("a hard link outwards", [_member("l", kind=tarfile.LNKTYPE, link="../x")]),
        ("a device", [_member("d", kind=tarfile.CHRTYPE)]),
        ("a pipe", [_member("p", kind=tarfile.FIFOTYPE)]),
        (
            "through a link of links",
            [
                _member("a", kind=tarfile.SYMTYPE, link="."),
                _member("b", kind=tarfile.SYMTYPE, link="a/../.."),
                _member("b/x", content=b"x"),
            ],
        ),
    ],
)
def test_nothing_leaves_the_directory(
    tmp_path: Path, reason: str, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    with pytest.raises(RunFailedError, match="leads out of its directory"):
        source.unpack(_archive(tmp_path, *members), tmp_path / "deep/code", limit_bytes=LIMIT)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match="more than 10000 bytes"):
        source.unpack(_archive(tmp_path, _member("x", content=b"0" * 20_000)), tmp_path / "code", limit_bytes=LIMIT)
    assert not (tmp_path / "code/x").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b broken"])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "sourcedir.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(RunFailedError, match="can't be unpacked"):
        source.place(archive, tmp_path / "code", limit_bytes=LIMIT)


def test_a_directory_or_a_single_file_will_do(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/train.py").write_text("x")
    source.place(tmp_path / "src", tmp_path / "code", limit_bytes=LIMIT)
    source.place(tmp_path / "src/train.py", tmp_path / "other", limit_bytes=LIMIT)
    assert (tmp_path / "code/train.py").read_text() == (tmp_path / "other/train.py").read_text() == "x"


def test_a_failure_names_what_can_not_be_unpacked(tmp_path: Path) -> None:
    broken = tmp_path / "model.tar.gz"
    broken.write_bytes(b"no archive")

    with pytest.raises(RunFailedError, match="The model archive can't be unpacked"):
        source.unpack(broken, tmp_path / "model", limit_bytes=LIMIT, what="model archive")


def test_unpacking_ends_when_nobody_waits_for_it(tmp_path: Path) -> None:
    archive = _archive(tmp_path, _member("first", content=b"1"), _member("second", content=b"2"))
    checks = iter([True, False])

    def check() -> None:
        if not next(checks):
            raise TransferCancelledError

    with pytest.raises(TransferCancelledError):
        source.unpack(archive, tmp_path / "code", limit_bytes=LIMIT, check=check)
    assert [path.name for path in (tmp_path / "code").iterdir()] == ["first"]
