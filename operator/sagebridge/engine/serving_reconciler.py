"""One pass over one Endpoint on the cluster: plan the next step, take it, until there is nothing left to do now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sagebridge.core.clock import format_time
from sagebridge.core.cluster.serving.manifests import revision
from sagebridge.core.cluster.serving.plan import next_step, next_step_without_spec, observed
from sagebridge.core.cluster.serving.pods import of_deployment
from sagebridge.core.cluster.serving.record import Record
from sagebridge.core.cluster.serving.rolling import longest_seconds
from sagebridge.core.cluster.serving.situation import Situation, Wanted
from sagebridge.core.cluster.serving.steps import Apply, Conclude, Leave, Release, Resolve, Restore, Step, Wait
from sagebridge.core.cluster.waiting import unless_new
from sagebridge.core.conditions import READY, State, Verdict, find
from sagebridge.core.deletion import Deletion
from sagebridge.core.endpoint.desired import content_hash
from sagebridge.core.endpoint.revision import Revision
from sagebridge.core.job import DeletionPolicy, Job
from sagebridge.core.reasons import Reason
from sagebridge.core.steps import Conclude as Outcome
from sagebridge.engine import deletions, failures
from sagebridge.engine.reconciler import ReconcilerSettings
from sagebridge.engine.serving_actions import ServingActions, revisions
from sagebridge.engine.serving_inputs import ServingInput
from sagebridge.engine.serving_memory import ServingMemory
from sagebridge.engine.store import Memory
from sagebridge.targets.denials import DENIED

logger = logging.getLogger(__name__)

_STEPS_PER_PASS: Final = 20
_GO_ON_SECONDS: Final = 2.0
_SIGHT_SECONDS: Final = 1.0
_UNSEEN: Final = "nothing of it could be seen, nor whether its pods have ended"
_NOT_RETAINED: Final = "not all of it could be seen, and what was to be retained and was not is deleted with it"
_GRAVITY: Final = (State.SERVING, State.PROGRESSING, State.STALLED)


class ServingReconciler:
    """Brings Endpoints on the cluster to what their objects say."""

    def __init__(
        self,
        *,
        actions: ServingActions,
        settings: ReconcilerSettings,
        now: Callable[[], datetime],
        is_seeing: Callable[[str], bool],
        is_switched_on: bool = True,
    ) -> None:
        """Prepare.

        Args:
            actions: takes the steps.
            settings: deadlines and pauses.
            now: the time.
            is_seeing: whether all that is in a namespace has been seen: what was not is not therefore absent.
            is_switched_on: whether anything is looked at here.
        """
        self._actions = actions
        self._settings = settings
        self._now = now
        self._is_seeing = is_seeing
        self._is_switched_on = is_switched_on
        self._known: dict[str, ServingMemory] = {}

    async def reconcile(self, memory: Memory) -> float | None:
        """One pass.

        Returns:
            Seconds after which another pass is wanted, None when only a change wants one.

        Raises:
            sagebridge.kube.errors.KubeError: the API server did not play along; try the pass again.
        """
        known = self._known.setdefault(memory.job.uid, ServingMemory())
        await deletions.take_up(
            memory,
            now=self._now(),
            deadline=self._settings.deletion_deadline,
            report=self._reporter(memory),
        )
        if not self._is_seeing(memory.job.namespace):
            return await self._wait_for_sight(memory, known)
        try:
            await self._accept(memory)
            await self._actions.look(memory.job, known)
            return await self._take_steps(memory, known)
        finally:
            known.end_pass()

    def _reporter(self, memory: Memory) -> deletions.Report:
        return lambda verdict: self._actions.report(memory, verdict=verdict, changes={})

    async def _take_steps(self, memory: Memory, known: ServingMemory) -> float | None:
        report = self._reporter(memory)
        for _ in range(_STEPS_PER_PASS):
            step: Step = Wait()
            try:
                step = next_step(self._situation(memory, known))
                if isinstance(step, Wait):
                    return None
                if isinstance(step, Conclude):
                    return await self._conclude(memory, known, step)
                async with deletions.trying(memory, now=self._now, report=report):
                    await self._take(step, memory, known)
                memory.failures.succeeded(step)
                if isinstance(step, Release):
                    self._known.pop(memory.job.uid, None)
                    return None
            except failures.EXPECTED as error:
                outcome = self._judge(memory, step, error)
                if not isinstance(step, Apply):
                    return await self._conclude_failure(memory, known, step, outcome)
                # What follows the Deployment, and takes it back, does not wait for what goes beside it.
                known.setback, known.has_applied_beside = outcome, True
        logger.info("%s/%s: %s steps; to be continued", memory.job.namespace, memory.job.name, _STEPS_PER_PASS)
        return _GO_ON_SECONDS

    async def _take(self, step: Step, memory: Memory, known: ServingMemory) -> None:
        if isinstance(step, Release) and step.orphan and self._is_switched_on and _is_retained(memory.job):
            step = await self._leave_at_last(step, memory, known)
        await self._actions.take(step, memory, known)

    async def _leave_at_last(self, step: Release, memory: Memory, known: ServingMemory) -> Release:
        """What can be parted from the object is, though not all of it can; what passes is raised, and waited for."""
        try:
            await self._actions.take(Leave(is_last=True), memory, known)
        except DENIED as error:
            logger.warning("%s/%s: not all of it can be left: %s", memory.job.namespace, memory.job.name, error)
            return step
        return Release()

    async def _wait_for_sight(self, memory: Memory, known: ServingMemory) -> float | None:
        if memory.deletion is not None:
            return await self._wait_to_delete(memory, known, _of_policy(memory.deletion, memory.job))
        if memory.stale_because:
            message = f"Nothing of the endpoint can be seen: {memory.stale_because}"
            verdict = Verdict(state=State.UNSEEN, reason=Reason.STATUS_STALE, message=message)
            await self._actions.report(memory, verdict=verdict, changes={})
        return _SIGHT_SECONDS

    async def _wait_to_delete(self, memory: Memory, known: ServingMemory, deletion: Deletion) -> float | None:
        """What is not seen is not known to be gone; it goes with its object all the same, by its owner references."""
        if deletion.is_given_up(self._now()):
            orphan = _NOT_RETAINED if deletion.is_retaining else _UNSEEN
            await self._release(memory, known, orphan=orphan)
            return None
        if deletion.is_retaining and self._now() > deletion.began_at + deletion.deadline:
            return await self._leave_unseen(memory, known)
        if memory.stale_because:
            message = f"Deletion waits for the cluster: nothing of the endpoint can be seen: {memory.stale_because}"
            verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETION_BLOCKED, message=message)
            await self._actions.report(memory, verdict=verdict, changes={})
        return _SIGHT_SECONDS

    async def _leave_unseen(self, memory: Memory, known: ServingMemory) -> float | None:
        """What can't be followed can be read by its name, maybe."""
        step = Leave(is_last=True)
        try:
            async with deletions.trying(memory, now=self._now, report=self._reporter(memory)):
                await self._actions.take(step, memory, known)
        except failures.EXPECTED as error:
            return await self._conclude_failure(memory, known, step, self._judge(memory, step, error))
        await self._release(memory, known)
        return None

    async def _release(self, memory: Memory, known: ServingMemory, *, orphan: str = "") -> None:
        async with deletions.trying(memory, now=self._now, report=self._reporter(memory)):
            await self._take(Release(orphan=orphan), memory, known)
        self._known.pop(memory.job.uid, None)

    async def _accept(self, memory: Memory) -> None:
        """Say, before anything is written, that this generation is looked at."""
        job = memory.job
        if job.deletion_requested_at is None and job.status.get("observedGeneration") != job.generation:
            verdict = Verdict(state=State.UNSEEN, reason=Reason.ACCEPTED, message="Accepted; looking at the endpoint.")
            await self._actions.report(memory, verdict=verdict, changes={}, quietly=True)

    def _situation(self, memory: Memory, known: ServingMemory) -> Situation:
        job, resolved = memory.job, known.resolved
        deployment = self._actions.deployment(job)
        key = self._actions.applied_key(resolved) if resolved else ""
        return Situation(
            record=Record.parse(job.status),
            now=self._now(),
            wanted=_wanted(resolved) if resolved else None,
            deployment=deployment,
            pods=tuple(of_deployment(deployment, self._actions.pods(job))) if deployment else (),
            revisions=revisions(job),
            has_document=bool(resolved and known.document == revision(resolved.endpoint)),
            is_applied=bool(deployment and known.applied and known.applied.holds(deployment, key)),
            # Once in a pass: whoever changes it back at once is not to be outrun.
            goes_with=known.has_applied_beside or resolved is None or self._actions.goes_with(job, resolved),
            scaled_by=known.scaled_by,
            remains=self._actions.remains(job),
            is_seen=self._is_switched_on,
            is_finalized=job.is_finalized,
            is_paused=job.is_paused,
            deletion=self._deletion(memory),
            deletion_policy=job.run_policy.deletion_policy,
        )

    async def _conclude(self, memory: Memory, known: ServingMemory, step: Conclude) -> float | None:
        if known.setback is None:
            memory.failures.forget()
        verdict = unless_new(step.verdict, _before(memory.job)) or step.verdict
        if known.setback is not None:
            verdict = max(verdict, known.setback.verdict, key=_gravity)
        if memory.stale_because and verdict.state is State.SERVING:
            message = f"This status may be old: {memory.stale_because} Last known: {verdict.message}"
            verdict = Verdict(state=State.UNSEEN, reason=Reason.STATUS_STALE, message=message)
        changes = _status(step.fields, known.resolved, memory.job)
        if known.resolved is not None:
            changes |= self._actions.shown(memory.job, known.resolved)
        await self._actions.report(memory, verdict=verdict, changes=changes)
        pauses = (step.again_after, known.setback.again_after if known.setback else None)
        return min((pause for pause in pauses if pause is not None), default=None)

    def _judge(self, memory: Memory, step: Step, error: Exception) -> Outcome:
        count = memory.failures.failed(step)
        return failures.conclude(
            error, job=memory.job, failures=count, now=self._now(), patience=self._settings.patience
        )

    async def _conclude_failure(
        self, memory: Memory, known: ServingMemory, step: Step, outcome: Outcome
    ) -> float | None:
        if (deletion := self._deletion(memory)) is not None:
            return await self._conclude_blocked_deletion(memory, deletion, outcome)
        if isinstance(step, Resolve):
            await self._go_on(memory, known)
        # What runs goes on, whatever is wrong with the spec.
        changes = observed(self._situation(memory, known))
        await self._actions.report(memory, verdict=outcome.verdict, changes=changes)
        return outcome.again_after

    async def _conclude_blocked_deletion(self, memory: Memory, deletion: Deletion, outcome: Outcome) -> float | None:
        left = "what could not be retained is deleted with it" if deletion.is_retaining else "what is left is reported"
        message = (
            f"Deletion waits for the cluster: {outcome.verdict.message} "
            f"At {format_time(deletion.ends_at)} the object is released all the same, and {left}."
        )
        verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETION_BLOCKED, message=message)
        await self._actions.report(memory, verdict=verdict, changes={})
        return deletion.pause(self._now(), wanted=outcome.again_after)

    def _deletion(self, memory: Memory) -> Deletion | None:
        deletion = deletions.of(memory, now=self._now(), deadline=self._settings.deletion_deadline)
        return None if deletion is None else _of_policy(deletion, memory.job)

    async def _go_on(self, memory: Memory, known: ServingMemory) -> None:
        """Guard the update that was under way before the spec that can't be followed."""
        try:
            for _ in range(_STEPS_PER_PASS):
                step = next_step_without_spec(self._situation(memory, known))
                if step is None:
                    return
                await self._actions.take(step, memory, known)
                if isinstance(step, Restore):
                    return
        except failures.EXPECTED as error:
            logger.warning("%s/%s: the update before can't go on: %s", memory.job.namespace, memory.job.name, error)


