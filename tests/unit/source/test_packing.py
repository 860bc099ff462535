import gzip
import io
import tarfile
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.core.errors import SpecError
from sagebridge.core.source import (
    MOST_CONFIG_MAP_BYTES,
    PackedSource,
    SourceFile,
    name_problem,
    pack_files,
    source_key,
    write_archive,
)

FILES = {"train.py": b"print(1)\n", "requirements.txt": b"numpy\n", "data.bin": bytes(range(256))}
names = st.text("abcdefgh._-", min_size=1, max_size=12).filter(lambda name: name not in (".", ".."))


def unpack(packed: PackedSource) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed.body), mode="r:gz") as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def test_everything_is_in_it() -> None:
    assert unpack(pack_files(FILES, entry_point="train.py")) == FILES


def test_order_does_not_matter() -> None:
    assert pack_files(FILES) == pack_files(dict(reversed(FILES.items())))


def test_nothing_of_this_machine_or_moment_is_in_it() -> None:
    packed = pack_files(FILES)
    assert packed.body[4:8] == b"\0\0\0\0", "the time in gzip's header"
    assert packed.body[3] == 0, "gzip's header has no file name"
    with tarfile.open(fileobj=io.BytesIO(packed.body), mode="r:gz") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == sorted(FILES)
    assert {(member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode) for member in members} == {
        (0, 0, 0, "", "", 0o644)
    }


def test_bytes_are_fixed() -> None:
    tar = gzip.decompress(pack_files({"train.py": b"print(1)\n"}).body)
    assert len(tar) == 10_240
    assert tar[:8] == b"train.py"


def test_digest_is_fixed_since_keys_are_made_of_it() -> None:
    assert pack_files({"train.py": b"print(1)\n"}).digest == "f2eef8ef4eb72b6b71ae02cb25f2ad88"


@given(st.dictionaries(names, st.binary(max_size=50), min_size=1, max_size=4))
def test_round_trip(files: dict[str, bytes]) -> None:
    assert unpack(pack_files(files)) == files


@given(*[st.dictionaries(names, st.binary(max_size=5), min_size=1, max_size=3)] * 2)
def test_other_files_have_another_digest(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (pack_files(one).digest == pack_files(other).digest) == (one == other)


def test_executable_files_stay_executable_and_count() -> None:
    plain, executable = io.BytesIO(), io.BytesIO()
    file = SourceFile(name="run.sh", body=b"#!/bin/sh\n")
    digests = (
        write_archive(plain, [file]),
        write_archive(executable, [SourceFile(name=file.name, body=file.body, executable=True)]),
    )
    assert digests[0] != digests[1]
    executable.seek(0)
    with tarfile.open(fileobj=executable, mode="r:gz") as archive:
        assert archive.getmember("run.sh").mode == 0o755


def test_key() -> None:
    key = source_key(namespace="team-a", name="digits", digest="abc")
    assert key == "sagebridge/team-a/digits/source/abc/sourcedir.tar.gz"


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    files: dict[str, bytes]
    entry_point: str | None = None
    field: str = "spec.source.configMap"
    says: str


CASES = [
    Case(reason="nothing", files={}, says="is empty"),
    Case(reason="too much", files={"a": bytes(MOST_CONFIG_MAP_BYTES), "b": b"1"}, says="`sagebridge source push`"),
    Case(
        reason="no such script",
        files=FILES,
        entry_point="main.py",
        field="spec.source.entryPoint",
        says='"main.py" is not in the source, which has data.bin, requirements.txt, train.py',
    ),
    Case(reason="a name that climbs out", files={"../a": b""}, says="no path inside the archive"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    with pytest.raises(SpecError) as raised:
        pack_files(case.files, entry_point=case.entry_point)
    assert raised.value.field == case.field
    assert case.says in raised.value.message


def test_the_field_is_where_the_source_is() -> None:
    with pytest.raises(SpecError) as raised:
        pack_files(FILES, entry_point="main.py", path="spec.models[1].source")
    assert raised.value.field == "spec.models[1].source.entryPoint"


@pytest.mark.parametrize(
    "name", ["", "/a", "a/../b", "..", "./a", "a//b", "a/", "a\\b", "a\nb", "a\x7f", "x" * 256], ids=repr
)
def test_names_that_are_refused(name: str) -> None:
    assert name_problem(name)


@pytest.mark.parametrize("name", ["train.py", "src/a/b.py", "..a", "Zoë.txt", "a b", "x" * 255], ids=repr)
def test_names_that_are_taken(name: str) -> None:
    assert name_problem(name) is None
