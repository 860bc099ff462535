"""What is left behind when an object is let go, and whom that is told."""

from __future__ import annotations

import logging

from sagebridge.core.reasons import Reason
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory
from sagebridge.metrics import Metrics

logger = logging.getLogger(__name__)


class Orphans:
    """Tells of them before their object goes: each once, however often the API server refuses to let it go."""

    def __init__(self, *, kind: str, status: StatusWriter, metrics: Metrics) -> None:
        self._kind = kind
        self._status = status
        self._metrics = metrics

    def report(self, memory: Memory, message: str) -> None:
        """Tell what is left behind of an object; it is counted with the first."""
        if message in memory.left_behind:
            return
        if not memory.left_behind:
            self._metrics.orphaned.labels(kind=self._kind).inc()
        memory.left_behind.add(message)
        job = memory.job
        logger.error("%s/%s: %s", job.namespace, job.name, message)
        self._status.emit_on_namespace(job.namespace, reason=Reason.ORPHANED, message=message)
