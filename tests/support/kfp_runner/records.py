"""What has become of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any


class State(Enum):
    """What has become of a task.

    Attributes:
        SUCCEEDED: it has ended well.
        CACHED: its outputs are those of an earlier one.
        SKIPPED: its condition does not hold.
        OMITTED: what it depends on has not succeeded, or the run was terminated before it.
        FAILED: it, or a task in it, has failed.
    """

    SUCCEEDED = auto()
    CACHED = auto()
    SKIPPED = auto()
    OMITTED = auto()
    FAILED = auto()

    @property
    def is_well(self) -> bool:
        """Whether what depends on it goes on."""
        return self in (State.SUCCEEDED, State.CACHED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """What a task gives on: parameters, and artifacts in lists of one."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRecord:
    """A task of a run.

    Attributes:
        path: its place: ``exit-handler-1/condition-2/endpoint``, and within a loop ``for-loop-1[0]/train``.
        state: what has become of it.
        outputs: what it gives on.
        logs: what its pods have printed, in the order of the pods.
        error: why the driver or the launcher has failed it.
        has_begun: whether its driver let it begin.
    """

    path: str
    state: State
    outputs: Outputs = Outputs()
    logs: Sequence[Path] = ()
    error: str = ""
    has_begun: bool = True

    @property
    def pods(self) -> int:
        """How many pods it had."""
        return len(self.logs)

    @property
    def log(self) -> str:
        """What all its pods have printed."""
        return "".join(log.read_text() for log in self.logs)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A run that has ended.

    Attributes:
        state: what has become of it.
        tasks: all tasks, also those that consist of others, by their path.
    """

    state: State
    tasks: Mapping[str, TaskRecord]

    def __getitem__(self, path: str) -> TaskRecord:
        return self.tasks[path]

    def told(self) -> str:
        """All that there is to say of a run that has failed."""
        lines = []
        for path, record in sorted(self.tasks.items()):
            lines.append(f"{path}: {record.state.name} {record.error}")
            if record.state is State.FAILED:
                lines.append(record.log[-4000:])
        return "\n".join(lines)
