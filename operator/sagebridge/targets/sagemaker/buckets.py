"""How fast AWS may be called: token buckets, backing off when throttled, and fairness between namespaces.

Everything here is pure: time is an argument, so that tests drive it with a clock of their own. `Turnstile` puts
bucket and queue together; the gateway gives it a real clock and futures.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html (errors) and
    https://docs.aws.amazon.com/general/latest/gr/sagemaker.html (request quotas per account and region)
    https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html (AWS throttles with token buckets)
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html (adaptive mode: cubic recovery)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Generic

from sagebridge.slots import FairQueue, Waiter

# Pacing at AWS's full rate would turn every millisecond of jitter on the network into a throttled call.
DEFAULT_UTILIZATION: Final = 0.965
# A little over one, so that a timer that fires late costs nothing; less than utilization leaves free, so that two calls
# after a rest are still further apart than AWS wants them.
DEFAULT_BURST: Final = 1.02
# On a throttled call: down to the first share, or to the second when the last one is only a few calls ago; back where
# it was after so many calls, then carefully beyond. A lone throttled call is mostly jitter and should not cost much.
_DECREASE_FIRST: Final = 0.9
_DECREASE_AGAIN: Final = 0.8
_AGAIN_CALLS: Final = 5.0
_RECOVERY_CALLS: Final = 30.0
_FLOOR_SHARE: Final = 0.05
# The rate of calls to an operation without a limit is only known by counting; over windows of this many seconds.
_RATE_WINDOW: Final = 1.0
# Without a limit, backing off ends when recovery has reached this multiple of what AWS refused.
_RELEASE_FACTOR: Final = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How often one operation may be called.

    Attributes:
        per_second: calls a second that AWS grants; None for no limit but what AWS itself signals by throttling.
        burst: how many calls may follow each other at once after a rest; at least 1.
        utilization: share of ``per_second`` that is used, below 1 to leave room for jitter.
    """

    per_second: float | None
    burst: float = DEFAULT_BURST
    utilization: float = DEFAULT_UTILIZATION

    def __post_init__(self) -> None:
        if self.per_second is not None and not 0 < self.per_second < math.inf:
            raise ValueError(f"a rate must be positive or None for no limit, not {self.per_second}")
        if self.burst < 1 or not 0 < self.utilization <= 1:
            raise ValueError("burst must be at least 1, and utilization in (0, 1]")

    @property
    def ceiling(self) -> float:
        """The most calls a second that are ever made; infinite without a limit."""
        return math.inf if self.per_second is None else self.per_second * self.utilization


UNLIMITED: Final = Rate(per_second=None)


