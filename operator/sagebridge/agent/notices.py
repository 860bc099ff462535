"""What the operator says to a running agent, by annotations of its pod.

The kubelet writes the file anew after a change: https://kubernetes.io/docs/concepts/storage/downward-api/.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sagebridge.agent.message import StopReason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STOP: Final = "sagebridge.io/stop"
ENDED: Final = "sagebridge.io/training-ended"
"""Of whatever the user's container did: the first was training."""


def read(path: Path) -> dict[str, str]:
    """The pod's annotations now; none without a file."""
    try:
        return parse(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}


def parse(text: str) -> dict[str, str]:
    """From lines such as `key="value"`, where the value is quoted as Go does; other lines are left out."""
    found = {}
    for line in text.split("\n"):
        key, separator, quoted = line.partition("=")
        value = _unquoted(quoted)
        if separator and value is not None:
            found[key] = value
    return found


def stop_reason(annotations: Mapping[str, str]) -> StopReason | None:
    """Why the work shall stop; None when it shall not. Whatever else the operator may write one day is a stop, too."""
    value = annotations.get(STOP)
    if not value:
        return None
    return StopReason.MAX_WAIT if value == StopReason.MAX_WAIT else StopReason.USER


def has_ended(annotations: Mapping[str, str]) -> bool:
    """Whether the user's container has ended, or never will start."""
    return ENDED in annotations


def has_failed(annotations: Mapping[str, str]) -> bool:
    """Whether it has ended, but not with the exit code 0."""
    return annotations.get(ENDED, "0") != "0"


def _unquoted(text: str) -> str | None:
    # Go's escapes are Python's, too: https://pkg.go.dev/strconv#Quote
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, str) else None
