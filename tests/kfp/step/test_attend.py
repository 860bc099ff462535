"""Waiting for an outcome: what ends it, what does not, and what it shows."""

from __future__ import annotations

import io
import itertools
import json
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sagebridge.core.errors import CORRECT_MANIFEST
from sagebridge.core.references import missing
from sagebridge_kfp.step.api import ApiError
from sagebridge_kfp.step.attend import Attendance, EndedError
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.failure import told as told_failure
from sagebridge_kfp.step.patience import Patience
from support.scripted_http import Asked, Reply, told

from .scripted_api import having, in_turn, job, refused, scripted_api

RUNS = having("Reconciling", "InProgress", "x is InProgress.", secondaryStatus="Training")
DONE = having("Complete", "Completed", "x completed.")
FAILED = having("Failed", "JobFailed", "x failed: AlgorithmError: no data", failureReason="AlgorithmError: no data")
STALLED = having("Stalled", "AccessDenied", "no role")
INVALID = having("Stalled", "InvalidSpec", "no image")


def events(*pairs: tuple[str, Any]) -> Reply:
    return Reply(pieces=[json.dumps({"type": kind, "object": body}).encode() + b"\n" for kind, body in pairs])


class Attended:
    """What a step saw and said."""

    def __init__(
        self, *answers: Reply, clock: Callable[[], float] = lambda: 0.0, first: Any = None, **patience: Any
    ) -> None:
        self._patience = patience
        self.seen: list[Any] = []
        self.output = io.StringIO()
        self.asked: list[Asked] = []
        self._answers = answers
        self._clock = clock
        self._first = first or job()

    def wait(self, *, keeps: bool = False) -> Any:
        console = Console(output=self.output)
        with scripted_api(in_turn(*self._answers)) as (api, server):
            self.asked = server.asked
            attendance = Attendance(
                api,
                kind="TrainingJob",
                keeps=keeps,
                console=console,
                patience=Patience(console, seconds=30.0, **self._patience),
                see=self.seen.append,
                clock=self._clock,
            )
            return attendance.wait(self._first)

    def said(self) -> list[str]:
        return [line.split(" ", 2)[2] for line in self.output.getvalue().splitlines()]


def test_it_shows_each_change_once_and_ends_with_the_outcome() -> None:
    attended = Attended(events(("MODIFIED", RUNS), ("MODIFIED", RUNS), ("MODIFIED", DONE)))
    assert attended.wait() == DONE
    assert attended.said() == [
        "InProgress (Training): x is InProgress.",
        "Completed: x completed.",
    ]
    assert attended.seen == [job(), RUNS, RUNS, DONE]
    [watch] = attended.asked
    assert watch.query["fieldSelector"] == "metadata.name=train-abc"
    assert (watch.query["watch"], watch.query["resourceVersion"]) == ("true", "7")


def test_what_has_ended_before_is_not_watched() -> None:
    attended = Attended(told({}), first=DONE)
    assert attended.wait() == DONE
    assert attended.asked == []


GONE = ("ERROR", {"code": 410, "message": "too old resource version"})


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([events(), told(RUNS), events(("MODIFIED", DONE))], "a watch has its time"),
        ([events(), told(DONE)], "it ended between two watches"),
        ([events(GONE), told(RUNS), events(("MODIFIED", DONE))], "the server has forgotten the version"),
        ([refused(410, "Expired"), told(DONE)], "the same, said at once"),
        ([Reply(cut=True, pieces=[b'{"type"']), told(DONE)], "the connection broke"),
        ([refused(503, "Unavailable"), refused(503, "Unavailable"), told(DONE)], "the server was away"),
        ([events(("BOOKMARK", {"metadata": {}}), ("MODIFIED", DONE))], "a bookmark is no news"),
        ([events(("DELETED", RUNS)), told(DONE)], "what another of the same name was"),
    ],
)
def test_it_goes_on_waiting(answers: list[Reply], reason: str) -> None:
    assert Attended(*answers).wait() == DONE, reason


@pytest.mark.parametrize(
    ("answers", "error", "says", "reason"),
    [
        ([events(("MODIFIED", FAILED))], EndedError, "train-abc has failed: JobFailed: x failed: Algo", "it failed"),
        ([events(("MODIFIED", INVALID))], EndedError, "can't go on: InvalidSpec: no image", "no wait helps"),
        ([events(("DELETED", RUNS)), refused(404, "NotFound")], StepFailedError, "was deleted by somebody", "gone"),
        (
            [events(("DELETED", RUNS)), told(job() | {"metadata": job()["metadata"] | {"uid": "u2"}})],
            StepFailedError,
            "was deleted by somebody",
            "another of the same name is not it",
        ),
        ([refused(403, "Forbidden", "watch is forbidden")], ApiError, "watch is forbidden", "it has no right"),
    ],
)
def test_what_ends_it(answers: list[Reply], error: type[Exception], says: str, reason: str) -> None:
    with pytest.raises(error, match=says):
        Attended(*answers).wait()


