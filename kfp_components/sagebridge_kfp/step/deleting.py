"""Objects that are to go."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from sagebridge.core import conditions
from sagebridge.core.reasons import Reason

from sagebridge_kfp.step.api import Api, ApiError
from sagebridge_kfp.step.attend import STALLED_GRACE_SECONDS
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.patience import Patience

Body = Mapping[str, Any]

LONGEST_SECONDS: Final = 4500.0
"""How long an object may take to go: the operator's own deadline, an hour by default, and a quarter more."""

_WATCH_SECONDS: Final = 30.0
_GONE: Final = 410
_HELD: Final = frozenset({Reason.DELETION_BLOCKED, Reason.PAUSED})
"""What a deletion waits for that somebody can help with."""


class Departure:
    """Waits until an object is gone, and tells what it waits for.

    Args:
        api: the namespace's objects.
        console: where that is told.
        patience: how calls are made.
        clock: seconds from anywhere.
        grace: how long somebody may take to act where the deletion is held up, in seconds.
        longest: how long it may take at all, in seconds.
    """

    def __init__(
        self,
        api: Api,
        *,
        console: Console,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
        grace: float = STALLED_GRACE_SECONDS,
        longest: float = LONGEST_SECONDS,
    ) -> None:
        self._api = api
        self._console = console
        self._patience = patience
        self._clock = clock
        self._grace = grace
        self._longest = longest
        self._begun = clock()
        self._held_since: float | None = None
        self._shown = ""
        self._of_before = ""

    def wait(self, kind: str, name: str, *, uid: str) -> None:
        """Return when the object is gone; one of the same name that was made since is another.

        Raises:
            ApiError: the API server refused.
            StepFailedError: somebody has to act, and nobody has; or it took too long, or the API server was away.
        """
        body = self._patience.call(lambda: self._api.get(kind, name))
        if body is not None and _ready(body).get("reason") not in _HELD:
            # What the operator said before it heard of the deletion is no news, unless it goes on saying so.
            self._of_before = _waits_for(body)
        while body is not None and body["metadata"]["uid"] == uid:
            self._look(kind, body)
            version = body["metadata"]["resourceVersion"]
            self._patience.call(lambda version=version: self._watch(kind, name, version=version))  # type: ignore[misc]
            self._of_before = ""
            body = self._patience.call(lambda: self._api.get(kind, name))

    def _watch(self, kind: str, name: str, *, version: str) -> None:
        """Look at each change, until the object goes, or another comes in its place, or the watch has its time."""
        try:
            for event, body in self._api.watch(kind, name, version=version, seconds=self._watch_seconds()):
                if event != "MODIFIED":
                    return
                self._look(kind, body)
        except ApiError as error:
            # The server has forgotten that version: the object is read again.
            if error.status != _GONE:
                raise

    def _watch_seconds(self) -> float:
        left = self._longest - (self._clock() - self._begun)
        if self._held_since is not None:
            left = min(left, self._grace - (self._clock() - self._held_since))
        return min(_WATCH_SECONDS, max(1.0, left))

    def _look(self, kind: str, body: Body) -> None:
        told = _waits_for(body)
        what = f"{kind} {body['metadata']['name']}"
        is_news = told != self._of_before
        if is_news and told != self._shown:
            self._shown = told
            self._console.say(f"{what} is not gone yet: {told}")
        if self._is_held_for_too_long(is_news and _is_held(body)):
            raise _given_up(f"{what} is not gone, and nobody has acted for {self._grace:g} s: {told}")
        if self._clock() - self._begun >= self._longest:
            raise _given_up(f"{what} is not gone after {self._longest:g} s: {told}")

    def _is_held_for_too_long(self, is_held: bool) -> bool:
        if not is_held:
            self._held_since = None
            return False
        if self._held_since is None:
            self._held_since = self._clock()
            self._console.say(f"The step waits {self._grace:g} s for somebody to act.")
        return self._clock() - self._held_since >= self._grace


def _given_up(why: str) -> StepFailedError:
    return StepFailedError(f"{why} Its deletion goes on by itself.")


def _ready(body: Body) -> Mapping[str, Any]:
    return conditions.find((body.get("status") or {}).get("conditions") or (), conditions.READY) or {}


def _is_held(body: Body) -> bool:
    found = (body.get("status") or {}).get("conditions") or ()
    return _ready(body).get("reason") in _HELD or conditions.is_true(found, conditions.STALLED)


def _waits_for(body: Body) -> str:
    """What its condition says, and who keeps it: after its own operator, that may be another controller."""
    ready = _ready(body)
    keepers = ", ".join(body["metadata"].get("finalizers") or ()) or "none"
    reason, message = ready.get("reason") or Reason.ACCEPTED.value, str(ready.get("message") or "").strip()
    return f"{reason}: {message} (finalizers: {keepers})." if message else f"{reason} (finalizers: {keepers})."
