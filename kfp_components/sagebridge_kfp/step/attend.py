"""Waiting for an object's outcome by a watch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sagebridge.core.reasons import Reason
from sagebridge.core.words import sentence

from sagebridge_kfp.step.api import Api, ApiError
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.patience import Patience, Trouble
from sagebridge_kfp.step.remedies import refusal, remedy
from sagebridge_kfp.step.standing import Stage, Standing, standing, verdict

Body = Mapping[str, Any]

STALLED_GRACE_SECONDS: Final = 600.0
"""How long somebody may take to act before a step gives up an object that is stalled."""
_WATCH_SECONDS: Final = 30.0
_GONE: Final = 410


class EndedError(StepFailedError):
    """An object has ended, and not well.

    Attributes:
        is_stalled: whether it has not ended in truth, and waits for somebody to act.
    """

    def __init__(self, message: str, *, is_stalled: bool) -> None:
        super().__init__(message)
        self.is_stalled = is_stalled


class Attendance:
    """Waits for one object, and shows what becomes of it.

    Args:
        api: the namespace's objects.
        kind: the object's kind.
        keeps: whether it goes on for ever, so that being Ready is all there is to wait for.
        console: where changes are shown.
        patience: how calls are made.
        see: told of each version of the object.
        clock: seconds from anywhere.
        grace: how long it may be stalled, in seconds.
    """

    def __init__(
        self,
        api: Api,
        *,
        kind: str,
        keeps: bool,
        console: Console,
        patience: Patience,
        see: Callable[[Body], None],
        clock: Callable[[], float] = time.monotonic,
        grace: float = STALLED_GRACE_SECONDS,
    ) -> None:
        self._api = api
        self._kind = kind
        self._keeps = keeps
        self._console = console
        self._patience = patience
        self._see = see
        self._clock = clock
        self._grace = grace
        self._shown = ""
        self._stalled_since: float | None = None
        self._remedy = ""
        self._earlier: tuple[Any, ...] | None = None
        self._trouble: Trouble | None = None

    def wait(self, body: Body, *, is_asked_anew: bool = False) -> Body:
        """Return the object when it has ended well.

        Args:
            body: the object as it was seen last.
            is_asked_anew: whether what is said against it there is an earlier refusal, and the operator was asked to
                look again: that is no answer, until something else is said or the grace is over.

        Raises:
            EndedError: it failed, or can't go on until somebody acts.
            StepFailedError: it was deleted, or the API server was away for too long.
            ApiError: the API server refused.
        """
        name, uid = str(body["metadata"]["name"]), body["metadata"]["uid"]
        self._earlier = verdict(body) if is_asked_anew else None
        while True:
            if self._is_done(body):
                return body
            for seen in self._changes(name, version=body["metadata"]["resourceVersion"]):
                if self._is_done(seen):
                    return seen
            found = self._patience.call(lambda: self._api.get(self._kind, name))
            if found is None or found["metadata"]["uid"] != uid:
                raise StepFailedError(f"{self._kind} {name} was deleted by somebody.")
            body = found

    def _changes(self, name: str, *, version: str) -> Iterator[Body]:
        """What a watch shows, until it ends or the object is gone."""
        watch = self._api.watch(self._kind, name, version=version, seconds=self._watch_seconds())
        try:
            for event, body in watch:
                if event == "DELETED":
                    return
                if event in ("ADDED", "MODIFIED"):
                    self._trouble = None
                    yield body
            self._trouble = None
        except ApiError as error:
            # The object is read next, with patience; and after that there is another watch.
            if error.status != _GONE:
                self._trouble = self._trouble or self._patience.with_limit(math.inf).trouble()
                self._trouble.bear(error)

    def _watch_seconds(self) -> float:
        if self._stalled_since is None:
            return _WATCH_SECONDS
        return min(_WATCH_SECONDS, max(1.0, self._grace - (self._clock() - self._stalled_since)))

    def _is_done(self, body: Body) -> bool:
        self._see(body)
        found = standing(body, keeps=self._keeps)
        self._show(found)
        is_earlier = self._is_earlier(body)
        if found.stage is Stage.DONE:
            return True
        what = f"{self._kind} {body['metadata']['name']}"
        if found.stage is Stage.FAILED:
            raise EndedError(f"{what} has failed: {_why(found, body)}", is_stalled=False)
        if found.stage is Stage.REFUSED and not is_earlier:
            raise EndedError(f"{what} can't go on: {refusal(found)}", is_stalled=True)
        if self._is_stalled_for_too_long(found, body):
            waited = f"In {self._grace:g} s nobody has acted: {remedy(found, body)}"
            raise EndedError(f"{what} can't go on: {sentence(str(found))} {waited}", is_stalled=True)
        return False

    def _is_earlier(self, body: Body) -> bool:
        if self._earlier != verdict(body):
            self._earlier = None
        return self._earlier is not None

    def _is_stalled_for_too_long(self, found: Standing, body: Body) -> bool:
        if found.stage not in (Stage.STALLED, Stage.REFUSED):
            self._stalled_since = None
            return False
        if self._stalled_since is None:
            self._stalled_since = self._clock()
            self._remedy = remedy(found, body)
            self._console.say(f"The step waits {self._grace:g} s for somebody to act: {self._remedy}")
        elif self._remedy != remedy(found, body):
            self._remedy = remedy(found, body)
            self._console.say(f"Something else is to be done now, within the same {self._grace:g} s: {self._remedy}")
        return self._clock() - self._stalled_since >= self._grace

    def _show(self, found: Standing) -> None:
        # That it was made is said already, and nobody has looked at it.
        is_news = found.message or found.reason != Reason.ACCEPTED
        if is_news and str(found) != self._shown:
            self._shown = str(found)
            self._console.say(self._shown)


def _why(found: Standing, body: Body) -> str:
    """What the condition says, which has the FailureReason; that alone where the message has not all of it."""
    reason = " ".join(str((body.get("status") or {}).get("failureReason") or "").split())
    return str(found) if not reason or reason in found.message else f"{found} FailureReason: {reason}"
