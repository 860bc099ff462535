"""An endpoint under a constant stream of invocations, whatever is done to its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.endpoints import spec, variant

from .serving import Serving
from .stream import Stream
from .world import World


@pytest.fixture
def serving(world: World) -> Iterator[Serving]:
    found = Serving.of(world)
    yield found
    for one in found.objects.list():
        found.objects.delete(one["metadata"]["name"])


def edits() -> Iterator[dict[str, Any]]:
    """Ten edits of every sort: models, weights, counts, instances, scaling, a variant more and less."""
    scaling = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}
    yield spec(variant("a", initialInstanceCount=2))
    yield spec(variant("a", initialInstanceCount=2), data="2")
    yield spec(variant("a", initialInstanceCount=2), variant("b"), data="2")
    yield spec(variant("a", initialVariantWeight=3), variant("b"), data="3")
    yield spec(variant("a", autoscaling=scaling), variant("b"), data="3")
    yield spec(variant("a", autoscaling=scaling), variant("b"), data="4")
    yield spec(variant("a", autoscaling=scaling, instanceType="ml.m5.xlarge"), variant("b"), data="4")
    yield spec(variant("b"), data="4")
    yield spec(variant("b"), data="5")
    yield spec(variant("b", initialInstanceCount=3), data="6")


def config_name(body: bytes) -> str:
    return str(json.loads(body)["EndpointConfigName"])


def test_ten_edits_fail_no_invocation(serving: Serving) -> None:
    serving.objects.create("scores", spec(history={"limit": 0}))
    name = serving.at_rest()["status"]["endpointName"]
    with Stream(serving.client("sagemaker-runtime"), name=name, read=config_name) as stream:
        for edit in edits():
            serving.objects.patch("scores", {"spec": edit | {"history": {"limit": 0}}})
            job = serving.at_rest()
            stream.await_only(job["status"]["endpointConfigName"])
    assert stream.failures == []
    assert serving.configs() == {job["status"]["endpointConfigName"]}
    assert serving.targets() == {}
