"""One running copy of a model: its containers, chained."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sagebridge_local.runtime.threads import in_thread
from sagebridge_local.serving import artifacts
from sagebridge_local.serving.container import RunningContainer, Workplace
from sagebridge_local.serving.multimodel import LoadedModels
from sagebridge_local.serving.pieces import Pieces
from sagebridge_local.serving.records import (
    TARGET_MODEL,
    Invocation,
    ModelNotLoadedError,
    ServingContainer,
    ServingError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

INVOKE_SECONDS: Final = 60.0
MAX_CONTAINERS: Final = 15
_INVOCATIONS: Final = "/invocations"


class ModelServer:
    """A copy of a model that answers; made by `start`."""

    def __init__(self, running: Sequence[RunningContainer], *, directory: Path) -> None:
        self._running = running
        self._directory = directory
        self._models = {each.name: LoadedModels(each) for each in running if each.container.is_multi_model}

    @classmethod
    async def start(cls, containers: Sequence[ServingContainer], place: Workplace) -> ModelServer:
        """Start every container, and wait until each answers /ping with 200.

        Args:
            containers: 1 to 15, in the order in which an invocation passes them.
            place: Where they run.

        Raises:
            ServingError: a model is not to be had, an image can't be run, or /ping does not answer. Nothing runs then.
        """
        if not 1 <= len(containers) <= MAX_CONTAINERS:
            raise ServingError(f"A model has 1 to {MAX_CONTAINERS} containers, not {len(containers)}")
        server = cls([RunningContainer(each, place=place) for each in containers], directory=place.work_dir)
        try:
            await server._start()
        except BaseException:
            await server.stop()
            raise
        return server

    async def invoke(
        self,
        body: bytes,
        *,
        content_type: str,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        target_model: str | None = None,
        container: str | None = None,
        timeout_seconds: float | None = INVOKE_SECONDS,
    ) -> Invocation:
        """Pass a request through the containers; the first that does not answer with 2xx ends it.

        Args:
            body: The request.
            content_type: Its type.
            accept: What the last container is asked for.
            headers: Further headers for every container, such as X-Amzn-SageMaker-Custom-Attributes.
            target_model: TargetModel, for multi-model containers.
            container: The only container to be invoked (InferenceExecutionConfig Direct).
            timeout_seconds: For each container.

        Returns:
            The last container's answer, or the one that failed; status 0 where one did not answer at all.

        Raises:
            ServingError: the target model is not to be had.
        """
        chain = self._chain(container)
        answer = Invocation(status=200, body=body, content_type=content_type)
        for position, each in enumerate(chain):
            wanted = accept if position == len(chain) - 1 else None
            sent = _headers(answer.content_type, wanted, headers, target_model)
            answer = await self._invoke_one(each, answer.body, sent, target_model, timeout_seconds)
            if not answer.succeeded:
                break
        return answer

    async def stream(
        self,
        body: bytes,
        *,
        content_type: str,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        container: str | None = None,
        timeout_seconds: float | None = INVOKE_SECONDS,
    ) -> tuple[Invocation, Pieces]:
        """As `invoke`, but the last container's body comes piece by piece, as it is sent; the caller closes it."""
        *first, last = self._chain(container)
        answer = Invocation(status=200, body=body, content_type=content_type)
        for each in first:
            sent = _headers(answer.content_type, None, headers, None)
            answer = await self._invoke_one(each, answer.body, sent, None, timeout_seconds)
            if not answer.succeeded:
                return answer, Pieces()
        sent = _headers(answer.content_type, accept, headers, None)
        return await last.client.stream(_INVOCATIONS, answer.body, headers=sent, timeout_seconds=timeout_seconds)

    async def ping(self) -> bool:
        """Whether every container answers /ping with 200 now."""
        return all(await asyncio.gather(*(each.ping() for each in self._running)))

    async def ask(self, path: str) -> tuple[int, str]:
        """GET a path of the first container, such as /execution-parameters: the status, and the body as text."""
        return await self._running[0].client.call("GET", path)

    def loaded_models(self) -> list[str]:
        """The target models that are in memory, least recently used first."""
        return [name for models in self._models.values() for name in models.names()]

    async def stop(self) -> None:
        """End every container's process, and what it started, and delete its files."""
        await asyncio.gather(*(each.stop() for each in self._running))
        await in_thread(artifacts.remove, self._directory)

    async def _start(self) -> None:
        starts = [asyncio.create_task(each.start()) for each in self._running]
        try:
            await asyncio.gather(*starts)
        finally:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)

    def _chain(self, container: str | None) -> Sequence[RunningContainer]:
        return [each for each in self._running if container in (None, each.name)]

    async def _invoke_one(
        self,
        running: RunningContainer,
        body: bytes,
        headers: Mapping[str, str],
        target_model: str | None,
        timeout_seconds: float | None,
    ) -> Invocation:
        models = self._models.get(running.name)
        if models is None:
            return await running.client.post(_INVOCATIONS, body, headers=headers, timeout_seconds=timeout_seconds)
        try:
            async with models.using(target_model or "") as path:
                return await running.client.post(path, body, headers=headers, timeout_seconds=timeout_seconds)
        except ModelNotLoadedError as error:
            text = f"Failed to load model {target_model}: {error.text}"
            return Invocation(
                status=error.status, body=text.encode(), content_type="text/plain", container=running.name
            )


def _headers(
    content_type: str, accept: str | None, more: Mapping[str, str] | None, target_model: str | None
) -> dict[str, str]:
    headers = {**(more or {}), "Content-Type": content_type}
    if accept:
        headers["Accept"] = accept
    if target_model:
        headers[TARGET_MODEL] = target_model
    return headers
