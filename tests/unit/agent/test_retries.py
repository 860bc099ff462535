"""What is tried again, and for how long."""

import errno
from contextlib import suppress
from typing import Any

import pytest
from sagebridge.agent.retries import Retries
from sagebridge.agent.termination import Termination
from sagebridge.runtime.failures import RunFailedError

S3_IS_AWAY = RunFailedError.client("Data upload failed: away")


class Work:
    """Takes some seconds each time, and fails until a moment."""

    def __init__(self, clock: Any, *, until: float, error: Exception = S3_IS_AWAY, takes: float = 0.0) -> None:
        self.clock, self.until, self.error, self.takes = clock, until, error, takes
        self.tries: list[float] = []

    def __call__(self) -> str:
        self.tries.append(self.clock.seconds)
        self.clock.sleep(self.takes)
        if self.clock.seconds < self.until:
            raise self.error
        return "done"


def retries(clock: Any, termination: Termination | None = None) -> Retries:
    return Retries(clock=clock, termination=termination or Termination(clock), seconds=100, grace_seconds=20)


def test_the_pauses_grow(clock: Any) -> None:
    work = Work(clock, until=90)
    assert retries(clock).call(work, what="work") == "done"
    assert work.tries == [0, 1, 3, 7, 15, 31, 61, 91]


@pytest.mark.parametrize("error", [S3_IS_AWAY, OSError(errno.EIO, "trouble")])
def test_the_last_error_is_told_when_time_is_over(clock: Any, error: Exception) -> None:
    work = Work(clock, until=1_000, error=error)
    with pytest.raises(type(error)) as caught:
        retries(clock).call(work, what="work")
    assert (caught.value, work.tries[-1]) == (error, 100)


def test_time_counts_from_the_first_failure_not_from_the_start(clock: Any) -> None:
    work = Work(clock, until=350, takes=300)
    assert retries(clock).call(work, what="a long upload that breaks once") == "done"


def test_at_the_pods_end_it_is_over_soon(clock: Any) -> None:
    termination = Termination(clock)
    clock.at(10, termination.request)
    work = Work(clock, until=1_000)
    with pytest.raises(RunFailedError):
        retries(clock, termination).call(work, what="work")
    assert 30 <= work.tries[-1] < 60


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_stays_full(clock: Any, number: int) -> None:
    work = Work(clock, until=1_000, error=OSError(number, "full"))
    with pytest.raises(OSError, match="full"):
        retries(clock).call(work, what="work")
    assert work.tries == [0]


@pytest.mark.parametrize(
    ("reason", "error", "tries"),
    [
        ("a refusal stays one", S3_IS_AWAY, 1),
        ("a disk does not mend itself", OSError(errno.EIO, "trouble"), 1),
        ("what is transient is tried again", RunFailedError.client("503", is_transient=True), 3),
    ],
)
def test_only_what_is_transient(clock: Any, reason: str, error: Exception, tries: int) -> None:
    work = Work(clock, until=3, error=error)
    strict = Retries(clock=clock, termination=Termination(clock), seconds=100, grace_seconds=20, transient_only=True)
    with suppress(RunFailedError, OSError):
        strict.call(work, what="work")
    assert len(work.tries) == tries, reason


def test_a_bucket_that_is_not_there_is_not_waited_for(clock: Any) -> None:
    work = Work(clock, until=1_000, error=RunFailedError.client("no such bucket", is_final=True))
    with pytest.raises(RunFailedError, match="no such bucket"):
        retries(clock).call(work, what="work")
    assert work.tries == [0]


def test_a_mistake_of_ours_is_not_tried_again(clock: Any) -> None:
    work = Work(clock, until=1_000, error=TypeError("ours"))
    with pytest.raises(TypeError):
        retries(clock).call(work, what="work")
    assert work.tries == [0]
