"""Runs of a scenario: undisturbed, and with a fault at each of the boundaries that the undisturbed run had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faults.boundaries import Fault, Plan
from faults.lane import Lane
from faults.oracle import Outcome, orphans, outcome
from faults.scenario import Actor, Scenario, cast, play

_TRIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """An undisturbed run.

    Attributes:
        trace: the operator's writes, in order: after each of them it can die.
        outcome: where it led.
        familiar: how many of the writes belong to steps that another scenario tries.
    """

    trace: Sequence[str]
    outcome: Outcome
    familiar: int = 0

    def plans(self, fault: Fault) -> list[Plan]:
        """The fault, at each boundary that is this scenario's own."""
        return [Plan(at=at, fault=fault) for at in range(self.familiar + 1, len(self.trace) + 1)]

    def summary(self, scenario: Scenario) -> str:
        """How many boundaries there are, and which."""
        own = self.trace[self.familiar :]
        return f"{scenario}: {len(own)} boundaries ({', '.join(own)})"

    def describe(self, plan: Plan) -> str:
        """A plan, for people."""
        return f"{plan.fault} at write {plan.at} of {len(self.trace)} ({self.trace[plan.at - 1]})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """A scenario that was played without faults, and is to be played with some.

    Attributes:
        lane: where it was played, and goes on.
        scenario: what was played.
        reference: how that went.
    """

    lane: Lane
    scenario: Scenario
    reference: Reference


def undisturbed(lane: Lane, scenario: Scenario, *, namespace: str) -> Reference:
    """Play a scenario without faults, once the operator is warm: its first call to AWS takes as long as it takes."""
    (first,) = cast(lane, scenario, namespace=namespace)
    play(lane, scenario, [first], steps=scenario.steps[:1])
    lane.clear()
    (actor,) = cast(lane, scenario, namespace=namespace)
    familiar = scenario.steps[: scenario.familiar]
    if familiar:
        play(lane, scenario, [actor], steps=familiar)
    known = len(lane.boundaries.trace(actor.mark))
    play(lane, scenario, [actor], steps=scenario.steps[scenario.familiar :])
    trace = lane.boundaries.trace(actor.mark)
    assert len(trace) > known, f"{scenario}: the operator wrote nothing\n{lane.diagnosis()}"
    assert not orphans(lane, scenario), lane.diagnosis()
    found = outcome(lane, scenario, actor)
    assert not found.misses, f"{scenario}: {found.misses}\n{lane.diagnosis()}"
    return Reference(trace=trace, outcome=found, familiar=known)


def crash_at_each(rehearsal: Rehearsal, *, namespace: str) -> None:
    """Play the scenario once for each boundary, with a crash right after it."""
    for plan in rehearsal.reference.plans(Fault.CRASH):
        _meet(rehearsal, plans=[plan], namespace=namespace)


def strike_each(rehearsal: Rehearsal, *, faults: Sequence[Fault], namespace: str) -> None:
    """Play the scenario with as many objects as there are boundaries and faults, side by side; each meets its own."""
    plans = [plan for fault in faults for plan in rehearsal.reference.plans(fault)]
    _meet(rehearsal, plans=plans, namespace=namespace)


def compare(rehearsal: Rehearsal, *, namespace: str, title: str) -> None:
    """Play the scenario once more, with whatever the lane now does to all it passes on.

    Raises:
        AssertionError: it ends otherwise than the undisturbed run.
    """
    lane, scenario = rehearsal.lane, rehearsal.scenario
    (actor,) = cast(lane, scenario, namespace=namespace)
    play(lane, scenario, [actor])
    check(lane, scenario, actor, reference=rehearsal.reference, title=title)


def check(lane: Lane, scenario: Scenario, actor: Actor, *, reference: Reference, title: str) -> None:
    """Compare an end with that of the undisturbed run.

    Raises:
        AssertionError: they differ.
    """
    trace = lane.boundaries.trace(actor.mark)
    found = outcome(lane, scenario, actor)
    assert not found.misses, f"{scenario}, {title}: {found.misses}\nWrites: {trace}\n{lane.diagnosis()}"
    difference = found.differs_from(reference.outcome)
    assert not difference, f"{scenario}, {title}: it ends otherwise.\n{difference}\nWrites: {trace}\n{lane.diagnosis()}"
    assert not lane.complaints(), f"{scenario}, {title}: {lane.complaints()}\n{lane.diagnosis()}"
    left = orphans(lane, scenario)
    assert not left, f"{scenario}, {title}: orphans {left}\n{lane.diagnosis()}"


def _meet(rehearsal: Rehearsal, *, plans: Sequence[Plan], namespace: str) -> None:
    """Play and compare; what met another boundary than it should plays again, since some writes depend on the pace."""
    lane, scenario, reference = rehearsal.lane, rehearsal.scenario, rehearsal.reference
    left = list(plans)
    for _ in range(_TRIES):
        actors = cast(lane, scenario, namespace=namespace, plans=left)
        play(lane, scenario, actors)
        missed = []
        for actor, plan in zip(actors, left, strict=True):
            check(lane, scenario, actor, reference=reference, title=reference.describe(plan))
            if not _was_met(lane, actor, plan, reference):
                missed.append(plan)
        if not missed:
            return
        left = missed
    titles = [reference.describe(plan) for plan in left]
    raise AssertionError(f"{scenario}: other boundaries were met than {titles}\n{lane.diagnosis()}")


def _was_met(lane: Lane, actor: Actor, plan: Plan, reference: Reference) -> bool:
    """Whether the fault happened, and after the same writes as in the undisturbed run."""
    same = tuple(lane.boundaries.trace(actor.mark)[: plan.at]) == tuple(reference.trace[: plan.at])
    return same and lane.boundaries.is_struck(actor.mark)
