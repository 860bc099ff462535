"""One pass over one endpoint: plan the next step, take it, until there is nothing left to do now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sagebridge.core import conditions
from sagebridge.core import steps as job_steps
from sagebridge.core.clock import format_time, parse_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.deletion import Deletion
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import FAILING
from sagebridge.core.endpoint.plan import Situation, next_step
from sagebridge.core.endpoint.progress import in_service
from sagebridge.core.endpoint.steps import (
    ApplyTags,
    Claim,
    Collect,
    Conclude,
    CreateEndpoint,
    DeleteEndpoint,
    Look,
    Protect,
    Register,
    Release,
    Remember,
    Resolve,
    Step,
    UpdateEndpoint,
    UpdateNumbers,
    Wait,
)
from sagebridge.core.errors import AwsError, ErrorClass, SpecError
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.engine import deletions, failures, setbacks
from sagebridge.engine.endpoint_actions import EndpointActions
from sagebridge.engine.endpoint_memory import EndpointMemory
from sagebridge.engine.reconciler import ReconcilerSettings
from sagebridge.engine.store import Memory
from sagebridge.targets.protocol import NameConflictError, NotOwnedError
from sagebridge.targets.sagemaker.endpoints import OBSERVED_FIELDS

logger = logging.getLogger(__name__)

_STEPS_PER_PASS = 50
"""After which the others have their turn."""
_ONCE = (CreateEndpoint, UpdateEndpoint, UpdateNumbers, DeleteEndpoint)
"""Steps that a pass takes once: if another is wanted, what SageMaker shows lags behind."""
_BEFORE_AWS = (Protect, Resolve, Release)
_GO_ON_SECONDS = 5.0
_DEFAULT_HISTORY = 3
_MOMENTARY_FAILURES = 2
"""Of an update, in a row, and of a kind that passes by itself: so long, autoscaling that made way stays away."""
_LOOKED_AT = (*OBSERVED_FIELDS, "instanceTypes", "servedModels")
_GONE = dict.fromkeys(field for field in _LOOKED_AT if field not in ("endpointArn", "endpointConfigName"))
"""What there is to show of an endpoint that is gone. The account that it was in is kept, and what it ran."""
_ENDS = (Reason.IN_SERVICE, Reason.UPDATE_FAILED, Reason.ENDPOINT_FAILED, Reason.RETRY_PENDING)
"""Reasons of verdicts with which a change has ended."""


class EndpointReconciler:
    """Brings endpoints to what their objects say."""

    def __init__(self, *, actions: EndpointActions, settings: ReconcilerSettings, now: Callable[[], datetime]) -> None:
        self._actions = actions
        self._settings = settings
        self._now = now
        self._known: dict[str, EndpointMemory] = {}

    def known(self, uid: str) -> EndpointMemory | None:
        """What is remembered of the object's endpoint."""
        return self._known.get(uid)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._known.pop(uid, None)

    async def reconcile(self, memory: Memory) -> float | None:
        """One pass.

        Returns:
            Seconds after which another pass is wanted, None when only a change wants one.

        Raises:
            sagebridge.kube.errors.KubeError: the API server did not play along; try the pass again.
        """
        known = self._known.setdefault(memory.job.uid, EndpointMemory())
        known.begin(now=self._now())
        setbacks.begin(memory)
        await deletions.take_up(
            memory,
            now=self._now(),
            deadline=self._settings.deletion_deadline,
            report=self._reporter(memory),
            goes_at_once=lambda: isinstance(next_step(self._situation(memory, known)), Release),
        )
        pauses = (await self._take_steps(memory, known), memory.tags_again_after, memory.models_again_after)
        return min((pause for pause in pauses if pause is not None), default=None)

    def _reporter(self, memory: Memory) -> deletions.Report:
        return lambda verdict: self._actions.report(memory, verdict=verdict, changes={})

    async def _take_steps(self, memory: Memory, known: EndpointMemory) -> float | None:
        job = memory.job
        taken: set[type[Any]] = set()
        report = self._reporter(memory)
        for _ in range(_STEPS_PER_PASS):
            step = next_step(self._situation(memory, known))
            if isinstance(step, _ONCE) and type(step) in taken:
                return _GO_ON_SECONDS
            taken.add(type(step))
            try:
                if isinstance(step, Wait):
                    return None
                if isinstance(step, Conclude):
                    return await self._conclude(memory, known, step)
                async with deletions.trying(memory, now=self._now, report=report):
                    await self._take(step, memory, known)
                memory.failures.succeeded(step)
                if isinstance(step, Release):
                    self.forget(memory.job.uid)
                    return None
            except failures.EXPECTED as error:
                outcome = self._judge(memory, step, error)
                if _holds_back(memory, step, error):
                    await self._hold_back(memory, known, error, outcome)
                elif not self._goes_on(memory, step, error, outcome):
                    return await self._conclude_failure(memory, known, step, error, outcome)
        logger.info("%s/%s: a pass of %s steps; to be continued", job.namespace, job.name, _STEPS_PER_PASS)
        return _GO_ON_SECONDS

    async def _take(self, step: Step, memory: Memory, known: EndpointMemory) -> None:
        if not isinstance(step, _BEFORE_AWS):
            await self._actions.accept(memory)
        await self._actions.take(step, memory, known)
        if isinstance(step, Remember) and step.news is not None:
            self._actions.tell(memory, step.news)
            self._actions.measure(known, succeeded=False)
        if isinstance(step, Register) and known.hold is not None:
            # It was put back, and does not make way again soon for an update that was refused.
            pause = timedelta(seconds=self._settings.patience.recheck_seconds)
            known.hold = replace(known.hold, until=self._now() + pause)

    def _situation(self, memory: Memory, known: EndpointMemory) -> Situation:
        job = memory.job
        limit = (job.spec.get("history") or {}).get("limit", _DEFAULT_HISTORY)
        return Situation(
            ledger=Ledger.parse(job.status),
            now=self._now(),
            desired=known.resolved.desired if known.resolved else None,
            observed=known.observed,
            is_fresh=known.is_fresh,
            is_ours=known.is_ours,
            is_adopted=known.is_adopted,
            made=frozenset(known.made),
            history_limit=int(limit),
            has_unapplied_tags=job.has_unapplied_tags and memory.tags_again_after is None,
            held_back=known.held_back(job, now=self._now()),
            keeps_remains=memory.models_again_after is not None,
            is_finalized=job.is_finalized,
            is_paused=job.is_paused,
            deletion=self._deletion(memory),
            deletion_policy=job.run_policy.deletion_policy,
        )

    async def _conclude(self, memory: Memory, known: EndpointMemory, step: Conclude) -> float | None:
        if step.verdict.state is State.SERVING:
            known.hold = None
        if known.hold is None:
            setbacks.end(memory)
        verdict = step.verdict
        if verdict.reason in _ENDS:
            self._actions.measure(known, succeeded=verdict.state is State.SERVING)
        if memory.stale_because and verdict.state is State.SERVING:
            verdict = _stale(verdict, memory.stale_because)
        await self._actions.report(memory, verdict=verdict, changes=_changes(step, known), quietly=step.quietly)
        return step.again_after

    def _judge(self, memory: Memory, step: Step, error: Exception) -> job_steps.Conclude:
        count = memory.failures.failed(step)
        return failures.conclude(
            error,
            job=memory.job,
            failures=count,
            now=self._now(),
            patience=self._settings.patience,
            since=_began(memory.job),
        )

    async def _hold_back(
        self, memory: Memory, known: EndpointMemory, error: Exception, outcome: job_steps.Conclude
    ) -> None:
        """What runs goes on running until the next try, with the autoscaling that made way for the update."""
        known.hold_back(memory.job, outcome, until=self._now())
        known.forget_look()
        if not _passes_by_itself(error):
            # Perhaps somebody has deleted what was known to be there.
            known.made.clear()
        if not _may_have_begun(error):
            await self._actions.report(memory, verdict=None, changes=_refused(memory.job, error))

    def _goes_on(self, memory: Memory, step: Step, error: Exception, outcome: job_steps.Conclude) -> bool:
        """Whether the endpoint serves as it should, whatever becomes of its tags and of what it does not use."""
        recheck = self._settings.patience.recheck_seconds
        is_gone = isinstance(error, AwsError) and error.error_class is ErrorClass.NOT_FOUND
        if isinstance(error, NotOwnedError):
            return False
        if isinstance(step, ApplyTags) and not is_gone:
            news = setbacks.without_tags(memory, error, outcome, recheck=recheck)
        elif isinstance(step, Collect) and memory.job.deletion_requested_at is None:
            what = f"The config {step.config_name}, or a model that only it needs,"
            news = setbacks.with_remains(memory, outcome, what=what, recheck=recheck)
        else:
            return False
        if news is not None:
            self._actions.tell(memory, news)
        return True

    async def _conclude_failure(
        self, memory: Memory, known: EndpointMemory, step: Step, error: Exception, outcome: job_steps.Conclude
    ) -> float | None:
        if isinstance(step, Look | Claim) and _passes(error) and _is_thought_to_serve(memory.job):
            return await self._conclude_blind(memory, known, outcome)
        is_anothers = isinstance(error, NotOwnedError) or _is_conflict(step, error)
        ledger = Ledger.parse(memory.job.status)
        seen = dict.fromkeys(_LOOKED_AT) if is_anothers else _seen(known, ledger)
        if isinstance(step, CreateEndpoint):
            seen = _GONE | (ledger.with_rejected().dump() if _is_refusal(error) else {})
        if not isinstance(step, Resolve):
            known.forget_look()
        if isinstance(error, NotOwnedError):
            known.forget_owner()
        if _is_refusal(error) or _is_about_fresh(error):
            # Perhaps somebody has deleted what was known to be there.
            known.made.clear()
        if (deletion := self._deletion(memory)) is not None:
            return await self._conclude_blocked_deletion(memory, deletion, outcome)
        if isinstance(step, UpdateEndpoint | UpdateNumbers) and not _may_have_begun(error):
            seen |= _refused(memory.job, error)
        await self._actions.report(memory, verdict=outcome.verdict, changes=seen)
        return outcome.again_after

    async def _conclude_blind(self, memory: Memory, known: EndpointMemory, outcome: job_steps.Conclude) -> float | None:
        """It served when it was last seen, and nobody has heard otherwise: only after a while that may be old."""
        known.forget_look()
        now = self._now()
        known.blind_since = known.blind_since or now
        if now - known.blind_since >= self._settings.stale_after:
            running = str(memory.job.status.get("endpointConfigName") or "")
            message = in_service(Ledger.parse(memory.job.status), running=running)
            last = Verdict(state=State.SERVING, reason=Reason.IN_SERVICE, message=message)
            await self._actions.report(memory, verdict=_stale(last, outcome.verdict.message), changes={})
        return outcome.again_after

    async def _conclude_blocked_deletion(
        self, memory: Memory, deletion: Deletion, outcome: job_steps.Conclude
    ) -> float:
        message = (
            f"Deletion waits for AWS: {outcome.verdict.message} "
            f"At {format_time(deletion.ends_at)} the object is released all the same, and what is left is reported."
        )
        blocked = Verdict(state=State.PROGRESSING, reason=Reason.DELETION_BLOCKED, message=message)
        await self._actions.report(memory, verdict=blocked, changes={})
        return deletion.pause(self._now(), wanted=outcome.again_after)

    def _deletion(self, memory: Memory) -> Deletion | None:
        return deletions.of(memory, now=self._now(), deadline=self._settings.deletion_deadline)


