"""Our bucket against AWS's: use at least 95 % of the quota, and have at most 1 % of the calls refused.

Time is simulated: a sender whose timers fire late, a network that jitters, and AWS's token bucket at its end.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sagebridge.targets.sagemaker.buckets import Rate, TokenBucket
from sagebridge.targets.sagemaker.gateway import DEFAULT_RATES

DURATION = 1000.0
CREATE = DEFAULT_RATES["CreateTrainingJob"]
LIST = DEFAULT_RATES["ListTrainingJobs"]


@dataclass
class AwsBucket:
    """AWS's side: what arrives when it is empty is refused."""

    per_second: float
    burst: float
    tokens: float = field(init=False)
    filled_at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def admit(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(frozen=True, kw_only=True)
class World:
    reason: str
    rate: Rate
    aws_burst: float
    jitter: float = 0.002  # mean seconds of delay on the network beyond the usual
    lateness: float = 0.002  # mean seconds that timers fire late
    others: float = 0.0  # calls a second by somebody else in the account


@dataclass
class Outcome:
    accepted: int = 0
    refused: int = 0

    @property
    def refused_share(self) -> float:
        return self.refused / max(1, self.accepted + self.refused)


class Simulation:
    def __init__(self, world: World) -> None:
        self.world = world
        self.random = random.Random(7)
        self.ours = TokenBucket(world.rate, now=0.0)
        assert world.rate.per_second is not None
        self.aws = AwsBucket(world.rate.per_second, world.aws_burst)
        self.outcome = Outcome()
        self.numbers = itertools.count()
        self.events: list[tuple[float, int, Callable[[float], None]]] = []

    def after(self, when: float, action: Callable[[float], None]) -> None:
        heapq.heappush(self.events, (when, next(self.numbers), action))

    def exponential(self, mean: float) -> float:
        return self.random.expovariate(1 / mean) if mean else 0.0

    def send(self, now: float) -> None:
        while self.ours.take(now):
            self.after(now + 0.02 + self.exponential(self.world.jitter), lambda at, sent=now: self.arrive(at, sent))
        self.after(now + self.ours.ready_in(now) + self.exponential(self.world.lateness), self.send)

    def arrive(self, now: float, sent: float) -> None:
        if self.aws.admit(now):
            self.outcome.accepted += 1
        else:
            self.outcome.refused += 1
            self.after(now + 0.02, lambda at: self.ours.throttled(sent_at=sent, now=at))

    def somebody_else(self, now: float) -> None:
        self.aws.admit(now)
        self.after(now + self.exponential(1 / self.world.others), self.somebody_else)

    def run(self) -> Outcome:
        self.after(0.0, self.send)
        if self.world.others:
            self.after(0.3, self.somebody_else)
        while self.events and self.events[0][0] < DURATION:
            when, _, action = heapq.heappop(self.events)
            action(when)
        return self.outcome


ALONE = [
    World(reason="Create, AWS's bucket holds one call", rate=CREATE, aws_burst=1),
    World(reason="Create, AWS's bucket holds two", rate=CREATE, aws_burst=2),
    World(reason="Create, AWS's bucket holds ten", rate=CREATE, aws_burst=10),
    World(reason="Create, a busy machine", rate=CREATE, aws_burst=1, jitter=0.005, lateness=0.01),
    World(reason="Create, a bad network", rate=CREATE, aws_burst=2, jitter=0.05, lateness=0.01),
    World(reason="Create, a network that stands still", rate=CREATE, aws_burst=1, jitter=0.0, lateness=0.0),
]


@pytest.mark.parametrize("world", ALONE, ids=lambda world: world.reason)
def test_alone_in_the_account_the_create_quota_is_used_and_kept(world: World) -> None:
    outcome = Simulation(world).run()
    assert outcome.accepted >= 0.95 * DURATION
    assert outcome.refused_share <= 0.01


@pytest.mark.parametrize("burst", [1, 2, 10])
def test_list_is_hardly_ever_refused(burst: float) -> None:
    outcome = Simulation(World(reason="List", rate=LIST, aws_burst=burst, jitter=0.01, lateness=0.01)).run()
    assert outcome.accepted >= 0.85 * 2 * DURATION
    assert outcome.refused_share <= 0.01


@pytest.mark.parametrize("others", [0.3, 0.6])
def test_beside_others_it_gives_way_and_still_gets_its_part(others: float) -> None:
    """Nobody can know what the others will do: some calls are refused, but no storm, and no starving."""
    outcome = Simulation(World(reason="shared", rate=CREATE, aws_burst=2, others=others)).run()
    assert outcome.accepted >= 0.3 * (1 - others) * DURATION
    assert outcome.refused_share <= 0.2


def test_far_too_high_a_setting_ends_near_what_aws_grants() -> None:
    world = World(reason="wrong", rate=Rate(per_second=50.0), aws_burst=10)
    simulation = Simulation(world)
    simulation.aws = AwsBucket(5.0, 10)
    outcome = simulation.run()
    assert outcome.accepted >= 0.7 * 5 * DURATION
    assert outcome.refused_share <= 0.2
