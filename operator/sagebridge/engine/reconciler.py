"""One pass over one job: look at what is known, plan the next step, take it, until there is nothing left to do now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sagebridge.core.clock import format_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.deletion import Deletion
from sagebridge.core.plan import Situation, next_step
from sagebridge.core.reasons import Reason
from sagebridge.core.steps import Conclude, Expire, Release, Step, Tag, Wait, Withdraw
from sagebridge.engine import deletions, failures, setbacks
from sagebridge.engine.actions import Actions
from sagebridge.engine.failures import Patience
from sagebridge.engine.store import Memory
from sagebridge.kinds.kind import JobKind

logger = logging.getLogger(__name__)

_STEPS_PER_PASS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconcilerSettings:
    """Deadlines and pauses.

    Attributes:
        deletion_deadline: how long AWS may hold a deletion up.
        patience: pauses after failures.
        stale_after: how long a look may fail until the status says that it may be old.
    """

    deletion_deadline: timedelta
    patience: Patience
    stale_after: timedelta = timedelta(seconds=60)


class JobReconciler:
    """Brings jobs of one kind to what their objects say."""

    def __init__(
        self,
        *,
        kind: JobKind,
        actions: Actions,
        settings: ReconcilerSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._kind = kind
        self._actions = actions
        self._settings = settings
        self._now = now

    async def reconcile(self, memory: Memory) -> float | None:
        """One pass.

        Returns:
            Seconds after which another pass is wanted, None when only a change wants one.

        Raises:
            sagebridge.kube.errors.KubeError: the API server did not play along; try the pass again.
        """
        setbacks.begin(memory)
        await deletions.take_up(
            memory,
            now=self._now(),
            deadline=self._settings.deletion_deadline,
            report=self._reporter(memory),
            goes_at_once=lambda: isinstance(next_step(self._situation(memory)), Release),
        )
        pauses = (await self._take_steps(memory), memory.tags_again_after, memory.models_again_after)
        return min((pause for pause in pauses if pause is not None), default=None)

    def _reporter(self, memory: Memory) -> deletions.Report:
        return lambda verdict: self._actions.report(memory, verdict=verdict)

    async def _take_steps(self, memory: Memory) -> float | None:
        report = self._reporter(memory)
        for _ in range(_STEPS_PER_PASS):
            step = next_step(self._situation(memory))
            try:
                if isinstance(step, Wait | Conclude):
                    setbacks.end(memory)
                if isinstance(step, Wait):
                    await self._say_if_blind(memory)
                    return None
                if isinstance(step, Conclude):
                    return await self._conclude(memory, step)
                async with deletions.trying(memory, now=self._now, report=report):
                    await self._actions.take(step, memory)
                if isinstance(step, Expire | Release):
                    return None
            except failures.EXPECTED as error:
                outcome = self._judge(memory, step, error)
                if not self._goes_on(memory, step, error, outcome):
                    return await self._conclude_failure(memory, step, error, outcome)
            else:
                memory.failures.succeeded(step)
        logger.error("%s/%s: more steps than a pass should need", memory.job.namespace, memory.job.name)
        return self._settings.patience.recheck_seconds

    def _situation(self, memory: Memory) -> Situation:
        return Situation(
            job=memory.job,
            observation=memory.observation,
            now=self._now(),
            deletion=self._deletion(memory),
            is_purged=memory.is_purged,
            is_settled=memory.is_settled,
            tags_refused=memory.tags_again_after is not None,
            look_when=self._kind.look_when,
            models_kept=memory.models_again_after is not None,
            gone=memory.gone,
        )

    async def _conclude(self, memory: Memory, step: Conclude) -> float | None:
        fields = memory.observation.fields if memory.observation and not memory.job.is_finished else {}
        verdict = step.verdict
        if memory.stale_because and verdict.state is State.PROGRESSING:
            verdict = _stale(verdict, memory)
        await self._actions.report(memory, verdict=verdict, changes=fields)
        return step.again_after

    async def _say_if_blind(self, memory: Memory) -> None:
        """Before the first look of a fresh process, the status is what an earlier one saw."""
        attempt = memory.job.last_attempt
        if not memory.stale_because or attempt is None or attempt.is_closed:
            return
        known = memory.job.status.get("secondaryStatus") or "InProgress"
        verdict = Verdict(state=State.PROGRESSING, reason=Reason.IN_PROGRESS, message=f"{attempt.name} is {known}.")
        await self._actions.report(memory, verdict=_stale(verdict, memory))

    def _judge(self, memory: Memory, step: Step, error: Exception) -> Conclude:
        count = memory.failures.failed(step)
        return failures.conclude(
            error, job=memory.job, failures=count, now=self._now(), patience=self._settings.patience
        )

    async def _conclude_failure(self, memory: Memory, step: Step, error: Exception, outcome: Conclude) -> float | None:
        if (deletion := self._deletion(memory)) is not None:
            return await self._conclude_blocked_deletion(memory, deletion, outcome)
        await self._actions.forget_if_rejected(step, memory, error)
        await self._actions.report(memory, verdict=outcome.verdict)
        return outcome.again_after

    async def _conclude_blocked_deletion(self, memory: Memory, deletion: Deletion, outcome: Conclude) -> float:
        message = (
            f"Deletion waits for {memory.job.place.authority}: {outcome.verdict.message} "
            f"At {format_time(deletion.ends_at)} the object is released all the same, and what is left is reported."
        )
        verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETION_BLOCKED, message=message)
        await self._actions.report(memory, verdict=verdict)
        return deletion.pause(self._now(), wanted=outcome.again_after)

    def _deletion(self, memory: Memory) -> Deletion | None:
        return deletions.of(memory, now=self._now(), deadline=self._settings.deletion_deadline)

    def _goes_on(self, memory: Memory, step: Step, error: Exception, outcome: Conclude) -> bool:
        """Whether the job is what it is, whatever becomes of its tags and of the models that were made for it."""
        recheck = self._settings.patience.recheck_seconds
        if isinstance(step, Tag):
            news = setbacks.without_tags(memory, error, outcome, recheck=recheck)
        elif isinstance(step, Withdraw) and memory.job.deletion_requested_at is None:
            news = setbacks.with_remains(memory, outcome, what="A model that was made for this job", recheck=recheck)
        else:
            return False
        if news is not None:
            self._actions.tell(memory, news)
        return True


def _stale(verdict: Verdict, memory: Memory) -> Verdict:
    message = f"This status may be old: {memory.stale_because} Last known: {verdict.message}"
    # By its reason the next process knows that somebody has worked at a deletion.
    reason = Reason.STATUS_STALE if memory.deletion is None else verdict.reason
    return Verdict(state=verdict.state, reason=reason, message=message, is_warning=True)