def _stale(verdict: Verdict, because: str) -> Verdict:
    """What is not seen may serve as before, or not: nobody knows."""
    message = f"This status may be old: {because} Last known: {verdict.message}"
    return Verdict(state=State.UNSEEN, reason=Reason.STATUS_STALE, message=message)


def _is_conflict(step: Step, error: Exception) -> bool:
    return isinstance(step, Claim) and isinstance(error, NameConflictError)


def _passes(error: Exception) -> bool:
    return isinstance(error, AwsError) and error.error_class is ErrorClass.FAST_RETRY


def _is_thought_to_serve(job: Job) -> bool:
    """Whether status says that this generation was in service when the endpoint was seen last."""
    ready = conditions.find(job.conditions, conditions.READY) or {}
    known = ready.get("status") == "True" or (ready.get("status"), ready.get("reason")) == (
        "Unknown",
        Reason.STATUS_STALE,
    )
    is_this = ready.get("observedGeneration") == job.generation
    return known and is_this and job.deletion_requested_at is None


def _changes(step: Conclude, known: EndpointMemory) -> dict[str, Any]:
    resolved = dict(known.resolved.status) if known.resolved else {}
    return resolved | _seen(known, step.ledger) | step.ledger.dump()


def _seen(known: EndpointMemory, ledger: Ledger) -> dict[str, Any]:
    """What the last look tells status; of another's endpoint, nothing."""
    observed = known.observed
    if observed is not None and observed.endpoint is None:
        return dict(_GONE)
    if observed is None or observed.endpoint is None or not known.is_ours:
        return {}
    endpoint = observed.endpoint
    running = ledger.find(endpoint.config_name)
    seen = {
        **endpoint.fields,
        "instanceTypes": running.instance_line if running else None,
        "scalingPolicies": observed.policies or None,
        "servedModels": [dict(model) for model in running.models] or None if running else None,
    }
    # SageMaker goes on telling it of an endpoint that has long been set right.
    is_told = endpoint.status in FAILING or ledger.has_failed
    return seen if is_told else seen | {"failureReason": None}