def _of_policy(deletion: Deletion, job: Job) -> Deletion:
    return deletion.retaining() if _is_retained(job) else deletion


def _is_retained(job: Job) -> bool:
    return job.run_policy.deletion_policy is DeletionPolicy.RETAIN


def _gravity(verdict: Verdict) -> int:
    """Of what a pass concludes, and what has kept it from a part: the graver is told."""
    return _GRAVITY.index(verdict.state) if verdict.state in _GRAVITY else len(_GRAVITY)


def _wanted(resolved: ServingInput) -> Wanted:
    endpoint = resolved.endpoint
    name = revision(endpoint)
    longest = longest_seconds(endpoint.deployment)
    return Wanted(
        revision=name,
        key=content_hash([name, endpoint.nonce]),
        name=endpoint.name,
        url=endpoint.url,
        replicas=endpoint.replicas,
        least=endpoint.scaling.least if endpoint.scaling else 0,
        longest=None if longest is None else timedelta(seconds=longest),
    )


def _before(job: Job) -> Verdict | None:
    """What status says now, as far as its words are to be kept."""
    found = find(job.conditions, READY) or {}
    if found.get("reason") != Reason.UNSCHEDULABLE:
        return None
    return Verdict(state=State.PROGRESSING, reason=Reason.UNSCHEDULABLE, message=str(found.get("message") or ""))


def _status(fields: Mapping[str, Any], resolved: ServingInput | None, job: Job) -> dict[str, Any]:
    """The fields of status; the counts are those of the only variant."""
    found = {key: value for key, value in fields.items() if key not in ("currentInstanceCount", "desiredInstanceCount")}
    if resolved is None or "currentInstanceCount" not in fields:
        return found
    found["variants"] = [
        {
            "variantName": resolved.endpoint.variant["variantName"],
            "currentWeight": 1.0,
            "desiredWeight": 1.0,
            "currentInstanceCount": fields["currentInstanceCount"],
            "desiredInstanceCount": fields["desiredInstanceCount"],
        }
    ]
    found["servedModels"] = [dict(model) for model in _models(resolved, job)]
    return found


def _models(resolved: ServingInput, job: Job) -> tuple[Mapping[str, Any], ...]:
    """Of what serves, or is to: where an update has failed that is the revision before it."""
    record = Record.parse(job.status)
    if not record.goes_back:
        return resolved.models
    revisions = [Revision.parse(entry) for entry in job.status.get("revisions") or ()]
    return next((one.models for one in revisions if one.config_name == record.good), ())
