"""kopf keeps no memory of its own in our objects: the engine compares with AWS, not with the last manifest."""

from __future__ import annotations

from typing import Any

import kopf


class NoDiffbase(kopf.DiffBaseStorage):
    """Stores no last-handled configuration: it would cost a PATCH per object, and nothing reads it."""

    def fetch(self, *, body: kopf.Body) -> None:
        """There never is one."""

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: Any) -> None:
        """Nothing is kept."""
