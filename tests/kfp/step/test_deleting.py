"""Objects that are to go: what is told meanwhile, what ends the wait, and what a SIGTERM leaves."""

from __future__ import annotations

import io
import itertools
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sagebridge_kfp.step import run as run_module
from sagebridge_kfp.step.api import ApiError
from sagebridge_kfp.step.applying import make_way
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.deleting import Departure
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import Identity
from sagebridge_kfp.step.patience import Patience
from sagebridge_kfp.step.session import Session
from sagebridge_kfp.step.termination import Termination
from sagebridge_kfp.step.wanted import Wanted
from support.scripted_http import Asked, Reply, told
from support.waiting import LONGEST_SECONDS

from .scripted_api import having, in_turn, job, refused, scripted_api
from .test_attend import events

OURS = "sagebridge.io/sagemaker"


def going(kind: str, reason: str, message: str = "", *, finalizers: tuple[str, ...] = (OURS,)) -> dict[str, Any]:
    """A TrainingJob that is being deleted."""
    body = having(kind, reason, message)
    more = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": list(finalizers)}
    return body | {"metadata": body["metadata"] | more}


RUNS = going("Reconciling", "InProgress", "x is InProgress.")
STOPS = going("Reconciling", "Deleting", "x is Stopping.")
BLOCKED = going("Reconciling", "DeletionBlocked", "Deletion waits for AWS: not allowed to StopTrainingJob.")
PAUSED = going("Reconciling", "Paused", "the annotation sagebridge.io/paused is true")
STALLED = going("Stalled", "AccessDenied", "no role")
ANOTHER = job() | {"metadata": job()["metadata"] | {"uid": "u2"}}
GONE = refused(404, "NotFound")


