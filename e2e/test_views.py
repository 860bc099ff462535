"""The operator sees late, sees only the last of several changes, or sees the past: where that leads is the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from faults.cluster import Body
from faults.lane import Lane
from faults.scenario import STAGE_SECONDS, Actor, Scenario, cast, play, wait_only
from faults.trials import Rehearsal, check, compare
from scenarios import batch_transforms, each_scenario
from scenarios.reached import gone, secondary, status_of
from scenarios.training_jobs import CREATE, LIFE, RECREATION, SPEC, STOP, TRAINING_JOB

# kopf waits 5 s to see its own patch, and then goes on without.
_LATER_THAN_KOPF_WAITS = 6.0
_WINDOW_SECONDS = 1.5
# Long enough for an operator that believes an old view to act on it several times over; nothing is measured with it.
_TEMPTATION_SECONDS = 3.0


@each_scenario
def test_late_or_thinned_events_change_nothing(rehearsal: Rehearsal, namespace: str) -> None:
    lane, kind = rehearsal.lane, rehearsal.scenario.kind
    with lane.distorted_events(kind, window=_WINDOW_SECONDS):
        compare(rehearsal, namespace=namespace, title="only the last event of a while is shown")
    with lane.distorted_events(kind, delay=_LATER_THAN_KOPF_WAITS):
        compare(rehearsal, namespace=namespace, title="all events are late")


def _begin(lane: Lane, namespace: str) -> Actor:
    """An object whose job is starting."""
    (actor,) = cast(lane, LIFE, namespace=namespace)
    play(lane, LIFE, [actor], steps=LIFE.steps[:1])
    return actor


def _end(lane: Lane, actor: Actor) -> None:
    """Let its job run to the end."""
    play(lane, LIFE, [actor], steps=LIFE.steps[1:])


def test_a_suspension_that_was_taken_back_unseen_stops_nothing(start_lane: Callable[..., Lane], namespace: str) -> None:
    lane = start_lane()
    actor = _begin(lane, namespace)
    lane.hold_events(TRAINING_JOB)
    actor.patch(runPolicy={"suspend": True})
    actor.patch(runPolicy={"suspend": False})
    lane.show_present(TRAINING_JOB, hide=True)
    _end(lane, actor)
    assert lane.aws.count(STOP) == 0
    assert [attempt["status"] for attempt in status_of(actor.body)["attempts"]] == ["Completed"]


def test_an_object_replaced_by_force_unseen_gets_a_job_of_its_own(
    start_lane: Callable[..., Lane], namespace: str
) -> None:
    """An administrator takes the finalizer off; the operator sees only that the object is another one."""
    lane = start_lane()
    actor = _begin(lane, namespace)
    lane.hold_events(TRAINING_JOB)
    lane.cluster.remove(TRAINING_JOB, namespace=namespace, name=actor.mark)
    actor.create(SPEC)
    lane.show_present(TRAINING_JOB, hide=True)
    actor.wait(secondary("Starting"), what="the new object's job")
    _end(lane, actor)
    assert len(lane.aws.jobs()) == 2
    assert lane.aws.count(CREATE) == 2
    assert [attempt["status"] for attempt in status_of(actor.body)["attempts"]] == ["Completed"]


def _restart_in_the_past(lane: Lane, actor: Actor, listed: Body, *, gets: bool) -> None:
    """Crash the operator, let it live in the past for a while, changing nothing; then show the present."""
    lane.kill()
    before = lane.boundaries.trace(actor.mark)
    lane.show_past(actor.kind, listed, gets=gets)
    seen = lane.kubernetes_proxy.lists[actor.kind.plural]
    lane.revive()
    lane.wait(lambda: lane.kubernetes_proxy.lists[actor.kind.plural] > seen, what="the restarted operator's list")
    # The old object's job ends: an operator that still believes in the object wants to write that down.
    lane.aws.advance(STAGE_SECONDS)
    time.sleep(_TEMPTATION_SECONDS)
    done = lane.boundaries.trace(actor.mark)[len(before) :]
    assert not done, f"Written while it saw the past: {done}\n{lane.diagnosis()}"
    lane.show_present(actor.kind)


_MOMENTS = ("before it was", "as it was when new", "as it ran", "as it was going", "when it was gone")


def _survives_the_past(rehearsal: Rehearsal, namespace: str, *, moment: str, gets: bool) -> None:
    """Play a re-creation, with a restart of the operator that sees the past until the second object runs."""
    lane, scenario = rehearsal.lane, rehearsal.scenario
    (actor,) = cast(lane, scenario, namespace=namespace)
    past = _live_twice(lane, scenario, actor)[moment]
    _restart_in_the_past(lane, actor, past, gets=gets)
    play(lane, scenario, [actor], steps=scenario.steps[3:])
    check(lane, scenario, actor, reference=rehearsal.reference, title=f"restarted with a view {moment}")


@pytest.mark.parametrize("gets", [False, True], ids=["only lists are old", "all reads are old"])
@pytest.mark.parametrize("moment", _MOMENTS)
def test_a_stale_view_after_delete_and_recreate_changes_nothing(
    rehearse: Callable[[Scenario], Rehearsal], namespace: str, moment: str, gets: bool
) -> None:
    _survives_the_past(rehearse(RECREATION), namespace, moment=moment, gets=gets)


@pytest.mark.parametrize("moment", ["as it ran", "as it was going"])
def test_a_stale_view_keeps_no_model_and_takes_none_away(
    rehearse: Callable[[Scenario], Rehearsal], namespace: str, moment: str
) -> None:
    """The old object's model and the new one's differ by the UID alone."""
    _survives_the_past(rehearse(batch_transforms.RECREATION), namespace, moment=moment, gets=True)


def _live_twice(lane: Lane, scenario: Scenario, actor: Actor) -> dict[str, Body]:
    """Create, delete, create again; the lists of each moment."""

    def listed() -> Body:
        return lane.cluster.listed(actor.kind)

    lane.aws.outcome("*", **scenario.script)
    before = listed()
    lane.hold_events(actor.kind)
    scenario.steps[0].act(actor)
    new = listed()
    lane.show_present(actor.kind)
    play(lane, scenario, [actor], steps=[replace(scenario.steps[0], act=wait_only)])
    running = listed()
    lane.hold_events(actor.kind)
    actor.delete()
    going = listed()
    lane.show_present(actor.kind)
    actor.wait(gone, what="the deletion")
    left = listed()
    play(lane, scenario, [actor], steps=scenario.steps[2:3])
    return dict(zip(_MOMENTS, (before, new, running, going, left), strict=True))
