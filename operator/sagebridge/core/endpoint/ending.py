"""The end of an endpoint: with its object, or to be made anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint import garbage
from sagebridge.core.endpoint.observed import DELETING, EndpointView
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


def plan_deletion(situation: Situation, requested_at: datetime) -> Step:
    """The next step once the object's deletion was asked for."""
    if situation.deletion_policy is DeletionPolicy.RETAIN or situation.ledger.is_empty:
        return Release()
    if situation.now - requested_at > situation.deletion_deadline:
        return Release(orphan=_what_is_left(situation))
    if situation.observed is None:
        return Look()
    endpoint = situation.observed.endpoint
    if endpoint is not None and situation.is_ours is None:
        return Claim()
    if endpoint is None or not situation.is_ours:
        targets = _registered(situation) if endpoint is None else _forgotten(situation)
        return next(targets, None) or _collect_all(situation, running="")
    return _plan_end(situation, endpoint)


def _plan_end(situation: Situation, endpoint: EndpointView) -> Step:
    """The end of an endpoint that is ours: first its scaling, then itself, then what it ran."""
    step = next(_registered(situation), None)
    if step is not None:
        return step
    if situation.is_adopted:
        return _collect_all(situation, running=endpoint.config_name)
    if not endpoint.is_busy:
        return DeleteEndpoint()
    waiting = "be gone" if endpoint.status == DELETING else f"end {endpoint.status}, to delete it then"
    message = f"Waiting for the endpoint to {waiting}."
    verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETING, message=message)
    return Conclude(verdict=verdict, ledger=situation.ledger, again_after=BUSY_LOOK_AGAIN_SECONDS)


def _collect_all(situation: Situation, *, running: str) -> Step:
    """Take away the configs and models that the ledger names, but for what the endpoint runs."""
    collected = garbage.next_collection(situation.ledger, desired=None, running=running, limit=0)
    return collected or Release()


def _what_is_left(situation: Situation) -> str:
    names = [revision.config_name for revision in situation.ledger.revisions]
    return f"its endpoint, the configs {', '.join(names)} and their models" if names else "its endpoint"


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
