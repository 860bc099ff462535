"""What the operator remembers of an endpoint beside its object. All of it can be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sagebridge.core.endpoint.observed import FAILED, Observed
from sagebridge.core.job import Job
from sagebridge.core.steps import Conclude
from sagebridge.core.tenancy import Tenant
from sagebridge.engine.endpoint_inputs import EndpointInput


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What SageMaker was asked for, until it has ended.

    Attributes:
        what: Create, Update, or Weights for weights and counts alone.
        since: when.
    """

    what: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """An update that SageMaker has refused to begin, and that is not asked for again for now.

    Attributes:
        outcome: what the refusal means.
        wanted: what was asked for, and under which policy; anything else is asked for at once.
        until: when the same is asked for again.
    """

    outcome: Conclude
    wanted: tuple[int, str, Tenant]
    until: datetime


@dataclass(kw_only=True, slots=True)
class EndpointMemory:
    """One endpoint.

    Attributes:
        resolved: what the spec means, in the pass under way.
        observed: the last look; None when there has to be another.
        is_fresh: whether that was in the pass under way, and nothing was waited for since.
        is_ours: whether its tags say so; None until they were read.
        is_adopted: whether it was there before the object.
        is_owner_fresh: whether its tags were read since the last look, in the pass under way.
        claimed_incarnation: what tells the endpoint that both are about from a later one of the same name.
        made: models and configs that are known to be there.
        hold: the update that SageMaker has refused last; None once it may be asked for again.
        change: what is under way, if this process has asked for it.
        blind_since: since when nobody can see the endpoint, or whose it is; None while that works.
    """

    resolved: EndpointInput | None = None
    observed: Observed | None = None
    is_fresh: bool = False
    is_ours: bool | None = None
    is_adopted: bool = False
    is_owner_fresh: bool = False
    claimed_incarnation: str = ""
    made: set[str] = field(default_factory=set)
    hold: Hold | None = None
    change: Change | None = None
    blind_since: datetime | None = None

    @property
    def status(self) -> str:
        """SageMaker's word for the endpoint as it was seen last; empty if it was not, or is not there."""
        endpoint = self.observed.endpoint if self.observed else None
        return endpoint.status if endpoint else ""

    @property
    def last_modified(self) -> str:
        """When it was modified last, as it was seen last."""
        endpoint = self.observed.endpoint if self.observed else None
        return endpoint.last_modified if endpoint else ""

    def begin(self, *, now: datetime) -> None:
        """Begin a pass: the spec may have changed, and what is under way may have ended."""
        self.resolved, self.is_fresh, self.is_owner_fresh = None, False, False
        if self.hold is not None and self.hold.until <= now:
            self.hold = None
        endpoint = self.observed.endpoint if self.observed else None
        if endpoint is None or endpoint.is_busy or endpoint.status == FAILED:
            self.forget_look()

    def hold_back(self, job: Job, outcome: Conclude, *, until: datetime) -> None:
        """Do not ask for the update that was just refused until then."""
        self.hold = Hold(outcome=outcome, wanted=self._wanted(job), until=until)

    def held_back(self, job: Job, *, now: datetime) -> Conclude | None:
        """What the refusal of the update that is still wanted means; None if it is to be asked for."""
        hold = self.hold
        if hold is None or self.resolved is None or job.is_paused or hold.wanted != self._wanted(job):
            return None
        remaining = (hold.until - now).total_seconds()
        return replace(hold.outcome, again_after=remaining) if remaining > 0 else hold.outcome

    def _wanted(self, job: Job) -> tuple[int, str, Tenant]:
        if self.resolved is None:
            raise RuntimeError("an update was planned without the spec")
        return job.generation, self.resolved.desired.deployment_key, self.resolved.handle.tenant

    def update_look(self, change: Callable[[Observed], Observed]) -> None:
        """Take in what a step has done, unless there has to be another look anyway."""
        if self.observed is not None:
            self.observed = change(self.observed)

    def take_look(self, observed: Observed) -> None:
        """Take in a look. Whose the endpoint is has to be asked again if it is gone, or another than was seen last."""
        if not self.claimed_incarnation or _incarnation(observed) != self.claimed_incarnation:
            self.forget_owner()
        self.observed, self.is_fresh, self.is_owner_fresh = observed, True, False

    def claim(self, *, is_ours: bool, is_adopted: bool) -> None:
        """Remember whose the endpoint is that was seen last."""
        self.is_ours, self.is_adopted, self.is_owner_fresh = is_ours, is_adopted, is_ours
        self.claimed_incarnation = _incarnation(self.observed)

    def forget_owner(self) -> None:
        """Ask whose the endpoint is before anything is done to it."""
        self.is_ours, self.is_adopted, self.claimed_incarnation = None, False, ""
        self.is_owner_fresh = False

    def forget_look(self) -> None:
        """Look again before anything else is done."""
        self.observed, self.is_fresh = None, False


def _incarnation(observed: Observed | None) -> str:
    """What no other endpoint of that name has; empty if there is none."""
    endpoint = observed.endpoint if observed else None
    return str(endpoint.fields.get("creationTime") or "unknown") if endpoint else ""
