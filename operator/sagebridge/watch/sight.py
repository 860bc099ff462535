"""What can be seen of each namespace: by the reflectors that follow it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sagebridge.kube.reflector import Reflector


class Sight:
    """Of each namespace, whether all that is there was seen, and what keeps it from being seen now.

    An operator of some namespaces follows each by itself: one that may not be listed says nothing of the others.
    """

    def __init__(self, followed: Iterable[tuple[str | None, Reflector]], *, stale_after: float) -> None:
        """Of reflectors by their namespace, None for all there are; one may be blind for `stale_after` seconds."""
        self._by_namespace: dict[str | None, list[Reflector]] = {}
        for namespace, reflector in followed:
            self._by_namespace.setdefault(namespace, []).append(reflector)
        self._stale_after = stale_after

    @property
    def reflectors(self) -> list[Reflector]:
        """All of them."""
        return [reflector for found in self._by_namespace.values() for reflector in found]

    def is_synced(self, namespace: str) -> bool:
        """Whether all that is there has been seen once."""
        return all(reflector.is_synced for reflector in self._of(namespace))

    def trouble(self, namespace: str) -> str:
        """Why what is known may be old: what the one has failed with that is blind for longest; empty in time."""
        blindest = max(self._of(namespace), key=lambda reflector: reflector.seconds_blind, default=None)
        if blindest is None or blindest.seconds_blind < self._stale_after:
            return ""
        return blindest.trouble

    def _of(self, namespace: str) -> Sequence[Reflector]:
        return self._by_namespace.get(namespace) or self._by_namespace.get(None) or ()
