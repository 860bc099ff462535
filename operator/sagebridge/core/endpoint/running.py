"""What status records of the version that runs: when it is found, and before its autoscaling makes way."""

from __future__ import annotations

from collections.abc import Mapping
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
    return _is_of(endpoint.config_name, desired) and endpoint.status != UPDATE_ROLLBACK_FAILED


def _is_of(config_name: str, desired: Desired) -> bool:
    return f"-{desired.config.template}-" in config_name


def begun_with(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView) -> Ledger:
    """The first record of an endpoint that is there already: kept from an earlier object, or adopted.

    It may be on its way to another config than it runs, which the earlier object has asked for.
    """
    ledger, now = situation.ledger, format_time(situation.now)
    running = endpoint.config_name if runs(endpoint, desired) else ""
    if observed.config is None:
        return ledger.with_revision(desired, now=now, config_name=running)
    following = endpoint.next_config_name if observed.pending_config is not None else ""
    wanted = following if _is_of(following, desired) else running
    scaling = {key.variant: view.plan for key, view in observed.scaling.items()}
    ledger = as_left(observed)
    if endpoint.config_name != wanted:
        ledger = _with_left(ledger, endpoint.config_name, observed.config, scaling, now=now)
    if following and following != wanted and observed.pending_config is not None:
        kept = {name: plan for name, plan in scaling.items() if name in observed.pending_config.instance_types}
        ledger = _with_left(ledger, following, observed.pending_config, kept, now=now)
    return ledger.with_revision(desired, now=now, config_name=wanted)


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


def _with_left(
    ledger: Ledger, config_name: str, config: ConfigView, scaling: Mapping[str, ScalingPlan], *, now: str
) -> Ledger:
    """With a config that it has left, and its models."""
    left = Revision(
        number=len(ledger.revisions) + 1,
        config_name=config_name,
        model_names=config.model_names,
        instance_types=config.instance_types,
        shadow_instance_types=config.shadow_instance_types,
        scaling=scaling,
        recorded_at=now,
        deployed_at=now,
    )
    return replace(ledger, revisions=(*ledger.revisions, left))


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
