"""How autoscaling is brought to what the spec says, and taken out of an update's way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import EndpointView, Observed, target_of
from sagebridge.core.endpoint.scaling import OURS, ScalingPlan, ScalingView, TargetKey, covers
from sagebridge.core.endpoint.steps import (
    DeletePolicy,
    DeleteScheduled,
    Deregister,
    PutPolicy,
    PutScheduled,
    Register,
    Remember,
    Step,
)


def targets_in_the_way(ledger: Ledger, observed: Observed, desired: Desired, *, running: str) -> tuple[TargetKey, ...]:
    """Targets without which UpdateEndpoint is allowed: of variants that go, or get other instances or other scaling.

    AWS refuses to change the instances under a registered target.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
    """
    revision = ledger.find(running)
    types = revision.instance_types if revision else {}
    left_over = targets_left_over(observed, desired)
    return tuple(
        key
        for key in observed.scaling
        if key in left_over or types.get(key.variant) != desired.instance_types.get(key.variant)
    )


def targets_left_over(observed: Observed, desired: Desired) -> tuple[TargetKey, ...]:
    """Targets that are registered, and not wanted."""
    wanted = {target_of(variant, plan) for variant, plan in desired.scaled.items()}
    return tuple(key for key in observed.scaling if key not in wanted)


def next_scaling_step(
    ledger: Ledger, observed: Observed, scaling: Mapping[str, ScalingPlan], endpoint: EndpointView
) -> Step | None:
    """The next step to the autoscaling that is wanted for the variants that run, or None when it is there.

    Args:
        ledger: what is recorded.
        observed: what is registered.
        scaling: what is wanted, by variant.
        endpoint: what runs.
    """
    return next(_steps(ledger, observed, scaling, endpoint), None)


def _steps(
    ledger: Ledger, observed: Observed, scaling: Mapping[str, ScalingPlan], endpoint: EndpointView
) -> Iterator[Step]:
    running = {variant.name for variant in endpoint.variants}
    wanted = {target_of(name, plan): plan for name, plan in scaling.items() if name in running}
    for key in observed.scaling:
        if key not in wanted:
            yield Deregister(key=key)
    for key in ledger.targets:
        if key not in wanted:
            yield Remember(ledger=ledger.without_target(key))
    for key, plan in wanted.items():
        if key not in ledger.targets:
            yield Remember(ledger=ledger.with_target(key))
        yield from _register(ledger, key, plan, observed.scaling.get(key))
        view = observed.scaling.get(key)
        if view is not None:
            yield from _policy_steps(key, plan, view)
            yield from _scheduled_steps(key, plan, view)


def _register(ledger: Ledger, key: TargetKey, plan: ScalingPlan, view: ScalingView | None) -> Iterator[Step]:
    """Register, unless it was so; what scheduled actions have made of the bounds since is theirs to say."""
    is_so = view is not None and (view.minimum, view.maximum) == plan.bounds
    was_so = view is not None and ledger.bounds.get(key) == plan.bounds
    if not is_so and not (was_so and plan.scheduled):
        yield Register(key=key, plan=plan)
    elif not was_so:
        yield Remember(ledger=ledger.with_target(key, bounds=plan.bounds))


def _policy_steps(key: TargetKey, plan: ScalingPlan, view: ScalingView) -> Iterator[Step]:
    for name, definition in plan.policies.items():
        if not covers(view.policies.get(name), definition):
            yield PutPolicy(key=key, name=name, definition=definition)
    for name in view.policies:
        if name.startswith(OURS) and name not in plan.policies:
            yield DeletePolicy(key=key, name=name)


def _scheduled_steps(key: TargetKey, plan: ScalingPlan, view: ScalingView) -> Iterator[Step]:
    for name, definition in plan.scheduled.items():
        if not covers(view.scheduled.get(name), definition):
            yield PutScheduled(key=key, name=name, definition=definition)
    for name in view.scheduled:
        if name.startswith(OURS) and name not in plan.scheduled:
            yield DeleteScheduled(key=key, name=name)
