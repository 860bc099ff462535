"""The batch poller: statuses without a Describe per object. It asks, compares, and enqueues only what changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sagebridge.core.errors import AwsError, NotAllowedError
from sagebridge.core.observation import Observation
from sagebridge.engine.engine import Engine
from sagebridge.engine.inputs import InputResolver
from sagebridge.engine.store import Memory, Store
from sagebridge.kinds.kind import JobKind
from sagebridge.metrics import Metrics
from sagebridge.targets.protocol import Handle, Target

logger = logging.getLogger(__name__)

_MISSES_BEFORE_LOOKING = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A kind whose open jobs are looked at.

    Attributes:
        kind: its declaration.
        target: where its jobs run.
    """

    kind: JobKind
    target: Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Jobs that one sweep can look at together: one kind, one identity, one region."""

    kind: str
    region: str
    identity: tuple[str | None, str | None]


@dataclass(kw_only=True, slots=True)
class _Health:
    """How the sweeps of one group have been going, by the monotonic clock."""

    last_success: float
    misses: dict[str, int] = field(default_factory=dict)


class Poller:
    """Looks at all open attempts, every `interval` seconds."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        inputs: InputResolver,
        metrics: Metrics,
        interval: float,
        stale_after: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._store = store
        self._inputs = inputs
        self._metrics = metrics
        self._interval = interval
        self._stale_after = stale_after
        self._clock = clock
        self._watched: dict[str, Watched] = {}
        self._health: dict[Group, _Health] = {}
        self._last_round = clock()
        self._last_success = clock()

    def watch(self, watched: Watched) -> None:
        """Take a kind on."""
        self._watched[watched.kind.name] = watched

    @property
    def seconds_since_round(self) -> float:
        """How long ago a round of sweeps ended, well or badly; it grows when the loop hangs."""
        return self._clock() - self._last_round

    @property
    def seconds_since_success(self) -> float:
        """How long ago a round ended in which not every sweep had failed."""
        return self._clock() - self._last_success

    async def run(self) -> None:
        """Sweep until cancelled. The first round starts at once, so that a restart catches up."""
        while True:
            started = self._clock()
            await self.sweep_all()
            await asyncio.sleep(max(0.0, self._interval - (self._clock() - started)))

    async def sweep_all(self) -> None:
        """One round: every group once, side by side."""
        groups = self._groups()
        for gone in self._health.keys() - groups.keys():
            del self._health[gone]
        outcomes = await asyncio.gather(*(self._sweep(group, handles) for group, handles in groups.items()))
        self._last_round = self._clock()
        if not outcomes or any(outcomes):
            self._last_success = self._last_round

    def _groups(self) -> Mapping[Group, list[Handle]]:
        groups: defaultdict[Group, list[Handle]] = defaultdict(list)
        for memory in self._store:
            handle = self._open_handle(memory)
            if handle is not None:
                identity = (handle.tenant.assume_role_arn, handle.tenant.external_id)
                groups[Group(kind=memory.kind, region=handle.region, identity=identity)].append(handle)
        return groups

    def _open_handle(self, memory: Memory) -> Handle | None:
        attempt = memory.job.last_attempt
        if attempt is None or attempt.is_closed or memory.kind not in self._watched:
            return None
        if not attempt.arn and not _is_seen_open(memory):
            return None
        try:
            return self._inputs.handle(memory.job, self._watched[memory.kind].kind, attempt)
        except NotAllowedError as error:
            self._engine.observation_failed(memory.job.uid, str(error))
            return None

    async def _sweep(self, group: Group, handles: list[Handle]) -> bool:
        health = self._health.setdefault(group, _Health(last_success=self._clock()))
        target = self._watched[group.kind].target
        try:
            found = dict(await target.observe(handles))
            found |= await self._look_at_missing(target, [h for h in handles if h.owner.uid not in found], health)
        except AwsError as error:
            self._sweep_failed(group, handles, health, because=f"{error.operation}: {error.message} ({error.code}).")
            return False
        except Exception:
            logger.exception("Sweep of %s in %s: unexpected error", group.kind, group.region)
            self._sweep_failed(group, handles, health, because="the operator met an unexpected error; see its log.")
            return False
        health.last_success = self._clock()
        self._metrics.poller_last_success.labels(kind=group.kind, region=group.region).set_to_current_time()
        for handle in handles:
            if handle.owner.uid in found:
                self._engine.observed(handle.owner.uid, found[handle.owner.uid], attempt=handle.attempt)
        return True

    async def _look_at_missing(self, target: Target, missing: list[Handle], health: _Health) -> dict[str, Observation]:
        """Describe what List has not shown for a while; a job made a moment ago may come late."""
        misses = {handle.owner.uid: health.misses.get(handle.owner.uid, 0) + 1 for handle in missing}
        late = [handle for handle in missing if misses[handle.owner.uid] >= _MISSES_BEFORE_LOOKING]
        health.misses = misses
        return {handle.owner.uid: await target.describe(handle) for handle in late}

    def _sweep_failed(self, group: Group, handles: list[Handle], health: _Health, *, because: str) -> None:
        logger.warning("Sweep of %s in %s failed: %s", group.kind, group.region, because)
        if self._clock() - health.last_success < self._stale_after:
            return
        for handle in handles:
            self._engine.observation_failed(handle.owner.uid, because)


def _is_seen_open(memory: Memory) -> bool:
    """Whether the job was found under way though status does not know of it: its creation was interrupted."""
    return memory.observation is not None and not memory.observation.phase.is_terminal
