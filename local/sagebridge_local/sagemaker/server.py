"""One server process: the port, the clock's timer, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import uvicorn

from sagebridge_local.sagemaker.app import App
from sagebridge_local.sagemaker.clock import SystemClock
from sagebridge_local.sagemaker.endpoints.outbox import AwsOutbox
from sagebridge_local.sagemaker.events import MotoEvents
from sagebridge_local.sagemaker.history import History, seed
from sagebridge_local.sagemaker.objects import MotoObjects
from sagebridge_local.sagemaker.protocol import ClosableHttpProtocol
from sagebridge_local.sagemaker.service import LocalSageMaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sagebridge_local.sagemaker.clock import Clock, Scheduler
    from sagebridge_local.sagemaker.endpoints.hosting import Hosting
    from sagebridge_local.sagemaker.machine import Machine
    from sagebridge_local.sagemaker.runners.protocol import Runner
    from sagebridge_local.sagemaker.settings import ServerSettings

HOST: Final = "127.0.0.1"


@dataclass(slots=True)
class Alarm:
    """Runs what the scheduler has due, at the time it is due."""

    scheduler: Scheduler
    _handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Follow the scheduler from now on."""
        self.scheduler.on_change = self._set
        self._set()

    def _set(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        due = self.scheduler.next_due()
        if due is not None:
            wait = max(0.0, due - self.scheduler.clock.now())
            self._handle = asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        self.scheduler.run_due()
        self._set()


class Server(uvicorn.Server):
    """uvicorn's server, which says when it listens."""

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order on a signal; uvicorn's own way raises it again, before the runs could be ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self._on_ready()


async def serve(
    settings: ServerSettings,
    *,
    port: int = 0,
    port_file: Path | None = None,
    clock: Clock | None = None,
    on_ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve until the process is told to end (SIGINT or SIGTERM); then every run is ended.

    Args:
        settings: the server's settings.
        port: the loopback port, or 0 for any that is free.
        port_file: where to write the port once it listens.
        clock: the service's clock; the machine's by default.
        on_ready: told the port once it listens.
    """
    listener = socket.create_server((HOST, port), backlog=1024)
    listener.setblocking(False)
    bound = int(listener.getsockname()[1])
    clock = clock or SystemClock()
    runner = None if settings.lifecycle_only else _process_runner(settings, clock, bound)
    objects = None if settings.lifecycle_only else MotoObjects()
    service = LocalSageMaker(
        settings,
        clock=clock,
        runner=runner,
        events=MotoEvents(),
        objects=objects,
        hosting=None if settings.lifecycle_only else _process_hosting(settings, clock, bound),
        outbox=AwsOutbox(f"http://{HOST}:{bound}"),
    )
    if settings.seed_history:
        seed(service, History(count=settings.seed_history))
    config = uvicorn.Config(
        App(service, hosts=settings.hosts),
        http=ClosableHttpProtocol,
        loop="uvloop",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )

    def ready() -> None:
        _announce(bound, port_file)
        on_ready(bound)

    Alarm(service.scheduler).start()
    try:
        await Server(config, on_ready=ready).serve(sockets=[listener])
    finally:
        await service.close()


def _process_runner(settings: ServerSettings, clock: Clock, port: int) -> Runner:
    # Imported here: --lifecycle-only runs nothing, and starts in half the time without it.
    from sagebridge_local.sagemaker.runners.processes import ProcessRunner

    return ProcessRunner(_machine(settings, port, work_dir=settings.work_dir), clock=clock)


def _process_hosting(settings: ServerSettings, clock: Clock, port: int) -> Hosting:
    # Imported here for the same reason.
    from sagebridge_local.sagemaker.endpoints.processes import ProcessHosting

    return ProcessHosting(_machine(settings, port, work_dir=settings.work_dir / "endpoints"), clock=clock)


def _machine(settings: ServerSettings, port: int, *, work_dir: Path) -> Machine:
    from sagebridge_local.runtime.records import RuntimeSettings
    from sagebridge_local.sagemaker.machine import Machine

    return Machine(
        work_dir=work_dir,
        endpoint_url=f"http://{HOST}:{port}",
        images=settings.images,
        runtime=RuntimeSettings.from_environment(stop_grace_seconds=settings.stop_grace_seconds),
    )


def _announce(port: int, port_file: Path | None) -> None:
    if port_file is None:
        return
    # Renamed into place, so that a reader never sees half of it.
    partial = port_file.with_name(f"{port_file.name}.partial")
    partial.write_text(f"{port}\n")
    partial.rename(port_file)
