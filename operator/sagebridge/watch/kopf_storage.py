"""kopf keeps no memory of its own: it only watches, so what it would compare and store is never needed."""

from __future__ import annotations

from typing import Any

import kopf


class NoDiffbase(kopf.DiffBaseStorage):
    """Neither builds nor stores what an object looked like when it was last handled: no handler asks for changes."""

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:
        """Nothing of an object is essential; the default copies all of it for every event."""
        del body, extra_fields
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> None:
        """There never is one."""

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is kept."""


class NoProgress(kopf.ProgressStorage):
    """Stores no progress of handlers: ours end at once."""

    def fetch(self, **_: Any) -> None:
        """There never is any."""

    def store(self, **_: Any) -> None:
        """Nothing is kept."""

    def purge(self, **_: Any) -> None:
        """Nothing was kept."""

    def touch(self, **_: Any) -> None:
        """Nothing is kept."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Nothing of ours is in there."""
        return essence
