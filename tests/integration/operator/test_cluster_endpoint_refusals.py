"""Endpoints with target: Cluster: what is refused at admission."""

from __future__ import annotations

import json
from typing import Any

import kubernetes
import pytest

from .cluster_serving import NAME, Place, endpoint


def test_an_endpoint_does_not_move(place: Place) -> None:
    place.create()
    with pytest.raises(kubernetes.client.ApiException) as caught:
        place.objects.patch(NAME, {"spec": {"target": "SageMaker"}})
    assert "does not move" in str(caught.value.body)


SERVERLESS = {"instanceType": None, "serverlessConfig": {"memorySizeInMB": 2048, "maxConcurrency": 5}}
SHADOW = {"variantName": "b", "modelName": "m", "instanceType": "ml.m5.large"}
AT_ONCE = {"trafficRoutingConfiguration": {"type": "ALL_AT_ONCE", "waitIntervalInSeconds": 0}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"variant": SERVERLESS}, "pods run on nodes"),
        ({"model": {"mode": "MultiModel"}}, "object of its own"),
        ({"kmsKeyId": "key"}, "node's disk"),
        ({"shadowProductionVariants": [SHADOW]}, "a Service sends"),
        ({"deploymentConfig": {"blueGreenUpdatePolicy": AT_ONCE}}, "rollingUpdatePolicy"),
    ],
)
def test_refused_at_admission(place: Place, changes: dict[str, Any], told: str) -> None:
    fields = endpoint(**changes)
    fields["productionVariants"] = [
        {key: value for key, value in fields["productionVariants"][0].items() if value is not None}
    ]
    with pytest.raises(kubernetes.client.ApiException) as caught:
        place.objects.create(NAME, fields)
    assert told in json.loads(caught.value.body)["message"]
