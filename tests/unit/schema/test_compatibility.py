"""Within a version a schema may only loosen."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sagebridge.kinds import ENDPOINT, JOB_KINDS, tenant_policy
from sagebridge.schema.compatibility import incompatibilities
from sagebridge.schema.crd import crd
from sagebridge.schema.kind import KindSchema

Crd = dict[str, Any]
Spec = dict[str, Any]

# The CRDs of the last release, copied from crds/ when it was made; see docs/decisions/schemas-only-loosen.md.
RELEASED = Path(__file__).parent / "released"


@pytest.mark.parametrize(
    "kind", [*(kind.schema for kind in JOB_KINDS), ENDPOINT, tenant_policy.SCHEMA], ids=lambda kind: kind.kind
)
def test_the_last_release_is_still_valid(kind: KindSchema) -> None:
    released = yaml.safe_load((RELEASED / f"{kind.plural}.yaml").read_text())
    assert incompatibilities(released, crd(kind)) == [], "see docs/decisions/schemas-only-loosen.md"


def spec_of(definition: Crd) -> Spec:
    return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def example() -> Crd:
    properties = {
        "name": {"type": "string", "minLength": 1, "maxLength": 10, "pattern": "^a$"},
        "mode": {"type": "string", "enum": ["A", "B"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "items": {"type": "array", "maxItems": 3, "x-kubernetes-list-type": "atomic", "items": {"type": "string"}},
        "map": {"type": "object", "maxProperties": 3, "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }
    spec = {"type": "object", "properties": properties, "required": ["name"]}
    spec["x-kubernetes-validations"] = [{"rule": "has(self.name)", "message": "x"}]
    version = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"properties": {"spec": spec}}}}
    names = {"kind": "Example", "plural": "examples"}
    return {"spec": {"group": "g", "scope": "Namespaced", "names": names, "versions": [version]}}


def put(field: str, **values: Any) -> Callable[[Crd], None]:
    return lambda definition: spec_of(definition)["properties"][field].update(values)


def drop(field: str, *keys: str) -> Callable[[Crd], None]:
    def change(definition: Crd) -> None:
        for key in keys:
            del spec_of(definition)["properties"][field][key]

    return change


def add_rule(**rule: str) -> Callable[[Crd], None]:
    return lambda definition: spec_of(definition)["x-kubernetes-validations"].append({"message": "x", **rule})


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("the same", lambda definition: None),
        ("a new field", lambda definition: spec_of(definition)["properties"].update(new={"type": "string"})),
        ("nothing is required", lambda definition: spec_of(definition).pop("required")),
        ("fewer rules", lambda definition: spec_of(definition).pop("x-kubernetes-validations")),
        ("a rule about a new field", add_rule(rule="self.new == 1", fieldPath=".new")),
        ("longer", put("name", maxLength=20)),
        ("shorter at least", put("name", minLength=0)),
        ("no bounds", drop("name", "minLength", "maxLength")),
        ("no pattern", drop("name", "pattern")),
        ("one more choice", put("mode", enum=["A", "B", "C"])),
        ("any choice", drop("mode", "enum")),
        ("wider range", put("count", minimum=0, maximum=10)),
        ("a new description", put("count", description="x")),
        ("a default", put("count", default=3)),
    ],
)
def test_loosening_is_compatible(reason: str, change: Callable[[Crd], None]) -> None:
    new = copy.deepcopy(example())
    change(new)
    assert incompatibilities(example(), new) == [], reason


@pytest.mark.parametrize(
    ("reason", "change", "path", "said"),
    [
        ("a field is gone", lambda new: spec_of(new)["properties"].pop("mode"), "v1 spec.mode", "removed"),
        ("one more is required", lambda new: spec_of(new)["required"].append("mode"), "v1 spec", "mode is required"),
        ("a new rule", add_rule(rule="has(self.mode)"), "v1 spec", "new rule: has(self.mode)"),
        ("another type", put("count", type="string"), "v1 spec.count", "type was integer, is string"),
        ("shorter", put("name", maxLength=5), "v1 spec.name", "maxLength was 10, is 5"),
        ("a new bound", put("mode", maxLength=5), "v1 spec.mode", "maxLength was not set, is 5"),
        ("longer at least", put("name", minLength=2), "v1 spec.name", "minLength was 1, is 2"),
        ("another pattern", put("name", pattern="^b$"), "v1 spec.name", "pattern was ^a$, is ^b$"),
        ("one choice less", put("mode", enum=["A"]), "v1 spec.mode", "no longer takes B"),
        ("choices at all", put("name", enum=["a"]), "v1 spec.name", "has an enum now"),
        ("items", put("items", items={"type": "integer"}), "v1 spec.items[]", "type was string"),
        ("unique items", put("items", **{"x-kubernetes-list-type": "set"}), "v1 spec.items", "refuses duplicates"),
        ("values", put("map", additionalProperties={"type": "integer"}), "v1 spec.map{}", "type was string"),
        ("a closed map", drop("map", "additionalProperties"), "v1 spec.map", "has no additionalProperties now"),
        ("known fields only", drop("free", "x-kubernetes-preserve-unknown-fields"), "v1 spec.free", "unknown fields"),
        ("another scope", lambda new: new["spec"].update(scope="Cluster"), "scope", "was Namespaced, is Cluster"),
        ("another plural", lambda new: new["spec"]["names"].update(plural="x"), "names.plural", "was examples"),
        ("a version less", lambda new: new["spec"].update(versions=[]), "v1", "no longer served"),
    ],
)
def test_tightening_is_found(reason: str, change: Callable[[Crd], None], path: str, said: str) -> None:
    new = copy.deepcopy(example())
    change(new)
    found = incompatibilities(example(), new)
    assert [each.path for each in found] == [path], reason
    assert said in found[0].change, reason
