"""The buckets on an event loop: callers await their turn, and a caller that gives up loses nothing for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sagebridge.targets.sagemaker.buckets import Rate, Turnstile


class Limiter:
    """Lets calls of one operation, in one account and region, through at its rate and fairly between namespaces.

    To be used on one event loop.
    """

    def __init__(self, rate: Rate, *, clock: Callable[[], float]) -> None:
        """Start with a full bucket.

        Args:
            rate: the limit.
            clock: seconds, monotonic.
        """
        self._clock = clock
        self._turnstile: Turnstile[asyncio.Future[None]] = Turnstile(rate, now=clock())
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._turnstile.waiting

    @property
    def rate(self) -> float:
        """Calls a second at present; infinite without a limit."""
        return self._turnstile.bucket.rate

    async def acquire(self, namespace: str) -> None:
        """Wait for a token.

        A caller that is cancelled leaves the line, or gives its token back if it had just been let through.
        """
        if self._turnstile.enter(self._clock()):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turnstile.wait(namespace, turn)
        self._schedule()
        try:
            await turn
        except asyncio.CancelledError:
            if not self._turnstile.leave(namespace, turn):
                self.refund()
            raise

    def refund(self) -> None:
        """Give back a token that no call was made for."""
        self._turnstile.bucket.refund(self._clock())
        self._let_through()

    def throttled(self, *, sent_at: float) -> None:
        """AWS refused a call that was sent then: slow down."""
        self._turnstile.bucket.throttled(sent_at=sent_at, now=self._clock())
        self._schedule()

    def _let_through(self) -> None:
        for turn in self._turnstile.let_through(self._clock()):
            # A turn that is done was cancelled; its caller finds itself out of the line and gives the token back.
            if not turn.done():
                turn.set_result(None)
        self._schedule()

    def _wake(self) -> None:
        self._timer = None
        self._let_through()

    def _schedule(self) -> None:
        """See that somebody looks again when there is a token; too early a look does no harm."""
        if self._timer is not None:
            return
        delay = self._turnstile.next_in(self._clock())
        if delay is not None:
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)
