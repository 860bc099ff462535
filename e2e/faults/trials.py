"""Runs of a scenario: undisturbed, and with a fault at each of the boundaries that the undisturbed run had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faults.boundaries import Fault, Plan
from faults.lane import Lane
from faults.oracle import Outcome, orphans, outcome
from faults.scenario import Actor, Scenario, cast, play


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """An undisturbed run.

    Attributes:
        trace: the operator's writes, in order: after each of them it can die.
        outcome: where it led.
    """

    trace: Sequence[str]
    outcome: Outcome


def undisturbed(lane: Lane, scenario: Scenario, *, namespace: str) -> Reference:
    """Play a scenario without faults."""
    (actor,) = cast(lane, scenario, namespace=namespace)
    play(lane, scenario, [actor])
    reached = outcome(lane, scenario, actor)
    assert actor.lane.boundaries.trace(actor.mark), f"{scenario}: the operator wrote nothing\n{lane.diagnosis()}"
    assert not orphans(lane, scenario), lane.diagnosis()
    return Reference(trace=lane.boundaries.trace(actor.mark), outcome=reached)


def crash_at_each(lane: Lane, scenario: Scenario, reference: Reference, *, namespace: str) -> None:
    """Play a scenario once for each boundary, with a crash right after it."""
    for at in range(1, len(reference.trace) + 1):
        plan = Plan(at=at, fault=Fault.CRASH)
        (actor,) = cast(lane, scenario, namespace=namespace, plans=[plan])
        play(lane, scenario, [actor])
        check(lane, scenario, actor, reference=reference, plan=plan)


def strike_each(lane: Lane, scenario: Scenario, reference: Reference, *, fault: Fault, namespace: str) -> None:
    """Play a scenario with as many objects as there are boundaries, side by side; each meets the fault at its own."""
    plans = [Plan(at=at, fault=fault) for at in range(1, len(reference.trace) + 1)]
    actors = cast(lane, scenario, namespace=namespace, plans=plans)
    play(lane, scenario, actors)
    for actor, plan in zip(actors, plans, strict=True):
        check(lane, scenario, actor, reference=reference, plan=plan)


def check(lane: Lane, scenario: Scenario, actor: Actor, *, reference: Reference, plan: Plan | None) -> None:
    """Compare a run with the undisturbed one.

    Raises:
        AssertionError: they differ, or the fault did not happen where it should.
    """
    trace = lane.boundaries.trace(actor.mark)
    title = f"{scenario}, {_describe(plan, reference)}"
    if plan is not None:
        before = tuple(reference.trace[: plan.at])
        assert trace[: plan.at] == before, f"{title}: another boundary was met.\nWrites: {trace}\n{lane.diagnosis()}"
        assert lane.boundaries.is_struck(actor.mark), f"{title}: the fault did not happen\n{lane.diagnosis()}"
    difference = outcome(lane, scenario, actor).differs_from(reference.outcome)
    assert not difference, f"{title}: it ends otherwise.\n{difference}\nWrites: {trace}\n{lane.diagnosis()}"
    assert not orphans(lane, scenario), f"{title}: orphans {orphans(lane, scenario)}\n{lane.diagnosis()}"


def _describe(plan: Plan | None, reference: Reference) -> str:
    if plan is None:
        return "under a distorted view"
    return f"{plan.fault} at write {plan.at} of {len(reference.trace)} ({reference.trace[plan.at - 1]})"