def _began(job: Job) -> datetime | None:
    """When what is wanted now was recorded: an exhausted quota is waited for since then."""
    ledger = Ledger.parse(job.status)
    revision = ledger.revisions[-1].recorded_at if ledger.revisions else ""
    recorded_at = (ledger.update.recorded_at if ledger.update else "") or revision
    return parse_time(recorded_at) if recorded_at else None


def _holds_back(memory: Memory, step: Step, error: Exception) -> bool:
    """Whether a refused update is put off, and what serves is cared for meanwhile; not for what passes in a moment."""
    if not isinstance(step, UpdateEndpoint) or memory.job.deletion_requested_at is not None:
        return False
    if isinstance(error, SpecError) or _is_refusal(error):
        return True
    return isinstance(error, AwsError) and memory.failures.of(step) > _MOMENTARY_FAILURES


def _refused(job: Job, error: Exception) -> dict[str, Any]:
    """What status says once SageMaker has refused what it records."""
    is_rejected = isinstance(error, SpecError) or _is_refusal(error)
    return Ledger.parse(job.status).with_refused(rejected=is_rejected).dump()


def _may_have_begun(error: Exception) -> bool:
    """Whether a call that failed may have been done all the same."""
    return isinstance(error, AwsError) and error.error_class is ErrorClass.FAST_RETRY and not error.is_throttle


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, AwsError) and not _passes_by_itself(error)


def _passes_by_itself(error: Exception) -> bool:
    return isinstance(error, AwsError) and error.error_class in (ErrorClass.FAST_RETRY, ErrorClass.CONFLICT)


def _is_about_fresh(error: Exception) -> bool:
    """Whether SageMaker does not find what was made a moment ago."""
    return isinstance(error, AwsError) and "could not find" in error.message.lower()
