"""What prepare leaves for accompany to know."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sagebridge.agent.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sagebridge.runtime.checkpoints import Snapshot

_STARTED: Final = "started"
_CHECKPOINTS: Final = "checkpoints.json"
_SIDECARS: Final = "sidecars.json"


class Notes:
    """Files in the directory that the pod's containers share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write_start(self, moment: datetime) -> None:
        """The job has begun on this host."""
        (self._directory / _STARTED).write_text(rfc3339(moment), encoding="utf-8")

    def start(self) -> datetime | None:
        """When that was; None when nobody has noted it."""
        try:
            return datetime.fromisoformat((self._directory / _STARTED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def write_checkpoints(self, known: Snapshot) -> None:
        """The checkpoints that were restored."""
        (self._directory / _CHECKPOINTS).write_text(json.dumps(known), encoding="utf-8")

    def checkpoints(self) -> Snapshot:
        """Which those were; none when nobody has noted them."""
        try:
            content = json.loads((self._directory / _CHECKPOINTS).read_text(encoding="utf-8"))
            return {str(name): (int(changed), int(size)) for name, (changed, size) in content.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def write_sidecars(self, cgroups: Iterable[str]) -> None:
        """The cgroups of containers that ran in the pod before the user's container."""
        (self._directory / _SIDECARS).write_text(json.dumps(sorted(cgroups)), encoding="utf-8")

    def sidecars(self) -> frozenset[str]:
        """Which those were; none when nobody has noted them."""
        try:
            content = json.loads((self._directory / _SIDECARS).read_text(encoding="utf-8"))
            return frozenset(map(str, content))
        except (OSError, ValueError, TypeError):
            return frozenset()
