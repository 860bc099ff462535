"""Specs and situations for the tests of the plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sagebridge.core.endpoint.build import BuildContext, build
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import EndpointView, Observed, VariantView
from sagebridge.core.endpoint.plan import Situation
from sagebridge.core.endpoint.revision import Outcome
from sagebridge.core.endpoint.steps import Collect, Remember, Step
from sagebridge.core.names import Owner

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/serve:1"
ROLE = "arn:aws:iam::123456789012:role/serving"
OWNER = Owner(cluster="cluster", namespace="team", name="scores", uid="uid-1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCALING = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}


def variant(name: str = "a", **fields: Any) -> dict[str, Any]:
    return {"variantName": name, "modelName": "m", "instanceType": "ml.m5.large", **fields}


def spec(*variants: dict[str, Any], data: str = "1", **fields: Any) -> dict[str, Any]:
    model = {"name": "m", "image": IMAGE, "modelDataUrl": f"s3://models/{data}.tar.gz"}
    return {"models": [model], "productionVariants": list(variants) or [variant()], **fields}


def desired(wanted: dict[str, Any] | None = None, *, nonce: str = "") -> Desired:
    return build(wanted or spec(), BuildContext(owner=OWNER, role_arn=ROLE, nonce=nonce))


def made(wanted: Desired) -> frozenset[str]:
    return frozenset({wanted.config.name, *(model.name for model in wanted.models)})


def ledger(*wanted: Desired, **fields: Any) -> Ledger:
    """With these revisions, each of which has served."""
    found = Ledger()
    for one in wanted:
        found = found.with_revision(one, now="2026-01-01T00:00:00Z", config_name=one.config.name)
        found = found.with_serving(one.config.name, now="2026-01-01T00:00:00Z").with_none_serving()
    return replace(found, **fields)


def but_for_outcomes(step: Step) -> Step:
    """A step whose record says nothing of what has become of each revision: test_outcomes.py is about that."""
    if not isinstance(step, Remember | Collect):
        return step
    told = (replace(one, outcome=Outcome.NONE, served_at="") for one in step.ledger.revisions)
    return replace(step, ledger=replace(step.ledger, revisions=tuple(told)))


def overtaken(known: Ledger, *wanted: Desired) -> Ledger:
    """With revisions that are recorded, and that SageMaker was not asked for yet."""
    for one in wanted:
        known = known.with_revision(one, now="2026-01-01T00:00:00Z")
    return known


def endpoint(
    runs: Desired, *, status: str = "InService", modified: str = "1", reason: str = "", **counts: int
) -> EndpointView:
    """As Describe shows it after `runs` was deployed; `counts` are instances by variant."""
    return EndpointView(
        status=status,
        config_name=runs.config.name,
        last_modified=modified,
        failure_reason=reason,
        variants=tuple(
            VariantView(
                name=one.name,
                weight=one.weight,
                desired_weight=one.weight,
                count=counts.get(one.name, one.count or 1),
                desired_count=counts.get(one.name, one.count or 1),
            )
            for one in runs.variants
        ),
    )


def situation(
    wanted: Desired | None, seen: EndpointView | None = None, *, scaling: Any = None, **fields: Any
) -> Situation:
    """An object that was looked at, whose endpoint is ours."""
    observed = Observed(endpoint=seen, scaling=scaling or {})
    known = {"now": NOW, "ledger": Ledger(), "observed": observed, "is_fresh": True, "is_ours": True}
    return Situation(desired=wanted, **(known | fields))
