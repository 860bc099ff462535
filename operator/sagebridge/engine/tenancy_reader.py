"""Reads all tenant policies and namespaces: before the first reconcile, and again now and then.

Watches keep both up to date. But one that has to start anew, because the API server no longer knows where it was,
shows what is there and says nothing of what was deleted meanwhile: what a deleted policy allowed would stay allowed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sagebridge.engine.tenants import Tenants
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError
from sagebridge.kube.paths import NAMESPACES, TENANT_POLICIES

logger = logging.getLogger(__name__)

_TRIES = 5


class TenancyReader:
    """Keeps `Tenants` true to the API server."""

    def __init__(self, *, client: KubeClient, tenants: Tenants, changed: Callable[[], None], every: float) -> None:
        self._client = client
        self._tenants = tenants
        self._changed = changed
        self._every = every

    async def read(self) -> None:
        """Read everything once.

        Raises:
            sagebridge.kube.errors.KubeError: the API server does not answer, or not with that.
        """
        for _ in range(_TRIES):
            known = self._tenants.changes
            policies = [body async for body in self._client.list(TENANT_POLICIES.collection())]
            namespaces = [body async for body in self._client.list(NAMESPACES.collection())]
            # What a watch has told meanwhile may be newer than what was read.
            if self._tenants.changes != known:
                continue
            if self._tenants.replace(policies=policies, namespaces=namespaces):
                self._changed()
            return

    async def run(self) -> None:
        """Read again every so often, until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.read()
            except KubeError as error:
                logger.warning("Tenant policies could not be read again: %s", error)
