"""What can be seen of namespaces, as a test says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sagebridge.kube.reflector import Reflector
from sagebridge.watch.sight import Sight

STALE_AFTER = 60.0


@dataclass(frozen=True, kw_only=True)
class Following:
    """How it stands with what follows a collection."""

    is_synced: bool = True
    seconds_blind: float = 0.0
    trouble: str = ""


SEEING = Following()
STARTING = Following(is_synced=False)
BLIND = Following(is_synced=False, seconds_blind=STALE_AFTER, trouble="GET /b/pods: pods is forbidden")
LOST = Following(seconds_blind=STALE_AFTER + 30, trouble="no answer")
"""It was listed, and nothing has been heard since."""


def sight(**namespaces: Following) -> Sight:
    """Of namespaces by their names, each of which has something else beside that is followed well."""
    followed = [(name, cast("Reflector", one)) for name, found in namespaces.items() for one in (SEEING, found)]
    return Sight(followed, stale_after=STALE_AFTER)
