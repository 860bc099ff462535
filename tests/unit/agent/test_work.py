"""When work is ended, by which signal, and why it is said to have ended."""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sagebridge.agent.message import StopReason
from sagebridge.agent.processes import Candidate
from sagebridge.agent.termination import Termination
from sagebridge.agent.work import Limits, Work

CANDIDATE = Candidate(pid=30, started=20, cgroup="train")


@dataclass
class FakeProcess:
    """Ends some seconds after SIGTERM, or never but by SIGKILL."""

    clock: Any
    obeys_after: float | None = 0.0
    pid: int = 30
    ended: bool = False
    signals: list[tuple[float, signal.Signals]] = field(default_factory=list)

    def end(self) -> None:
        self.ended = True

    def wait(self, seconds: float) -> bool:
        if not self.ended:
            self.clock.sleep(seconds)
        return self.ended

    def signal(self, number: signal.Signals) -> None:
        self.signals.append((self.clock.seconds, number))
        if number is signal.SIGKILL:
            self.end()
        elif self.obeys_after is not None:
            self.clock.at(self.clock.seconds + self.obeys_after, self.end)


class World:
    def __init__(self, clock: Any, root: Path, *, obeys_after: float | None = 0.0) -> None:
        self.clock = clock
        self.termination = Termination(clock)
        self.annotations = root / "annotations"
        self.process: FakeProcess | None = FakeProcess(clock, obeys_after=obeys_after)
        self.found: Candidate | None = CANDIDATE
        self.work = Work(
            limits=Limits(started=clock.now(), max_runtime_seconds=1_000, stop_grace_seconds=120),
            find=lambda: self.found,
            attach=lambda _: self.process,
            annotations=self.annotations,
            clock=clock,
            termination=self.termination,
        )

    def annotate(self, text: str) -> None:
        self.annotations.write_text(text)

    @property
    def signals(self) -> list[tuple[float, signal.Signals]]:
        assert self.process is not None
        return self.process.signals


@pytest.fixture
def world(clock: Any, tmp_path: Path) -> World:
    return World(clock, tmp_path)


def test_an_end_of_its_own(world: World, clock: Any) -> None:
    assert world.process is not None
    clock.at(50, world.process.end)
    assert world.work.wait() is None
    assert (clock.seconds, world.signals) == (51, [])  # a second later, lest the pod is being ended


def test_a_stop_is_sigterm_once(world: World, clock: Any) -> None:
    assert world.process is not None
    world.process.obeys_after = 30
    clock.at(10, lambda: world.annotate('sagebridge.io/stop="Stopped"'))
    assert world.work.wait() is StopReason.USER
    assert world.signals == [(10, signal.SIGTERM)]


def test_sigkill_follows_after_the_grace(clock: Any, tmp_path: Path) -> None:
    world = World(clock, tmp_path, obeys_after=None)
    assert world.work.wait() is StopReason.MAX_RUNTIME
    assert world.signals == [(1_000, signal.SIGTERM), (1_120, signal.SIGKILL)]


def test_the_first_reason_stays(clock: Any, tmp_path: Path) -> None:
    world = World(clock, tmp_path, obeys_after=None)
    clock.at(950, lambda: world.annotate('sagebridge.io/stop="MaxWaitTimeExceeded"'))
    assert world.work.wait() is StopReason.MAX_WAIT
    assert world.signals == [(950, signal.SIGTERM), (1_070, signal.SIGKILL)]


def test_at_the_pods_end_the_kubelet_has_sent_sigterm(clock: Any, tmp_path: Path) -> None:
    world = World(clock, tmp_path, obeys_after=None)
    clock.at(10, world.termination.request)
    assert world.work.wait() is StopReason.TERMINATED
    assert world.signals == [(130, signal.SIGKILL)]


def test_a_stop_that_the_pods_end_follows_is_still_a_stop(clock: Any, tmp_path: Path) -> None:
    world = World(clock, tmp_path, obeys_after=None)
    clock.at(10, lambda: world.annotate('sagebridge.io/stop="Stopped"'))
    clock.at(20, world.termination.request)
    assert world.work.wait() is StopReason.USER
    assert world.signals == [(10, signal.SIGTERM), (130, signal.SIGKILL)]


def test_a_process_that_went_just_before_we_heard_of_the_pods_end(world: World, clock: Any) -> None:
    assert world.process is not None
    clock.at(10, world.process.end)
    clock.at(10.5, world.termination.request)
    assert world.work.wait() is StopReason.TERMINATED


def test_a_process_that_ends_while_we_take_hold_of_it_has_ended(world: World) -> None:
    world.process = None
    assert world.work.wait() is None


def test_the_operator_tells_the_end_of_what_was_never_seen(world: World, clock: Any) -> None:
    world.found = None
    clock.at(70, lambda: world.annotate('sagebridge.io/training-ended="0"'))
    assert world.work.wait() is None
    assert clock.seconds == 71


def test_the_operator_is_right_about_the_end_also_of_what_was_seen(world: World, clock: Any) -> None:
    clock.at(70, lambda: world.annotate('sagebridge.io/training-ended="137"'))
    assert world.work.wait() is None
    assert world.signals == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('sagebridge.io/stop="Stopped"', 130),
        ('sagebridge.io/stop="Stopped"\nsagebridge.io/training-ended="StartError"', 10),
    ],
    ids=["no word of its end", "and its end is known"],
)
def test_a_stop_before_the_process_came(world: World, clock: Any, text: str, seconds: float) -> None:
    world.found = None
    clock.at(10, lambda: world.annotate(text))
    assert world.work.wait() is StopReason.USER
    assert clock.seconds == seconds


def test_at_the_pods_end_nothing_starts_any_more(world: World, clock: Any) -> None:
    world.found = None
    clock.at(10, world.termination.request)
    assert world.work.wait() is StopReason.TERMINATED
    assert clock.seconds == 10


def test_a_process_that_comes_after_a_stop_is_ended(world: World, clock: Any) -> None:
    world.found = None
    clock.at(10, lambda: world.annotate('sagebridge.io/stop="Stopped"'))
    clock.at(40, lambda: setattr(world, "found", CANDIDATE))
    assert world.work.wait() is StopReason.USER
    assert world.signals == [(40, signal.SIGTERM)]
