"""Sweeps endpoints by List: often while one is being changed, slowly at rest, so that what others change is seen."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sagebridge.core.endpoint.observed import FAILED, SETTLED
from sagebridge.core.errors import AwsError, NotAllowedError
from sagebridge.engine.endpoint_inputs import EndpointInputs
from sagebridge.engine.endpoint_memory import EndpointMemory
from sagebridge.engine.endpoint_reconciler import EndpointReconciler
from sagebridge.engine.engine import Engine
from sagebridge.engine.store import Memory, Store
from sagebridge.kinds import ENDPOINT
from sagebridge.metrics import Metrics
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.endpoints import SageMakerEndpoints, Summary

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointGroup:
    """Endpoints that one List shows: one identity, one region."""

    region: str
    identity: tuple[str | None, str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often to look, in seconds.

    Attributes:
        interval: while an endpoint is being changed.
        sweep_every: at rest.
    """

    interval: float
    sweep_every: float


class EndpointPoller:
    """Looks at all endpoints of an account and region at once."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        inputs: EndpointInputs,
        reconciler: EndpointReconciler,
        service: SageMakerEndpoints,
        metrics: Metrics,
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._store = store
        self._inputs = inputs
        self._reconciler = reconciler
        self._service = service
        self._metrics = metrics
        self._pace = pace
        self._clock = clock
        self._swept_at: dict[EndpointGroup, float] = {}

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            started = self._clock()
            await self.sweep_due()
            await asyncio.sleep(max(0.0, self._pace.interval - (self._clock() - started)))

    async def sweep_due(self) -> None:
        """One round: every group in which something is under way, or that was not looked at for long."""
        groups = self._groups()
        for gone in self._swept_at.keys() - groups.keys():
            del self._swept_at[gone]
        due = [group for group, handles in groups.items() if self._is_due(group, handles)]
        await asyncio.gather(*(self._sweep(group, groups[group]) for group in due))

    def _groups(self) -> Mapping[EndpointGroup, list[Handle]]:
        groups: defaultdict[EndpointGroup, list[Handle]] = defaultdict(list)
        for memory in self._store:
            handle = self._handle(memory)
            if handle is not None:
                identity = (handle.tenant.assume_role_arn, handle.tenant.external_id)
                groups[EndpointGroup(region=handle.region, identity=identity)].append(handle)
        return groups

    def _handle(self, memory: Memory) -> Handle | None:
        """How to look at an object's endpoint; None if there is nothing to look at yet."""
        if memory.kind != ENDPOINT.kind or memory.job.is_released:
            return None
        if self._reconciler.known(memory.job.uid) is None:
            return None
        try:
            return self._inputs.handle(memory.job)
        except NotAllowedError:
            return None

    def _is_due(self, group: EndpointGroup, handles: list[Handle]) -> bool:
        swept_at = self._swept_at.setdefault(group, self._clock())
        return self._clock() - swept_at >= self._pace.sweep_every or any(self._is_busy(handle) for handle in handles)

    def _is_busy(self, handle: Handle) -> bool:
        known = self._reconciler.known(handle.owner.uid)
        return known is not None and known.status not in ("", FAILED, *SETTLED)

    async def _sweep(self, group: EndpointGroup, handles: list[Handle]) -> None:
        try:
            found = await self._service.summaries(handles[0])
        except (AwsError, NotAllowedError) as error:
            logger.warning("Sweep of endpoints in %s failed: %s", group.region, error)
            return
        except Exception:
            logger.exception("Sweep of endpoints in %s: unexpected error", group.region)
            return
        self._swept_at[group] = self._clock()
        self._metrics.poller_last_success.labels(kind=ENDPOINT.kind, region=group.region).set_to_current_time()
        for handle in handles:
            known = self._reconciler.known(handle.owner.uid)
            if known is not None and _has_changed(known, found.get(handle.name)):
                known.forget_look()
                self._engine.look_again(handle.owner.uid)


def _has_changed(known: EndpointMemory, found: Summary | None) -> bool:
    """Whether a List tells something else than the last look; without one, a pass is to come anyway."""
    if known.observed is None:
        return False
    if found is None:
        return known.status != ""
    return (found.status, found.last_modified) != (known.status, known.last_modified)
