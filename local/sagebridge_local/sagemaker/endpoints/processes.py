"""Fleets that really answer: a running copy of the model for each variant."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Final

from sagebridge_local.sagemaker.endpoints.outbox import connection_to
from sagebridge_local.serving import Invocation, ModelServer, ServingError, Workplace, containers_of
from sagebridge_local.serving.container import STARTUP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagebridge_local.sagemaker.clock import Clock
    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint, Fleet, Variant
    from sagebridge_local.sagemaker.endpoints.hosting import Listener, Request
    from sagebridge_local.sagemaker.machine import Machine
    from sagebridge_local.serving.pieces import Pieces

LOG_GROUP: Final = "/aws/sagemaker/Endpoints"
SCALE_SECONDS: Final = 1.0
DELETE_SECONDS: Final = 1.0
DRAIN_SECONDS: Final = 60.0
_log: Final = logging.getLogger(__name__)


class ProcessHosting:
    """Starts a copy of each variant's model; one copy stands for all instances of its variant.

    Args:
        machine: where they run.
        clock: the service's clock.
        drain_seconds: how long a fleet that was stopped goes on answering what is under way.
    """

    def __init__(self, machine: Machine, *, clock: Clock, drain_seconds: float = DRAIN_SECONDS) -> None:
        self._machine = machine
        self._drain_seconds = drain_seconds
        self._clock = clock
        self._fleets: set[ProcessFleet] = set()

    def launch(self, endpoint: Endpoint, fleet: Fleet, *, listener: Listener, at: float) -> ProcessFleet:
        """Begin to start the copies."""
        del at
        hosted = ProcessFleet(
            self._machine, endpoint, fleet, on_gone=self._fleets.discard, drain_seconds=self._drain_seconds
        )
        self._fleets.add(hosted)
        hosted.start(listener, self._clock)
        return hosted

    def scale_seconds(self, endpoint: Endpoint) -> float:
        """A moment: nothing has to be started."""
        del endpoint
        return SCALE_SECONDS

    def delete_seconds(self, endpoint: Endpoint) -> float:
        """A moment."""
        del endpoint
        return DELETE_SECONDS

    def rollback_fails(self, endpoint: Endpoint) -> bool:
        """Never: the old fleet has not been touched."""
        del endpoint
        return False

    async def close(self) -> None:
        """End all processes, and wait until they are gone."""
        for fleet in list(self._fleets):
            fleet.abort()
        await asyncio.gather(*(fleet.gone() for fleet in list(self._fleets)), return_exceptions=True)


class ProcessFleet:
    """The running copies of one fleet."""

    def __init__(
        self,
        machine: Machine,
        endpoint: Endpoint,
        fleet: Fleet,
        *,
        on_gone: Callable[[ProcessFleet], None],
        drain_seconds: float = DRAIN_SECONDS,
    ) -> None:
        self._machine = machine
        self._endpoint = endpoint
        self._fleet = fleet
        self._on_gone = on_gone
        self._drain_seconds = drain_seconds
        self._servers: dict[str, ModelServer] = {}
        self._starting: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def start(self, listener: Listener, clock: Clock) -> None:
        """Start every copy, and report."""
        self._starting = asyncio.get_running_loop().create_task(self._start(listener, clock))

    async def invoke(self, variant: Variant, request: Request) -> Invocation:
        """Pass an invocation to a variant's copy.

        Raises:
            ServingError: its target model can't be loaded.
        """
        self._enter()
        try:
            return await self._servers[variant.name].invoke(
                request.body,
                content_type=request.content_type,
                accept=request.accept,
                headers=request.headers,
                target_model=request.target_model,
                container=request.container,
                timeout_seconds=request.timeout_seconds,
            )
        finally:
            self._leave()

    async def stream(self, variant: Variant, request: Request) -> tuple[Invocation, Pieces]:
        """As `invoke`, with the body piece by piece; the copy stays until it is closed."""
        self._enter()
        try:
            answer, pieces = await self._servers[variant.name].stream(
                request.body,
                content_type=request.content_type,
                accept=request.accept,
                headers=request.headers,
                container=request.container,
                timeout_seconds=request.timeout_seconds,
            )
        except BaseException:
            self._leave()
            raise
        pieces.on_close(self._leave)
        return answer, pieces

    def stop(self) -> None:
        """End the copies once they have answered what is under way."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())

    def abort(self) -> None:
        """End the copies at once."""
        self._idle.set()
        self._in_flight = 0
        self.stop()

    async def gone(self) -> None:
        """Wait until they are gone."""
        if self._ending is not None:
            await self._ending

    async def _start(self, listener: Listener, clock: Clock) -> None:
        variants = [variant for variant in self._fleet.everything if variant.model is not None]
        try:
            for variant in variants:
                self._servers[variant.name] = await self._serve(variant)
        except ServingError as error:
            listener.failed(error.reason, clock.now())
        except Exception as error:  # noqa: BLE001  whatever it was, the endpoint must not stay Creating for ever
            _log.exception("an endpoint failed in the local runtime")
            listener.failed(f"InternalServerError: the local runtime failed: {error}", clock.now())
        else:
            listener.ready(clock.now())

    async def _serve(self, variant: Variant) -> ModelServer:
        model, endpoint = variant.model, self._endpoint
        assert model is not None  # the caller looked
        instance = f"i-{uuid.uuid4().hex[:17]}"
        connection = await asyncio.to_thread(
            connection_to,
            endpoint.account,
            region=endpoint.region,
            endpoint_url=self._machine.endpoint_url,
            role=model.get("ExecutionRoleArn"),
        )
        place = Workplace(
            work_dir=self._machine.work_dir / endpoint.account / endpoint.region / endpoint.name / instance,
            connection=connection,
            log_group=f"{LOG_GROUP}/{endpoint.name}",
            log_stream=f"{variant.name}/{instance}",
            images=self._machine.images,
            settings=self._machine.runtime,
            isolated=bool(model.get("EnableNetworkIsolation")),
            startup_seconds=variant.config.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_SECONDS),
            subject=f"production variant {variant.name}",
        )
        return await ModelServer.start(containers_of(model), place)

    async def _end(self) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        try:
            async with asyncio.timeout(self._drain_seconds):
                await self._idle.wait()
        except TimeoutError:
            _log.warning(
                "%s: a replaced fleet still had invocations after %s s", self._endpoint.name, self._drain_seconds
            )
        await asyncio.gather(*(server.stop() for server in self._servers.values()), return_exceptions=True)
        self._on_gone(self)

    def _enter(self) -> None:
        self._in_flight += 1
        self._idle.clear()

    def _leave(self) -> None:
        self._in_flight = max(0, self._in_flight - 1)
        if not self._in_flight:
            self._idle.set()
