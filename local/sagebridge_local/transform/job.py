"""One transform job on this machine, from its input objects to its outputs, with a model server between.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html (which outputs a failed job leaves)
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html (/execution-parameters)
    https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html (the data-log)
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-batch.html
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.runtime import inputs
from sagebridge_local.runtime.failures import RunFailedError, RunStoppedError
from sagebridge_local.runtime.hostlog import HostLog
from sagebridge_local.runtime.logs import LogStream, stream_name
from sagebridge_local.runtime.metrics import MetricScanner
from sagebridge_local.runtime.records import Outcome, OutcomeStatus, Progress
from sagebridge_local.runtime.s3 import Connection, S3Location, Storage, logs_client
from sagebridge_local.runtime.threads import CancelToken, in_thread
from sagebridge_local.serving import ModelServer, ServingError, containers_of
from sagebridge_local.serving.container import Workplace
from sagebridge_local.transform import assembling
from sagebridge_local.transform.jsonpath import JsonPathError
from sagebridge_local.transform.plan import Piece, TransformPlan
from sagebridge_local.transform.processing import ProcessingError
from sagebridge_local.transform.splitting import InputError

if TYPE_CHECKING:
    from sagebridge_local.runtime.inputs import InputObject
    from sagebridge_local.runtime.records import JobRun, Report
    from sagebridge_local.runtime.stopping import StopSignal
    from sagebridge_local.serving import Invocation

LOG_GROUP: Final = "/aws/sagemaker/TransformJobs"
MODEL_MEMBER: Final = "Model"
"""Where the service puts the model's CreateModel request into the job's: what the model was when the job was made."""

TRANSFORMING: Final = "Transforming"
DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"
_HOST: Final = "algo-1"
_STRATEGIES: Final = {"MULTI_RECORD": "MultiRecord", "SINGLE_RECORD": "SingleRecord"}
_MOST_WORDS: Final = 300


class _InvocationError(Exception):
    """The model did not answer a request well, in spite of all retries."""

    def __init__(self, answer: Invocation) -> None:
        super().__init__(f"Bad HTTP status received from algorithm: {answer.status}")
        self.is_algorithms = not 400 <= answer.status < 500
        self.words = answer.body.decode(errors="replace")[:_MOST_WORDS]


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
        plan = self._plan({})
        objects = await in_thread(self._objects)
        try:
            server = await ModelServer.start(containers_of(self._model), self._workplace(plan))
        except ServingError as error:
            raise RunFailedError.client(error.reason) from error
        try:
            plan = self._plan(await _execution_parameters(server))
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

    def _plan(self, parameters: Mapping[str, Any]) -> TransformPlan:
        """The request, where it leaves a choice with what the container prefers."""
        try:
            return TransformPlan.of({**parameters, **self._run.request}, stamp=_stamp)
        except JsonPathError as error:
            raise RunFailedError.client(str(error)) from error

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

    def _objects(self) -> list[InputObject]:
        source = self._run.request["TransformInput"]["DataSource"]["S3DataSource"]
        location = S3Location.parse(source["S3Uri"])
        if source["S3DataType"] == "ManifestFile":
            return inputs.manifest_objects(self._storage.read(location), uri=source["S3Uri"])
        found = inputs.prefix_objects(location, self._storage.keys(location))
        if not found:
            raise RunFailedError.client(
                f'No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data source.'
            )
        return found

    async def _transform_all(
        self, objects: list[InputObject], *, plan: TransformPlan, server: ModelServer
    ) -> list[_Failure]:
        """Transform every object; one that fails does not keep the others from their outputs."""
        instances = self._run.request["TransformResources"]["InstanceCount"]
        turns = asyncio.Semaphore(plan.concurrency * instances)
        places = asyncio.Semaphore(instances)

        async def one(each: InputObject) -> _Failure | None:
            async with places:
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
        except _InvocationError as error:
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
                if 400 <= answer.status < 500 or attempt == plan.retries:
                    break
        raise _InvocationError(answer)

    def _put(self, each: InputObject, content: bytes) -> None:
        target = self._run.request["TransformOutput"]
        place = S3Location.parse(target["S3OutputPath"]).join(assembling.output_name(each.path))
        self._upload(content, place, kms_key_id=target.get("KmsKeyId"))
        self._outputs.append(each)

    def _capture(self) -> None:
        """Say, by the hour, where captured data lies: the inputs, and the outputs made of them."""
        config = self._run.request.get("DataCaptureConfig")
        if config is None or not self._outputs:
            return
        at = datetime.now(UTC)
        destination = S3Location.parse(config["DestinationS3Uri"])
        paths = sorted(each.path for each in self._outputs)
        first = self._outputs[0]
        prefix = f"s3://{first.location.bucket}/{first.location.key.removesuffix(first.path)}"
        written = S3Location.parse(self._run.request["TransformOutput"]["S3OutputPath"]).join("").uri
        for side, where, names in (
            ("input", prefix, paths),
            ("output", written, [assembling.output_name(path) for path in paths]),
        ):
            place = destination.join(assembling.capture_key(side=side, job_name=self._run.name, at=at))
            self._upload(assembling.capture_manifest(where, names), place, kms_key_id=config.get("KmsKeyId"))

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
        _InvocationError: the first failure.
    """
    tasks = [asyncio.ensure_future(each) for each in asked]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _execution_parameters(server: ModelServer) -> dict[str, Any]:
    """What the container prefers where the request leaves a choice; most have no such preferences."""
    status, text = await server.ask("/execution-parameters")
    try:
        found = json.loads(text) if status == 200 else {}
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    strategy = _STRATEGIES.get(str(found.get("BatchStrategy")))
    numbers = {
        name: found[name] for name in ("MaxConcurrentTransforms", "MaxPayloadInMB") if isinstance(found.get(name), int)
    }
    return numbers | ({"BatchStrategy": strategy} if strategy else {})


def _as_run_failure(failures: list[_Failure]) -> RunFailedError:
    """The FailureReason of a job of which some objects failed: the first, and how many more."""
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    message = f"See job logs for more information: {first.where}: {first.reason}{more}"
    if any(failure.is_algorithms for failure in failures):
        return RunFailedError(f"AlgorithmError: {message}"[:1024])
    return RunFailedError.client(message)


def _stamp() -> tuple[str, str]:
    return str(uuid.uuid4()), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
