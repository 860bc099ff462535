"""One pass over one endpoint: plan the next step, take it, until there is nothing left to do now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sagebridge.core.clock import format_time, parse_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import FAILED
from sagebridge.core.endpoint.plan import Situation, next_step
from sagebridge.core.endpoint.steps import Claim, Conclude, Release, Resolve, Step, Wait
from sagebridge.core.errors import AwsError, ErrorClass
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.engine import failures
from sagebridge.engine.endpoint_actions import EndpointActions
from sagebridge.engine.endpoint_memory import EndpointMemory
from sagebridge.engine.reconciler import ReconcilerSettings
from sagebridge.engine.store import Memory
from sagebridge.targets.protocol import NameConflictError, NotOwnedError
from sagebridge.targets.sagemaker.endpoints import OBSERVED_FIELDS

logger = logging.getLogger(__name__)

_STEPS_PER_PASS = 400
_DELETION_RETRY_SECONDS = 10.0
_DEFAULT_HISTORY = 3


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
        known.resolved, known.is_fresh = None, False
        endpoint = known.observed.endpoint if known.observed else None
        if endpoint is None or endpoint.is_busy or endpoint.status == FAILED:
            known.forget_look()
        for _ in range(_STEPS_PER_PASS):
            step = next_step(self._situation(memory, known))
            try:
                if isinstance(step, Wait):
                    return None
                if isinstance(step, Conclude):
                    await self._actions.report(memory, verdict=step.verdict, changes=_changes(step, known))
                    return step.again_after
                await self._actions.take(step, memory, known)
                if isinstance(step, Release):
                    self.forget(memory.job.uid)
                    return None
            except failures.EXPECTED as error:
                return await self._conclude_failure(memory, known, error, step=step)
            else:
                memory.failures = 0
        logger.error("%s/%s: more steps than a pass should need", memory.job.namespace, memory.job.name)
        return self._settings.patience.recheck_seconds

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
            has_unapplied_tags=job.has_unapplied_tags,
            is_finalized=job.is_finalized,
            is_paused=job.is_paused,
            deletion_requested_at=job.deletion_requested_at,
            deletion_policy=job.run_policy.deletion_policy,
            deletion_deadline=self._settings.deletion_deadline,
        )

    async def _conclude_failure(
        self, memory: Memory, known: EndpointMemory, error: Exception, *, step: Step
    ) -> float | None:
        memory.failures += 1
        outcome = failures.conclude(
            error,
            job=memory.job,
            failures=memory.failures,
            now=self._now(),
            patience=self._settings.patience,
            since=_began(memory.job),
        )
        is_anothers = isinstance(error, NotOwnedError) or (
            isinstance(step, Claim) and isinstance(error, NameConflictError)
        )
        seen = dict.fromkeys(OBSERVED_FIELDS) if is_anothers else _seen(known)
        if not isinstance(step, Resolve):
            known.forget_look()
        if isinstance(error, NotOwnedError):
            known.forget_owner()
        if (isinstance(error, AwsError) and error.error_class is not ErrorClass.FAST_RETRY) or _is_about_fresh(error):
            # Perhaps somebody has deleted what was known to be there.
            known.made.clear()
        if memory.job.deletion_requested_at is not None:
            return await self._conclude_blocked_deletion(memory, outcome.verdict, outcome.again_after)
        await self._actions.report(memory, verdict=outcome.verdict, changes=seen)
        return outcome.again_after

    async def _conclude_blocked_deletion(self, memory: Memory, verdict: Verdict, again_after: float | None) -> float:
        requested_at = memory.job.deletion_requested_at or self._now()
        deadline = requested_at + self._settings.deletion_deadline
        message = (
            f"Deletion waits for AWS: {verdict.message} "
            f"At {format_time(deadline)} the object is released all the same, and what is left is reported."
        )
        blocked = Verdict(state=State.PROGRESSING, reason=Reason.DELETION_BLOCKED, message=message)
        await self._actions.report(memory, verdict=blocked, changes={})
        remaining = (deadline - self._now()).total_seconds() + 1.0
        return max(1.0, min(again_after or _DELETION_RETRY_SECONDS, _DELETION_RETRY_SECONDS * 3, remaining))


def _changes(step: Conclude, known: EndpointMemory) -> dict[str, Any]:
    resolved = dict(known.resolved.status) if known.resolved else {}
    return resolved | _seen(known) | step.ledger.dump()


def _seen(known: EndpointMemory) -> dict[str, Any]:
    """What status shows of an endpoint that is this object's; of another's, nothing is told."""
    endpoint = known.observed.endpoint if known.observed and known.is_ours else None
    return dict(endpoint.fields) if endpoint else {}


def _began(job: Job) -> datetime | None:
    """When the newest revision was recorded: an exhausted quota is waited for since then."""
    revisions = Ledger.parse(job.status).revisions
    recorded_at = revisions[-1].recorded_at if revisions else ""
    return parse_time(recorded_at) if recorded_at else None


def _is_about_fresh(error: Exception) -> bool:
    """Whether SageMaker does not find what was made a moment ago."""
    return isinstance(error, AwsError) and "could not find" in error.message.lower()
