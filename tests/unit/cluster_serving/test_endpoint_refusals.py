"""What of an Endpoint the cluster can't do."""

from typing import Any

import pytest
from sagebridge.core.cluster.serving.endpoint_refusals import REFUSALS, VARIANT_REFUSALS, check
from sagebridge.core.errors import SpecError

VARIANT = {"variantName": "a", "modelName": "m", "instanceType": "ml.m5.large"}
SPEC = {"models": [{"name": "m", "image": "i"}], "productionVariants": [VARIANT]}


def nested(path: str) -> dict[str, Any]:
    """A value at a path."""
    head, _, rest = path.partition(".")
    return {head: nested(rest) if rest else True}


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.field)
def test_fields_of_the_whole(refusal: Any) -> None:
    with pytest.raises(SpecError) as caught:
        check(SPEC | nested(refusal.field))
    assert caught.value.field == f"spec.{refusal.field}"


@pytest.mark.parametrize("refusal", VARIANT_REFUSALS, ids=lambda refusal: refusal.field)
def test_fields_of_a_variant(refusal: Any) -> None:
    with pytest.raises(SpecError) as caught:
        check(SPEC | {"productionVariants": [VARIANT | nested(refusal.field)]})
    assert caught.value.field == f"spec.productionVariants[0].{refusal.field}"


@pytest.mark.parametrize(
    ("reason", "changes", "field"),
    [
        ("two variants", {"productionVariants": [VARIANT, VARIANT | {"variantName": "b"}]}, "spec.productionVariants"),
        (
            "inference components",
            {"productionVariants": [{"variantName": "a", "instanceType": "ml.m5.large"}]},
            "spec.productionVariants[0].modelName",
        ),
        ("a pipeline", {"models": [{"name": "m", "containers": [{"image": "i"}]}]}, "spec.models[0].containers"),
        (
            "what SageMaker refuses, too",
            {"replicas": 2, "productionVariants": [VARIANT | {"initialInstanceCount": 1}]},
            "spec.replicas",
        ),
    ],
)
def test_refused(reason: str, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        check(SPEC | changes)
    assert caught.value.field == field, reason


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("nothing special", {}),
        ("what asks for nothing", {"enableNetworkIsolation": False}),
        ("a rolling update", {"deploymentConfig": {"rollingUpdatePolicy": {"waitIntervalInSeconds": 0}}}),
        (
            "scaling to none, which KEDA can",
            {"productionVariants": [VARIANT | {"autoscaling": {"minCapacity": 0, "maxCapacity": 2}}]},
        ),
    ],
)
def test_let_through(reason: str, changes: dict[str, Any]) -> None:
    assert check(SPEC | changes) is None, reason
