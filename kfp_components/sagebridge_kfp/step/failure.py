"""How a step fails."""

from __future__ import annotations

from collections.abc import Iterable


class StepFailedError(Exception):
    """The step can't end well; the message tells why."""


def told(why: str, *, last_lines: Iterable[str]) -> str:
    """The message of a failure: why, and the log's last lines, if any were seen."""
    lines = list(last_lines)
    return why if not lines else "\n".join([why, f"The last {len(lines)} lines of its log:", *lines])
