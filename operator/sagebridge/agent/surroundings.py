"""What is around the agent, and other in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagebridge.agent import processes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.termination import Termination


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is around the agent, and other in tests.

    Attributes:
        clock: The time.
        termination: Whether the pod ends.
        cgroup: Reads a process's cgroup.
    """

    clock: Clock
    termination: Termination
    cgroup: Callable[[Path, int | str], str] = processes.read_cgroup
