"""The state file, and the private files in general."""

from pathlib import Path

import pytest
from sagebridge_local.stack import StackError, state
from sagebridge_local.stack.files import private_directory, write_private
from sagebridge_local.stack.state import Record, State

RECORD = Record(
    name="etcd",
    pid=17,
    created=12.5,
    fingerprint="abc",
    address="https://127.0.0.1:1",
    command=("controlplane", "etcd"),
)
STATE = State(records={"etcd": RECORD}, ports={"etcd": 4711}, settings={"operator": "yes"})


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    state.write(path, STATE)

    assert state.read(path) == STATE
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty: the disk was full"),
        ('{"format": 1, "records": {"et', "cut off"),
        ("[]", "another thing"),
        ("null", "nothing"),
        ('{"format": 99, "records": {}, "ports": {}, "settings": {}}', "of another version"),
        ('{"format": 1, "records": {"etcd": 3}, "ports": {}, "settings": {}}', "a record is no record"),
        ('{"format": 1, "records": {}, "ports": {"etcd": "x"}, "settings": {}}', "a port is no number"),
        ('{"format": 1}', "parts are missing"),
    ],
)
def test_damaged_is_as_good_as_none(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)

    assert state.read(path) == State(), reason


def test_missing_is_empty(tmp_path: Path) -> None:
    assert state.read(tmp_path / "state.json") == State()


def test_writing_replaces_or_leaves(tmp_path: Path) -> None:
    path = write_private(tmp_path / "file", "old")

    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path], "nothing half-written is left"


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StackError, match="--work-dir"):
        private_directory(tmp_path / "file" / "stack")
