"""Specs of the components' inputs: whole, as goldens, and valid; UPDATE_GOLDENS=1 writes the goldens again."""

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from sagebridge_kfp.specs.schema import FILES, problems, spec_schema
from support.kfp_cases import CASES, Case
from support.kfp_steps import as_struct, component, spec_of

GOLDENS = Path(__file__).parent / "goldens" / "specs"
ROOT = Path(__file__).parents[2]
IDS = [f"{case.op}-{case.reason}" for case in CASES]


def json_schema(schema: Any) -> Any:
    """A CRD's schema as JSON Schema: a structural schema knows only the fields that it lists."""
    if isinstance(schema, list):
        return [json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: json_schema(value) for key, value in schema.items() if not key.startswith("x-kubernetes")}
    if isinstance(strict.get("pattern"), str):
        del strict["pattern"]  # RE2's syntax
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        strict["additionalProperties"] = False
    return strict


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_golden(case: Case) -> None:
    text = yaml.safe_dump(spec_of(case.op, **case.inputs), sort_keys=False, width=120)
    golden = GOLDENS / f"{case.op}-{case.reason}.yaml"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)

    assert text == golden.read_text(), "see what changed; UPDATE_GOLDENS=1 accepts it"


def test_no_golden_is_left_of_a_case_that_is_gone() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == set(IDS)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_definition_of_the_kind_takes_it(case: Case) -> None:
    schema = json_schema(spec_schema(component(case.op).kind))

    jsonschema.validate(spec_of(case.op, **case.inputs), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_numbers_may_have_become_floats_on_the_way(case: Case) -> None:
    arrived = as_struct(case.inputs)

    assert_same_types(spec_of(case.op, **arrived), spec_of(case.op, **case.inputs))


def assert_same_types(arrived: Any, written: Any) -> None:
    assert repr(arrived) == repr(written)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_inputs_are_left_as_they_are(case: Case) -> None:
    before = copy.deepcopy(case.inputs)

    spec_of(case.op, **case.inputs)

    assert case.inputs == before


def example_specs() -> Iterator[Any]:
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if document and document.get("kind") in FILES and path.name != "bad.yaml":
                yield pytest.param(document, id=f"{path.relative_to(ROOT)}-{document['metadata']['name']}")


@pytest.mark.parametrize("manifest", example_specs())
def test_the_shape_of_every_example_is_right(manifest: dict[str, Any]) -> None:
    assert list(problems(manifest["kind"], manifest["spec"])) == []


def test_what_is_wrong_with_an_example_that_is_meant_to_be_wrong_is_found() -> None:
    [manifest] = yaml.safe_load_all((ROOT / "examples/digits/bad.yaml").read_text())

    assert {".".join(path) for path, _ in problems(manifest["kind"], manifest["spec"])} == {
        "algorithmSpecification.trainingInputMode",
        "stoppingCondition.maxRuntimeInSeconds",
    }
