"""How each step of the plan of an Endpoint on the cluster is taken. Every one can be taken again after a crash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sagebridge.core.clock import format_time
from sagebridge.core.cluster.names import SERVE
from sagebridge.core.cluster.serving import manifests, steps
from sagebridge.core.cluster.serving.deployment import Deployment
from sagebridge.core.cluster.serving.endpoint import KIND, LABEL_ENDPOINT, ClusterEndpoint
from sagebridge.core.cluster.serving.record import Record
from sagebridge.core.cluster.serving.scaling import Scaler
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint.desired import content_hash
from sagebridge.core.endpoint.revision import Revision
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.engine.objects import Objects
from sagebridge.engine.orphans import Orphans
from sagebridge.engine.serving_inputs import ServingInput, ServingInputs
from sagebridge.engine.serving_memory import Applied, ServingMemory
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory
from sagebridge.kube.paths import Resource
from sagebridge.metrics import Metrics
from sagebridge.schema.kind import GROUP, VERSION
from sagebridge.targets.cluster.serving_objects import ServingObjects, is_as_asked
from sagebridge.targets.cluster.serving_view import Belonging, Part, ServingView, belonging, ours
from sagebridge.targets.protocol import NotGoneError

_SCALERS: Final[Mapping[Scaler, Part]] = {Scaler.HPA: Part.HPA, Scaler.KEDA: Part.KEDA}
_BESIDE: Final = (Part.SERVICE, Part.BUDGET, *_SCALERS.values())
_API_VERSION: Final = f"{GROUP}/{VERSION}"
_MOST_REVISIONS: Final = 10
"""That are recorded of those that did not serve; what is older goes with the object."""


class ServingActions:
    """Takes steps for endpoints on the cluster."""

    def __init__(
        self,
        *,
        resource: Resource,
        objects: ServingObjects,
        view: ServingView,
        inputs: ServingInputs,
        status: StatusWriter,
        own: Objects,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._resource = resource
        self._objects = objects
        self._view = view
        self._inputs = inputs
        self._status = status
        self._own = own
        self._orphans = Orphans(kind=KIND, status=status, metrics=metrics)
        self._now = now
        self._takers: Mapping[type[Any], Callable[[Any, Memory, ServingMemory], Awaitable[None]]] = {
            steps.Protect: self._protect,
            steps.Resolve: self._resolve,
            steps.Remember: self._remember,
            steps.Begin: self._begin,
            steps.Deploy: self._deploy,
            steps.Restore: self._restore,
            steps.Scale: self._scale,
            steps.Apply: self._apply,
            steps.Collect: self._collect,
            steps.Delete: self._delete,
            steps.Leave: self._leave,
            steps.Release: self._release,
        }

    async def take(self, step: steps.Step, memory: Memory, known: ServingMemory) -> None:
        """Take one step that changes something."""
        await self._takers[type(step)](step, memory, known)

    async def report(
        self, memory: Memory, *, verdict: Verdict | None, changes: Mapping[str, Any], quietly: bool = False
    ) -> None:
        """Write how things stand; `quietly` without an Event."""
        await self._status.write(memory, resource=self._resource, verdict=verdict, changes=changes, quietly=quietly)

    def deployment(self, job: Job) -> Deployment | None:
        """The object's Deployment as it was last seen; None if there is none."""
        seen = self._view.of(namespace=job.namespace, name=self._inputs.name(job))
        found = seen.of(Part.DEPLOYMENT, self._inputs.name(job))
        is_ours = found is not None and belonging(found, self._inputs.owner(job)) is Belonging.OURS
        return Deployment(body=found) if found is not None and is_ours else None

    def applied_key(self, resolved: ServingInput) -> str:
        """Stands for all that a Deployment is applied with, but for its template."""
        endpoint = resolved.endpoint
        owner = manifests.owner_reference(endpoint, api_version=_API_VERSION)
        manifest = manifests.deployment_manifest(endpoint, owner, template={})
        return content_hash([manifest, manifests.revision(endpoint)])

    async def look(self, job: Job, known: ServingMemory) -> None:
        """See what nobody follows."""
        if known.scaled_by:
            known.scaled_by = await self._scaled_by(job)
        wanted = ((job.spec.get("cluster") or {}).get("autoscaling") or {}).get("triggers")
        told = [one.get("policyType") for one in job.status.get("scalingPolicies") or ()]
        if wanted or Scaler.KEDA.value in told:
            await self._objects.look_for_keda(namespace=job.namespace, name=self._inputs.name(job))

    def goes_with(self, job: Job, resolved: ServingInput) -> bool:
        """Whether all beside the Deployment is as the spec says."""
        wanted = self._beside(resolved)
        seen = self._view.of(namespace=job.namespace, name=resolved.endpoint.name)
        for part in _BESIDE:
            there = ours(seen.all(part), resolved.endpoint.owner)
            manifest = wanted.get(part)
            if manifest is None and there:
                return False
            if manifest is not None and not any(is_as_asked(part, manifest, body) for body in there):
                return False
        return True

    def pods(self, job: Job) -> list[Mapping[str, Any]]:
        """What may be its pods."""
        return self._view.of(namespace=job.namespace, name=self._inputs.name(job)).all(Part.POD)

    def remains(self, job: Job) -> bool:
        """Whether anything of the endpoint is there."""
        return self._objects.remains(owner=self._inputs.owner(job), name=self._inputs.name(job))

    # --- the object ----------------------------------------------------------------------------------------------

    async def _protect(self, _: steps.Protect, memory: Memory, __: ServingMemory) -> None:
        await self._own.protect(memory)

    async def _release(self, step: steps.Release, memory: Memory, _: ServingMemory) -> None:
        if step.orphan:
            self._orphans.report(memory, f"{KIND} {memory.job.name} is released though {step.orphan}.")
        await self._own.release(memory)

    async def _resolve(self, _: steps.Resolve, memory: Memory, known: ServingMemory) -> None:
        found = self.deployment(memory.job)
        known.resolved = await self._inputs.resolve(
            memory.job,
            agent_image=found.agent_image if found else "",
            running={found.revision, Record.parse(memory.job.status).target} if found else (),
        )
        scaling = known.resolved.endpoint.scaling
        if scaling is not None:
            # What is set by hand after that is set for the first time.
            known.replicas = None
            if scaling.scaler is Scaler.KEDA:
                await self._objects.check_keda()
        wanted = manifests.revision(known.resolved.endpoint)
        document = await self._objects.document(wanted, owner=self._inputs.owner(memory.job))
        known.document = wanted if document is not None else ""

    async def _remember(self, step: steps.Remember, memory: Memory, known: ServingMemory) -> None:
        changes: dict[str, Any] = step.record.dump()
        if known.resolved is not None and step.record.key != Record.parse(memory.job.status).key:
            changes |= self._revision(memory.job, known.resolved, step.record)
        # What it means is said by the step that concludes, together with all else.
        await self.report(memory, verdict=None, changes=changes)

    def _revision(self, job: Job, resolved: ServingInput, record: Record) -> dict[str, Any]:
        """What was resolved for it, which holds until the manifest changes."""
        before = [Revision.parse(entry) for entry in job.status.get("revisions") or ()]
        entry = Revision(
            number=max((one.number for one in before), default=0) + 1,
            config_name=record.target,
            recorded_at=record.since,
            models=resolved.models,
        )
        kept = recorded([*(one for one in before if one.config_name != record.target), entry], good=record.good)
        return {"revisions": [one.dump() for one in kept], **self.shown(job, resolved)}

    def shown(self, job: Job, resolved: ServingInput) -> dict[str, Any]:
        """What status shows of what was resolved."""
        endpoint = resolved.endpoint
        return {
            "region": resolved.region,
            "endpointArn": endpoint.arn,
            "creationTime": job.status.get("creationTime") or format_time(self._now()),
            "startTime": job.status.get("startTime") or job.metadata["creationTimestamp"],
            "traffic": endpoint.variant["variantName"],
            "instanceTypes": endpoint.pod.placement.instance_type,
            "tags": list(job.spec.get("tags") or ()) or None,
            "logs": {"podSelector": f"{LABEL_ENDPOINT}={endpoint.name}", "container": SERVE},
            "scalingPolicies": self._policies(job, resolved),
        }

    def _policies(self, job: Job, resolved: ServingInput) -> list[dict[str, str]] | None:
        """Who scales, and a ScaledObject that shall not until it is seen gone: nobody follows those, nor finds them."""
        endpoint = resolved.endpoint
        scalers = [endpoint.scaling.scaler] if endpoint.scaling else []
        seen = self._view.of(namespace=job.namespace, name=endpoint.name)
        if Scaler.KEDA not in scalers and ours(seen.all(Part.KEDA), endpoint.owner):
            scalers.append(Scaler.KEDA)
        variant, name = endpoint.variant["variantName"], endpoint.name
        found = [{"variantName": variant, "policyName": name, "policyType": one.value} for one in scalers]
        return found or None

    # --- what it consists of -------------------------------------------------------------------------------------

    async def _begin(self, step: steps.Begin, __: Memory, known: ServingMemory) -> None:
        endpoint, owner = self._wanted(known)
        await self._objects.apply(Part.REVISION, manifests.revision_manifest(endpoint, owner), endpoint.owner)
        known.document = step.revision

    async def _deploy(self, step: steps.Deploy, memory: Memory, known: ServingMemory) -> None:
        endpoint, owner = self._wanted(known)
        before = self.deployment(memory.job)
        template = None
        if step.earlier and before is not None:
            template = await self._objects.template_of(before.body, step.revision)
            if template is None:
                # What served can't be put back: its ReplicaSet is gone. What is there stays.
                record = Record.parse(memory.job.status)
                await self.report(memory, verdict=None, changes={"endpointConfigName": None, **_without_good(record)})
                return
        manifest = manifests.deployment_manifest(endpoint, owner, template=template)
        after = Deployment(body=await self._objects.apply(Part.DEPLOYMENT, manifest, endpoint.owner))
        key = self.applied_key(_resolved(known))
        if before is None or before.revision == step.revision:
            self._tell_drift(memory, known, before=before, after=after, key=key)
        if before is None or before.revision != step.revision:
            self._tell_rollout(memory, step, is_first=before is None)
        known.applied = Applied(key=key, generation=after.generation)

    async def _restore(self, step: steps.Restore, memory: Memory, _: ServingMemory) -> None:
        before = self.deployment(memory.job)
        found = await self._objects.whole(before.body) if before is not None else None
        template = await self._objects.template_of(found, step.revision) if found is not None else None
        if found is None or template is None:
            return
        owner = self._inputs.owner(memory.job)
        await self._objects.apply(Part.DEPLOYMENT, manifests.restored(found, template), owner)
        self._tell_rollout(memory, steps.Deploy(revision=step.revision, earlier=True), is_first=False)

    def _tell_drift(
        self, memory: Memory, known: ServingMemory, *, before: Deployment | None, after: Deployment, key: str
    ) -> None:
        """What was put right, if this process had left it otherwise."""
        if known.applied is None or known.applied.key != key:
            return
        if before is None:
            self._tell_corrected(memory, "Somebody has deleted the Deployment; it is made anew.")
        elif before.generation not in {after.generation, known.applied.generation}:
            self._tell_corrected(memory, "Somebody has changed the Deployment; it is put right.")

    def _tell_corrected(self, memory: Memory, message: str) -> None:
        self._status.emit(memory.job, kind=KIND, reason=Reason.DRIFT_CORRECTED, message=message, is_warning=True)

    def _tell_rollout(self, memory: Memory, step: steps.Deploy, *, is_first: bool) -> None:
        if step.earlier:
            verdict = Verdict(
                state=State.PROGRESSING, reason=Reason.UPDATING, message=f"Going back to {step.revision}."
            )
        else:
            reason = Reason.CREATING if is_first else Reason.UPDATING
            what = "Creating" if is_first else "Updating to"
            verdict = Verdict(state=State.PROGRESSING, reason=reason, message=f"{what} {step.revision}.")
        self._status.tell(memory.job, verdict=verdict, kind=KIND)

    async def _scale(self, step: steps.Scale, memory: Memory, known: ServingMemory) -> None:
        found = self.deployment(memory.job)
        if found is None or await self._is_scaled_by_another(memory, known):
            return
        after = Deployment(body=await self._objects.scale(found.body, step.replicas))
        if known.replicas == step.replicas and found.uid == after.uid:
            message = f"Somebody has given the Deployment {found.wanted} pods; it has {step.replicas} again."
            self._tell_corrected(memory, message)
        known.replicas = step.replicas
        if known.applied is not None and known.applied.generation == found.generation:
            known.applied = Applied(key=known.applied.key, generation=after.generation)

    async def _is_scaled_by_another(self, memory: Memory, known: ServingMemory) -> bool:
        """Whether the count is somebody else's to say, which is told once."""
        if _resolved(known).endpoint.scaling is not None:
            return False
        before, known.scaled_by = known.scaled_by, await self._scaled_by(memory.job)
        if known.scaled_by and known.scaled_by != before:
            message = (
                f"The HorizontalPodAutoscaler {known.scaled_by}, which is not this object's, scales the Deployment: it "
                "says how many pods there are, and spec.replicas does not. Delete it to have them from here."
            )
            reason = Reason.SCALED_BY_ANOTHER
            self._status.emit(memory.job, kind=KIND, reason=reason, message=message, is_warning=True)
        return bool(known.scaled_by)

    async def _scaled_by(self, job: Job) -> str:
        return await self._objects.scaled_by(owner=self._inputs.owner(job), name=self._inputs.name(job))

    async def _apply(self, _: steps.Apply, memory: Memory, known: ServingMemory) -> None:
        resolved = _resolved(known)
        endpoint = resolved.endpoint
        wanted = self._beside(resolved)
        key = content_hash([manifest for _, manifest in sorted(wanted.items())])
        if known.beside == key:
            self._tell_corrected(memory, "Somebody has changed what goes with the Deployment; it is put right.")
        # Before it is done: whoever comes after this process looks for what status says.
        await self.report(memory, verdict=None, changes={"scalingPolicies": self._policies(memory.job, resolved)})
        held = await self._end_scalers(memory.job, endpoint, but=wanted)
        there = self._view.of(namespace=memory.job.namespace, name=endpoint.name)
        for part, manifest in wanted.items():
            is_held = held is not None and part in _SCALERS.values()
            bodies = ours(there.all(part), endpoint.owner)
            if not is_held and not any(is_as_asked(part, manifest, body) for body in bodies):
                await self._objects.apply(part, manifest, endpoint.owner)
        if held is not None:
            raise held
        known.beside, known.has_applied_beside = key, True

    async def _end_scalers(self, job: Job, endpoint: ClusterEndpoint, *, but: Container[Part]) -> NotGoneError | None:
        """Delete who is to scale no more, which comes first; what is said of one that does not go."""
        seen = self._view.of(namespace=job.namespace, name=endpoint.name)
        held = None
        for part in _SCALERS.values():
            for body in ours(seen.all(part), endpoint.owner) if part not in but else ():
                try:
                    await self._objects.end_scaler(part, body)
                except NotGoneError as error:
                    held = error
        return held

    def _beside(self, resolved: ServingInput) -> dict[Part, Mapping[str, Any]]:
        endpoint = resolved.endpoint
        owner = manifests.owner_reference(endpoint, api_version=_API_VERSION)
        found: dict[Part, Mapping[str, Any]] = {
            Part.SERVICE: manifests.service_manifest(endpoint, owner),
            Part.BUDGET: manifests.budget_manifest(endpoint, owner),
        }
        scaler = manifests.scaler_manifest(endpoint, owner)
        if scaler is not None and endpoint.scaling is not None:
            found[_SCALERS[endpoint.scaling.scaler]] = scaler
        return found

    async def _collect(self, step: steps.Collect, memory: Memory, _: ServingMemory) -> None:
        job = memory.job
        for name in revisions(job) - {*step.keep}:
            if name.startswith(f"{self._inputs.name(job)}-"):
                await self._objects.collect(name, owner=self._inputs.owner(job))
        entries = job.status.get("revisions") or ()
        kept = [dict(entry) for entry in entries if entry["endpointConfigName"] in step.keep]
        await self.report(memory, verdict=None, changes={"revisions": kept})

    async def _delete(self, _: steps.Delete, memory: Memory, __: ServingMemory) -> None:
        name = self._inputs.name(memory.job)
        await self._objects.delete_all(owner=self._inputs.owner(memory.job), name=name)
        verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETING, message=f"Deleting {name}.")
        self._status.tell(memory.job, verdict=verdict, kind=KIND)

    async def _leave(self, step: steps.Leave, memory: Memory, _: ServingMemory) -> None:
        owner, name = self._inputs.owner(memory.job), self._inputs.name(memory.job)
        names = sorted(revisions(memory.job))
        leave = self._objects.leave_at_last if step.is_last else self._objects.leave
        await leave(owner=owner, name=name, revisions=names)

    def _wanted(self, known: ServingMemory) -> tuple[Any, dict[str, Any]]:
        endpoint = _resolved(known).endpoint
        return endpoint, manifests.owner_reference(endpoint, api_version=_API_VERSION)


def recorded(found: Sequence[Revision], *, good: str) -> list[Revision]:
    """Those that status records: the newest, and the one that serves, however many after it have failed."""
    older, newest = found[: -_MOST_REVISIONS - 1], found[-_MOST_REVISIONS - 1 :]
    return [*(one for one in older if one.config_name == good), *newest]


def revisions(job: Job) -> frozenset[str]:
    """The names of the ConfigMaps of its revisions, as far as status knows."""
    return frozenset(Revision.parse(entry).config_name for entry in job.status.get("revisions") or ())


def _without_good(record: Record) -> dict[str, Any]:
    return {key: value for key, value in record.dump().items() if key != "endpointConfigName"}


def _resolved(known: ServingMemory) -> ServingInput:
    if known.resolved is None:
        raise RuntimeError("a step that needs the spec was planned without it")
    return known.resolved
