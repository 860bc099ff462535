"""The service: what a request goes through from its headers to its reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors, faults, model, resources, tags, wire
from sagebridge_local.sagemaker.accounts import account_of
from sagebridge_local.sagemaker.calls import CallLog, LoggedCall
from sagebridge_local.sagemaker.clock import Clock, Scheduler, SystemClock
from sagebridge_local.sagemaker.cloudwatch import moto
from sagebridge_local.sagemaker.cloudwatch.alarms import Alarms
from sagebridge_local.sagemaker.cloudwatch.metrics import Metrics
from sagebridge_local.sagemaker.endpoints import configs as endpoint_configs
from sagebridge_local.sagemaker.endpoints import events as endpoint_events
from sagebridge_local.sagemaker.endpoints import operations as endpoint_operations
from sagebridge_local.sagemaker.endpoints.hosting import EndpointScripts, ScriptedHosting
from sagebridge_local.sagemaker.endpoints.invocations import Invocations
from sagebridge_local.sagemaker.endpoints.outbox import NoOutbox
from sagebridge_local.sagemaker.endpoints.service import Endpoints
from sagebridge_local.sagemaker.endpoints.tracking import Tracking
from sagebridge_local.sagemaker.jobs import operations
from sagebridge_local.sagemaker.jobs.lifecycle import Run
from sagebridge_local.sagemaker.jobs.operations import Call
from sagebridge_local.sagemaker.models import operations as model_operations
from sagebridge_local.sagemaker.processing.kind import PROCESSING_JOB
from sagebridge_local.sagemaker.quotas import Quotas
from sagebridge_local.sagemaker.runners.scripted import ScriptBook, ScriptedRunner
from sagebridge_local.sagemaker.store import Store
from sagebridge_local.sagemaker.training import update
from sagebridge_local.sagemaker.training.kind import TRAINING_JOB
from sagebridge_local.sagemaker.transform import operations as transform_operations
from sagebridge_local.sagemaker.transform.kind import TRANSFORM_JOB
from sagebridge_local.sagemaker.tuning import operations as tuning
from sagebridge_local.sagemaker.tuning.kind import TUNING_JOB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint
    from sagebridge_local.sagemaker.endpoints.hosting import Hosting
    from sagebridge_local.sagemaker.endpoints.outbox import Outbox
    from sagebridge_local.sagemaker.events import EventSink
    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind, Objects
    from sagebridge_local.sagemaker.jobs.operations import Handler
    from sagebridge_local.sagemaker.jobs.table import JobTable
    from sagebridge_local.sagemaker.runners.protocol import Runner
    from sagebridge_local.sagemaker.settings import ServerSettings

KINDS: Final[Mapping[str, JobKind]] = {
    kind.name: kind for kind in (TRAINING_JOB, PROCESSING_JOB, TUNING_JOB, TRANSFORM_JOB)
}
DROPPED: Final = "Dropped"
Follower = Callable[["Job", float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back to the caller: a reply, or None for a connection that is just closed."""

    reply: wire.Reply | None