UNKNOWN = refused(401, "Unauthorized")
NO_RIGHTS = refused(403, "Forbidden", "clusterrole not found")


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([NO_RIGHTS, told(DONE)], "the watch is refused by one that has just begun"),
        ([UNKNOWN, UNKNOWN, told(DONE)], "it knows no token yet"),
        ([events(), NO_RIGHTS, told(DONE)], "the object may not be read for a moment"),
    ],
)
def test_a_refusal_is_not_believed_at_once_while_a_job_runs(answers: list[Reply], reason: str) -> None:
    attended = Attended(*answers, doubt_seconds=60.0)
    assert attended.wait() == DONE, reason
    assert any(line.endswith("Trying again.") for line in attended.said())


class Unhurried(threading.Event):
    """Ends never, and lets no time pass."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


AWAY_SECONDS, DOUBT_SECONDS = 1800.0, 120.0


def borne(*errors: tuple[float, int]) -> None:
    """Bear, one after the other, what failed at that time with that status."""
    now = [0.0]
    console = Console(output=io.StringIO())
    patience = Patience(
        console, seconds=AWAY_SECONDS, doubt_seconds=DOUBT_SECONDS, clock=lambda: now[0], ending=Unhurried()
    )
    trouble = patience.trouble()
    for at, status in errors:
        now[0] = at
        trouble.bear(ApiError("refused", status=status))


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        ([(0.0, 503), (170.0, 503), (180.0, 403)], "it was away for longer than the doubt lasts, and has begun"),
        ([(0.0, 401), (100.0, 503), (180.0, 401)], "it begins a second time"),
        ([(0.0, 403), (60.0, 401), (100.0, 403)], "the doubt is not over"),
    ],
)
def test_doubt_begins_with_the_refusal(errors: list[tuple[float, int]], reason: str) -> None:
    borne(*errors)


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        ([(0.0, 503), (180.0, 403), (301.0, 401)], "after a failure that passed it lasts no longer than otherwise"),
        ([(0.0, 503), (1.0, 404)], "what is not of rights is believed at once"),
    ],
)
def test_doubt_ends(errors: list[tuple[float, int]], reason: str) -> None:
    borne(*errors[:-1])
    with pytest.raises(ApiError, match="refused"):
        borne(*errors)


def test_a_watch_that_is_refused_again_and_again_is_believed() -> None:
    # The object may be read all the while.
    answers = [each for _ in range(20) for each in (NO_RIGHTS, told(RUNS))]
    with pytest.raises(ApiError, match="clusterrole not found"):
        Attended(*answers, doubt_seconds=0.6).wait()


def test_a_server_that_takes_no_watch_is_not_asked_without_a_pause() -> None:
    pauses: list[float] = []

    class Ending(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            return False

    busy = [each for _ in range(6) for each in (refused(429, "TooManyRequests"), told(RUNS))]
    assert Attended(*busy, events(("MODIFIED", DONE)), ending=Ending()).wait() == DONE
    assert len(pauses) == 6
    assert sorted(pauses) == pauses, "they grow"


def test_a_reason_that_the_message_leaves_out_is_told() -> None:
    short = having("Failed", "JobFailed", "x failed.", failureReason="AlgorithmError:\n no data")
    with pytest.raises(EndedError, match=r"x failed. FailureReason: AlgorithmError: no data"):
        Attended(events(("MODIFIED", short))).wait()


def test_somebody_has_ten_minutes_to_act() -> None:
    clock = itertools.count(0.0, 50.0)
    answers = [events(("MODIFIED", STALLED)), told(STALLED)] * 10
    attended = Attended(*answers, clock=lambda: next(clock))
    with pytest.raises(EndedError) as caught:
        attended.wait()
    assert caught.value.is_stalled
    todo = (
        "ask who administers the operator's AWS account for the right that is missing. More is told by: "
        "kubectl -n team-a describe trainingjobs train-abc"
    )
    failure = f"TrainingJob train-abc can't go on: AccessDenied: no role. In 600 s nobody has acted: {todo}"
    assert str(caught.value) == failure
    assert attended.said() == ["AccessDenied: no role", f"The step waits 600 s for somebody to act: {todo}"]
    asked_for = [one.query["timeoutSeconds"] for one in attended.asked if "watch" in one.query]
    assert (asked_for[0], asked_for[-1]) == ("30", "1"), "no watch outlasts the grace"


def test_what_helps_is_said_again_where_it_is_something_else() -> None:
    quota = having("Stalled", "QuotaExceeded", "no ml.m5.large is left")
    changed = events(*[("MODIFIED", one) for one in (quota, quota, STALLED, STALLED, DONE)])
    attended = Attended(changed)
    assert attended.wait() == DONE
    more = " More is told by: kubectl -n team-a describe trainingjobs train-abc"
    quotas = "have other jobs end, or ask for a higher quota in AWS Service Quotas."
    right = "ask who administers the operator's AWS account for the right that is missing."
    assert [line.removesuffix(more) for line in attended.said() if line.endswith(more)] == [
        f"The step waits 600 s for somebody to act: {quotas}",
        f"Something else is to be done now, within the same 600 s: {right}",
    ]


def test_what_is_to_be_made_by_somebody_is_waited_for_as_long() -> None:
    clock = itertools.count(0.0, 50.0)
    lacking = having("Reconciling", "WaitingForReference", f"spec.source: {missing('ConfigMap code')}")
    attended = Attended(*[events(("MODIFIED", lacking)), told(lacking)] * 10, clock=lambda: next(clock))
    with pytest.raises(EndedError, match="create configmap code"):
        attended.wait()
    assert attended.said()[-1] == (
        "The step waits 600 s for somebody to act: kubectl -n team-a create configmap code --from-file=DIRECTORY makes "
        "what it waits for."
    )


def test_what_is_there_and_not_ready_is_waited_for_without_a_limit() -> None:
    clock = itertools.count(0.0, 500.0)
    lacking = having("Reconciling", "WaitingForReference", f"spec.modelRef: {missing('TrainingJob base')}")
    trains = having("Reconciling", "ReferenceNotReady", "spec.modelRef: waiting for TrainingJob base to be Ready.")
    shown = [("MODIFIED", one) for one in (lacking, *[trains] * 20, DONE)]
    attended = Attended(events(*shown), clock=lambda: next(clock))
    assert attended.wait() == DONE
    assert len([line for line in attended.said() if "for somebody to act" in line]) == 1


@pytest.mark.parametrize(
    ("reason", "message", "says"),
    [
        (
            "Rejected",
            f"CreateTrainingJob: no ml.m5.larg (ValidationException). {CORRECT_MANIFEST}",
            "Rejected: CreateTrainingJob: no ml.m5.larg (ValidationException). Correct the step's inputs, and run it",
        ),
        ("NameConflict", "The HPA x scales y. Delete it.", "NameConflict: The HPA x scales y. Delete it."),
        ("InvalidSpec", "no image", "InvalidSpec: no image. Correct the step's inputs, and run it again."),
        ("NotAllowed", "ask a or b", "NotAllowed: ask a or b"),
    ],
)
def test_what_nobody_else_can_mend_fails_at_once(reason: str, message: str, says: str) -> None:
    attended = Attended(events(("MODIFIED", having("Stalled", reason, message))))
    with pytest.raises(EndedError, match=re.escape(f"can't go on: {says}")) as caught:
        attended.wait()
    assert ("step's inputs" in str(caught.value)) == ("step's inputs" in says)
    assert len(attended.said()) == 1, "of a wait nothing is said"


def test_who_acts_in_time_is_waited_for() -> None:
    times = iter([0.0, 0.0, 500.0])
    attended = Attended(
        events(("MODIFIED", STALLED), ("MODIFIED", RUNS), ("MODIFIED", STALLED), ("MODIFIED", DONE)),
        clock=lambda: next(times, 900.0),
    )
    assert attended.wait() == DONE


def test_an_endpoint_is_awaited_until_it_serves() -> None:
    ready = having("Ready", "InService")
    assert Attended(events(("MODIFIED", RUNS), ("MODIFIED", ready))).wait(keeps=True) == ready


def test_a_server_that_stays_away_is_given_up() -> None:
    times = iter([0.0, 31.0])
    console = Console(output=io.StringIO())
    patience = Patience(console, seconds=30.0, clock=lambda: next(times))
    with (
        scripted_api(in_turn(refused(503, "Unavailable", "away"))) as (api, _),
        pytest.raises(StepFailedError, match="Given up after 30 s: away"),
    ):
        patience.call(lambda: api.get("TrainingJob", "a"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [([], "it failed"), (["a", "b"], "it failed\nThe last 2 lines of its log:\na\nb")],
)
def test_a_failure_tells_the_last_lines(lines: list[str], message: str) -> None:
    assert told_failure("it failed", last_lines=lines) == message
