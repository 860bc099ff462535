"""Counts what the operator writes for each object, and says when a fault is due."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What happens to a write that was done, before the operator hears of it.

    Attributes:
        CRASH: the operator is killed, and its reply is lost.
        LOST_REPLY: the reply is lost; the operator lives.
        LATE_REPLY: the reply comes after more than kopf's consistency timeout of 5 s.
    """

    CRASH = "crash"
    LOST_REPLY = "lost reply"
    LATE_REPLY = "late reply"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A fault at the `at`-th write (from 1) for one object."""

    at: int
    fault: Fault


class Boundaries:
    """The writes for each object, in order. Any thread may ask.

    An object is known by its mark, a word that occurs in its name and so in every request about it: in the path, or in
    the body.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: dict[str, list[str]] = {}
        self._plans: dict[str, Plan] = {}
        self._struck: set[str] = set()
        self._others: list[str] = []

    def follow(self, mark: str, *, plan: Plan | None = None) -> None:
        """Count the writes for the object with this mark, and meet `plan`."""
        with self._lock:
            self._traces[mark] = []
            if plan is not None:
                self._plans[mark] = plan

    def wrote(self, write: str, *, request: bytes) -> Fault | None:
        """Note a write that was done; the fault that is due now, if any.

        Args:
            write: what it was, as `faults.writes` says it.
            request: path and body, to find the object in.
        """
        with self._lock:
            mark = next((mark for mark in self._traces if mark.encode() in request), None)
            if mark is None:
                self._others.append(write)
                return None
            trace = self._traces[mark]
            trace.append(write)
            plan = self._plans.get(mark)
            if plan is None or mark in self._struck or len(trace) != plan.at:
                return None
            self._struck.add(mark)
            return plan.fault

    def trace(self, mark: str) -> tuple[str, ...]:
        """The writes for one object so far."""
        with self._lock:
            return tuple(self._traces[mark])

    def is_struck(self, mark: str) -> bool:
        """Whether the planned fault has happened."""
        with self._lock:
            return mark in self._struck

    @property
    def others(self) -> Sequence[str]:
        """Writes that belong to no followed object."""
        with self._lock:
            return tuple(self._others)

    @property
    def traces(self) -> Mapping[str, Sequence[str]]:
        """All writes so far, by mark."""
        with self._lock:
            return {mark: tuple(trace) for mark, trace in self._traces.items()}

    @property
    def count(self) -> int:
        """How many writes there were so far, for whatever object."""
        with self._lock:
            return len(self._others) + sum(len(trace) for trace in self._traces.values())
