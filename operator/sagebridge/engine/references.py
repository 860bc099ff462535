"""Who waits for whom: objects whose `modelRef` points at an object that is not Ready yet."""

from __future__ import annotations

from collections.abc import Set

Key = tuple[str, str, str]
"""Kind, namespace and name."""


class References:
    """Waiting objects by what they wait for. Each waits for one thing at most."""

    def __init__(self) -> None:
        self._awaited: dict[str, Key] = {}
        self._waiting: dict[Key, set[str]] = {}

    def __len__(self) -> int:
        return len(self._awaited)

    def wait(self, uid: str, key: Key) -> None:
        """Have the object with this UID wait for `key`, and for nothing else."""
        if self._awaited.get(uid) == key:
            return
        self.forget(uid)
        self._awaited[uid] = key
        self._waiting.setdefault(key, set()).add(uid)

    def forget(self, uid: str) -> None:
        """The object waits no longer."""
        key = self._awaited.pop(uid, None)
        if key is None:
            return
        self._waiting[key].discard(uid)
        if not self._waiting[key]:
            del self._waiting[key]

    def waiting_for(self, key: Key) -> Set[str]:
        """The UIDs that wait for `key`."""
        return frozenset(self._waiting.get(key, ()))
