"""Every field of CreateEndpointConfig and CreateModel reaches the request, or is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.errors import SpecError
from sagebridge.kinds import ENDPOINT
from sagebridge.schema.casing import lower_first
from sagebridge.schema.convert import from_request, to_request
from sagebridge.schema.crd import crd
from sagebridge.schema.model import input_shape, service_model
from support.requests import manifests, values

from tests.unit.endpoint.specs import IMAGE, desired

BOUNDED = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
CONFIG = input_shape("CreateEndpointConfig")
MODEL = input_shape("CreateModel")
VARIANT = service_model().shape_for("ProductionVariant")
CONTAINER = service_model().shape_for("ContainerDefinition")

MODELS = [{"name": "m", "image": IMAGE}]
SMALLEST = {"variantName": "a", "modelName": "m", "instanceType": "ml.m5.large"}
# What the operator says itself: names, the role (spec.roleArn), and tags, which go with every thing that is made.
SAID_OTHERWISE = {"EndpointConfigName", "ExecutionRoleArn", "ModelName", "Tags"}
# What does not go with an instance of one's own choice.
INSTEAD_OF_INSTANCES = {"serverlessConfig": ("instanceType",), "instancePools": ("instanceType",)}


def request_of(found: Desired) -> dict[str, Any]:
    return to_request("CreateEndpointConfig", {**found.config.request, "endpointConfigName": "c"})


def model_request_of(found: Desired) -> dict[str, Any]:
    return to_request("CreateModel", {**found.models[0].request, "modelName": "m"})


def arrives(wanted: Any, found: Any) -> bool:
    """Whether all of `wanted` is in `found`, which may have defaults beside it."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and (key == "ModelName" or arrives(value, found[key])) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(wanted) == len(found) and all(map(arrives, wanted, found))
    return bool(wanted == found)


def built(spec: dict[str, Any]) -> Desired | None:
    """What a spec asks for; None if it is refused, with a field and a reason."""
    try:
        return desired(spec)
    except SpecError as refusal:
        error = refusal
    assert error.field.startswith("spec."), error
    assert len(error.message) > 20, error
    return None


@pytest.mark.parametrize("member", sorted(set(CONFIG.members) - SAID_OTHERWISE - {"ProductionVariants"}))
@BOUNDED
@given(data=st.data())
def test_of_a_config(member: str, data: st.DataObject) -> None:
    value = data.draw(values(CONFIG.members[member]))
    given_request = {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "a"}], member: value}
    spec = from_request("CreateEndpointConfig", given_request) | {"productionVariants": [SMALLEST], "models": MODELS}
    del spec["endpointConfigName"]
    for shadow in spec.get("shadowProductionVariants", ()):
        shadow["modelName"] = "m"
    found = built(spec)
    if found is None:
        assert member == "ShadowProductionVariants", "alone, only shadow variants can be wrong"
    else:
        assert arrives(value, request_of(found)[member])


@pytest.mark.parametrize("member", sorted(set(VARIANT.members) - SAID_OTHERWISE))
@BOUNDED
@given(data=st.data())
def test_of_a_variant(member: str, data: st.DataObject) -> None:
    value = data.draw(values(VARIANT.members[member]))
    request = {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "a", member: value}]}
    [own] = from_request("CreateEndpointConfig", request)["productionVariants"]
    given_variant = SMALLEST | own
    for other in INSTEAD_OF_INSTANCES.get(lower_first(member), ()):
        del given_variant[other]
    found = built({"models": MODELS, "productionVariants": [given_variant]})
    assert found is not None, "alone, no field is wrong"
    assert arrives(request["ProductionVariants"][0][member], request_of(found)["ProductionVariants"][0][member])


@pytest.mark.parametrize("member", sorted(set(MODEL.members) - SAID_OTHERWISE - {"Containers", "PrimaryContainer"}))
@BOUNDED
@given(data=st.data())
def test_of_a_model(member: str, data: st.DataObject) -> None:
    request = {"ModelName": "m", member: data.draw(values(MODEL.members[member]))}
    own = from_request("CreateModel", request)
    del own["modelName"]
    found = built({"models": [MODELS[0] | own], "productionVariants": [SMALLEST]})
    assert found is not None
    assert arrives(request[member], model_request_of(found)[member])


@pytest.mark.parametrize("member", sorted(CONTAINER.members))
@pytest.mark.parametrize("where", ["flat", "primaryContainer", "containers"])
@BOUNDED
@given(data=st.data())
def test_of_a_container(where: str, member: str, data: st.DataObject) -> None:
    value = data.draw(values(CONTAINER.members[member]))
    own = from_request("CreateModel", {"ModelName": "m", "PrimaryContainer": {member: value}})["primaryContainer"]
    container = ({} if member == "ModelPackageName" else {"image": IMAGE}) | own
    models = {
        "flat": {"name": "m"} | container,
        "primaryContainer": {"name": "m", "primaryContainer": container},
        "containers": {"name": "m", "containers": [container, {"image": IMAGE}]},
    }
    found = built({"models": [models[where]], "productionVariants": [SMALLEST]})
    assert found is not None
    request = model_request_of(found)
    made = request["Containers"][0] if where == "containers" else request["PrimaryContainer"]
    assert arrives(value, made[member])


@settings(BOUNDED, max_examples=150)
@given(manifest=manifests("CreateEndpointConfig"))
def test_together(manifest: dict[str, Any]) -> None:
    variants = manifest["productionVariants"] + manifest.get("shadowProductionVariants", [])
    names = {variant["modelName"] for variant in variants if "modelName" in variant}
    spec = {
        key: value for key, value in manifest.items() if key not in ("endpointConfigName", "executionRoleArn", "tags")
    }
    found = built(spec | {"models": [{"name": name, "image": IMAGE} for name in sorted(names)]})
    if found is not None:
        made = request_of(found)
        wanted = to_request("CreateEndpointConfig", manifest)
        assert all(arrives(value, made[key]) for key, value in wanted.items() if key not in SAID_OTHERWISE)


def test_the_crd_has_every_field() -> None:
    schema = crd(ENDPOINT)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    variant = schema["productionVariants"]["items"]["properties"]
    model = schema["models"]["items"]["properties"]
    expected = {lower_first(name) for name in set(CONFIG.members) - {"EndpointConfigName", "ExecutionRoleArn"}}
    assert expected <= schema.keys()
    assert {lower_first(name) for name in VARIANT.members} <= variant.keys()
    assert {lower_first(name) for name in set(MODEL.members) - SAID_OTHERWISE} <= model.keys()
    for container in (model, model["primaryContainer"]["properties"], model["containers"]["items"]["properties"]):
        assert {lower_first(name) for name in CONTAINER.members} <= container.keys()
