"""Sweeps endpoints by List: often while one is being changed, slowly at rest, so that what others change is seen."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sagebridge.core.clock import parse_time
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
from sagebridge.watch.rounds import Rounds

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointGroup:
    """Endpoints that one List shows: one identity, one region."""

    region: str
    identity: tuple[str | None, str | None]

    def __str__(self) -> str:
        return f"endpoints in {self.region}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often to look, in seconds.

    Attributes:
        interval: while an endpoint is being changed.
        sweep_every: at rest.
        stale_after: how long sweeps may fail until statuses say that they may be old.
    """

    interval: float
    sweep_every: float
    stale_after: float = 60.0


class EndpointPoller:
    """Looks at all endpoints of an account and region at once.

    Attributes:
        rounds: how its rounds go.
    """

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
        self.rounds = Rounds[EndpointGroup](interval=pace.interval, clock=clock)
        self._pace = pace
        self._clock = clock
        self._swept_at: dict[EndpointGroup, float] = {}
        self._failing_since: dict[EndpointGroup, float] = {}

    async def run(self) -> None:
        """Sweep until cancelled."""
        await self.rounds.run(self.sweep_due)

    async def sweep_due(self) -> None:
        """One round: every group in which something is under way, or that was not looked at for long."""
        groups = self._groups()
        self._forget_all_but(groups)
        due = [group for group, handles in groups.items() if self._is_due(group, handles)]
        await self.rounds.sweep(due, lambda group: self._sweep(group, groups[group]))
        if not groups or groups.keys() - self._failing_since.keys():
            self.rounds.succeeded()

    def _forget_all_but(self, groups: Mapping[EndpointGroup, list[Handle]]) -> None:
        regions = {group.region for group in groups}
        for gone in self._swept_at.keys() - groups.keys():
            del self._swept_at[gone]
            self._failing_since.pop(gone, None)
            if gone.region not in regions:
                with contextlib.suppress(KeyError):
                    self._metrics.poller_last_success.remove(ENDPOINT.kind, gone.region)

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
            logger.warning("Sweep of %s failed: %s", group, error)
            self._sweep_failed(group, handles, because=f"{error}." if isinstance(error, AwsError) else str(error))
            return
        except Exception:
            logger.exception("Sweep of %s: unexpected error", group)
            self._sweep_failed(group, handles, because="the operator met an unexpected error; see its log.")
            return
        self._swept_at[group] = self._clock()
        self._failing_since.pop(group, None)
        self._metrics.poller_last_success.labels(kind=ENDPOINT.kind, region=group.region).set_to_current_time()
        for handle in handles:
            self._compare(handle, found.get(handle.name))

    def _compare(self, handle: Handle, found: Summary | None) -> None:
        uid = handle.owner.uid
        known, memory = self._reconciler.known(uid), self._store.get(uid)
        if known is None or memory is None:
            return
        self._engine.observation_worked(uid)
        if _has_changed(known, found):
            if found is not None and found.last_modified != known.last_modified:
                memory.changed_at = parse_time(found.last_modified)
            known.forget_look()
            self._engine.look_again(uid)

    def _sweep_failed(self, group: EndpointGroup, handles: list[Handle], *, because: str) -> None:
        since = self._failing_since.setdefault(group, self._clock())
        if self._clock() - since < self._pace.stale_after:
            return
        for handle in handles:
            self._engine.observation_failed(handle.owner.uid, because)


def _has_changed(known: EndpointMemory, found: Summary | None) -> bool:
    """Whether a List tells something else than the last look; without one, a pass is to come anyway."""
    if known.observed is None:
        return False
    if found is None:
        return known.status != ""
    return (found.status, found.last_modified) != (known.status, known.last_modified)
