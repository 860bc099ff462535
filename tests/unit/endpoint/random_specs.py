"""Specs at random for the property test: versions, weights, counts, instance types, autoscaling."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.endpoint.specs import IMAGE

Spec = dict[str, Any]


@st.composite
def scalings(draw: st.DrawFn) -> dict[str, Any] | None:
    """Nothing, or one policy or several, with or without scheduled actions."""
    if not draw(st.booleans()):
        return None
    found: dict[str, Any] = {"minCapacity": 1, "maxCapacity": draw(st.integers(3, 4))}
    found["targetValue"] = draw(st.sampled_from([100, 200]))
    if draw(st.booleans()):
        step = {"metricIntervalLowerBound": 0, "scalingAdjustment": draw(st.integers(1, 2))}
        found["stepScaling"] = [{"name": "fast", "adjustmentType": "ChangeInCapacity", "stepAdjustments": [step]}]
    if draw(st.booleans()):
        hour = draw(st.sampled_from([21, 22]))
        found["scheduled"] = [{"name": "night", "schedule": f"cron(0 {hour} * * ? *)", "minCapacity": 2}]
    return found


@st.composite
def variants(draw: st.DrawFn, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "variantName": name,
        "modelName": f"m-{name}",
        "initialInstanceCount": draw(st.integers(1, 3)),
        "initialVariantWeight": float(draw(st.integers(1, 3))),
        "instanceType": draw(st.sampled_from(["ml.m5.large", "ml.m5.xlarge"])),
    }
    scaling = draw(scalings())
    return found | ({"autoscaling": scaling} if scaling else {})


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    names = draw(st.sampled_from([["a"], ["b"], ["a", "b"]]))
    return spec_of([draw(variants(name)) for name in names], version=str(draw(st.integers(1, 3))))


def spec_of(variants: list[dict[str, Any]], *, version: str) -> Spec:
    models = [
        {"name": one["modelName"], "image": IMAGE, "modelDataUrl": f"s3://{one['modelName']}/{version}.tar.gz"}
        for one in variants
    ]
    return {"models": models, "productionVariants": variants}


def of_version(spec: Spec, version: str) -> Spec:
    return spec_of(spec["productionVariants"], version=version)
