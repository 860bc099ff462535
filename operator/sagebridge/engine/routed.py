"""Objects of one kind that are there in several places: each goes to the reconciler of its own."""

from __future__ import annotations

from collections.abc import Mapping

from sagebridge.core.job import Place
from sagebridge.engine.engine import Reconciler
from sagebridge.engine.store import Memory


class RoutedReconciler:
    """Implements `sagebridge.engine.engine.Reconciler` by one for each place."""

    def __init__(self, reconcilers: Mapping[Place, Reconciler]) -> None:
        self._reconcilers = reconcilers

    async def reconcile(self, memory: Memory) -> float | None:
        """See `Reconciler.reconcile`."""
        return await self._reconcilers[memory.job.place].reconcile(memory)
