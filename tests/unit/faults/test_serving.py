"""The oracle of endpoints sees what is left over, what does not serve, and what was taken from what serves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from faults.serving import ServingWatch, misses

Change = Callable[[dict[str, Any], dict[str, Any]], object]

_TARGET = "endpoint/e/variant/b"


def _body() -> dict[str, Any]:
    scaling = {"minCapacity": 1, "maxCapacity": 4}
    return {
        "spec": {
            "models": [{"name": "m", "modelDataUrl": "s3://one"}],
            "productionVariants": [
                {"variantName": "a", "modelName": "m", "initialInstanceCount": 2},
                {"variantName": "b", "modelName": "m", "autoscaling": scaling},
            ],
            "history": {"limit": 0},
        },
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "revisions": [{"revision": 1, "endpointConfigName": "c", "modelNames": ["m1"]}],
        },
    }


def _held() -> dict[str, Any]:
    variants = [{"VariantName": name, "ModelName": "m1"} for name in "ab"]
    shown = [
        {"VariantName": "a", "CurrentWeight": 1.0, "CurrentInstanceCount": 2},
        {"VariantName": "b", "CurrentWeight": 1.0, "CurrentInstanceCount": 3},
    ]
    return {
        "models": {"m1": {"PrimaryContainer": {"ModelDataUrl": "s3://one"}}},
        "configs": {"c": {"ProductionVariants": variants}},
        "endpoints": {
            "e": {"EndpointStatus": "InService", "EndpointConfigName": "c", "ProductionVariants": shown},
        },
        "targets": {_TARGET: {"MinCapacity": 1, "MaxCapacity": 4}},
        "policies": [f"{_TARGET} sagebridge-target"],
        "actions": [],
    }


def test_what_is_as_it_should_be_is_no_miss() -> None:
    assert misses(_body(), _held()) == []
    assert misses(None, dict.fromkeys(_held(), ())) == []


@pytest.mark.parametrize(
    ("reason", "change", "want"),
    [
        ("a model", lambda _, held: held["models"].update(old={}), "models ['old'] are there"),
        ("a config", lambda _, held: held["configs"].update(old={}), "configs ['old'] are there"),
        ("history", lambda body, _: body["status"]["revisions"].append(body["status"]["revisions"][0]), "the limit is"),
        ("a spec before", lambda body, _: body["spec"]["models"][0].update(modelDataUrl="s3://two"), "it serves"),
        ("weights", lambda body, _: body["spec"]["productionVariants"][0].update(initialVariantWeight=2), "weight 1.0"),
        ("counts", lambda body, _: body["spec"]["productionVariants"][0].pop("initialInstanceCount"), "2 instances"),
        ("an update", lambda _, held: held["endpoints"]["e"].update(EndpointStatus="Updating"), "it is Updating"),
        (
            "a target",
            lambda _, held: held["targets"].update(
                {"endpoint/e/variant/a": dict.fromkeys(("MinCapacity", "MaxCapacity"), 1)}
            ),
            "it is scaled",
        ),
        ("no target", lambda _, held: held["targets"].clear(), "it is scaled"),
        ("bounds", lambda _, held: held["targets"][_TARGET].update(MaxCapacity=5), "it is scaled"),
        ("no policy", lambda _, held: held["policies"].clear(), "its scaling policies"),
    ],
)
def test_what_is_not_so_is_told(reason: str, change: Change, want: str) -> None:
    body, held = copy.deepcopy(_body()), copy.deepcopy(_held())
    change(body, held)
    assert any(want in miss for miss in misses(body, held)), reason


@pytest.mark.parametrize("kind", ["models", "configs", "endpoints", "targets", "policies", "actions"])
def test_whatever_is_left_of_an_object_that_is_gone_is_told(kind: str) -> None:
    held = {name: entries if name == kind else () for name, entries in _held().items()} | {"actions": ["one"]}
    assert any(miss.startswith(kind) for miss in misses(None, held))


def _endpoint(status: str, **fields: str) -> dict[str, Any]:
    return {"name": "e", "status": status, "configName": "c", "greenConfigName": None, **fields}


@pytest.mark.parametrize(
    ("operation", "request_", "endpoint", "taken_down", "harm"),
    [
        ("DeleteEndpoint", {"EndpointName": "e"}, _endpoint("InService"), ["e"], []),
        ("DeleteEndpoint", {"EndpointName": "e"}, _endpoint("RollingBack"), ["e"], []),
        ("DeleteEndpoint", {"EndpointName": "e"}, _endpoint("Failed"), [], []),
        ("DeleteEndpoint", {"EndpointName": "other"}, _endpoint("InService"), [], []),
        ("DeleteEndpointConfig", {"EndpointConfigName": "c"}, _endpoint("InService"), [], ["c, which e ran"]),
        ("DeleteEndpointConfig", {"EndpointConfigName": "c"}, _endpoint("Deleting"), [], []),
        ("DeleteEndpointConfig", {"EndpointConfigName": "old"}, _endpoint("InService"), [], []),
        (
            "DeleteEndpointConfig",
            {"EndpointConfigName": "next"},
            _endpoint("Updating", greenConfigName="next"),
            [],
            ["next, which e ran"],
        ),
        ("DeleteModel", {"ModelName": "m"}, _endpoint("InService"), [], ["m, which e ran"]),
        ("DeleteModel", {"ModelName": "shadow"}, _endpoint("InService"), [], ["shadow, which e ran"]),
        ("DeleteModel", {"ModelName": "old"}, _endpoint("InService"), [], []),
    ],
)
def test_what_serves_must_go_on(
    operation: str, request_: dict[str, str], endpoint: dict[str, Any], taken_down: list[str], harm: list[str]
) -> None:
    watch = ServingWatch()
    shadows = [{"ModelName": "shadow"}]
    watch.created(
        {"EndpointConfigName": "c", "ProductionVariants": [{"ModelName": "m"}], "ShadowProductionVariants": shadows}
    )
    watch.deletes(operation, request_, endpoints=[endpoint])
    assert (watch.taken_down, watch.harm) == (taken_down, harm)
