"""One training job on this machine, from its data to its model."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from sagebridge.core.container.job import container_job
from sagebridge.runtime import artifacts
from sagebridge.runtime.cancellation import CancelToken
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.metrics import MetricScanner
from sagebridge.runtime.s3 import Connection, Storage

from sagebridge_local.runtime.crew import Crew
from sagebridge_local.runtime.host import Host
from sagebridge_local.runtime.hostlog import HostLog
from sagebridge_local.runtime.logs import LogStream, logs_client, stream_name
from sagebridge_local.runtime.preparation import Preparation
from sagebridge_local.runtime.records import (
    Outcome,
    OutcomeStatus,
    Progress,
    Report,
    SecondaryStatus,
    TrainingRun,
)
from sagebridge_local.runtime.stopping import RunStoppedError, StopReason, StopSignal
from sagebridge_local.runtime.threads import in_thread

_MESSAGES = {
    # The words of StatusMessage, as the logs in https://github.com/aws/sagemaker-python-sdk/issues/835 and
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SecondaryStatusTransition.html have them.
    SecondaryStatus.DOWNLOADING: "Downloading input data",
    SecondaryStatus.TRAINING: "Training image download completed. Training in progress.",
    SecondaryStatus.STOPPING: "Stopping the training job",
    SecondaryStatus.UPLOADING: "Uploading generated training model",
}
_DEFAULT_MAX_RUNTIME_SECONDS = 86_400


class TrainingJob:
    """A run, with all that must be let go in its end."""

    def __init__(self, run: TrainingRun, *, report: Report, signal: StopSignal) -> None:
        self._run = run
        self._report = report
        self._signal = signal
        self._reported: set[SecondaryStatus] = set()
        self._token = CancelToken()
        self._connection = Connection.of(endpoint_url=run.endpoint_url, region=run.region, credentials=run.credentials)
        self._storage = Storage(self._connection, token=self._token)
        job = container_job(run.request, arn=run.arn, region=run.region)
        self._hosts = [Host(name=name, root=run.work_dir / name, job=job) for name in job.cluster.hosts]
        self._scanner = MetricScanner(run.request.get("AlgorithmSpecification", {}).get("MetricDefinitions", ()))
        self._logs = {host.name: self._log(host, epoch_seconds=int(time.time())) for host in self._hosts}
        self._crew = Crew(self._logs)
        self._preparation = Preparation(
            run, hosts=self._hosts, logs=self._logs, storage=self._storage, connection=self._connection
        )
        self._loop = asyncio.get_running_loop()
        self._data_failed = asyncio.Event()
        self._data_error: Exception | None = None
        self._started_at: datetime | None = None
        self._containers_ran = False

    def metrics(self) -> list[dict[str, Any]]:
        """The latest value of each metric."""
        return self._scanner.final_metrics()

    def series(self, name: str) -> list[float]:
        """All values of a metric so far."""
        return self._scanner.series(name)

    async def execute(self) -> Outcome:
        """Run the job to its end."""
        failed: RunFailedError | None = None
        model: str | None = None
        try:
            try:
                await self._train()
            except RunFailedError as error:
                failed = error
            except RunStoppedError:
                pass
            await self._close_logs()
            if self._containers_ran:
                model = await self._upload()
        except RunFailedError as error:
            failed = failed or error
        finally:
            await self._let_go()
        return self._outcome(failed, model)

    async def _train(self) -> None:
        """Everything up to the end of the containers.

        Raises:
            RunFailedError: the job fails.
            RunStoppedError: it was stopped before or while its containers ran.
        """
        self._started_at = datetime.now(UTC)
        limits = asyncio.create_task(self._keep_time())
        try:
            self._enter(SecondaryStatus.DOWNLOADING)
            await self._signal.race(self._preparation.load(self._on_data_error))
            self._enter(SecondaryStatus.TRAINING)
            launches = await self._signal.race(self._preparation.launches())
            self._containers_ran = True
            for host in self._hosts:
                await self._crew.start(host, launches[host.name])
            await self._watch()
        finally:
            limits.cancel()
            await self._crew.kill()

    async def _watch(self) -> None:
        """Keep checkpoints in S3 while the containers run, and end them when the run must stop."""
        syncing = asyncio.create_task(self._sync_checkpoints())
        try:
            await self._signal.race(self._containers())
        except RunStoppedError:
            self._enter(SecondaryStatus.STOPPING)
            await self._crew.end(grace_seconds=self._run.settings.stop_grace_seconds)
            raise
        finally:
            syncing.cancel()
            await asyncio.gather(syncing, return_exceptions=True)

    async def _containers(self) -> None:
        """Wait for the containers, or for a Pipe channel that breaks.

        Raises:
            RunFailedError: either has failed.
        """
        ends = asyncio.create_task(self._crew.wait())
        breaks = asyncio.create_task(self._data_failed.wait())
        try:
            await asyncio.wait({ends, breaks}, return_when=asyncio.FIRST_COMPLETED)
            if ends.done():
                return ends.result()
            await self._crew.end(grace_seconds=0)
            if isinstance(self._data_error, RunFailedError):
                raise self._data_error
            raise RunFailedError.client(f"Data download failed: {self._data_error}")
        finally:
            ends.cancel()
            breaks.cancel()

    async def _sync_checkpoints(self) -> None:
        while True:
            await asyncio.sleep(self._run.settings.checkpoint_sync_seconds)
            for sync in self._preparation.checkpoints:
                await in_thread(sync.try_sync)

    async def _upload(self) -> str | None:
        self._enter(SecondaryStatus.UPLOADING)
        for sync in self._preparation.checkpoints:
            await in_thread(sync.sync)
        place = artifacts.OutputPlace.of(self._run.request)
        uris = [
            await in_thread(artifacts.upload, name, directories, place=place, storage=self._storage)
            for name, directories in (
                ("model", [host.model for host in self._hosts]),
                ("output", [host.output_data for host in self._hosts]),
            )
        ]
        return uris[0]

    def _outcome(self, failed: RunFailedError | None, model: str | None) -> Outcome:
        reason = self._signal.reason
        if reason is not None:
            status, secondary = OutcomeStatus.STOPPED, str(reason)
        elif failed is not None:
            status, secondary = OutcomeStatus.FAILED, "Failed"
        else:
            status, secondary = OutcomeStatus.COMPLETED, "Completed"
        is_failure = status is OutcomeStatus.FAILED
        return Outcome(
            status=status,
            secondary_status=secondary,
            failure_reason=failed.reason if failed and is_failure else None,
            exit_code=0 if status is OutcomeStatus.COMPLETED else failed.exit_code if failed else None,
            metrics=self.metrics(),
            model_artifacts=None if is_failure else model,
            training_start_time=self._started_at,
            training_end_time=datetime.now(UTC),
            instance_count=len(self._hosts),
        )

    async def _keep_time(self) -> None:
        """StoppingCondition: without capacity to wait for, the waiting time begins with the run."""
        condition = self._run.request.get("StoppingCondition", {})
        runtime = condition.get("MaxRuntimeInSeconds", _DEFAULT_MAX_RUNTIME_SECONDS)
        wait = condition.get("MaxWaitTimeInSeconds", runtime)
        await asyncio.sleep(min(runtime, wait))
        self._signal.request(StopReason.MAX_RUNTIME if runtime <= wait else StopReason.MAX_WAIT)

    def _on_data_error(self, error: Exception) -> None:
        """A Pipe channel broke while the containers ran; called in the channel's thread."""
        self._data_error = error
        self._loop.call_soon_threadsafe(self._data_failed.set)

    def _enter(self, status: SecondaryStatus) -> None:
        if status not in self._reported:
            self._reported.add(status)
            self._report(Progress(secondary_status=status, message=_MESSAGES[status]))

    def _log(self, host: Host, *, epoch_seconds: int) -> HostLog:
        name = stream_name(self._run.name, host.name, epoch_seconds=epoch_seconds)
        return HostLog(
            stream=LogStream(logs_client(self._connection), name=name),
            path=host.log_file,
            scanner=self._scanner,
            flush_seconds=self._run.settings.log_flush_seconds,
        )

    async def _close_logs(self) -> None:
        await asyncio.gather(*(log.close() for log in self._logs.values()))

    async def _let_go(self) -> None:
        self._token.cancel()
        self._preparation.close()
        await self._crew.kill()
        await self._close_logs()
