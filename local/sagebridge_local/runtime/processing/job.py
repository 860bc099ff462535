"""One processing job on this machine, from its inputs to its outputs."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sagebridge.core.container.processing import exit_message, hosts
from sagebridge.runtime import processing
from sagebridge.runtime.cancellation import CancelToken
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.metrics import MetricScanner
from sagebridge.runtime.s3 import Connection, Storage

from sagebridge_local.runtime import docker, machine
from sagebridge_local.runtime.crew import Crew
from sagebridge_local.runtime.host import base_python
from sagebridge_local.runtime.hostlog import HostLog
from sagebridge_local.runtime.images import CommandImage, DockerImage, Meaning, UnknownImage
from sagebridge_local.runtime.logs import LogStream, logs_client, stream_name
from sagebridge_local.runtime.packages import Installer
from sagebridge_local.runtime.processing import data, view
from sagebridge_local.runtime.processing.host import ProcessingHost, docker_launch, local_launch
from sagebridge_local.runtime.processing.images import meaning
from sagebridge_local.runtime.records import Outcome, OutcomeStatus, Progress
from sagebridge_local.runtime.stopping import RunStoppedError
from sagebridge_local.runtime.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from sagebridge.runtime.processing import Output

    from sagebridge_local.runtime.host import Launch
    from sagebridge_local.runtime.pipe import PipeFeeder
    from sagebridge_local.runtime.records import ProcessingRun, Report
    from sagebridge_local.runtime.stopping import StopSignal

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


class Stage(StrEnum):
    """What a run does, in order. A processing job has no SecondaryStatus: nobody outside sees them."""

    DOWNLOADING = "Downloading"
    PROCESSING = "Processing"
    UPLOADING = "Uploading"


class ProcessingJob:
    """A run, with all that must be let go in its end."""

    def __init__(self, run: ProcessingRun, *, report: Report, signal: StopSignal) -> None:
        self._run = run
        self._report = report
        self._signal = signal
        self._token = CancelToken()
        self._connection = Connection.of(endpoint_url=run.endpoint_url, region=run.region, credentials=run.credentials)
        self._storage = Storage(self._connection, token=self._token)
        self._hosts = [ProcessingHost(name=name, root=run.work_dir / name) for name in hosts(run.request)]
        self._logs = {host.name: self._log(host) for host in self._hosts}
        self._crew = Crew(self._logs)
        self._outputs = [
            output
            for host in self._hosts
            for output in processing.outputs(run.request, layout=host.layout, storage=self._storage)
        ]
        self._feeders: list[PipeFeeder] = []
        self._loop = asyncio.get_running_loop()
        self._data_error: asyncio.Future[RunFailedError] = self._loop.create_future()
        self._started_at: datetime | None = None
        self._message = ""

    @property
    def _continuous(self) -> list[Output]:
        return [output for output in self._outputs if output.is_continuous]

    @property
    def _isolated(self) -> bool:
        return bool(self._run.request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False))

    async def execute(self) -> Outcome:
        """Run the job to its end."""
        failures: list[RunFailedError | None] = []
        try:
            failures.append(await _failure(self._process()))
            await self._close_logs()
            failures.append(await _failure(self._read_message()))
            whole = not any(failures) and self._signal.reason is None
            failures.append(await _failure(self._upload(whole=whole)))
        finally:
            await self._let_go()
        return self._outcome(next(filter(None, failures), None))

    async def _process(self) -> None:
        """Everything up to the end of the containers.

        Raises:
            RunFailedError: the job fails.
            RunStoppedError: it was stopped.
        """
        self._started_at = datetime.now(UTC)
        try:
            self._enter(Stage.DOWNLOADING)
            launches = await self._signal.race(self._prepare())
            self._enter(Stage.PROCESSING)
            for host in self._hosts:
                await self._crew.start(host, launches[host.name])
            await self._watch()
        finally:
            await self._crew.kill()

    async def _prepare(self) -> dict[str, Launch]:
        found = await self._meaning()
        if isinstance(found, UnknownImage):
            raise RunFailedError.client(found.reason)
        for index, host in enumerate(self._hosts):
            await in_thread(host.prepare, self._run)
            share = (index, len(self._hosts))
            self._feeders += await in_thread(
                data.bring, self._run, host, share=share, storage=self._storage, on_error=self._on_data_error
            )
        for output in self._outputs:
            await in_thread(output.directory.mkdir, parents=True, exist_ok=True)
        for log in self._logs.values():
            await log.open()
        return {host.name: await self._launch(host, found) for host in self._hosts}

    async def _meaning(self) -> Meaning:
        here = await in_thread(view.way) is not None
        found = meaning(self._run.request, mapping=self._run.images, docker=False, here=here)
        if isinstance(found, UnknownImage) and self._run.settings.use_docker:
            answers = await in_thread(docker.daemon_answers)
            found = meaning(self._run.request, mapping=self._run.images, docker=answers, here=here)
        return found

    async def _launch(self, host: ProcessingHost, found: Meaning) -> Launch:
        aws = {} if self._isolated else self._connection.variables()
        inside = {**aws, **self._run.request.get("Environment", {})}
        try:
            python = base_python(self._run.settings)
        except FileNotFoundError as error:
            raise RunFailedError.client(f"Local mode: {error}") from error
        if isinstance(found, DockerImage):
            return await self._docker(host, found, python=python, inside=inside)
        assert isinstance(found, CommandImage)  # there is no other that runs
        own = await self._own_python(host, python)
        base = machine.base_environment(interpreter=own, scratch=host.scratch)
        environment = {**machine.installer_environment(base), "PIP_DISABLE_PIP_VERSION_CHECK": "1", **inside}
        return await in_thread(local_launch, host, found.command, environment=environment, isolated=self._isolated)

    async def _docker(
        self, host: ProcessingHost, image: DockerImage, *, python: str, inside: Mapping[str, str]
    ) -> Launch:
        base = machine.base_environment(interpreter=python, scratch=host.scratch) | docker.client_environment()
        gpus = (await in_thread(machine.detect)).gpus > 0
        return docker_launch(host, image, run=self._run, base=base, inside=inside, gpus=gpus, isolated=self._isolated)

    async def _own_python(self, host: ProcessingHost, python: str) -> str:
        """A Python of the job's own, so that what a script installs never ends up in the local one."""
        base = machine.base_environment(interpreter=python, scratch=host.scratch)
        installer = Installer(
            interpreter=python,
            cache_dir=self._run.settings.cache_dir,
            environment=machine.installer_environment(base),
            sink=self._logs[host.name].feed,
            offline=self._isolated,
        )
        return await installer.make(host.root / "python")

    async def _watch(self) -> None:
        """Keep Continuous outputs in S3 while the containers run, and end them when the run must stop."""
        syncing = asyncio.create_task(self._sync())
        try:
            await self._signal.race(self._containers())
        except RunStoppedError:
            await self._crew.end(grace_seconds=self._run.settings.stop_grace_seconds)
            raise
        finally:
            syncing.cancel()
            await asyncio.gather(syncing, return_exceptions=True)

    async def _containers(self) -> None:
        """Wait for the containers, or for a Pipe input that breaks.

        Raises:
            RunFailedError: either has failed.
        """
        ends = asyncio.create_task(self._crew.wait())
        awaited: set[Awaitable[Any]] = {ends, self._data_error}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
            if ends.done():
                return ends.result()
            await self._crew.end(grace_seconds=0)
            raise self._data_error.result()
        finally:
            ends.cancel()

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(self._run.settings.checkpoint_sync_seconds)
            for output in self._continuous:
                await in_thread(output.try_upload)

    async def _upload(self, *, whole: bool) -> None:
        """Continuous outputs in any case, the others only of a job that ended well."""
        if whole:
            self._enter(Stage.UPLOADING)
        for output in self._outputs if whole else self._continuous:
            await in_thread(output.upload)

    async def _read_message(self) -> None:
        """Keep what the containers left for ExitMessage.

        Raises:
            RunFailedError: it is no text.
        """
        messages = [await in_thread(host.message) for host in self._hosts]
        self._message = exit_message([message.encode() for message in messages])

    def _outcome(self, failed: RunFailedError | None) -> Outcome:
        status = OutcomeStatus.COMPLETED
        if self._signal.reason is not None:
            status = OutcomeStatus.STOPPED
        elif failed is not None:
            status = OutcomeStatus.FAILED
        return Outcome(
            status=status,
            secondary_status=str(self._signal.reason or status),
            failure_reason=failed.reason if failed and status is OutcomeStatus.FAILED else None,
            exit_code=0 if status is OutcomeStatus.COMPLETED else failed.exit_code if failed else None,
            training_start_time=self._started_at,
            training_end_time=datetime.now(UTC),
            instance_count=len(self._hosts),
            exit_message=self._message or None,
        )

    def _on_data_error(self, error: Exception) -> None:
        """A pipe broke while the containers ran; called in the pipe's thread."""
        self._loop.call_soon_threadsafe(self._break, error)

    def _break(self, error: Exception) -> None:
        failed = error if isinstance(error, RunFailedError) else RunFailedError.client(f"Data download failed: {error}")
        if not self._data_error.done():
            self._data_error.set_result(failed)

    def _enter(self, stage: Stage) -> None:
        self._report(Progress(secondary_status=stage, message=""))

    def _log(self, host: ProcessingHost) -> HostLog:
        name = stream_name(self._run.name, host.name, epoch_seconds=int(time.time()))
        return HostLog(
            stream=LogStream(logs_client(self._connection), name=name, group=LOG_GROUP),
            path=host.log_file,
            scanner=MetricScanner(()),
            flush_seconds=self._run.settings.log_flush_seconds,
        )

    async def _close_logs(self) -> None:
        await asyncio.gather(*(log.close() for log in self._logs.values()))

    async def _let_go(self) -> None:
        self._token.cancel()
        for feeder in self._feeders:
            feeder.close()
        await self._crew.kill()
        await self._close_logs()


async def _failure(work: Awaitable[None]) -> RunFailedError | None:
    """Why work failed; None when it did not, or was stopped."""
    try:
        await work
    except RunFailedError as error:
        return error
    except RunStoppedError:
        pass
    return None
