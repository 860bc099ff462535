"""How each step of a plan is taken. Every one can be taken again after a crash at any line."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sagebridge.core import steps
from sagebridge.core.clock import format_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.errors import AwsError, ErrorClass, NotAllowedError, SpecError
from sagebridge.core.job import Attempt, Job, MadeModel, Place
from sagebridge.core.names import TAG_UID
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.reasons import Reason
from sagebridge.core.references import missing
from sagebridge.core.regions import account_of
from sagebridge.core.steps import Step
from sagebridge.engine import attempts
from sagebridge.engine.borrowed import check_borrowed
from sagebridge.engine.failures import WaitingError
from sagebridge.engine.inputs import InputResolver, Inputs
from sagebridge.engine.models import make, recorded, with_arn
from sagebridge.engine.notice import with_notice
from sagebridge.engine.objects import Objects
from sagebridge.engine.orphans import Orphans
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory
from sagebridge.kinds.kind import JobKind
from sagebridge.kube.errors import RefusedError
from sagebridge.kube.paths import Resource
from sagebridge.metrics import Metrics
from sagebridge.slots import Urgency
from sagebridge.targets.protocol import NameConflictError, NotOwnedError, Target

logger = logging.getLogger(__name__)

T = TypeVar("T")

_NOTICE_AFTER_SECONDS = 5.0
_NO_MODEL_TEXT = "could not find model"


class Actions:
    """Takes steps for jobs of one kind."""

    def __init__(
        self,
        *,
        kind: JobKind,
        resource: Resource,
        target: Target,
        inputs: InputResolver,
        status: StatusWriter,
        objects: Objects,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._kind = kind
        self._resource = resource
        self._target = target
        self._models = target.models
        self._inputs = inputs
        self._status = status
        self._objects = objects
        self._metrics = metrics
        self._orphans = Orphans(kind=kind.name, status=status, metrics=metrics)
        self._now = now
        self._takers: Mapping[type[Any], Callable[[Any, Memory], Awaitable[None]]] = {
            steps.Protect: self._protect,
            steps.Abandon: self._abandon,
            steps.Record: self._record,
            steps.Provide: self._provide,
            steps.Submit: self._submit,
            steps.Look: self._look,
            steps.Stop: self._stop,
            steps.TakeBack: self._take_back,
            steps.Tag: self._tag,
            steps.Close: self._close,
            steps.Forget: self._forget,
            steps.Withdraw: self._withdraw,
            steps.Purge: self._purge,
            steps.Settle: self._settle,
            steps.Release: self._release,
            steps.Expire: self._expire,
        }

    async def take(self, step: Step, memory: Memory) -> None:
        """Take one step that changes something."""
        await self._takers[type(step)](step, memory)

    async def report(
        self,
        memory: Memory,
        *,
        verdict: Verdict | None,
        changes: Mapping[str, Any] | None = None,
        quietly: bool = False,
        urgency: Urgency = Urgency.WORK,
    ) -> None:
        """Write how things stand; `quietly` without an Event."""
        # With every word, not only with the attempt: people look while a job is refused, or waits for its turn.
        told = {**attempts.asked_fields(self._kind, memory.job), **(changes or {})}
        await self._status.write(
            memory, resource=self._resource, verdict=verdict, changes=told, quietly=quietly, urgency=urgency
        )
        if memory.changed_at is not None:
            lag = (self._now() - memory.changed_at).total_seconds()
            self._metrics.status_lag_seconds.labels(kind=self._kind.name).observe(max(0.0, lag))
            memory.changed_at = None

    def tell(self, memory: Memory, verdict: Verdict) -> None:
        """Emit a verdict as an Event, and leave status alone."""
        self._status.tell(memory.job, verdict=verdict, kind=self._kind.name)

    async def forget_if_rejected(self, step: Step, memory: Memory, error: Exception) -> None:
        """After a refusal to create: un-record the attempt, unless its job exists, so that the spec can be mended."""
        rejected = isinstance(error, NameConflictError | SpecError | NotAllowedError) or (
            isinstance(error, AwsError) and error.error_class is ErrorClass.USER_ACTION
        )
        if not isinstance(step, steps.Provide | steps.Submit) or not rejected:
            return
        if isinstance(error, NameConflictError) or await self._is_absent(memory, step.attempt):
            await self._forget(steps.Forget(attempt=step.attempt), memory)

    async def _is_absent(self, memory: Memory, attempt: Attempt) -> bool:
        try:
            seen = await self._target.describe(self._inputs.handle(memory.job, self._kind, attempt))
        except (AwsError, NotAllowedError):
            return False
        return seen.phase is Phase.GONE

    # --- steps ---------------------------------------------------------------------------------------------------

    async def _protect(self, _: steps.Protect, memory: Memory) -> None:
        await self._objects.protect(memory)

    async def _abandon(self, step: steps.Abandon, memory: Memory) -> None:
        gone = {"pod": step.pod, "since": step.since} if step.pod else None
        await self.report(memory, verdict=None, changes={"stepGone": gone})

    async def _release(self, step: steps.Release, memory: Memory) -> None:
        # First told, then let go: once it is gone, nobody comes back to tell.
        if step.orphan is not None:
            self._report_orphan(memory, f"end {step.orphan.name} in {step.orphan.region}", what="It may still run")
        self._report_unsettled(memory, step.unsettled)
        if step.unpurged:
            self._report_orphan(memory, f"delete {_names(step.unpurged)}", what="It may still be there")
        if step.models:
            what = f"delete the model {', '.join(step.models)}"
            self._report_orphan(memory, what, what="It is still there")
        await self._objects.release(memory)

    async def _record(self, step: steps.Record, memory: Memory) -> None:
        inputs = await self._inputs.resolve(memory.job, self._kind, number=step.number)
        await check_borrowed(self._target, inputs)
        attempt = Attempt(
            number=step.number,
            name=inputs.handle.name,
            region=inputs.handle.region,
            recorded_at=format_time(self._now()),
        )
        first_look = memory.job.status.get("observedGeneration") != memory.job.generation
        message = f"Accepted; attempt {step.number} will be {attempt.name}."
        verdict = Verdict(state=State.UNSEEN, reason=Reason.ACCEPTED, message=message)
        changes: dict[str, Any] = {
            **inputs.status,
            "attempts": [*(entry.dump() for entry in memory.job.attempts), attempt.dump()],
            "startTime": memory.job.status.get("startTime") or attempt.recorded_at,
        }
        if self._models is not None:
            changes["models"] = recorded(memory.job.models, inputs.model, attempt=step.number) or None
        await self.report(memory, verdict=verdict if first_look else None, changes=changes, quietly=True)
        memory.observation = None

    async def _provide(self, step: steps.Provide, memory: Memory) -> None:
        job = memory.job
        inputs = await self._inputs.resolve(job, self._kind, number=step.attempt.number)
        entries = recorded(job.models, inputs.model, attempt=step.attempt.number)
        if entries != [model.dump() for model in job.models]:
            # Another operator would make it otherwise: recorded first, so that neither can be forgotten.
            return await self.report(memory, verdict=None, changes={"models": entries or None})
        if self._models is None or inputs.model is None:
            return None
        arn = await self._with_notice(memory, make(self._models, inputs.model, inputs.handle))
        message = f"Attempt {step.attempt.number}: the model {inputs.model.name} is there in {inputs.handle.region}."
        self._status.emit(memory.job, kind=self._kind.name, reason=Reason.MODEL_CREATED, message=message)
        entries = with_arn(memory.job.models, inputs.model, arn=arn)
        return await self.report(memory, verdict=None, changes={"models": entries})

    async def _withdraw(self, _: steps.Withdraw, memory: Memory) -> None:
        job = memory.job
        attempt = job.last_attempt or Attempt(number=1, recorded_at=format_time(self._now()))
        handle = self._inputs.handle(job, self._kind, attempt)
        if self._models is None:
            return
        for model in job.models:
            with _unless_never_made(model):
                await self._models.remove(replace(handle, account=account_of(model.arn)), name=model.name)
        names = ", ".join(model.name for model in job.models)
        self._status.emit(
            job, kind=self._kind.name, reason=Reason.MODEL_DELETED, message=f"The model {names} is deleted."
        )
        await self.report(memory, verdict=None, changes={"models": None})

    async def _submit(self, step: steps.Submit, memory: Memory) -> None:
        job = memory.job
        # What was seen before, perhaps that there is no job, no longer holds.
        memory.observation = None
        inputs = await self._inputs.resolve(job, self._kind, number=step.attempt.number)
        await self._stage(memory, inputs)
        inputs = replace(inputs, sources={})  # thousands may wait for their turn
        await check_borrowed(self._target, inputs)
        try:
            submission = await self._with_notice(
                memory, self._target.submit(inputs.handle, inputs.spec, adopt=job.may_adopt)
            )
        except AwsError as error:
            if self._models is not None and _NO_MODEL_TEXT in error.message.lower():
                await self._without_model(step, memory, inputs)
            raise
        tags = attempts.applied_tags(job, submission)
        job = memory.job
        memory.observation = Observation(phase=Phase.OPEN, fields=self._kind.fresh_fields)
        attempt = replace(step.attempt, name=inputs.handle.name, arn=submission.arn, adopted=submission.adopted)
        verb = "taken over" if submission.adopted else "created"
        self._status.emit(
            job,
            kind=self._kind.name,
            reason=Reason.ADOPTED if submission.adopted else Reason.ATTEMPT_CREATED,
            message=f"Attempt {attempt.number}: {attempt.name} {verb} in {attempt.region}.",
        )
        message = f"{attempt.name} is {self._kind.fresh_fields.get('secondaryStatus', 'InProgress')}."
        await self.report(
            memory,
            verdict=Verdict(state=State.PROGRESSING, reason=Reason.IN_PROGRESS, message=message),
            changes=attempts.created_fields(self._kind, job, attempt, log_service=self._inputs.log_service)
            | {"tags": tags},
            quietly=True,
            # It runs, whether told or not, and is found again by its name. Others wait to be created.
            urgency=Urgency.WORD,
        )

    async def _without_model(self, step: steps.Submit, memory: Memory, inputs: Inputs) -> None:
        """SageMaker has not the model, or not yet: our own is looked at again, another's is waited for."""
        if inputs.model is None:
            await self._forget(steps.Forget(attempt=step.attempt), memory)
            name, region = inputs.spec["modelName"], inputs.handle.region
            raise WaitingError(f"spec.modelName: {missing(f'the model {name}', where=f'in SageMaker in {region}')}")
        entries = with_arn(memory.job.models, inputs.model, arn="")
        await self.report(memory, verdict=None, changes={"models": entries})

    async def _with_notice(self, memory: Memory, work: Coroutine[Any, Any, T]) -> T:
        """Do `work`; if it has to wait for its turn, say so in status meanwhile."""
        return await with_notice(
            work, after=_NOTICE_AFTER_SECONDS, tell=lambda verdict: self.report(memory, verdict=verdict)
        )

    async def _stage(self, memory: Memory, inputs: Inputs) -> None:
        """Upload packed code; what status says of it comes first, so that a retry finds the same."""
        if not inputs.sources:
            return
        told = {name: inputs.status[name] for name in ("sourceUri", "sourceUris") if name in inputs.status}
        await self.report(memory, verdict=None, changes=told)
        for uri, source in inputs.sources.items():
            await self._target.stage_source(inputs.handle, uri=uri, content=source.body)

    async def _look(self, step: steps.Look, memory: Memory) -> None:
        handle = self._inputs.handle(memory.job, self._kind, step.attempt)
        memory.observation = await self._target.describe(handle)
        memory.stale_because = ""

    async def _stop(self, step: steps.Stop, memory: Memory) -> None:
        attempt = step.attempt
        if step.why and attempt.stop_requested != step.why:
            attempt = replace(attempt, stop_requested=step.why)
            await self.report(memory, verdict=None, changes={"attempts": attempts.listed(memory.job, attempt)})
        handle = self._inputs.handle(memory.job, self._kind, attempt)
        seen = Observation(phase=Phase.GONE, whole=True)
        with _unless_never_made(attempt):
            seen = await self._target.stop(handle)
        memory.observation = seen

    async def _take_back(self, step: steps.TakeBack, memory: Memory) -> None:
        # What is known may be from before a stop of which only the answer was lost.
        seen = await self._target.describe(self._inputs.handle(memory.job, self._kind, step.attempt))
        memory.observation = seen
        memory.stale_because = ""
        if seen.phase is Phase.OPEN and not seen.is_half_stopped:
            attempt = replace(step.attempt, stop_requested="")
            await self.report(memory, verdict=None, changes={"attempts": attempts.listed(memory.job, attempt)})

    async def _tag(self, step: steps.Tag, memory: Memory) -> None:
        handle = self._inputs.handle(memory.job, self._kind, step.attempt)
        added, removed = memory.job.unapplied_tags
        await self._target.tag(handle, tags=added, remove=removed)
        memory.tags_refused = ""
        await self.report(memory, verdict=None, changes={"tags": list(memory.job.spec.get("tags") or ())})

    async def _close(self, step: steps.Close, memory: Memory) -> None:
        observation = memory.observation
        fields = dict(observation.fields) if observation else {}
        closed = attempts.closed(step.attempt, observation, self._kind, now=format_time(self._now()))
        changes: dict[str, Any] = {**fields, "attempts": attempts.listed(memory.job, closed)}
        if step.verdict.state in (State.READY, State.FAILED):
            changes |= {"completionTime": closed.end_time, "stepGone": None}
            changes["duration"] = attempts.duration(fields.get(self._kind.start_field), closed.end_time)
        await self.report(memory, verdict=step.verdict, changes=changes)
        memory.observation = None
        memory.stale_because = ""

    async def _forget(self, step: steps.Forget, memory: Memory) -> None:
        kept = [entry.dump() for entry in memory.job.attempts if entry.number != step.attempt.number]
        await self.report(memory, verdict=None, changes={"attempts": kept})
        memory.observation = None

    async def _purge(self, _: steps.Purge, memory: Memory) -> None:
        for attempt in memory.job.attempts:
            with _unless_never_made(attempt):
                await self._target.delete(self._inputs.handle(memory.job, self._kind, attempt))
        memory.is_purged = True

    async def _settle(self, _: steps.Settle, memory: Memory) -> None:
        job = memory.job
        left = [attempt for attempt in job.attempts if not attempt.is_closed or attempt.may_run_again]
        refused = [attempt for attempt in left if not await self._is_settled(job, attempt)]
        memory.is_settled = True
        self._report_unsettled(memory, refused)

    async def _is_settled(self, job: Job, attempt: Attempt) -> bool:
        """What has ended was taken away when it did: that nobody lets us look again holds no deletion up."""
        try:
            await self._target.settle(self._inputs.handle(job, self._kind, attempt))
        except (NotAllowedError, RefusedError) as error:
            if not attempt.is_closed:
                raise
            logger.warning("%s/%s: %s is not looked at again: %s", job.namespace, job.name, attempt.name, error)
            return False
        return True

    async def _expire(self, _: steps.Expire, memory: Memory) -> None:
        job = memory.job
        self._status.emit(job, kind=self._kind.name, reason=Reason.EXPIRED, message="Its time to live is over.")
        await self._objects.delete(memory)

    def _report_unsettled(self, memory: Memory, attempts: Sequence[Attempt]) -> None:
        """Tell of what has ended for the object, and may run again without it."""
        if attempts:
            remedy = f"delete the Jobs, or JobSets, that have the label {TAG_UID}={memory.job.uid} in this namespace"
            self._report_orphan(memory, f"delete {_names(attempts)}", what="A queue may run it again", remedy=remedy)

    def _report_orphan(self, memory: Memory, effort: str, *, what: str, remedy: str = "") -> None:
        job = memory.job
        where = "this namespace" if job.place is Place.CLUSTER else "SageMaker"
        message = (
            f"{self._kind.name} {job.name} is released though {job.place.authority} could not be made to {effort} in "
            f"time. {what}: {remedy or f'look at it in {where}'}."
        )
        self._orphans.report(memory, message)


def _names(attempts: Iterable[Attempt]) -> str:
    return ", ".join(attempt.name for attempt in attempts)


@contextlib.contextmanager
def _unless_never_made(thing: Attempt | MadeModel) -> Iterator[None]:
    """What was never known to be made is not there if the one of its name is somebody else's."""
    try:
        yield
    except NotOwnedError:
        if thing.arn:
            raise
