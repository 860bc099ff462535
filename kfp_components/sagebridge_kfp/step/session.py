"""One step from its beginning to its end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any, Final

from sagebridge_kfp.step.api import Api, ApiError
from sagebridge_kfp.step.applying import apply_named, check_wanted_still, make_way
from sagebridge_kfp.step.attend import Attendance, EndedError
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.failure import StepFailedError, told
from sagebridge_kfp.step.identity import Identity
from sagebridge_kfp.step.kinds import SEARCH, plural_of
from sagebridge_kfp.step.log_service import CA_KEY, LogService, Where, own_token
from sagebridge_kfp.step.logs import TAIL_OF_ATTACHED, LogFollower
from sagebridge_kfp.step.making import Maker
from sagebridge_kfp.step.marks import ANNOTATION_DONE
from sagebridge_kfp.step.patience import Patience
from sagebridge_kfp.step.standing import is_at_work, is_begun
from sagebridge_kfp.step.stopping import remove_unserving, suspend
from sagebridge_kfp.step.termination import Stop, Termination
from sagebridge_kfp.step.wanted import Outcome, Wanted

Body = Mapping[str, Any]

FIRST_CALLS_SECONDS: Final = 120.0
"""How long the API server may be away before anything was made."""
ATTENDED_SECONDS: Final = 1800.0
"""How long it may be away while a job runs, which goes on meanwhile."""
DOUBT_SECONDS: Final = 120.0
"""For how long it may refuse the step while a job runs: one that was just started again does so, until it knows all."""
_WARM_SECONDS: Final = 45.0


class Session:
    """What one step does.

    Args:
        wanted: what it wants.
        identity: which step it is.
        api: the namespace's objects.
        console: where it tells.
        termination: what ends it before its time.
    """

    def __init__(
        self, wanted: Wanted, *, identity: Identity, api: Api, console: Console, termination: Termination
    ) -> None:
        self._wanted = wanted
        self._identity = identity
        self._api = api
        self._spare = api.another()
        self._console = console
        self._termination = termination
        self._patience = Patience(console, seconds=FIRST_CALLS_SECONDS, ending=termination.ending)
        self._latest: Body = {}
        self._logs: LogFollower | None = None
        self._has_told_of_logs = False
        self._is_attached = False
        self._is_asked_anew = False
        self._marks = True
        self._is_over = threading.Event()

    def run(self) -> Outcome:
        """Make or find the object, wait for its outcome, and say on the object that the step is done.

        Raises:
            StepFailedError: it did not end well.
        """
        try:
            return self._run()
        except ApiError as error:
            raise StepFailedError(refusal(error, kind=self._wanted.kind, namespace=self._api.namespace)) from error
        except EndedError as ended:
            if ended.is_stalled:
                self._suspend_stalled(str(ended))
            else:
                self._finish_logs()
            raise StepFailedError(told(str(ended), last_lines=self._console.last)) from ended
        finally:
            self._is_over.set()
            if self._logs is not None:
                self._logs.leave()

    def _run(self) -> Outcome:
        if self._wanted.name:
            # Who is told to end meanwhile ends at once: nothing is made yet.
            waiting = self._patience.with_limit(ATTENDED_SECONDS)
            make_way(self._api, self._wanted, console=self._console, patience=waiting)
        with self._termination.unsettled():
            self._latest, stop = self._settle()
            self._termination.arm(stop)
        threading.Thread(target=self._keep_warm, name="connection", daemon=True).start()
        patience = self._patience.with_limit(ATTENDED_SECONDS, doubt_seconds=DOUBT_SECONDS)
        attendance = Attendance(
            self._api,
            kind=self._wanted.kind,
            keeps=self._wanted.keeps,
            console=self._console,
            patience=patience,
            see=self._see,
        )
        body = attendance.wait(self._latest, is_asked_anew=self._is_asked_anew)
        self._termination.disarm()
        self._finish_logs()
        return self._conclude(body, patience=patience)

    def _settle(self) -> tuple[Body, Stop]:
        """The object, and what stops it."""
        if self._wanted.name:
            return self._apply()
        maker = Maker(self._api, identity=self._identity, console=self._console, patience=self._patience)
        found = maker.find_or_make(self._wanted)
        self._is_attached = not found.is_made
        return found.body, self._remove if self._wanted.keeps else self._suspend

    def _apply(self) -> tuple[Body, Stop]:
        applied = apply_named(
            self._api, self._wanted, identity=self._identity, console=self._console, patience=self._patience
        )
        self._marks, self._is_asked_anew = applied.is_marked, applied.is_asked_anew
        if not applied.is_new:
            return applied.body, self._leave
        return applied.body, self._remove if self._wanted.keeps else self._suspend

    def _suspend(self) -> str:
        return suspend(self._spare, self._wanted.kind, self._latest, pod=self._identity.pod)

    def _remove(self) -> str:
        return remove_unserving(self._spare, self._wanted.kind, self._latest, pod=self._identity.pod)

    def _leave(self) -> str:
        return f"Told to end; {self._wanted.kind} {self._wanted.name}, which was there before, goes on."

    def _suspend_stalled(self, why: str) -> None:
        """What waits for somebody must not begin when nobody attends it any more; what is at work goes on."""
        if self._wanted.keeps or self._wanted.name:
            return
        try:
            if is_at_work(self._latest):
                name = self._latest["metadata"]["name"]
                self._console.say(f"The job of {self._wanted.kind} {name} is left at work: a retry attends it again.")
            else:
                suspend(self._spare, self._wanted.kind, self._latest, pod=self._identity.pod, why=why)
        except ApiError as error:
            self._console.say(f"{self._wanted.kind} could not be suspended: {error}")
        finally:
            self._termination.disarm()

    def _keep_warm(self) -> None:
        """Have a connection ready to stop the job on: one that idles may be dropped on its way without a word."""
        while not self._is_over.is_set():
            # Should that fail, the call that stops the job opens one.
            with contextlib.suppress(ApiError):
                self._spare.warm()
            self._is_over.wait(_WARM_SECONDS)

    def _see(self, body: Body) -> None:
        self._latest = body
        if self._wanted.name:
            check_wanted_still(self._wanted, body)
        if self._wanted.keeps or self._logs is not None:
            return
        where = Where.parse(body, plural=plural_of(self._wanted.kind))
        if where is not None:
            self._logs = self._follow(where)
        elif is_begun(body) and (body.get("status") or {}).get("logs"):
            self._tell_of_no_logs()

    def _follow(self, where: Where) -> LogFollower:
        service = LogService(where, authority=lambda: self._authority(where), token=lambda: own_token(self._api.token))
        tail = TAIL_OF_ATTACHED if self._is_attached else None
        is_of_trials = self._wanted.kind == SEARCH
        follower = LogFollower(service, console=self._console, tail=tail, is_of_trials=is_of_trials)
        follower.start()
        return follower

    def _authority(self, where: Where) -> str:
        return self._api.config_map(where.namespace, where.config_map).get(CA_KEY, "")

    def _tell_of_no_logs(self) -> None:
        if not self._has_told_of_logs:
            self._has_told_of_logs = True
            self._console.say(
                "The job's log is not shown here: the operator has no log service. kubectl sagebridge logs shows it, "
                "and status.logs tells where it is."
            )

    def _finish_logs(self) -> None:
        if self._logs is not None:
            self._logs.finish()
        elif not self._wanted.keeps and is_begun(self._latest):
            self._tell_of_no_logs()

    def _conclude(self, body: Body, *, patience: Patience) -> Outcome:
        metadata = body["metadata"]
        is_told = (metadata.get("annotations") or {}).get(ANNOTATION_DONE) == "true"
        if self._marks and not is_told:
            done = {"metadata": {"annotations": {ANNOTATION_DONE: "true"}}}
            body = patience.call(lambda: self._api.merge(self._wanted.kind, metadata["name"], done))
        return Outcome(name=metadata["name"], namespace=metadata["namespace"], body=body)


def refusal(error: ApiError, *, kind: str, namespace: str) -> str:
    """What it means that the API server refused, and what helps."""
    if error.status == 403:
        return (
            f"The step's service account may not do this in namespace {namespace}: {error} The "
            "chart's ClusterRoles sagebridge-edit and sagebridge-view, bound to it there, allow it."
        )
    if error.status == 404 and not error.reason:
        return f"The cluster has no {kind} of sagebridge.io: Sagebridge is not installed, or is older than this step."
    if error.status == 422:
        return f"The API server refuses this {kind}: {error}"
    return f"The API server refused a call about {kind} in namespace {namespace}: {error}"