class TokenBucket:
    """Tokens that come at a steady rate and gather up to a burst; AWS's throttling slows it down for a while.

    The backing off is multiplicative and the recovery cubic, as in the SDKs' adaptive mode, but measured in calls
    instead of seconds: at one call a second the SDK's constants would have recovered before the next call.
    """

    def __init__(self, rate: Rate, *, now: float) -> None:
        """Start full.

        Args:
            rate: the limit.
            now: the present, in seconds of any monotonic clock.
        """
        self._limit = rate
        self._rate = rate.ceiling
        self._tokens = rate.burst
        self._updated = now
        self._refused_rate = math.inf
        self._backed_off_at = -math.inf
        self._decrease = _DECREASE_FIRST
        self._window = _RateWindow(now)

    @property
    def rate(self) -> float:
        """Calls a second at present; infinite while there is no limit."""
        return self._rate

    @property
    def tokens(self) -> float:
        """Tokens at the last look; infinite while there is no limit."""
        return math.inf if math.isinf(self._rate) else self._tokens

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        self._refill(now)
        if self.tokens < 1:
            return False
        self._tokens -= 1
        self._window.count(now)
        return True

    def refund(self, now: float) -> None:
        """Give back a token that no call was made for."""
        self._refill(now)
        self._tokens = min(self._tokens + 1, self._limit.burst)

    def ready_in(self, now: float) -> float:
        """Seconds until the next token; 0 when there is one."""
        self._refill(now)
        if self.tokens >= 1:
            return 0.0
        return max((1 - self._tokens) / self._rate, 1e-4)

    def throttled(self, *, sent_at: float, now: float) -> None:
        """AWS refused a call for its rate: empty the bucket and slow down.

        Args:
            sent_at: when that call was made. Of several that were under way together, only one slows the bucket down.
            now: the present.
        """
        self._refill(now)
        self._tokens = min(self._tokens, 0.0)
        if sent_at < self._backed_off_at:
            return
        refused = self._rate if math.isfinite(self._rate) else max(self._window.rate(now), 1.0)
        again = (now - self._backed_off_at) * refused < _AGAIN_CALLS
        self._decrease = _DECREASE_AGAIN if again else _DECREASE_FIRST
        self._refused_rate = refused
        self._backed_off_at = now
        self._tokens = 0.0
        self._rate = max(refused * self._decrease, self._floor())

    def _floor(self) -> float:
        ceiling = self._limit.ceiling
        return ceiling * _FLOOR_SHARE if math.isfinite(ceiling) else 0.1

    def _refill(self, now: float) -> None:
        elapsed = max(now - self._updated, 0.0)
        self._updated = max(now, self._updated)
        if math.isinf(self._rate):
            self._tokens = self._limit.burst
            return
        self._tokens = min(self._tokens + elapsed * self._rate, self._limit.burst)
        if math.isfinite(self._refused_rate):
            self._recover(now)

    def _recover(self, now: float) -> None:
        """Follow a cubic through the refused rate: fast at first, flat around it, then beyond."""
        calls = (now - self._backed_off_at) * self._refused_rate / _RECOVERY_CALLS
        share = 1 + (1 - self._decrease) * (calls - 1) ** 3
        self._rate = max(self._refused_rate * share, self._floor())
        released = self._limit.ceiling if math.isfinite(self._limit.ceiling) else self._refused_rate * _RELEASE_FACTOR
        if self._rate >= released:
            self._rate = self._limit.ceiling
            self._refused_rate = math.inf


class _RateWindow:
    """Counts calls over the present and the last whole window."""

    def __init__(self, now: float) -> None:
        self._start = now
        self._count = 0
        self._last = 0.0

    def count(self, now: float) -> None:
        self._roll(now)
        self._count += 1

    def rate(self, now: float) -> float:
        self._roll(now)
        return max(self._last, self._count / _RATE_WINDOW)

    def _roll(self, now: float) -> None:
        windows = int((now - self._start) / _RATE_WINDOW)
        if windows > 0:
            self._last = self._count / _RATE_WINDOW if windows == 1 else 0.0
            self._count = 0
            self._start += windows * _RATE_WINDOW


class Turnstile(Generic[Waiter]):
    """One bucket and the queue before it: whoever has no token yet waits for its turn."""

    def __init__(self, rate: Rate, *, now: float) -> None:
        """Open with a full bucket.

        Args:
            rate: the limit.
            now: the present, in seconds of the clock that all other calls use.
        """
        self.bucket = TokenBucket(rate, now=now)
        self._queue: FairQueue[Waiter] = FairQueue()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    def enter(self, now: float) -> bool:
        """Pass at once if nobody waits and there is a token."""
        return not self._queue and self.bucket.take(now)

    def wait(self, namespace: str, waiter: Waiter) -> None:
        """Join the line."""
        self._queue.push(namespace, waiter)

    def leave(self, namespace: str, waiter: Waiter) -> bool:
        """Give up waiting; False when the waiter was let through already."""
        return self._queue.discard(namespace, waiter)

    def let_through(self, now: float) -> list[Waiter]:
        """Take out everybody there is a token for now, in turn."""
        passed: list[Waiter] = []
        while self._queue and self.bucket.take(now):
            passed.append(self._queue.pop())
        return passed

    def next_in(self, now: float) -> float | None:
        """Seconds until `let_through` has something to do; None while nobody waits."""
        return self.bucket.ready_in(now) if self._queue else None
