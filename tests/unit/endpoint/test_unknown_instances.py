"""An instance type that SageMaker does not have, as a manifest's author reads of it."""

from __future__ import annotations

from support.endpoints import spec, variant
from support.served_endpoints import EndpointBench, ready


async def test_it_is_told_with_its_field_and_what_comes_near(bench: EndpointBench) -> None:
    scores = bench.put(spec=spec(variant("a"), variant("b", instanceType="ml.m5.huge")))
    await bench.reconcile(scores)
    told = ready(scores)
    assert told["reason"] == "Rejected"
    assert told["message"].startswith(
        "CreateEndpointConfig: spec.productionVariants[1].instanceType: SageMaker has no ml.m5.huge for this; nearest: "
    )
    assert "ml.m5.large" in told["message"]
    assert len(told["message"]) < 400
