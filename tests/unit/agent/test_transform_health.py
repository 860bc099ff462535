"""Waiting for a model server: how long, and when no longer."""

from collections.abc import Callable

import pytest
from sagebridge.agent.transform.health import Container, Health, UnhealthyError
from sagebridge.agent.transform.server import ModelServer

from .conftest import FakeClock


class ScriptedServer(ModelServer):
    """Answers /ping from a moment on, for as long as it is said."""

    def __init__(self, clock: FakeClock, *, healthy: Callable[[float], bool]) -> None:
        super().__init__()
        self._clock = clock
        self._healthy = healthy

    def ping(self) -> bool:
        return self._healthy(self._clock.seconds)


def container(number: int) -> frozenset[Container]:
    return frozenset({(f"/{number}", number, number)})


NONE: frozenset[Container] = frozenset()


def health(
    clock: FakeClock, *, healthy: Callable[[float], bool], running: Callable[[float], frozenset[Container]]
) -> Health:
    return Health(ScriptedServer(clock, healthy=healthy), containers=lambda: running(clock.seconds), clock=clock)


@pytest.mark.parametrize(
    ("reason", "running", "gives_up_after"),
    [
        ("a server that runs has all its time", lambda _: container(1), 480.0),
        ("one that ends three times does not come", lambda now: container(int(now // 4)), 12.0),
        ("one that ended before it was seen does not either", lambda _: NONE, 15.0),
        ("nor one that is away longer than the first pause", lambda now: container(1) if now < 5 else NONE, 19.5),
        (
            "one that was away for the first pause may come",
            lambda now: NONE if now < 11 else container(2),
            480.0,
        ),
    ],
)
def test_giving_up(
    clock: FakeClock, reason: str, running: Callable[[float], frozenset[Container]], gives_up_after: float
) -> None:
    with pytest.raises(UnhealthyError):
        health(clock, healthy=lambda _: False, running=running).wait(480)
    assert clock.seconds == pytest.approx(gives_up_after, abs=0.5), reason


def test_a_server_that_comes_late_is_waited_for(clock: FakeClock) -> None:
    health(clock, healthy=lambda now: now >= 300, running=lambda _: container(1)).wait(480)
    assert clock.seconds == 300


def test_a_server_that_has_served_may_be_away_for_two_minutes(clock: FakeClock) -> None:
    served = health(clock, healthy=lambda now: now >= 100, running=lambda now: NONE if now < 99 else container(2))
    served.wait_again(480)
    assert clock.seconds == 100

    gone = health(clock, healthy=lambda _: False, running=lambda _: NONE)
    with pytest.raises(UnhealthyError):
        gone.wait_again(480)
    assert clock.seconds == 220


def test_exits_of_long_ago_do_not_count(clock: FakeClock) -> None:
    """A server that is started again every day is not one that does not come up."""
    flaky = health(clock, healthy=lambda now: now % 10 >= 5, running=lambda now: container(int(now // 10)))
    for _ in range(5):
        flaky.wait_again(480)
        clock.sleep(10 - clock.seconds % 10)
    assert clock.seconds == 50


def test_a_server_that_is_started_again_has_the_time_of_a_start(clock: FakeClock) -> None:
    """A large model is minutes on its way into memory, each time."""
    served = health(clock, healthy=lambda now: now >= 400, running=lambda now: NONE if now < 20 else container(2))
    served.wait_again(480)
    assert clock.seconds == 400


def test_what_was_waited_for_in_vain_is_not_waited_for_by_the_next(clock: FakeClock) -> None:
    """Each of the threads that ask the server finds it gone: together they wait once."""
    gone = health(clock, healthy=lambda _: False, running=lambda _: NONE)
    for _ in range(3):
        with pytest.raises(UnhealthyError):
            gone.wait_again(480)
    assert clock.seconds == 120
