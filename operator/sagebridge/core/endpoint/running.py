"""What status records of the version that runs: when it is found, and before its autoscaling makes way."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sagebridge.core.clock import format_time
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import UPDATE_ROLLBACK_FAILED, ConfigView, EndpointView, Observed
from sagebridge.core.endpoint.revision import Revision
from sagebridge.core.endpoint.scaling import ScalingPlan
from sagebridge.core.endpoint.situation import Situation

NOT_OURS: Final = 0
"""The number of a revision whose config somebody else has made."""


def runs(endpoint: EndpointView, desired: Desired) -> bool:
    """Whether the endpoint runs the config, whatever its weights and counts have become."""
    return f"-{desired.config.template}-" in endpoint.config_name and endpoint.status != UPDATE_ROLLBACK_FAILED


def begun_with(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView) -> Ledger:
    """The first record of an endpoint that is there already: kept from an earlier object, or adopted."""
    ledger, now = situation.ledger, format_time(situation.now)
    running = endpoint.config_name if runs(endpoint, desired) else ""
    if observed.config is not None:
        ledger = as_left(observed)
    if observed.config is not None and not running:
        ledger = with_left(ledger, observed, endpoint, observed.config, now=now)
    return ledger.with_revision(desired, now=now, config_name=running)


def with_running(ledger: Ledger, observed: Observed, endpoint: EndpointView, *, now: str) -> Ledger:
    """With how what runs is scaled, so that it can be put back if the update is refused.

    Args:
        ledger: what is recorded; its newest revision is what is wanted.
        observed: what is registered.
        endpoint: what runs. A config that no record tells of gets a revision, which nothing is deleted by.
        now: RFC 3339 time of the record.
    """
    revision = ledger.find(endpoint.config_name)
    if revision is None:
        scaling = {key.variant: view.plan for key, view in observed.scaling.items()}
        found = Revision(number=NOT_OURS, config_name=endpoint.config_name, scaling=scaling, recorded_at=now)
        *older, newest = ledger.revisions
        return replace(ledger, revisions=(*older, found, newest))
    return ledger.with_scaling(endpoint.config_name, {**revision.scaling, **_as_scheduled(revision, observed)})


def as_left(observed: Observed) -> Ledger:
    """What an earlier object of the same name has left registered."""
    return Ledger(targets=tuple(observed.scaling))


def with_left(ledger: Ledger, observed: Observed, endpoint: EndpointView, config: ConfigView, *, now: str) -> Ledger:
    """With the config that it has left running, and its models."""
    left = Revision(
        number=1,
        config_name=endpoint.config_name,
        model_names=config.model_names,
        instance_types=config.instance_types,
        shadow_instance_types=config.shadow_instance_types,
        scaling={key.variant: view.plan for key, view in observed.scaling.items()},
        recorded_at=now,
        deployed_at=now,
    )
    return replace(ledger, revisions=(left,))


def without_others(ledger: Ledger, *, running: str) -> Ledger:
    """Without the configs that are not ours, but for the one that runs."""
    kept = tuple(one for one in ledger.revisions if one.number != NOT_OURS or one.config_name == running)
    return replace(ledger, revisions=kept)


def _as_scheduled(revision: Revision, observed: Observed) -> dict[str, ScalingPlan]:
    """The plans that scheduled actions have changed the bounds of, with the bounds that hold now."""
    return {
        key.variant: replace(plan, minimum=view.minimum, maximum=view.maximum)
        for key, view in observed.scaling.items()
        if (plan := revision.scaling.get(key.variant)) is not None and plan.scheduled
    }
