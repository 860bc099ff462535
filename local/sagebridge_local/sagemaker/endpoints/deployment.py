"""A deployment: from a fleet that is launched to one that serves. The only place that changes an endpoint's state.

Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html (EndpointStatus) and
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sagebridge_local.sagemaker.endpoints.endpoint import (
    ACTIVATING_TRAFFIC,
    BAKING,
    CREATING,
    FAILED,
    IN_SERVICE,
    ROLLING_BACK,
    UPDATE_ROLLBACK_FAILED,
    UPDATING,
    Endpoint,
    Fleet,
)
from sagebridge_local.sagemaker.jobs.lifecycle import FAILURE_REASON_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagebridge_local.sagemaker.clock import Scheduler, Timer
    from sagebridge_local.sagemaker.cloudwatch.alarms import Alarms
    from sagebridge_local.sagemaker.endpoints.hosting import Hosting
    from sagebridge_local.sagemaker.endpoints.rollout import Rollout

# Chosen here: how often alarms are looked at while a step bakes, and how long shifting back takes.
ALARM_SECONDS: Final = 1.0
ROLLBACK_SECONDS: Final = 1.0
# https://github.com/xbill9/sagemaker-gemma
CAPACITY_REASON: Final = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a "
    "different ML instance type or after some time."
)


@dataclass(slots=True, kw_only=True, eq=False)
class Deployment:
    """One deployment under way.

    Attributes:
        endpoint: The endpoint; its `green` is the fleet to be deployed.
        rollout: How traffic shifts.
        hosting: What makes fleets answer.
        scheduler: The clock.
        alarms: CloudWatch's alarms.
        on_change: Told of every change of the endpoint's status.
        on_stage: Told of every stage of the deployment.
        on_end: Told when it is over.
    """

    endpoint: Endpoint
    rollout: Rollout
    hosting: Hosting
    scheduler: Scheduler
    alarms: Alarms
    on_change: Callable[[Endpoint, float], None]
    on_stage: Callable[[Endpoint, float], None]
    on_end: Callable[[Endpoint], None]
    _step: int = 0
    _timers: list[Timer] = field(default_factory=list)
    _over: bool = False

    def begin(self, at: float) -> None:
        """Launch the green fleet; the old one, if there is one, serves on."""
        endpoint = self.endpoint
        self._create(at)
        self._at(at + self.rollout.timeout_seconds, self._expire)
        green = self._green()
        green.hosted = self.hosting.launch(endpoint, green, listener=self, at=at)

    def doom(self, at: float, *, reason: str, after: float) -> None:
        """Let it fail before its instances are there, as without capacity."""
        self._create(at)
        self._at(at + after, lambda due: self.failed(reason, due))

    def ready(self, at: float) -> None:
        """The green fleet answers: begin to shift traffic."""
        if self._over:
            return
        if self.endpoint.fleet is None:
            self._finish(at)
        else:
            self._shift(at)

    def failed(self, reason: str, at: float) -> None:
        """The green fleet can't be made to answer: roll back, or fail where nothing served before."""
        if self._over:
            return
        self.endpoint.failure_reason = reason[:FAILURE_REASON_LENGTH]
        if self.endpoint.fleet is None:
            self._drop_green()
            self._end(FAILED, at)
        else:
            self._roll_back(at)

    def cancel(self) -> None:
        """Drop it without a word."""
        self._over = True
        self._drop_timers()
        self._drop_green()

    def _create(self, at: float) -> None:
        endpoint = self.endpoint
        endpoint.green_share, endpoint.green_since = 0.0, at
        endpoint.green_status = CREATING
        endpoint.green_message = f"Launching {self._green().instances} instance(s)."
        self._enter(UPDATING if endpoint.fleet else CREATING, at)
        self.on_stage(endpoint, at)

    def _stage(self, status: str, message: str, at: float) -> None:
        endpoint = self.endpoint
        endpoint.green_status = status
        capacity = "full" if endpoint.green_share >= 1 else "canary"
        count = max(1, round(self._green().instances * endpoint.green_share))
        endpoint.green_message = f"{message} on {capacity} capacity of {count} instance(s)."
        endpoint.touch(at)
        self.on_stage(endpoint, at)

    def _green(self) -> Fleet:
        assert self.endpoint.green is not None  # a deployment has one until it ends
        return self.endpoint.green

    def _shift(self, at: float) -> None:
        """Take the next step, and bake it."""
        self.endpoint.green_share = self.rollout.shares[self._step]
        self._step += 1
        self._stage(ACTIVATING_TRAFFIC, "Activating traffic", at)
        wait = self.rollout.wait_seconds
        if wait:
            self._stage(BAKING, f"Baking for {wait:g} seconds with traffic enabled", at)
        self._bake(at, until=at + wait, then=self._baked)

    def _bake(self, at: float, *, until: float, then: Callable[[float], None]) -> None:
        if self._over or self._alarmed(at):
            return
        if at >= until:
            then(at)
            return
        # Without alarms there is nothing to be looked at in between.
        due = min(until, at + ALARM_SECONDS) if self.rollout.alarms else until
        self._at(due, lambda now: self._bake(now, until=until, then=then))

    def _alarmed(self, at: float) -> bool:
        endpoint = self.endpoint
        found = self.alarms.tripped(self.rollout.alarms, (endpoint.account, endpoint.region), at=at)
        if found:
            self.failed(f"One or more configured alarm(s) have transitioned to ALARM state: {', '.join(found)}", at)
        return bool(found)

    def _baked(self, at: float) -> None:
        wait = self.rollout.termination_wait_seconds
        if self._step < len(self.rollout.shares):
            self._shift(at)
        elif wait:
            # The old fleet is still there to go back to: alarms are watched until it goes.
            self._stage(BAKING, f"Baking for {wait:g} seconds (TerminationWaitInSeconds) with traffic enabled", at)
            self._bake(at, until=at + wait, then=self._finish)
        else:
            self._finish(at)

    def _finish(self, at: float) -> None:
        """The green fleet is the one; the old one goes once it has answered what it was asked."""
        endpoint, green, old = self.endpoint, self._green(), self.endpoint.fleet
        green.settle()
        endpoint.fleet, endpoint.config_name, endpoint.failure_reason = green, green.config_name, None
        endpoint.green, endpoint.green_share = None, 0.0
        if old is not None:
            old.stop()
        self._end(IN_SERVICE, at)

    def _roll_back(self, at: float) -> None:
        if self.hosting.rollback_fails(self.endpoint):
            self._drop_timers()
            self._end(UPDATE_ROLLBACK_FAILED, at, keep_green=True)
            return
        self._drop_timers()
        self._over = True
        self._shift_back()
        self._enter(ROLLING_BACK, at)
        self._at(at + ROLLBACK_SECONDS, self._go_back)

    def _go_back(self, at: float) -> None:
        """The rest of a rollback, batch by batch."""
        if not self.endpoint.green_share:
            self._rolled_back(at)
            return
        self._shift_back()
        self.endpoint.touch(at)
        self._at(at + ROLLBACK_SECONDS, self._go_back)

    def _shift_back(self) -> None:
        left = round(self.endpoint.green_share - self.rollout.rollback_step, 9)
        self.endpoint.green_share = max(0.0, left)

    def _rolled_back(self, at: float) -> None:
        self._drop_green()
        self._end(IN_SERVICE, at)

    def _expire(self, at: float) -> None:
        self.failed("The deployment exceeded MaximumExecutionTimeoutInSeconds", at)

    def _end(self, status: str, at: float, *, keep_green: bool = False) -> None:
        self._over = True
        self._drop_timers()
        if not keep_green:
            self._drop_green()
        self._enter(status, at)
        self.on_end(self.endpoint)

    def _enter(self, status: str, at: float) -> None:
        self.endpoint.enter(status, at)
        self.on_change(self.endpoint, at)

    def _drop_green(self) -> None:
        if self.endpoint.green is not None:
            self.endpoint.green.stop()
        self.endpoint.green, self.endpoint.green_share = None, 0.0
        self.endpoint.described = None

    def _at(self, due: float, action: Callable[[float], None]) -> None:
        self._timers.append(self.scheduler.at(due, action))

    def _drop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
