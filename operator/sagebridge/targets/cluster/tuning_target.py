"""Tuning jobs whose trials are TrainingJobs on the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sagebridge.core.clock import format_time
from sagebridge.core.cluster.names import all_tags, annotations_of, changed_tags
from sagebridge.core.cluster.placing import wish
from sagebridge.core.cluster.tuning import record as records
from sagebridge.core.cluster.tuning import trials as trial_jobs
from sagebridge.core.cluster.tuning import warm_start
from sagebridge.core.cluster.tuning.checks import check
from sagebridge.core.cluster.tuning.observation import Described, describe
from sagebridge.core.cluster.tuning.plan import STOP, is_over
from sagebridge.core.cluster.tuning.record import Record
from sagebridge.core.cluster.tuning.request import with_processes
from sagebridge.core.cluster.tuning.trials import ClusterTrial
from sagebridge.core.errors import SpecError
from sagebridge.core.job import DeletionPolicy, Job
from sagebridge.core.names import Owner
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.placement import PlacementSettings, place
from sagebridge.core.search.trial import has_ended
from sagebridge.core.tuning.results import best_trials_fields
from sagebridge.kinds.kind import JobKind
from sagebridge.schema.convert import ConversionError, from_response, to_request
from sagebridge.targets.cluster.early_stopper import EarlyStopper
from sagebridge.targets.cluster.target import Stage
from sagebridge.targets.cluster.tuner import Now, Tuner
from sagebridge.targets.cluster.tuning_objects import TuningObjects
from sagebridge.targets.cluster.tuning_view import TuningView
from sagebridge.targets.protocol import Handle, Models, NotOwnedError, Submission


class TuningTarget:
    """Implements `sagebridge.targets.protocol.Target` by a record, and TrainingJobs that a `Tuner` makes.

    Every method may also raise `sagebridge.kube.errors.KubeError`.
    """

    models: Models | None = None

    def __init__(
        self,
        *,
        kind: JobKind,
        objects: TuningObjects,
        view: TuningView,
        tuner: Tuner,
        early_stopper: EarlyStopper,
        placement: PlacementSettings,
        stage: Stage,
        now: Now,
    ) -> None:
        self._kind = kind
        self._objects = objects
        self._view = view
        self._tuner = tuner
        self._early_stopper = early_stopper
        self._placement = placement
        self._stage = stage
        self._now = now

    async def submit(self, handle: Handle, spec: Mapping[str, Any], *, adopt: bool) -> Submission:
        """See `Target.submit`. What was recorded first holds."""
        del adopt  # on the cluster there is nothing of the name but what the operator has made
        record = self._record(handle, spec)
        check(record)
        made = await self._recorded(handle, record)
        if made is None:
            record = replace(record, inherited=await self._inherit(record))
            made = await self._objects.make_record(handle, records.manifest(record))
        self._view.records[_key(handle)] = made
        self._view.changed(*_key(handle))
        return Submission(arn=_arn(handle))

    async def observe(self, handles: Sequence[Handle]) -> Mapping[str, Observation]:
        """See `Target.observe`: from what was seen; what this process has not seen yet is read once."""
        found = {}
        for handle in handles:
            seen = await self._tuner.seen(handle)
            if seen is not None:
                found[handle.owner.uid] = self._observation(handle, *seen)
        return found

    async def describe(self, handle: Handle) -> Observation:
        """See `Target.describe`."""
        self._view.forget(_key(handle))
        seen = await self._tuner.seen(handle)
        if seen is not None:
            return self._observation(handle, *seen)
        # Without its record nobody would ever stop them.
        for trial in await self._objects.trials(handle.owner, handle.attempt):
            await self._stop_trial(Job.parse(trial))
        return Observation(phase=Phase.GONE, whole=True)

    async def stop(self, handle: Handle) -> Observation:
        """See `Target.stop`. That it is to stop is recorded before any trial is told."""
        self._view.forget(_key(handle))
        seen = await self._tuner.seen(handle)
        if seen is None or is_over(*seen):
            return await self.describe(handle)
        record, trials = seen
        if record.ending is None:
            await self._tuner.end(handle, STOP)
        for trial in trials:
            if not has_ended(trial):
                await self._stop_trial(trial.job)
        seen = await self._tuner.seen(handle)
        return Observation(phase=Phase.GONE, whole=True) if seen is None else self._observation(handle, *seen)

    async def delete(self, handle: Handle) -> None:
        """See `Target.delete`."""
        for trial in await self._objects.trials(handle.owner, handle.attempt):
            await self._objects.change_trial(trial, {"deletionPolicy": DeletionPolicy.PURGE.value})
            await self._objects.delete_trial(trial)
        record = await self._objects.record(handle)
        if record is not None:
            await self._objects.delete_record(handle, record)
        self._view.forget(_key(handle))

    async def settle(self, handle: Handle) -> None:
        """See `Target.settle`. Its trials are objects of their own, which see to that."""

    async def tags_of(self, handle: Handle) -> Mapping[str, str]:
        """See `Target.tags_of`."""
        return all_tags(annotations_of(await self._found(handle)))

    async def tag(self, handle: Handle, *, tags: Mapping[str, str], remove: Sequence[str]) -> None:
        """See `Target.tag`. Trials keep the tags that they were made with."""
        found = await self._found(handle)
        changes = changed_tags(annotations_of(found), tags=tags, remove=remove)
        self._view.records[_key(handle)] = await self._objects.annotate_record(handle, found, changes)

    async def stage_source(self, handle: Handle, *, uri: str, content: bytes) -> str:
        """See `Target.stage_source`."""
        return await self._stage(handle, uri=uri, content=content)

    async def attend(self, handle: Handle, job: Job, *, is_partly_seen: bool = False) -> None:
        """Have made, and stopped, what is due now; of a part of the trials alone that can't be said."""
        if is_partly_seen:
            return
        self._tuner.attend(handle, job)
        self._early_stopper.attend(handle, job)

    async def tidy(self, handle: Handle) -> None:
        """Nothing of an attempt that is closed runs by itself."""

    def _record(self, handle: Handle, spec: Mapping[str, Any]) -> Record:
        plain = {key: value for key, value in spec.items() if key != "cluster"}
        try:
            request = to_request(self._kind.create, plain)
        except ConversionError as error:
            raise SpecError(error.path, error.message) from error
        return Record(
            owner=handle.owner,
            attempt=handle.attempt,
            name=handle.name,
            request=self._with_processes(handle, request, spec["cluster"]),
            templates=records.templates(spec, region=handle.region),
            created_at=format_time(self._now()),
        )

    def _with_processes(self, handle: Handle, request: dict[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
        several = request.get("TrainingJobDefinitions") or [request.get("TrainingJobDefinition")]
        for index in cluster["countsProcesses"]:
            asked = wish(
                several[index],
                cluster["given"],
                owner=handle.owner,
                attempt=handle.attempt,
                kind=self._kind.name,
                settings=self._placement,
            )
            request = with_processes(request, index, count=place(asked).processes_per_node)
        return request

    async def _recorded(self, handle: Handle, record: Record) -> dict[str, Any] | None:
        """What an earlier try has recorded: the parents that it has learned from may be gone by now."""
        return await self._objects.record(handle) if warm_start.parents_of(record) else None

    async def _inherit(self, record: Record) -> records.Inherited:
        named = warm_start.parents_of(record)
        if not named:
            return records.Inherited()
        if (before := await self._record_before(record)) is not None:
            # The parents may be gone by now.
            return before.inherited
        parents = {}
        for body in await self._objects.tuning_jobs(record.owner.namespace):
            job = Job.parse(body)
            for attempt in (each for each in job.attempts if each.name in named):
                found = await self._parent(job, attempt.number, cluster=record.owner.cluster)
                if found is not None:
                    parents[attempt.name] = found
        return warm_start.inherit(record, parents)

    async def _record_before(self, record: Record) -> Record | None:
        """The record of the attempt before, which has gone by the same spec."""
        before = record.attempt - 1
        body = await self._objects.record_of(record.owner, before) if before else None
        return None if body is None else records.parse(body, owner=record.owner, attempt=before)

    async def _parent(self, job: Job, attempt: int, *, cluster: str) -> warm_start.Parent | None:
        owner = Owner(cluster=cluster, namespace=job.namespace, name=job.name, uid=job.uid)
        body = await self._objects.record_of(owner, attempt)
        record = records.parse(body, owner=owner, attempt=attempt) if body is not None else None
        if record is None:
            return None
        return record, trial_jobs.read(await self._objects.trials(owner, attempt), record)

    def _observation(self, handle: Handle, record: Record, trials: Sequence[ClusterTrial]) -> Observation:
        described = describe(record, trials, arn=_arn(handle))
        trouble = self._view.troubles.get(_key(handle)) if described.phase is Phase.OPEN else None
        return Observation(
            phase=described.phase,
            fields=self._fields(described),
            whole=True,
            failure_reason=str(described.reply.get("FailureReason") or ""),
            waiting=trouble or described.waiting,
        )

    def _fields(self, described: Described) -> dict[str, Any]:
        fields = from_response(self._kind.describe, described.reply, fields=self._kind.schema.status_fields)
        if described.best:
            fields |= best_trials_fields(described.reply, {"TrainingJobSummaries": described.best})
        if described.model:
            fields["modelArtifacts"] = {"s3ModelArtifacts": described.model}
        return fields

    async def _stop_trial(self, job: Job) -> None:
        if not job.is_finished and not job.run_policy.suspend:
            await self._objects.change_trial(job.body, trial_jobs.STOP)

    async def _found(self, handle: Handle) -> Mapping[str, Any]:
        record = await self._objects.record(handle)
        if record is None:
            raise NotOwnedError(f"{_arn(handle)} is not there.")
        return record


def _key(handle: Handle) -> tuple[str, int]:
    return handle.owner.uid, handle.attempt


def _arn(handle: Handle) -> str:
    return records.tuning_arn(handle.owner, handle.attempt, region=handle.region)
