"""Many models in one container: loaded at their first invocation, the least recently used unloaded when room is short.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, OrderedDict, defaultdict
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import aiohttp
from sagebridge.runtime.s3 import S3Location

from sagebridge_local.serving import artifacts
from sagebridge_local.serving.records import (
    TARGET_MODEL,
    UNREACHABLE,
    ModelData,
    ModelNotFoundError,
    ModelNotLoadedError,
    ServingError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sagebridge_local.serving.container import RunningContainer

NO_ROOM: Final = 507
LOADED: Final = frozenset({200, 409})
NOT_LOADED: Final = 404


class LoadedModels:
    """The models that a container has in memory."""

    def __init__(self, container: RunningContainer) -> None:
        self._container = container
        self._recent: OrderedDict[str, str] = OrderedDict()
        self._in_use: Counter[str] = Counter()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._room = asyncio.Lock()

    def names(self) -> list[str]:
        """The loaded target models, least recently used first."""
        return list(self._recent)

    @asynccontextmanager
    async def using(self, target: str) -> AsyncIterator[str]:
        """The path that invokes a target model; it is loaded first, and stays while in use.

        Raises:
            ModelNotFoundError: there is no such object below the container's prefix.
            ModelNotLoadedError: the container does not load it.
        """
        # Before its lock is awaited: what is wanted is not unloaded.
        self._in_use[target] += 1
        try:
            async with self._locks[target]:
                name = await self._loaded(target)
            yield f"/models/{name}/invoke"
        finally:
            self._in_use[target] -= 1
            if not self._container.container.caches_models:
                async with self._locks[target]:
                    with suppress(ModelNotLoadedError):  # which is nothing to who has an answer
                        await self._unload(target)

    async def _loaded(self, target: str) -> str:
        """Bring and load a model, unless it is there. Its lock is held: others are loaded meanwhile."""
        name = _model_name(target)
        if target not in self._recent or not await self._still_there(target, name):
            directory = self._container.tree.models / name / "model"
            if not directory.exists():
                await self._container.in_thread(self._bring, target, name)
            await self._load(target, name)
        self._recent[target] = name
        self._recent.move_to_end(target)
        return name

    def _bring(self, target: str, name: str) -> None:
        data = self._container.container.model_data
        if data is None:
            raise ServingError("A multi-model container needs ModelDataUrl: the prefix of its models")
        location = S3Location.parse(data.uri.rstrip("/") + "/" + target.lstrip("/"))
        directory = self._container.tree.models / name / "model"
        try:
            artifacts.bring(
                ModelData(uri=location.uri), directory, storage=self._container.storage, container=self._container.name
            )
        except ServingError as error:
            artifacts.remove(directory.parent)
            raise ModelNotFoundError(
                f"Failed to download model data(bucket: {location.bucket}, key: {location.key}). Please ensure that "
                "there is an object located at the URL and that the role passed to CreateModel has permissions to "
                "download the object."
            ) from error

    async def _load(self, target: str, name: str) -> None:
        directory = self._container.tree.models / name
        content = {"model_name": name, "url": self._container.model_url(directory / "model")}
        while True:
            status, text = await self._call("POST", "/models", content, target=target)
            if status in LOADED:
                return
            if status != NO_ROOM or not await self._make_room():
                # What lies in S3 may be another model by the next invocation.
                await self._container.in_thread(artifacts.remove, directory)
                raise ModelNotLoadedError(status, text)

    async def _make_room(self) -> bool:
        """Unload the least recently used model that nobody uses now."""
        async with self._room:
            oldest = next((target for target in self._recent if not self._in_use[target]), None)
            if oldest is None:
                return False
            # Nobody holds it, since nobody uses the model; who wants the model now waits until it is unloaded.
            async with self._locks[oldest]:
                await self._unload(oldest)
            return True

    async def _unload(self, target: str) -> None:
        name = self._recent.get(target)
        if name is None or self._in_use[target]:
            return
        del self._recent[target]
        await self._call("DELETE", f"/models/{name}", None, target=target)

    async def _still_there(self, target: str, name: str) -> bool:
        status, _ = await self._call("GET", f"/models/{name}", None, target=target)
        return status != NOT_LOADED

    async def _call(self, method: str, path: str, content: object, *, target: str) -> tuple[int, str]:
        try:
            return await self._container.client.call(method, path, content, headers={TARGET_MODEL: target})
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ModelNotLoadedError(UNREACHABLE, f"the container did not answer: {error}") from error


def _model_name(target: str) -> str:
    """The opaque identifier of a target model."""
    return hashlib.sha256(target.encode()).hexdigest()[:32]
