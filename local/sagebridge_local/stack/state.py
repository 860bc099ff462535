"""What a local stack remembers between commands: its processes and its ports, in one file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sagebridge_local.stack.files import write_private

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A process that was started.

    Attributes:
        name: The component.
        pid: Its process id, which is also its process group and session.
        created: When the system says that the process began, seconds since the epoch; tells a reused pid.
        fingerprint: A hash of how it was started; another one means that it must be started again.
        address: Where it listens.
        command: Its command line.
    """

    name: str
    pid: int
    created: float
    fingerprint: str
    address: str
    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """All that is remembered.

    Attributes:
        records: By component.
        ports: By component; kept after its death, so that it comes back where it was.
        settings: What the stack was started with, for the commands that come later.
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> State:
    """Read a state file. A missing or damaged one is an empty state: what runs is then found by its mark."""
    try:
        content = json.loads(path.read_text())
        if content["format"] != FORMAT:
            return State()
        return State(
            records={name: _record(value) for name, value in content["records"].items()},
            ports={str(name): int(port) for name, port in content["ports"].items()},
            settings={str(name): str(value) for name, value in content["settings"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def write(path: Path, state: State) -> None:
    """Write a state file, private and whole."""
    records = {name: asdict(record) for name, record in state.records.items()}
    content = {"format": FORMAT, "records": records, "ports": dict(state.ports), "settings": dict(state.settings)}
    write_private(path, json.dumps(content, indent=2) + "\n")


def _record(value: Mapping[str, object]) -> Record:
    command = value["command"]
    if not isinstance(command, list):
        raise TypeError("command is not a list")
    return Record(
        name=str(value["name"]),
        pid=int(str(value["pid"])),
        created=float(str(value["created"])),
        fingerprint=str(value["fingerprint"]),
        address=str(value["address"]),
        command=tuple(str(word) for word in command),
    )
