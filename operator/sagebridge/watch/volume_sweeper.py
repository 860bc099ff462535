"""Takes away the PersistentVolumes of attempts that are gone: no namespaced object can own them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from sagebridge.core.cluster.fast_file import LABEL_VOLUME, is_used_up
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError
from sagebridge.kube.paths import PERSISTENT_VOLUMES
from sagebridge.kube.reflector import Reflector, Selection

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 10.0

Body = Mapping[str, Any]


class VolumeSweeper:
    """Follows PersistentVolumes with our label, in one list and watch, and deletes those of ours whose claims are gone.

    Kubernetes itself tells which: each is reserved for one claim by its UID, and Released once that claim is not there,
    whatever it was that died. What was Released while no operator ran is in the list at its next start.
    No namespace has a PersistentVolume, so an operator of some namespaces sees those of other operators too: their
    claims' namespaces tell them apart.
    """

    def __init__(
        self,
        *,
        client: KubeClient,
        before_write: Callable[[], None],
        namespaces: Collection[str] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Of `namespaces` only; of all, if there are none."""
        self._client = client
        self._before_write = before_write
        self._namespaces = frozenset(namespaces)
        self._sleep = sleep
        self._used_up: dict[str, str] = {}
        self._has_some = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        path = PERSISTENT_VOLUMES.collection()
        reflector = Reflector(
            client=self._client,
            path=path,
            selection=Selection(labels=LABEL_VOLUME),
            put=self.put,
            remove=self.remove,
            keep=self.essence,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(reflector.run())
            group.create_task(self._sweep())

    def put(self, body: Body) -> None:
        """One is there, or has changed."""
        if body["isUsedUp"]:
            self._used_up[body["metadata"]["uid"]] = body["metadata"]["name"]
            self._has_some.set()
        else:
            # Whoever runs the cluster has given it to another claim.
            self.remove(body)

    def remove(self, body: Body) -> None:
        """One is gone."""
        self._used_up.pop(body["metadata"]["uid"], None)

    def essence(self, body: Body) -> Body:
        """What is kept in memory of each."""
        metadata = {key: body["metadata"][key] for key in ("uid", "name", "resourceVersion")}
        return {"metadata": metadata, "isUsedUp": self._is_served(body) and is_used_up(body)}

    def _is_served(self, body: Body) -> bool:
        claim = (body.get("spec") or {}).get("claimRef") or {}
        return not self._namespaces or claim.get("namespace") in self._namespaces

    async def _sweep(self) -> None:
        while True:
            await self._has_some.wait()
            self._has_some.clear()
            for uid, name in list(self._used_up.items()):
                if uid in self._used_up:
                    await self._delete(uid, name)
            if self._used_up:
                self._has_some.set()
                await self._sleep(_PAUSE_SECONDS)

    async def _delete(self, uid: str, name: str) -> None:
        self._before_write()
        try:
            await self._client.delete(PERSISTENT_VOLUMES.item(namespace=None, name=name), uid=uid)
        except KubeError as error:
            logger.warning("The PersistentVolume %s can't be deleted; trying again: %s", name, error)
        else:
            self._used_up.pop(uid, None)
