"""The batch poller: statuses without a Describe per object. It asks, compares, and enqueues only what changed."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sagebridge.core.errors import AwsError, NotAllowedError
from sagebridge.core.job import Place
from sagebridge.core.observation import Observation
from sagebridge.engine.engine import Engine
from sagebridge.engine.inputs import InputResolver
from sagebridge.engine.store import Memory, Store
from sagebridge.kinds.kind import JobKind
from sagebridge.metrics import Metrics
from sagebridge.targets.protocol import Handle, Target
from sagebridge.watch.rounds import Rounds

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

    def __str__(self) -> str:
        return f"{self.kind} in {self.region}"


@dataclass(kw_only=True, slots=True)
class _Health:
    """How the sweeps of one group have been going, by the monotonic clock."""

    last_success: float
    misses: dict[str, int] = field(default_factory=dict)
    failing: dict[str, float] = field(default_factory=dict)
    """Since when a single job can't be looked at, by UID."""


class Poller:
    """Looks at all open attempts, every `interval` seconds.

    Attributes:
        rounds: how its rounds go.
    """

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
        self.rounds = Rounds[Group](interval=interval, clock=clock)
        self._stale_after = stale_after
        self._clock = clock
        self._watched: dict[str, Watched] = {}
        self._health: dict[Group, _Health] = {}

    def watch(self, watched: Watched) -> None:
        """Take a kind on."""
        self._watched[watched.kind.name] = watched

    async def run(self) -> None:
        """Sweep until cancelled."""
        await self.rounds.run(self.sweep_all)

    async def sweep_all(self) -> None:
        """One round: every group once."""
        groups = self._groups()
        self._forget_all_but(groups)
        await self.rounds.sweep(groups, lambda group: self._sweep(group, groups[group]))
        if not groups:
            self.rounds.succeeded()

    def _forget_all_but(self, groups: Mapping[Group, list[Handle]]) -> None:
        shown = {(group.kind, group.region) for group in groups}
        for gone in self._health.keys() - groups.keys():
            del self._health[gone]
            if (gone.kind, gone.region) not in shown:
                with contextlib.suppress(KeyError):
                    self._metrics.poller_last_success.remove(gone.kind, gone.region)

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
        if attempt is None or attempt.is_closed or memory.job.is_released or memory.kind not in self._watched:
            return None
        if not attempt.arn and not memory.is_seen_open:
            return None
        if memory.job.place is not Place.SAGEMAKER:
            return None
        try:
            return self._inputs.handle(memory.job, self._watched[memory.kind].kind, attempt)
        except NotAllowedError as error:
            self._engine.observation_failed(memory.job.uid, str(error))
            return None

    async def _sweep(self, group: Group, handles: list[Handle]) -> None:
        health = self._health.setdefault(group, _Health(last_success=self._clock()))
        target = self._watched[group.kind].target
        known = {handle.owner.uid: self._known(handle) for handle in handles}
        try:
            found = dict(await target.observe(handles))
            found |= await self._look_at_missing(target, [h for h in handles if h.owner.uid not in found], health)
        except (AwsError, NotAllowedError) as error:
            self._sweep_failed(group, handles, health, because=_because(error))
            return
        except Exception:
            logger.exception("Sweep of %s: unexpected error", group)
            self._sweep_failed(group, handles, health, because="the operator met an unexpected error; see its log.")
            return
        self.rounds.succeeded()
        health.last_success = self._clock()
        self._metrics.poller_last_success.labels(kind=group.kind, region=group.region).set_to_current_time()
        for handle in handles:
            uid = handle.owner.uid
            if uid in found:
                self._engine.observed(uid, found[uid], attempt=handle.attempt, after=known[uid])

    def _known(self, handle: Handle) -> Observation | None:
        memory = self._store.get(handle.owner.uid)
        return memory.observation if memory else None

    async def _look_at_missing(self, target: Target, missing: list[Handle], health: _Health) -> dict[str, Observation]:
        """Describe what List has not shown for a while; a job made a moment ago may come late."""
        misses = {handle.owner.uid: health.misses.get(handle.owner.uid, 0) + 1 for handle in missing}
        late = [handle for handle in missing if misses[handle.owner.uid] >= _MISSES_BEFORE_LOOKING]
        health.misses = misses
        found, failing = {}, {}
        for handle in late:
            uid = handle.owner.uid
            try:
                found[uid] = await target.describe(handle)
            except (AwsError, NotAllowedError) as error:
                # One job that can't be read must not keep the others' states from being seen.
                failing[uid] = health.failing.get(uid, self._clock())
                self._look_failed(handle, error, since=failing[uid])
        health.failing = failing
        return found

    def _look_failed(self, handle: Handle, error: AwsError | NotAllowedError, *, since: float) -> None:
        logger.warning("%s of %s can't be looked at: %s", handle.name, handle.owner.namespace, _because(error))
        if self._clock() - since >= self._stale_after:
            self._engine.observation_failed(handle.owner.uid, _because(error))

    def _sweep_failed(self, group: Group, handles: list[Handle], health: _Health, *, because: str) -> None:
        logger.warning("Sweep of %s failed: %s", group, because)
        if self._clock() - health.last_success < self._stale_after:
            return
        for handle in handles:
            self._engine.observation_failed(handle.owner.uid, because)


def _because(error: AwsError | NotAllowedError) -> str:
    return f"{error.operation}: {error.message} ({error.code})." if isinstance(error, AwsError) else str(error)
