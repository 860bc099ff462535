"""How each step of an endpoint's plan is taken. Every one can be taken again after a crash at any line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any

from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.desired import ModelPlan
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.scaling import targets_of
from sagebridge.core.errors import AwsError, NotAllowedError
from sagebridge.core.job import Job, tag_map
from sagebridge.core.reasons import Reason
from sagebridge.engine.endpoint_inputs import EndpointInput, EndpointInputs
from sagebridge.engine.endpoint_memory import Change, EndpointMemory
from sagebridge.engine.notice import with_notice
from sagebridge.engine.objects import Objects
from sagebridge.engine.orphans import Orphans
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory
from sagebridge.kube.errors import KubeError
from sagebridge.kube.paths import Resource
from sagebridge.metrics import Metrics
from sagebridge.targets.protocol import Handle, NameConflictError
from sagebridge.targets.sagemaker.endpoints import SageMakerEndpoints

logger = logging.getLogger(__name__)

KIND = "Endpoint"
_NOTICE_AFTER_SECONDS = 5.0
_ALARMS_SECONDS = 10.0
"""How long a pass waits for CloudWatch, which a network may have no way to."""


class EndpointActions:
    """Takes steps for endpoints."""

    def __init__(
        self,
        *,
        resource: Resource,
        service: SageMakerEndpoints,
        inputs: EndpointInputs,
        status: StatusWriter,
        objects: Objects,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._resource = resource
        self._service = service
        self._inputs = inputs
        self._status = status
        self._objects = objects
        self._metrics = metrics
        self._orphans = Orphans(kind=KIND, status=status, metrics=metrics)
        self._now = now
        self._takers: Mapping[type[Any], Callable[[Any, Memory, EndpointMemory], Awaitable[None]]] = {
            steps.Protect: self._protect,
            steps.Resolve: self._resolve,
            steps.Look: self._look,
            steps.Claim: self._claim,
            steps.Survey: self._survey,
            steps.Remember: self._remember,
            steps.CreateModel: self._create_model,
            steps.CreateConfig: self._create_config,
            steps.CreateEndpoint: self._create_endpoint,
            steps.UpdateEndpoint: self._update_endpoint,
            steps.UpdateNumbers: self._update_numbers,
            steps.DeleteEndpoint: self._delete_endpoint,
            steps.Register: self._register,
            steps.Deregister: self._deregister,
            steps.PutPolicy: self._put_policy,
            steps.DeletePolicy: self._delete_policy,
            steps.PutScheduled: self._put_scheduled,
            steps.DeleteScheduled: self._delete_scheduled,
            steps.ApplyTags: self._apply_tags,
            steps.Collect: self._collect,
            steps.Release: self._release,
        }

    async def take(self, step: steps.Step, memory: Memory, known: EndpointMemory) -> None:
        """Take one step that changes something."""
        await self._takers[type(step)](step, memory, known)

    async def accept(self, memory: Memory) -> None:
        """Say, before AWS is called, that this generation is looked at."""
        if memory.job.deletion_requested_at is None and memory.job.status.get("observedGeneration") != (
            memory.job.generation
        ):
            verdict = Verdict(state=State.UNSEEN, reason=Reason.ACCEPTED, message="Accepted; looking at the endpoint.")
            await self.report(memory, verdict=verdict, changes={}, quietly=True)

    async def report(
        self, memory: Memory, *, verdict: Verdict | None, changes: Mapping[str, Any], quietly: bool = False
    ) -> None:
        """Write how things stand; `quietly` without an Event."""
        await self._status.write(memory, resource=self._resource, verdict=verdict, changes=changes, quietly=quietly)
        if memory.changed_at is not None:
            lag = (self._now() - memory.changed_at).total_seconds()
            self._metrics.status_lag_seconds.labels(kind=KIND).observe(max(0.0, lag))
            memory.changed_at = None

    async def _with_notice(self, memory: Memory, work: Coroutine[Any, Any, None]) -> None:
        await with_notice(
            work,
            after=_NOTICE_AFTER_SECONDS,
            tell=lambda verdict: self.report(memory, verdict=verdict, changes={}),
        )

    def tell(self, memory: Memory, verdict: Verdict) -> None:
        """Emit a verdict as an Event, and leave status alone."""
        self._status.tell(memory.job, verdict=verdict, kind=KIND)

    def measure(self, known: EndpointMemory, *, succeeded: bool) -> None:
        """What was under way has ended."""
        if known.change is None:
            return
        outcome = "Succeeded" if succeeded else "Failed"
        took = (self._now() - known.change.since).total_seconds()
        self._metrics.endpoint_change_seconds.labels(change=known.change.what, outcome=outcome).observe(max(0.0, took))
        known.change = None

    # --- the object ----------------------------------------------------------------------------------------------

    async def _protect(self, _: steps.Protect, memory: Memory, __: EndpointMemory) -> None:
        await self._objects.protect(memory)

    async def _release(self, step: steps.Release, memory: Memory, _: EndpointMemory) -> None:
        if step.orphan:
            self._report_orphan(memory, step.orphan)
        await self._objects.release(memory)

    async def _resolve(self, _: steps.Resolve, memory: Memory, known: EndpointMemory) -> None:
        known.resolved = await self._inputs.resolve(memory.job)

    async def _remember(self, step: steps.Remember, memory: Memory, known: EndpointMemory) -> None:
        resolved = dict(known.resolved.status) if known.resolved else {}
        started = {"startTime": memory.job.status.get("startTime") or memory.job.metadata["creationTimestamp"]}
        await self.report(memory, verdict=None, changes=resolved | started | step.ledger.dump())

    # --- the endpoint --------------------------------------------------------------------------------------------

    async def _look(self, _: steps.Look, memory: Memory, known: EndpointMemory) -> None:
        targets = dict.fromkeys(Ledger.parse(memory.job.status).targets)
        targets |= dict.fromkeys(targets_of(memory.job.spec))
        known.take_look(await self._service.look(self._inputs.handle(memory.job), targets=tuple(targets)))
        memory.stale_because = ""
        if known.is_ours or not known.status:
            known.blind_since = None

    async def _claim(self, _: steps.Claim, memory: Memory, known: EndpointMemory) -> None:
        job = memory.job
        may_adopt = job.may_adopt and job.deletion_requested_at is None and not job.is_paused
        claimed = await self._service.claim(self._inputs.handle(job), adopt=may_adopt)
        known.blind_since = None
        known.claim(is_ours=claimed.is_ours, is_adopted=claimed.is_adopted)
        if not claimed.is_ours and job.deletion_requested_at is None:
            known.forget_owner()
            suffix = " While it is paused, nothing is taken over." if job.is_paused else ""
            raise NameConflictError(claimed.conflict + suffix)
        if claimed.is_ours and claimed.is_adopted and not job.status.get("endpointArn"):
            self._tell(job, Reason.ADOPTED, f"Endpoint {self._inputs.handle(job).name} taken over.")

    async def _survey(self, _: steps.Survey, memory: Memory, known: EndpointMemory) -> None:
        if known.observed is not None:
            known.observed = await self._service.survey(self._inputs.handle(memory.job), known.observed)

    async def _create_model(self, step: steps.CreateModel, memory: Memory, known: EndpointMemory) -> None:
        resolved = _resolved(known)
        known.is_fresh = False
        tags = _tags(memory.job, resolved.handle)
        await self._with_notice(memory, self._make_model(resolved, step.model, tags))
        known.made.add(step.model.name)

    async def _make_model(self, resolved: EndpointInput, model: ModelPlan, tags: Mapping[str, str]) -> None:
        """Its archives take their turn before it."""
        for uri, repack in resolved.repacks.items():
            await self._service.repack(resolved.handle, repack, uri=uri)
        await self._service.create_model(resolved.handle, model, tags=tags)

    async def _create_config(self, step: steps.CreateConfig, memory: Memory, known: EndpointMemory) -> None:
        handle = _resolved(known).handle
        known.is_fresh = False
        tags = _tags(memory.job, handle)
        await self._with_notice(memory, self._service.create_config(handle, step.config, tags=tags))
        known.made.add(step.config.name)

    async def _create_endpoint(self, step: steps.CreateEndpoint, memory: Memory, known: EndpointMemory) -> None:
        job, handle = memory.job, _resolved(known).handle
        known.forget_look()
        tags = _tags(job, handle)
        call = self._service.create_endpoint(handle, config_name=step.config_name, tags=tags)
        await self._with_notice(memory, call)
        known.change = Change(what="Create", since=self._now())
        self._tell(job, Reason.CREATING, f"Creating endpoint {handle.name} with {step.config_name}.")
        applied = {"tags": list(job.spec.get("tags") or ()) or None}
        await self.report(memory, verdict=None, changes=applied | _begun(memory))

    async def _update_endpoint(self, step: steps.UpdateEndpoint, memory: Memory, known: EndpointMemory) -> None:
        handle = _resolved(known).handle
        known.forget_look()
        call = self._service.update_endpoint(
            handle,
            config_name=step.config_name,
            retain=step.retain,
            exclude=step.exclude,
            deployment=step.deployment,
        )
        await self._with_notice(memory, call)
        known.change = Change(what="Update", since=self._now())
        self._tell(memory.job, Reason.UPDATING, f"Updating endpoint {handle.name} to {step.config_name}.")
        try:
            await self.report(memory, verdict=None, changes=_begun(memory))
        except KubeError:
            # The next pass finds the update under way, and does not come here again.
            await self._warn_of_missing_alarms(memory.job, handle, step.deployment or {})
            raise
        await self._warn_of_missing_alarms(memory.job, handle, step.deployment or {})

    async def _warn_of_missing_alarms(self, job: Job, handle: Handle, deployment: Mapping[str, Any]) -> None:
        """Tell of a mistyped name. The update is under way: whatever goes wrong here must not be taken for its end."""
        rollback = deployment.get("autoRollbackConfiguration") or {}
        names = [alarm["alarmName"] for alarm in rollback.get("alarms") or () if alarm.get("alarmName")]
        try:
            async with asyncio.timeout(_ALARMS_SECONDS):
                missing = await self._service.alarms.missing(handle, names)
        except (AwsError, NotAllowedError, TimeoutError) as error:
            why = str(error) or f"CloudWatch does not answer within {_ALARMS_SECONDS:g} seconds"
            logger.warning("%s/%s: nobody knows whether its alarms exist: %s", job.namespace, job.name, why)
            return
        if missing:
            message = (
                f"No alarm {', '.join(missing)} is in CloudWatch in {handle.region}, so none of that name rolls this "
                "update back: make it, or correct spec.deploymentConfig.autoRollbackConfiguration."
            )
            self._status.emit(job, kind=KIND, reason=Reason.ALARM_NOT_FOUND, message=message, is_warning=True)

    async def _update_numbers(self, step: steps.UpdateNumbers, memory: Memory, known: EndpointMemory) -> None:
        handle = _resolved(known).handle
        known.forget_look()
        call = self._service.update_numbers(handle, weights=step.weights, counts=step.counts)
        await self._with_notice(memory, call)
        known.change = Change(what="Weights", since=self._now())
        changed = [f"weight {weight:g} of {name}" for name, weight in step.weights.items()]
        changed += [f"{count} instances of {name}" for name, count in step.counts.items()]
        self._tell(memory.job, Reason.UPDATING, f"Updating to {', '.join(changed)}.")
        await self.report(memory, verdict=None, changes=_begun(memory))

    async def _delete_endpoint(self, _: steps.DeleteEndpoint, memory: Memory, known: EndpointMemory) -> None:
        handle = self._inputs.handle(memory.job)
        known.forget_look()
        known.forget_owner()
        await self._service.delete_endpoint(handle)
        self._tell(memory.job, Reason.DELETING, f"Deleting endpoint {handle.name}.")

    async def _collect(self, step: steps.Collect, memory: Memory, known: EndpointMemory) -> None:
        handle = self._inputs.handle(memory.job)
        await self._service.delete_config(handle, step.config_name)
        for name in step.model_names:
            await self._service.delete_model(handle, name)
        known.made -= {step.config_name, *step.model_names}
        await self.report(memory, verdict=None, changes=step.ledger.dump())

    async def _apply_tags(self, _: steps.ApplyTags, memory: Memory, __: EndpointMemory) -> None:
        job = memory.job
        added, removed = job.unapplied_tags
        await self._service.tag(self._inputs.handle(job), tags=added, remove=removed)
        memory.tags_refused = ""
        await self.report(memory, verdict=None, changes={"tags": list(job.spec.get("tags") or ()) or None})

    # --- scaling -------------------------------------------------------------------------------------------------

    async def _register(self, step: steps.Register, memory: Memory, known: EndpointMemory) -> None:
        await self._service.scaling.register(await self._owned(memory, known), step.key, step.plan)
        known.update_look(lambda seen: seen.with_target(step.key, step.plan))

    async def _deregister(self, step: steps.Deregister, memory: Memory, known: EndpointMemory) -> None:
        await self._service.scaling.deregister(await self._owned(memory, known), step.key)
        known.update_look(lambda seen: seen.without_target(step.key))

    async def _put_policy(self, step: steps.PutPolicy, memory: Memory, known: EndpointMemory) -> None:
        handle = await self._owned(memory, known)
        arn = await self._service.scaling.put_policy(handle, step.key, step.name, step.definition)
        policy = {**step.definition, "PolicyARN": arn}
        known.update_look(lambda seen: seen.with_policy(step.key, step.name, policy))

    async def _delete_policy(self, step: steps.DeletePolicy, memory: Memory, known: EndpointMemory) -> None:
        await self._service.scaling.delete_policy(await self._owned(memory, known), step.key, step.name)
        known.update_look(lambda seen: seen.with_policy(step.key, step.name, None))

    async def _put_scheduled(self, step: steps.PutScheduled, memory: Memory, known: EndpointMemory) -> None:
        await self._service.scaling.put_scheduled(
            await self._owned(memory, known), step.key, step.name, step.definition
        )
        known.update_look(lambda seen: seen.with_scheduled(step.key, step.name, step.definition))

    async def _delete_scheduled(self, step: steps.DeleteScheduled, memory: Memory, known: EndpointMemory) -> None:
        await self._service.scaling.delete_scheduled(await self._owned(memory, known), step.key, step.name)
        known.update_look(lambda seen: seen.with_scheduled(step.key, step.name, None))

    async def _owned(self, memory: Memory, known: EndpointMemory) -> Handle:
        """How to call for the endpoint's scaling; whose it is, which only the endpoint's tags tell, is asked once."""
        handle = self._inputs.handle(memory.job)
        if known.status and not known.is_owner_fresh:
            await self._service.assert_owned(handle)
            known.is_owner_fresh = True
        return handle

    # --- telling -------------------------------------------------------------------------------------------------

    def _tell(self, job: Job, reason: Reason, message: str) -> None:
        self._status.emit(job, kind=KIND, reason=reason, message=message)

    def _report_orphan(self, memory: Memory, why: str) -> None:
        left = "They may still be there, and cost: look at them in SageMaker."
        self._orphans.report(memory, f"{KIND} {memory.job.name} is released though {why}. {left}")


def _resolved(known: EndpointMemory) -> EndpointInput:
    if known.resolved is None:
        raise RuntimeError("a step that needs the spec was planned without it")
    return known.resolved


def _begun(memory: Memory) -> dict[str, Any]:
    """What status says once SageMaker has accepted what it records."""
    return Ledger.parse(memory.job.status).with_begun().dump()


def _tags(job: Job, handle: Handle) -> dict[str, str]:
    return tag_map(job.spec.get("tags")) | handle.owner.tags()
