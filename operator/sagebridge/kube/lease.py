"""The Lease that makes a second replica harmless: held around the whole loop, asked before each AWS write."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError
from sagebridge.kube.paths import LEASES

logger = logging.getLogger(__name__)


_RETRY_SECONDS = 1.0
_RELEASE_SECONDS = 3.0


class LeadershipLostError(Exception):
    """Another replica may lead by now: this process has to end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseSettings:
    """Where the Lease is, and its times in seconds."""

    namespace: str
    name: str
    identity: str
    duration: float = 15.0
    renew_every: float = 5.0


class LeaderLease:
    """A Lease of coordination.k8s.io, as client-go's leader election uses it.

    The expiry of somebody else's Lease is timed by our own clock from when we last saw it change, never by comparing
    clocks of two machines. Source: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
    """

    def __init__(
        self, *, client: KubeClient, settings: LeaseSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._held_until = 0.0
        self._lease: dict[str, Any] | None = None
        self._seen: tuple[Any, float] | None = None

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have taken it yet."""
        return self._clock() < self._held_until

    async def acquire(self) -> None:
        """Wait until the Lease is ours."""
        while not await self._try():  # noqa: ASYNC110 - the API server is polled
            await asyncio.sleep(min(2.0, self._settings.renew_every))
        logger.info("Leading as %s", self._settings.identity)

    async def renew(self) -> None:
        """Keep the Lease until cancelled.

        Raises:
            LeadershipLostError: it could not be kept.
        """
        renewed = True
        while True:
            await asyncio.sleep(self._settings.renew_every if renewed else _RETRY_SECONDS)
            renewed = await self._try()
            if not self.is_held:
                raise LeadershipLostError(f"Lease {self._settings.namespace}/{self._settings.name} could not be kept")

    async def release(self) -> None:
        """Hand the Lease over at once."""
        if self._lease is None or not self.is_held:
            return
        self._held_until = 0.0
        spec = {**self._lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            # Nobody who ends waits for an API server that does not answer: the Lease expires by itself.
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._client.replace(self._path, {**self._lease, "spec": spec})
        except (KubeError, TimeoutError) as error:
            why = str(error) or "the API server takes too long"
            logger.info("The Lease could not be released and will expire: %s", why)

    async def _try(self) -> bool:
        started = self._clock()
        try:
            # A reply that hangs must leave time for another try before the Lease runs out.
            async with asyncio.timeout(self._settings.renew_every):
                self._lease = await self._write(await self._read())
        except ConflictError:
            self._lease = None
        except (KubeError, TimeoutError) as error:
            logger.warning("Lease: %s", str(error) or "the API server takes too long")
            return False
        if self._lease is None:
            return False
        self._held_until = started + self._settings.duration - 1.0
        return True

    async def _read(self) -> dict[str, Any] | None:
        try:
            return await self._client.get(self._path)
        except NotFoundError:
            return None

    async def _write(self, current: dict[str, Any] | None) -> dict[str, Any] | None:
        if current is None:
            body = {"metadata": {"name": self._settings.name}, "spec": self._spec(previous={})}
            return await self._client.create(LEASES.collection(self._settings.namespace), body)
        if not self._may_take(current):
            return None
        return await self._client.replace(
            self._path, {**current, "spec": self._spec(previous=current.get("spec") or {})}
        )

    def _may_take(self, current: dict[str, Any]) -> bool:
        spec = current.get("spec") or {}
        holder = spec.get("holderIdentity")
        if not holder or holder == self._settings.identity:
            return True
        version = current["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._clock())
            return False
        return self._clock() - self._seen[1] > float(spec.get("leaseDurationSeconds") or self._settings.duration)

    def _spec(self, *, previous: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        is_ours = previous.get("holderIdentity") == self._settings.identity
        transitions = int(previous.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self._settings.identity,
            "leaseDurationSeconds": int(self._settings.duration),
            "acquireTime": previous.get("acquireTime", now) if is_ours else now,
            "renewTime": now,
            "leaseTransitions": transitions if is_ours else transitions + 1,
        }

    @property
    def _path(self) -> str:
        return LEASES.item(namespace=self._settings.namespace, name=self._settings.name)
