"""The end of an endpoint: with its object, or to be made anew."""

from __future__ import annotations

from collections.abc import Iterator

from sagebridge.core.conditions import State, Verdict
from sagebridge.core.deletion import Deletion
from sagebridge.core.endpoint import garbage
from sagebridge.core.endpoint.observed import DELETING, EndpointView
from sagebridge.core.endpoint.running import NOT_OURS
from sagebridge.core.endpoint.situation import Situation
from sagebridge.core.endpoint.steps import (
    Claim,
    Conclude,
    DeleteEndpoint,
    Deregister,
    Look,
    Release,
    Remember,
    Step,
)
from sagebridge.core.job import DeletionPolicy
from sagebridge.core.reasons import Reason

BUSY_LOOK_AGAIN_SECONDS = 60.0
"""A second chance to see a change end, should a sweep miss it."""


def plan_deletion(situation: Situation, deletion: Deletion) -> Step:
    """The next step once the object's deletion was asked for."""
    if situation.deletion_policy is DeletionPolicy.RETAIN or situation.ledger.is_empty:
        return Release()
    if deletion.is_given_up(situation.now):
        return give_up(situation)
    if situation.observed is None:
        return Look()
    endpoint = situation.observed.endpoint
    if endpoint is not None and situation.is_ours is None:
        return Claim()
    if endpoint is None:
        return next(_registered(situation), None) or _collect_all(situation, running="")
    return _plan_end(situation, endpoint) if situation.is_ours else _plan_end_beside(situation, endpoint)


def give_up(situation: Situation) -> Release:
    """Let the object go, and name what could not be deleted in time."""
    return Release(orphan=_what_is_left(situation))


def _plan_end(situation: Situation, endpoint: EndpointView) -> Step:
    """The end of an endpoint that is ours: first its scaling, then itself, then what it ran."""
    step = next(_registered(situation), None)
    if step is not None:
        return step
    if situation.is_adopted:
        return _collect_all(situation, running=endpoint.config_name)
    return _wait(situation, endpoint) if endpoint.is_busy else DeleteEndpoint()


def _plan_end_beside(situation: Situation, endpoint: EndpointView) -> Step:
    """The end where the endpoint is not ours, or not any more: it is left, and what it runs must be, too.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpointConfig.html (not while in use)
    """
    step = next(_forgotten(situation), None)
    if step is not None:
        return step
    update, kept = situation.ledger.update, situation.ledger.find(endpoint.config_name)
    kept = kept if kept is not None and kept.number != NOT_OURS else None
    if endpoint.is_busy and (kept is not None or (update is not None and update.begun)):
        # Which of our configs it will run shows only when that has ended.
        return _wait(situation, endpoint)
    step = _collect_all(situation, running=endpoint.config_name)
    if kept is None or not isinstance(step, Release):
        return step
    models = f" with the models {', '.join(kept.model_names)}" if kept.model_names else ""
    return Release(
        orphan=f"its endpoint is left, which does not carry its tags any more and runs the config {kept.config_name}"
        f"{models}"
    )


def _wait(situation: Situation, endpoint: EndpointView) -> Conclude:
    then = ", to delete it then" if situation.is_ours else ""
    waiting = "be gone" if endpoint.status == DELETING else f"end {endpoint.status}{then}"
    message = f"Waiting for the endpoint to {waiting}."
    verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETING, message=message)
    return Conclude(
        verdict=verdict,
        ledger=situation.ledger,
        again_after=BUSY_LOOK_AGAIN_SECONDS,
        quietly=endpoint.status == DELETING,
    )


def _collect_all(situation: Situation, *, running: str) -> Step:
    """Take away the configs and models that the ledger names, but for what the endpoint runs."""
    collected = garbage.next_collection(situation.ledger, desired=None, running=running, limit=0)
    return collected or Release()


def _what_is_left(situation: Situation) -> str:
    names = [revision.config_name for revision in situation.ledger.revisions]
    left = f"its endpoint, the configs {', '.join(names)} and their models" if names else "its endpoint"
    return f"AWS could not be made to delete {left} in time"


def remove(situation: Situation) -> Step:
    """Take the endpoint away, and its scaling first."""
    target = next(iter(_registered(situation)), None)
    return target or DeleteEndpoint()


def _registered(situation: Situation) -> Iterator[Step]:
    """What takes the scalable targets away, one after the other: one outlives its endpoint if nobody does."""
    scaling = situation.observed.scaling if situation.observed else {}
    for key in scaling:
        yield Deregister(key=key)
    yield from _forgotten(situation)


def _forgotten(situation: Situation) -> Iterator[Step]:
    """What takes the scalable targets out of the record, and leaves them: they are gone, or another's."""
    for key in situation.ledger.targets:
        yield Remember(ledger=situation.ledger.without_target(key))
