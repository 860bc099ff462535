"""One transform job on this machine, from its input objects to its outputs, with a model server between.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html (which outputs a failed job leaves)
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html (/execution-parameters)
    https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html (the data-log)
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-batch.html
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.transform.batch import failed_objects
from sagebridge.runtime.cancellation import CancelToken
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.metrics import MetricScanner
from sagebridge.runtime.s3 import Connection, Storage
from sagebridge.runtime.transform import parameters, places
from sagebridge.runtime.transform.invocations import DEFAULT_CONTENT_TYPE, InvocationError, is_refusal
from sagebridge.runtime.transform.plan import Piece, TransformPlan
from sagebridge.runtime.transform.planning import planned
from sagebridge.runtime.transform.processing import ProcessingError
from sagebridge.runtime.transform.splitting import InputError

from sagebridge_local.runtime.hostlog import HostLog
from sagebridge_local.runtime.logs import LogStream, logs_client, stream_name
from sagebridge_local.runtime.records import Outcome, OutcomeStatus, Progress
from sagebridge_local.runtime.stopping import RunStoppedError
from sagebridge_local.runtime.threads import in_thread
from sagebridge_local.serving import ModelServer, ServingError, containers_of
from sagebridge_local.serving.container import Workplace

if TYPE_CHECKING:
    from sagebridge.runtime.inputs import InputObject
    from sagebridge.runtime.s3 import S3Location

    from sagebridge_local.runtime.records import JobRun, Report
    from sagebridge_local.runtime.stopping import StopSignal
    from sagebridge_local.serving import Invocation

LOG_GROUP: Final = "/aws/sagemaker/TransformJobs"
MODEL_MEMBER: Final = "Model"
"""Where the service puts the model's CreateModel request into the job's: what the model was when the job was made."""

TRANSFORMING: Final = "Transforming"
_HOST: Final = "algo-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failure:
    """Why an object has no output."""

    where: str
    reason: str
    is_algorithms: bool = False


class TransformJob:
    """A run, with all that must be let go in its end."""

    def __init__(self, run: JobRun, *, report: Report, signal: StopSignal) -> None:
        self._run = run
        self._report = report
        self._signal = signal
        self._token = CancelToken()
        self._connection = Connection.of(endpoint_url=run.endpoint_url, region=run.region, credentials=run.credentials)
        self._storage = Storage(self._connection, token=self._token)
        self._stream = stream_name(run.name, _HOST, epoch_seconds=int(time.time()))
        self._log = HostLog(
            stream=LogStream(logs_client(self._connection), name=f"{self._stream}/data-log", group=LOG_GROUP),
            path=run.work_dir / "data.log",
            scanner=MetricScanner(()),
            flush_seconds=run.settings.log_flush_seconds,
        )
        self._started_at: datetime | None = None
        self._outputs: list[InputObject] = []

    async def execute(self) -> Outcome:
        """Run the job to its end."""
        failed: RunFailedError | None = None
        try:
            await self._log.open()
            await self._signal.race(self._transform())
        except RunFailedError as error:
            failed = error
        except RunStoppedError:
            pass
        finally:
            self._token.cancel()
            await self._log.close()
        return self._outcome(failed)

    async def _transform(self) -> None:
        """Everything from the list of objects to the captured data.

        Raises:
            RunFailedError: the job fails.
        """
        self._started_at = datetime.now(UTC)
        self._report(Progress(secondary_status=TRANSFORMING, message=""))
        plan = planned(self._run.request, {})
        objects = await in_thread(places.input_objects, self._run.request, storage=self._storage)
        try:
            server = await ModelServer.start(containers_of(self._model), self._workplace(plan))
        except ServingError as error:
            raise RunFailedError.client(error.reason) from error
        try:
            preferences = parameters.preferences(*await server.ask(parameters.PATH))
            plan = planned(self._run.request, preferences)
            failures = await self._transform_all(objects, plan=plan, server=server)
        finally:
            await server.stop()
        await in_thread(self._capture)
        if failures:
            raise _as_run_failure(failures)

    @property
    def _model(self) -> Mapping[str, Any]:
        model: Mapping[str, Any] = self._run.request[MODEL_MEMBER]
        return model

    def _workplace(self, plan: TransformPlan) -> Workplace:
        run = self._run
        return Workplace(
            work_dir=run.work_dir / "model",
            connection=self._connection,
            images=run.images,
            settings=run.settings,
            log_group=LOG_GROUP,
            log_stream=self._stream,
            isolated=bool(self._model.get("EnableNetworkIsolation", False)),
            environment=plan.variables() | run.request.get("Environment", {}),
            subject=f"transform job {run.name}",
        )

    async def _transform_all(
        self, objects: list[InputObject], *, plan: TransformPlan, server: ModelServer
    ) -> list[_Failure]:
        """Transform every object; one that fails does not keep the others from their outputs."""
        instances = self._run.request["TransformResources"]["InstanceCount"]
        turns = asyncio.Semaphore(plan.concurrency * instances)
        seats = asyncio.Semaphore(instances)

        async def one(each: InputObject) -> _Failure | None:
            async with seats:
                return await self._transform_one(each, plan=plan, server=server, turns=turns)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each)) for each in objects]
        return [failure for task in tasks if (failure := task.result()) is not None]

    async def _transform_one(
        self, each: InputObject, *, plan: TransformPlan, server: ModelServer, turns: asyncio.Semaphore
    ) -> _Failure | None:
        where = f"{each.location.bucket}/{each.location.key}"
        try:
            body = await in_thread(self._storage.read, each.location)
            pieces = await in_thread(plan.pieces, body)
            answers = await _all(self._ask(piece, plan=plan, server=server, turns=turns) for piece in pieces)
            results = [
                plan.conclude(piece, answer.body, content_type=answer.content_type)
                for piece, answer in zip(pieces, answers, strict=True)
            ]
            await in_thread(self._put, each, plan.assemble(results))
        except InvocationError as error:
            self._log.note(f"[sagemaker logs]: {where}: {error}\n[sagemaker logs]: {where}: Message: {error.words}")
            reason = f"{error} {error.words}".strip()
            return _Failure(where=where, reason=reason, is_algorithms=error.is_algorithms)
        except (InputError, ProcessingError) as error:
            self._log.note(f"[sagemaker logs]: {where}: {error}")
            return _Failure(where=where, reason=str(error))
        return None

    async def _ask(
        self, piece: Piece, *, plan: TransformPlan, server: ModelServer, turns: asyncio.Semaphore
    ) -> Invocation:
        """Ask the model, again if it fails; what it refuses (4xx) it would refuse again."""
        async with turns:
            for attempt in range(plan.retries + 1):
                answer = await server.invoke(
                    piece.body,
                    content_type=plan.content_type or DEFAULT_CONTENT_TYPE,
                    accept=plan.accept,
                    timeout_seconds=plan.timeout_seconds,
                )
                if answer.succeeded:
                    return answer
                if is_refusal(answer.status) or attempt == plan.retries:
                    break
        raise InvocationError(status=answer.status, body=answer.body)

    def _put(self, each: InputObject, content: bytes) -> None:
        request = self._run.request
        place = places.output_location(request, each)
        self._upload(content, place, kms_key_id=request["TransformOutput"].get("KmsKeyId"))
        self._outputs.append(each)

    def _capture(self) -> None:
        """Say, by the hour, where captured data lies: the inputs, and the outputs made of them."""
        request = self._run.request
        found = places.captured(request, self._outputs, name=self._run.name, at=datetime.now(UTC))
        for place, content in found.items():
            self._upload(content, place, kms_key_id=request["DataCaptureConfig"].get("KmsKeyId"))

    def _upload(self, content: bytes, place: S3Location, *, kms_key_id: str | None) -> None:
        path = self._run.work_dir / f"{uuid.uuid4().hex}.out"
        path.write_bytes(content)
        try:
            self._storage.upload(path, place, kms_key_id=kms_key_id or None)
        finally:
            path.unlink()

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
            training_start_time=self._started_at,
            training_end_time=datetime.now(UTC),
            instance_count=self._run.request["TransformResources"]["InstanceCount"],
        )


async def _all(asked: Any) -> list[Invocation]:
    """Answers in order; after the first failure nothing more is asked.

    Raises:
        InvocationError: the first failure.
    """
    tasks = [asyncio.ensure_future(each) for each in asked]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _as_run_failure(failures: list[_Failure]) -> RunFailedError:
    """The FailureReason of a job of which some objects failed: the first, and how many more."""
    first = failures[0]
    is_algorithms = any(failure.is_algorithms for failure in failures)
    told = f"{first.where}: {first.reason}"
    return RunFailedError(failed_objects(told, more=len(failures) - 1, is_algorithms=is_algorithms))
