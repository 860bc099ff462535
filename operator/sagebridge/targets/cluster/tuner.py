"""Carries searches out on the cluster: makes their trials, and stops them.

All that it goes by is in the API server: the record of a tuning job, and its trials. Names of trials are deterministic,
and each trial is drawn from its number and from the others' results, so that it may end at any line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sagebridge.core.clock import format_time
from sagebridge.core.cluster.tuning import plan as plans
from sagebridge.core.cluster.tuning import record as records
from sagebridge.core.cluster.tuning import trials as trial_jobs
from sagebridge.core.cluster.tuning.record import Record
from sagebridge.core.cluster.tuning.trials import ClusterTrial
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.core.search.ending import Ending
from sagebridge.kube.errors import KubeError, NotFoundError, RefusedError
from sagebridge.kube.lease import LeadershipLostError
from sagebridge.targets.cluster.tuning_objects import TuningObjects
from sagebridge.targets.cluster.tuning_view import Key, TuningView
from sagebridge.targets.protocol import Handle, NameConflictError

logger = logging.getLogger(__name__)

Now = Callable[[], datetime]
Seen = tuple[Record, Sequence[ClusterTrial]]

_REASONS = {403: Reason.NOT_ALLOWED, 422: Reason.INVALID_SPEC}


class Tuner:
    """Works through tuning jobs, one after the other; drawing takes a thread, not the loop."""

    def __init__(self, *, objects: TuningObjects, view: TuningView, now: Now) -> None:
        self._objects = objects
        self._view = view
        self._now = now
        self._due: dict[Key, tuple[Handle, Job]] = {}
        self._is_due = asyncio.Event()

    def attend(self, handle: Handle, job: Job) -> None:
        """Have a look soon at what is due for a tuning job."""
        if not job.is_paused:
            self._due[_key(handle)] = (handle, job)
            self._is_due.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            while self._due:
                key = next(iter(self._due))
                handle, job = self._due.pop(key)
                await self._attend(handle, job)

    async def seen(self, handle: Handle) -> Seen | None:
        """A tuning job and its trials, as far as they were seen; None if there is no record of it."""
        key = _key(handle)
        body = self._view.records.get(key) or await self._objects.record(handle)
        if body is None:
            return None
        self._view.records[key] = body
        if key not in self._view.listed:
            for trial in await self._objects.trials(handle.owner, handle.attempt):
                self._view.add(trial)
            self._view.listed.add(key)
        record = records.parse(body, owner=handle.owner, attempt=handle.attempt)
        return None if record is None else (record, trial_jobs.read(self._view.trials(key), record))

    async def end(self, handle: Handle, ending: Ending) -> None:
        """Record what a search is being ended as."""
        annotation = records.ending_annotation(ending, at=format_time(self._now()))
        key = _key(handle)
        self._view.records[key] = await self._objects.annotate_record(handle, self._view.records[key], annotation)
        self._view.changed(*key)

    async def _attend(self, handle: Handle, job: Job) -> None:
        key, name = _key(handle), f"{handle.owner.namespace}/{handle.owner.name}"
        try:
            await self._advance(handle, job)
        except (RefusedError, NameConflictError) as error:
            self._note(key, _trouble(error))
        except KubeError as error:
            if isinstance(error, NotFoundError):
                self._view.forget(key)
            logger.warning("HPTuningJob %s: %s; trying again", name, error)
        except LeadershipLostError:
            logger.info("HPTuningJob %s: left to the replica that leads now", name)
        except Exception as error:
            logger.exception("HPTuningJob %s: unexpected error", name)
            self._note(key, _unexpected(error))
        else:
            self._note(key, None)

    def _note(self, key: Key, trouble: Verdict | None) -> None:
        before = self._view.troubles.pop(key, None)
        if trouble is not None:
            self._view.troubles[key] = trouble
        if trouble != before:
            self._view.changed(*key)

    async def _advance(self, handle: Handle, job: Job) -> None:
        seen = await self.seen(handle)
        if seen is None:
            return
        record, trials = await self._remember(handle, seen)
        todo = plans.plan(record, trials, now=self._now().timestamp())
        if todo.ending is not None:
            logger.info("HPTuningJob %s/%s ends as %s", job.namespace, job.name, todo.ending.status)
            await self.end(handle, todo.ending)
        for trial in todo.stop:
            await self._objects.change_trial(trial.job.body, trial_jobs.STOP)
        await self._hand_policy_down(job, trials)
        if todo.start and job.deletion_requested_at is None and not job.is_held:
            await self._start(handle, job, seen, todo.start)

    async def _remember(self, handle: Handle, seen: Seen) -> Seen:
        """Record the highest number of a trial, so that it is not used again if the trial is deleted."""
        record, trials = seen
        number, key = plans.last_number(record, trials), _key(handle)
        if number > record.used:
            annotation = records.used_annotation(number)
            self._view.records[key] = await self._objects.annotate_record(handle, self._view.records[key], annotation)
        return replace(record, used=number), trials

    async def _hand_policy_down(self, job: Job, trials: Sequence[ClusterTrial]) -> None:
        """What becomes of the trials' Jobs is for the tuning job to say."""
        wanted = job.run_policy.deletion_policy
        for trial in trials:
            if trial.job.run_policy.deletion_policy is not wanted and trial.job.deletion_requested_at is None:
                await self._objects.change_trial(trial.job.body, {"deletionPolicy": wanted.value})

    async def _start(self, handle: Handle, job: Job, seen: Seen, starts: Sequence[plans.Start]) -> None:
        record, trials = seen
        drawn = await asyncio.to_thread(plans.draw, record, trials, starts)
        policy = job.run_policy.deletion_policy.value
        for start, tuned in zip(starts, drawn, strict=True):
            known = await self.seen(handle)
            if known is None or known[0].ending is not None:
                return  # meanwhile it was told to stop
            manifest = trial_jobs.manifest(
                record, start.definition, number=start.number, tuned=tuned, deletion_policy=policy
            )
            self._view.add(await self._objects.make_trial(handle, manifest))
        made = await self.seen(handle)
        if made is not None:
            await self._remember(handle, made)


def _key(handle: Handle) -> Key:
    return handle.owner.uid, handle.attempt


def _trouble(error: RefusedError | NameConflictError) -> Verdict:
    reason = Reason.NAME_CONFLICT
    if isinstance(error, RefusedError):
        reason = _REASONS.get(error.status or 0, Reason.REJECTED)
    message = f"The next trial can't be made: {error}. It is tried again by itself."
    return Verdict(state=State.STALLED, reason=reason, message=message)


def _unexpected(error: Exception) -> Verdict:
    message = (
        f"The search does not go on: {type(error).__name__}: {error}. This is an error of the operator's: its log says "
        "where. It is tried again by itself; suspend or delete the HPTuningJob to give up."
    )
    return Verdict(state=State.STALLED, reason=Reason.REJECTED, message=message)