class LocalSageMaker:
    """The service's state and its operations.

    Args:
        settings: how the server is set up.
        clock: the service's clock; the machine's by default.
        runner: what carries jobs out; by default they follow scripts.
        events: what is told of changes of state.
        objects: what S3 holds; without it, inputs need not exist.
        hosting: what makes endpoints answer; by default they follow scripts.
        outbox: the services that endpoints read from and write to; by default none.
    """

    def __init__(
        self,
        settings: ServerSettings,
        *,
        clock: Clock | None = None,
        runner: Runner | None = None,
        events: EventSink | None = None,
        objects: Objects | None = None,
        hosting: Hosting | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.scheduler = Scheduler(self.clock)
        self.store = Store(KINDS)
        self.quotas = Quotas.load(settings.quotas)
        self.faults = faults.Faults()
        self.calls = CallLog()
        self.scripts = ScriptBook()
        self.runner: Runner = runner or ScriptedRunner(self.scheduler, self.scripts)
        self.objects = objects
        self.endpoint_scripts = EndpointScripts()
        self.metrics = Metrics()
        self.alarms = Alarms(self.metrics, self.scheduler)
        self.endpoints = Endpoints(
            store=self.store,
            scheduler=self.scheduler,
            hosting=hosting or ScriptedHosting(self.scheduler, self.endpoint_scripts),
            alarms=self.alarms,
            on_change=partial(self._tell_of_endpoint, endpoint_events.status_change),
            on_stage=partial(self._tell_of_endpoint, endpoint_events.deployment_change),
        )
        self.alarms.after = Tracking(self.endpoints, self.metrics).look
        self.invocations = Invocations(self, outbox=outbox or NoOutbox())
        self._events = events
        self._runs: dict[str, Run] = {}
        self._followers: dict[str, Follower] = {}
        self._handlers: dict[str, Handler] = dict(tags.HANDLERS)
        for kind in KINDS:
            self._handlers |= operations.handlers(kind)
        self._handlers[update.OPERATION] = update.update
        self._handlers |= tuning.HANDLERS
        self._handlers |= transform_operations.HANDLERS
        for handlers in (model_operations.HANDLERS, endpoint_configs.HANDLERS, endpoint_operations.HANDLERS):
            self._handlers |= handlers

    async def answer(self, *, operation: str, body: bytes, authorization: str) -> Answer:
        """Answer one request, with the latency and the faults that are set."""
        self.scheduler.run_due()
        try:
            request = wire.parse(body)
        except errors.ServiceError as error:
            return Answer(reply=wire.failure(error))
        struck = self.faults.strike(operation=operation, name=resource_name(request))
        delay = self.settings.latency_seconds + sum(fault.seconds for fault in struck if fault.kind == faults.SLOW)
        if delay:
            await asyncio.sleep(delay)
            self.scheduler.run_due()
        return self._answer(operation, request, authorization, struck)

    def begin(self, table: JobTable, job: Job) -> Run:
        """Make the run of a new job."""
        make_run = table.kind.make_run
        run = make_run(self, table, job) if make_run is not None else self._plain_run(table, job)
        self._runs[job.arn] = run
        return run

    def _plain_run(self, table: JobTable, job: Job) -> Run:
        return Run(
            table=table,
            job=job,
            runner=self.runner,
            scheduler=self.scheduler,
            on_change=self.changed,
            on_end=self._ended,
        )

    def follow(self, job: Job, follower: Follower) -> None:
        """Tell `follower` of the end of a job that has not ended."""
        self._followers[job.arn] = follower

    def forget_run(self, job: Job) -> None:
        """Note that the run of a job is over."""
        self._runs.pop(job.arn, None)

    def run_of(self, job: Job) -> Run:
        """The run of a job that has not ended."""
        return self._runs[job.arn]

    def reset(self) -> None:
        """Return to the state of a fresh start; the clock goes on."""
        for run in self._runs.values():
            run.cancel()
        self._runs.clear()
        self._followers.clear()
        self.invocations.reset()
        self.endpoints.reset()
        self.alarms.reset()
        self.scheduler.clear()
        self.store.clear()
        self.faults.clear()
        self.calls.clear()
        self.scripts.clear()
        self.endpoint_scripts.clear()
        self.quotas = Quotas.load(self.settings.quotas)

    async def close(self) -> None:
        """End every run, and the processes that belong to them."""
        for run in list(self._runs.values()):
            run.cancel()
        await self.invocations.close()
        await self.endpoints.close()
        await self.runner.close()
        moto.withdraw(self.metrics)
        if self._events is not None:
            self._events.close()

    def _answer(
        self, operation: str, request: dict[str, Any], authorization: str, struck: list[faults.Fault]
    ) -> Answer:
        kinds = {fault.kind for fault in struck}
        now = self.clock.now()
        account = region = ""
        if faults.DROP in kinds:
            self._log(operation, request, (account, region), outcome=DROPPED, delivered=False, now=now)
            return Answer(reply=None)
        try:
            credential = wire.credential(authorization)
            account, region = account_of(credential.access_key), credential.region
            reply = wire.success(self._handle(operation, request, account, region, now, struck))
        except errors.ServiceError as error:
            reply = wire.failure(error)
        lost = faults.LOST_REPLY in kinds
        self._log(operation, request, (account, region), outcome=reply.code or "OK", delivered=not lost, now=now)
        if lost:
            return Answer(reply=None)
        malformed = next((fault for fault in struck if fault.kind == faults.MALFORMED), None)
        if malformed is not None:
            return Answer(reply=wire.Reply(status=malformed.status or 200, body=malformed.body.encode()))
        return Answer(reply=reply)

    def _handle(
        self,
        operation: str,
        request: dict[str, Any],
        account: str,
        region: str,
        now: float,
        struck: list[faults.Fault],
    ) -> Mapping[str, Any] | bytes:
        for fault in struck:
            error = fault.error(operation)
            if error is not None:
                raise error
        handler = self._handlers.get(operation)
        if handler is None:
            raise _unavailable(operation)
        self.quotas.check_rate(operation=operation, account=account, region=region, now=now)
        model.request_validator(operation)(request)
        call = Call(
            service=self,
            operation=operation,
            request=request,
            account=account,
            region=region,
            now=now,
            lacks_capacity=any(fault.kind == faults.CAPACITY for fault in struck),
        )
        return handler(call)

    def changed(self, table: JobTable, job: Job, at: float) -> None:
        """Tell the world of a change of state."""
        if self._events is not None:
            self._events.changed(table.kind, job, at)

    def _tell_of_endpoint(
        self, entry: Callable[[Endpoint, float], dict[str, Any]], endpoint: Endpoint, at: float
    ) -> None:
        if self._events is not None:
            self._events.put(entry(endpoint, at), account=endpoint.account, region=endpoint.region)

    def _ended(self, run: Run) -> None:
        self.forget_run(run.job)
        follower = self._followers.pop(run.job.arn, None)
        if follower is not None:
            follower(run.job, run.job.last_modified_time)

    def _log(
        self,
        operation: str,
        request: Mapping[str, Any],
        where: tuple[str, str],
        *,
        outcome: str,
        delivered: bool,
        now: float,
    ) -> None:
        self.calls.add(
            LoggedCall(
                time=now,
                operation=operation,
                name=resource_name(request),
                account=where[0],
                region=where[1],
                outcome=outcome,
                delivered=delivered,
            )
        )


def resource_name(request: Mapping[str, Any]) -> str:
    """The resource that a request names: its `...JobName`, or the last part of its ResourceArn."""
    for member in NAME_FIELDS:
        name = request.get(member)
        if isinstance(name, str):
            return name
    given = request.get("ResourceArn")
    return given.rsplit("/", 1)[-1] if isinstance(given, str) else ""


NAME_FIELDS: Final = (
    *(kind.name_field for kind in KINDS.values()),
    *(kind.name_field for kind in (resources.ENDPOINT, resources.ENDPOINT_CONFIG, resources.MODEL)),
)


def _unavailable(operation: str) -> errors.ServiceError:
    if operation in model.operation_names():
        text = f"{operation} is an operation of SageMaker that is not available in the local SageMaker"
    else:
        text = f"{operation} is not an operation of SageMaker"
    return errors.ServiceError(errors.UNKNOWN_OPERATION, text)
