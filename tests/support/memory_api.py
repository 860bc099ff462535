"""An API server in memory, for what is written to it: which requests succeed, and after which the writer dies."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Mapping
from typing import Any

from sagebridge.kube.errors import ConflictError, NotFoundError

from support.merge_patch import merged

Json = dict[str, Any]


class CrashError(Exception):
    """The writer has died: nothing of it comes after."""


class MemoryApi:
    """Has the objects of any API, by path, in order of their creation.

    Attributes:
        objects: by path.
        served: paths of groups and versions, with the resources they have.
        crash_after: after how many more writes the writer dies, before it hears of it; None for never.
    """

    def __init__(self, served: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.objects: dict[str, Json] = {}
        self.served = dict(served or {})
        self.crash_after: int | None = None
        self.writes: list[tuple[str, str]] = []

    async def get(self, path: str) -> Json:
        """An object, or what a group's version has."""
        if path in self.served:
            return {"resources": [{"name": plural} for plural in self.served[path]]}
        if path not in self.objects:
            raise NotFoundError(path, status=404)
        return copy.deepcopy(self.objects[path])

    async def create(self, path: str, body: Mapping[str, Any]) -> Json:
        """POST."""
        item = f"{path}/{body['metadata']['name']}"
        if item in self.objects:
            raise ConflictError(item, status=409)
        made = copy.deepcopy(dict(body))
        made["metadata"]["uid"] = f"uid-{len(self.writes)}"
        self.objects[item] = made
        return self._written("POST", item)

    async def list(self, path: str, *, selector: str = "", fields: str = "") -> AsyncIterator[Json]:
        """All objects of a namespace's collection, whatever the selectors."""
        del selector, fields
        for item, body in list(self.objects.items()):
            if item.rsplit("/", 1)[0] == path:
                yield copy.deepcopy(body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Json:
        """A merge patch."""
        if path not in self.objects:
            raise NotFoundError(path, status=404)
        self.objects[path] = merged(self.objects[path], body)
        return self._written("PATCH", path)

    async def apply(self, path: str, body: Mapping[str, Any], *, manager: str) -> Json:
        """Server-side apply, as far as what others have set stays."""
        del manager
        there = self.objects.get(path) or {"metadata": {"uid": f"uid-{len(self.writes)}"}}
        self.objects[path] = merged(there, body)
        return self._written("APPLY", path)

    async def delete(self, path: str, *, uid: str, foreground: bool = False) -> None:
        """DELETE what has this UID; what has a finalizer stays until somebody takes that away."""
        del foreground
        found = self.objects.get(path, {"metadata": {"uid": None}})["metadata"]
        if found["uid"] != uid:
            return
        if found.get("finalizers"):
            found["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            self._written("DELETE", path)
        else:
            self.writes.append(("DELETE", path.split("/")[-2]))
            del self.objects[path]

    def of(self, plural: str) -> list[Json]:
        """The objects of a collection."""
        return [body for path, body in self.objects.items() if path.split("/")[-2] == plural]

    def _written(self, method: str, path: str) -> Json:
        self.writes.append((method, path.split("/")[-2]))
        if self.crash_after is not None:
            self.crash_after -= 1
            if self.crash_after == 0:
                self.crash_after = None
                raise CrashError
        return copy.deepcopy(self.objects[path])
