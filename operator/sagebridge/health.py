"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sagebridge.core import conditions
from sagebridge.engine.store import Memory, Store
from sagebridge.kube.lease import LeaderLease
from sagebridge.metrics import Metrics
from sagebridge.settings import Settings
from sagebridge.watch.rounds import Rounds

_HUNG_AFTER_STALE = 10
"""A round that has not ended for this many times `stale_after_seconds` is taken for a hang."""


class HealthServer:
    """Answers probes and scrapes."""

    def __init__(
        self, *, settings: Settings, lease: LeaderLease, rounds: Sequence[Rounds[Any]], store: Store, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._lease = lease
        self._rounds = tuple(rounds)
        self._store = store
        self._metrics = metrics

    async def run(self) -> None:
        """Serve until cancelled."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics_page),
            ]
        )
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._settings.health_host, self._settings.health_port).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        """Alive: the pollers' loops go round. AWS being away is no reason to restart."""
        stuck_for = max(rounds.seconds_since_last for rounds in self._rounds)
        if self._lease.is_held and stuck_for > _HUNG_AFTER_STALE * self._settings.stale_after_seconds:
            return web.Response(status=503, text=f"a poller has not ended a round for {stuck_for:.0f} s\n")
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        """Ready: statuses are fresh, or this replica stands by."""
        if not self._lease.is_held:
            return web.Response(text="standing by: another replica holds the Lease\n")
        stale_for = max(rounds.seconds_since_success for rounds in self._rounds)
        if stale_for > self._settings.stale_after_seconds + self._settings.poll_interval_seconds:
            return web.Response(status=503, text=f"no sweep has succeeded for {stale_for:.0f} s\n")
        return web.Response(text="ok\n")

    async def _metrics_page(self, _: web.Request) -> web.Response:
        self._count_objects()
        self._metrics.leader.set(1 if self._lease.is_held else 0)
        page = generate_latest(self._metrics.registry)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _count_objects(self) -> None:
        counts = Counter((memory.kind, _state(memory)) for memory in self._store)
        self._metrics.objects.clear()
        for (kind, state), count in counts.items():
            self._metrics.objects.labels(kind=kind, state=state).set(count)


def _state(memory: Memory) -> str:
    """The strongest word that an object's conditions have for its state."""
    order = (
        conditions.COMPLETE,
        conditions.FAILED,
        conditions.STALLED,
        conditions.SUSPENDED,
        conditions.RECONCILING,
        conditions.READY,
    )
    held = memory.job.conditions
    return next((kind for kind in order if conditions.is_true(held, kind)), "Unknown")
