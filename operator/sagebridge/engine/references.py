"""Who waits for whom: objects whose spec refers to objects that have not ended yet."""

from __future__ import annotations

from collections.abc import Set

Key = tuple[str, str, str]
"""Kind, namespace and name."""


class References:
    """Waiting objects by what they wait for."""

    def __init__(self) -> None:
        self._awaited: dict[str, frozenset[Key]] = {}
        self._waiting: dict[Key, set[str]] = {}

    def __len__(self) -> int:
        return len(self._awaited)

    def wait(self, uid: str, *keys: Key) -> None:
        """Have the object with this UID wait for `keys`, and for nothing else."""
        if self._awaited.get(uid) == frozenset(keys):
            return
        self.forget(uid)
        self._awaited[uid] = frozenset(keys)
        for key in keys:
            self._waiting.setdefault(key, set()).add(uid)

    def forget(self, uid: str) -> None:
        """The object waits no longer."""
        for key in self._awaited.pop(uid, frozenset()):
            self._waiting[key].discard(uid)
            if not self._waiting[key]:
                del self._waiting[key]

    def waiting_for(self, key: Key) -> Set[str]:
        """The UIDs that wait for `key`."""
        return frozenset(self._waiting.get(key, ()))
