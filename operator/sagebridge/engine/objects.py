"""What is changed about an object apart from its status: the finalizer, and its end."""

from __future__ import annotations

from sagebridge.core.job import FINALIZER
from sagebridge.engine.store import Memory, Store
from sagebridge.kube.client import KubeClient
from sagebridge.kube.paths import Resource
from sagebridge.slots import Urgency


class Objects:
    """Protects, releases and deletes the objects of one collection."""

    def __init__(self, *, client: KubeClient, store: Store, resource: Resource) -> None:
        self._client = client
        self._store = store
        self._resource = resource

    async def protect(self, memory: Memory) -> None:
        """Put our finalizer on the object."""
        await self._set_finalizers(memory, [*memory.job.finalizers, FINALIZER])

    async def release(self, memory: Memory) -> None:
        """Take our finalizer off the object."""
        await self._set_finalizers(memory, [name for name in memory.job.finalizers if name != FINALIZER])

    async def delete(self, memory: Memory) -> None:
        """Delete the object; its finalizer still holds it until what it made is dealt with."""
        await self._client.delete(self._path(memory), uid=memory.job.uid, urgency=Urgency.WORK)

    async def _set_finalizers(self, memory: Memory, finalizers: list[str]) -> None:
        version = memory.job.metadata["resourceVersion"]
        metadata = {"resourceVersion": version, "uid": memory.job.uid, "finalizers": finalizers}
        body = await self._client.patch(self._path(memory), {"metadata": metadata}, urgency=Urgency.WORK)
        self._store.put_written(memory.kind, body)

    def _path(self, memory: Memory) -> str:
        return self._resource.item(namespace=memory.job.namespace, name=memory.job.name)
