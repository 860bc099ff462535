"""An endpoint under a constant stream of invocations, whatever is done to its manifest."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from support.endpoints import spec, variant

from .serving import Serving
from .world import World


class Stream:
    """Invokes an endpoint without a pause, and remembers what it was told."""

    def __init__(self, runtime: Any, name: str) -> None:
        self._runtime = runtime
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.configs: dict[str, int] = {}
        self.failures: list[str] = []

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                reply = self._runtime.invoke_endpoint(EndpointName=self._name, Body=b"1", ContentType="text/csv")
            except (BotoCoreError, ClientError) as error:
                self.failures.append(str(error))
            else:
                config = json.loads(reply["Body"].read())["EndpointConfigName"]
                self.configs[config] = self.configs.get(config, 0) + 1


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


def test_ten_edits_fail_no_invocation(serving: Serving) -> None:
    serving.objects.create("scores", spec(history={"limit": 0}))
    name = serving.at_rest()["status"]["endpointName"]
    with Stream(serving.client("sagemaker-runtime"), name) as stream:
        for edit in edits():
            serving.objects.patch("scores", {"spec": edit | {"history": {"limit": 0}}})
            job = serving.at_rest()
    assert stream.failures == []
    assert job["status"]["endpointConfigName"] in stream.configs
    assert len(stream.configs) >= 5, "the versions between were served, too"
    assert serving.configs() == {job["status"]["endpointConfigName"]}
    assert serving.targets() == {}
