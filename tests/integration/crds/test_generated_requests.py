"""Whatever botocore's shapes allow, the API server admits and gives back unchanged."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sagebridge.schema.casing import lower_first
from sagebridge.schema.convert import from_response, to_request
from sagebridge.schema.model import output_shape, service_model
from sagebridge.schema.openapi import response_fields
from sagebridge.schema.patterns import re2_pattern
from support.operations import BARE_GROUP, OPERATIONS
from support.requests import manifests, matching, responses

BOUNDED = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)

Install = Callable[[dict[str, Any]], None]
Bare = Callable[[str], Any]


def crd_with_spec(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    """A CRD of the bare group whose spec has these fields."""
    root = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}}
    names = {"kind": kind, "plural": f"{kind.lower()}s"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{BARE_GROUP}"},
        "spec": {"group": BARE_GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def same(left: Any, right: Any) -> bool:
    """Compare requests; JSON may spell a number in a map of strings differently (1.0 and 1)."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right or float(left) == float(right))


@pytest.mark.parametrize("operation", OPERATIONS)
@BOUNDED
@given(data=st.data())
def test_generated_manifests_are_admitted(operation: str, data: st.DataObject, bare: Bare) -> None:
    spec = data.draw(manifests(operation))
    stored = bare(operation).create(spec, dry_run=True)["spec"]
    assert same(to_request(operation, stored), to_request(operation, spec))


PATTERNS = sorted(
    pattern
    for pattern in {service_model().shape_for(name).metadata.get("pattern") for name in service_model().shape_names}
    if pattern is not None and re2_pattern(pattern) is not None
)


@pytest.fixture(scope="session")
def _patterns(install: Install) -> None:
    fields = {f"p{index}": {"type": "string", "pattern": re2_pattern(each)} for index, each in enumerate(PATTERNS)}
    install(crd_with_spec("Pattern", fields))


@pytest.mark.usefixtures("_patterns")
@pytest.mark.parametrize("first", range(0, len(PATTERNS), 25))
@settings(BOUNDED, max_examples=3, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_pattern_of_the_service_works_in_the_api_server(first: int, data: st.DataObject, bare: Bare) -> None:
    chosen = enumerate(PATTERNS[first : first + 25], start=first)
    spec = {f"p{index}": data.draw(matching(pattern, least=0, most=1000)) for index, pattern in chosen}
    assert bare("Pattern").create(spec, dry_run=True)["spec"] == spec


@pytest.mark.usefixtures("_patterns")
def test_patterns_match_whole_strings(bare: Bare) -> None:
    field = f"p{PATTERNS.index('[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}')}"
    assert not bare("Pattern").refusal({field: "ab"})
    for wrong in ("a b", "ab\n", " ab", "ab-"):
        assert "should match" in bare("Pattern").refusal({field: wrong}), wrong


@pytest.fixture(scope="session")
def _statuses(install: Install) -> None:
    for operation in set(OPERATIONS.values()):
        members = [lower_first(member) for member in output_shape(operation).members]
        install(crd_with_spec(operation, response_fields(operation, members)))


@pytest.mark.usefixtures("_statuses")
@pytest.mark.parametrize("operation", sorted(set(OPERATIONS.values())))
@BOUNDED
@given(data=st.data())
def test_generated_responses_fit_into_a_status(operation: str, data: st.DataObject, bare: Bare) -> None:
    status = from_response(operation, data.draw(responses(operation)))
    assert same(bare(operation).create(status, dry_run=True)["spec"], status)