class Waited:
    """What a step said while an object went."""

    def __init__(self, *answers: Reply, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.output = io.StringIO()
        self.asked: list[Asked] = []
        self.clock = clock
        self._answers = answers

    def wait(self) -> list[str]:
        console = Console(output=self.output)
        with scripted_api(in_turn(*self._answers)) as (api, server):
            self.asked = server.asked
            patience = Patience(console, seconds=30.0)
            Departure(api, console=console, patience=patience, clock=self.clock).wait(
                "TrainingJob", "train-abc", uid="u1"
            )
        return self.said()

    def watches(self) -> list[float]:
        """For how many seconds each watch was to go on."""
        return [float(one.query["timeoutSeconds"]) for one in self.asked if "watch" in one.query]

    def said(self) -> list[str]:
        return [line.split(" ", 2)[2] for line in self.output.getvalue().splitlines()]


STOPPING = f"TrainingJob train-abc is not gone yet: Deleting: x is Stopping. (finalizers: {OURS})."


@pytest.mark.parametrize(
    ("answers", "says", "reason"),
    [
        ([GONE], [], "it was gone at once"),
        ([told(ANOTHER)], [], "another has its name by now"),
        ([told(RUNS), events(("DELETED", RUNS)), GONE], [], "what was said of it before is no news"),
        ([told(STALLED), events(("DELETED", STALLED)), GONE], [], "nor what was said against it"),
        ([told(RUNS), events(("MODIFIED", STOPS), ("MODIFIED", STOPS), ("DELETED", STOPS)), GONE], [STOPPING], "once"),
        ([told(RUNS), events(), told(STOPS), events(), GONE], [STOPPING], "a watch has its time"),
        ([told(RUNS), refused(410, "Expired"), GONE], [], "the server has forgotten the version"),
        ([told(STOPS), events(("DELETED", STOPS), ("MODIFIED", BLOCKED)), told(ANOTHER)], [], "no look at another"),
        (
            [told(RUNS), events(), told(RUNS), events(), GONE],
            [f"TrainingJob train-abc is not gone yet: InProgress: x is InProgress. (finalizers: {OURS})."],
            "nobody has said anything since: that is told",
        ),
        (
            [told(RUNS), events(("MODIFIED", going("Reconciling", "Deleting", finalizers=("a/b", "c/d")))), GONE],
            ["TrainingJob train-abc is not gone yet: Deleting (finalizers: a/b, c/d)."],
            "others may keep it",
        ),
    ],
)
def test_what_is_told_until_it_is_gone(answers: list[Reply], says: list[str], reason: str) -> None:
    assert Waited(*answers).wait() == says, reason


@pytest.mark.parametrize(
    ("held", "says", "watches"),
    [
        (BLOCKED, "DeletionBlocked: Deletion waits for AWS: not allowed to StopTrainingJob.", 16),
        (PAUSED, "Paused: the annotation sagebridge.io/paused is true", 16),
        (STALLED, "AccessDenied: no role", 17),  # it may be of before: first it is seen that it stays so
    ],
)
def test_somebody_has_ten_minutes_to_act(held: dict[str, Any], says: str, watches: int) -> None:
    waited = Waited(*[told(held), events(("MODIFIED", held))] * 20)
    waited.clock = lambda: sum(waited.watches()) + 7.0 * len(waited.watches())
    with pytest.raises(StepFailedError, match=f"train-abc is not gone, and nobody has acted for 600 s: {says}"):
        waited.wait()
    first, second = waited.said()
    assert says in first
    assert second == "The step waits 600 s for somebody to act."
    assert waited.watches() == [30.0] * watches + [8.0], "no watch outlasts the grace"


def test_who_acts_in_time_is_waited_for() -> None:
    clock = itertools.count(0.0, 100.0)
    changes = events(("MODIFIED", BLOCKED), ("MODIFIED", STOPS), ("MODIFIED", BLOCKED), ("MODIFIED", STOPS))
    said = Waited(told(RUNS), changes, GONE, clock=lambda: next(clock)).wait()
    assert [line for line in said if "not gone yet" not in line] == ["The step waits 600 s for somebody to act."] * 2


def test_an_operator_that_says_nothing_is_waited_for_no_longer_than_its_own_deadline() -> None:
    clock = itertools.count(0.0, 300.0)
    waited = Waited(*[told(RUNS), events()] * 20, clock=lambda: next(clock))
    with pytest.raises(StepFailedError, match=r"is not gone after 4500 s: InProgress.*Its deletion goes on by itself"):
        waited.wait()


def test_a_right_that_is_missing_ends_it() -> None:
    with pytest.raises(ApiError, match="watch is forbidden"):
        Waited(told(STOPS), refused(403, "Forbidden", "watch is forbidden")).wait()


def test_a_name_is_taken_until_the_old_object_is_gone() -> None:
    output = io.StringIO()
    console = Console(output=output)
    answers = in_turn(told(STOPS), told(STOPS), events(("DELETED", STOPS)), GONE)
    with scripted_api(answers) as (api, server):
        wanted = Wanted(kind="TrainingJob", spec={}, name="train-abc")
        make_way(api, wanted, console=console, patience=Patience(console, seconds=1.0))
    assert len(server.asked) == 4
    assert "TrainingJob train-abc is being deleted; it is made anew then." in output.getvalue()


class Deletion:
    """A deletion whose process is told to end while the API server answers the request for it.

    Attributes:
        statuses: what the process would have left with.
    """

    def __init__(self, *answers: Reply) -> None:
        self.statuses: list[int] = []
        self.output = io.StringIO()
        self._answers = in_turn(*answers)
        self._termination = Termination(Console(output=self.output), leave=self.statuses.append)
        self._ending = threading.Thread(target=self._termination.end, args=(signal.SIGTERM,))

    def run(self) -> None:
        console = Console(output=self.output)
        with scripted_api(self._answer) as (api, _):
            try:
                run_module._delete(
                    api, "TrainingJob", "train-abc", wait=True, console=console, termination=self._termination
                )
            finally:
                self._ending.join()

    def _answer(self, asked: Asked) -> Reply:
        if asked.method == "DELETE" and not self._termination.ending.is_set():
            self._ending.start()
            self._termination.ending.wait()
        elif self._termination.ending.is_set():
            self._ending.join()  # the process would not have come so far
        return self._answers(asked)


def test_told_to_end_it_says_that_the_deletion_goes_on() -> None:
    deletion = Deletion(told(RUNS), told({}), GONE)
    deletion.run()
    assert deletion.statuses == [143]
    assert (
        "Told to end; TrainingJob train-abc is being deleted, and that goes on by itself." in deletion.output.getvalue()
    )


def test_told_to_end_before_the_deletion_was_asked_for_it_does_not_say_so() -> None:
    deletion = Deletion(told(RUNS), refused(503, "Unavailable", "away"))
    with pytest.raises(StepFailedError, match="Told to end"):
        deletion.run()
    assert deletion.statuses == [143]
    assert "is being deleted" not in deletion.output.getvalue()
    assert "nothing of this step runs" in deletion.output.getvalue()


def test_a_refusal_while_it_goes_is_not_believed_at_once() -> None:
    console = Console(output=io.StringIO())
    begun = refused(403, "Forbidden", "clusterrole not found")
    with scripted_api(in_turn(told(RUNS), told({}), begun, GONE)) as (api, server):
        run_module._delete(
            api, "TrainingJob", "train-abc", wait=True, console=console, termination=Termination(console)
        )
        assert [one.method for one in server.asked] == ["GET", "DELETE", "GET", "GET"]


def test_who_waits_for_a_name_ends_at_once_when_told_to() -> None:
    """While nothing is made yet, the end waits for nothing."""
    statuses: list[int] = []
    console = Console(output=io.StringIO())
    termination = Termination(console, leave=statuses.append)
    left: list[list[int]] = []

    def answer(asked: Asked) -> Reply:
        if asked.method == "PATCH":
            return told(having("Complete", "Completed"))
        if "watch" not in asked.query:
            return GONE if left else told(STOPS)
        ending = threading.Thread(target=termination.end, args=(signal.SIGTERM,))
        ending.start()
        ending.join(LONGEST_SECONDS)
        left.append(list(statuses))
        return events(("DELETED", STOPS))

    with scripted_api(answer) as (api, _):
        identity = Identity(run="run-1", task="t", task_name="t", pod="p/u")
        wanted = Wanted(kind="TrainingJob", spec={}, name="train-abc")
        Session(wanted, identity=identity, api=api, console=console, termination=termination).run()
    assert left == [[143]]
