"""Declarations as CustomResourceDefinitions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sagebridge.kinds import ENDPOINT, JOB_KINDS, tenant_policy, training_job
from sagebridge.schema.blocks import text
from sagebridge.schema.crd import MAX_BYTES, crd, spec_schema
from sagebridge.schema.generate import crd_files, kinds_in, main, reference_files, render
from sagebridge.schema.kind import Column, KindSchema, Rule
from support.operations import OPERATIONS, bare_crd, bare_kind

ROOT = Path(__file__).parents[3]
KINDS = [*(kind.schema for kind in JOB_KINDS), ENDPOINT, tenant_policy.SCHEMA]


def version(definition: dict[str, Any]) -> dict[str, Any]:
    return definition["spec"]["versions"][0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_what_is_committed_is_what_make_crds_writes(kind: KindSchema) -> None:
    for folder, files in (("crds", crd_files([kind])), ("docs/reference", reference_files([kind]))):
        for name, content in files.items():
            assert (ROOT / folder / name).read_text() == content, f"{folder}/{name} is stale: run `make crds`"


def test_no_file_is_left_of_a_kind_that_is_gone() -> None:
    kinds = kinds_in()
    assert kinds == sorted(KINDS, key=lambda kind: kind.plural)
    assert {path.name for path in (ROOT / "crds").iterdir()} == set(crd_files(kinds))
    assert {path.name for path in (ROOT / "docs/reference").iterdir()} >= set(reference_files(kinds))


def test_the_command_writes_all_files(tmp_path: Path) -> None:
    main([str(tmp_path / "crds"), "--reference", str(tmp_path / "reference")])
    assert {path.name for path in (tmp_path / "crds").iterdir()} == {f"{kind.plural}.yaml" for kind in KINDS}
    assert {path.name for path in (tmp_path / "reference").iterdir()} == {f"{kind.kind.lower()}.md" for kind in KINDS}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_fits_into_client_side_apply(operation: str) -> None:
    written = render(bare_crd(operation))
    assert len(written.encode()) < MAX_BYTES / 2, "the fields on top need room too"
    assert yaml.safe_load(written) == bare_crd(operation)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_no_field_is_a_word_that_kubectl_reads_as_a_boolean(kind: KindSchema) -> None:
    truth = {
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
    }  # a bare `on:` arrives as "true"
    schema = version(crd(kind))["schema"]["openAPIV3Schema"]
    assert [path for path in _field_paths(schema) if path[-1].lower() in truth] == []


def _field_paths(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in schema.get("properties", {}).items():
        yield (*path, name)
        yield from _field_paths(field, (*path, name))
    yield from _field_paths(schema["items"], path) if "items" in schema else ()


def test_a_crd_that_is_too_large_is_an_error() -> None:
    kind = bare_kind("CreateTrainingJob", fields={"big": text("x" * MAX_BYTES)})
    with pytest.raises(ValueError, match="more than"):
        render(crd(kind))


def test_names() -> None:
    definition = crd(training_job.SCHEMA)
    assert definition["metadata"]["name"] == "trainingjobs.sagebridge.io"
    assert definition["spec"]["names"] == {
        "kind": "TrainingJob",
        "listKind": "TrainingJobList",
        "plural": "trainingjobs",
        "singular": "trainingjob",
        "shortNames": ["tj"],
        "categories": ["sagebridge"],
    }
    assert version(definition)["subresources"] == {"status": {}}
    assert definition["spec"]["scope"] == "Namespaced"
    assert crd(tenant_policy.SCHEMA)["spec"]["scope"] == "Cluster"


def test_columns() -> None:
    columns = version(crd(training_job.SCHEMA))["additionalPrinterColumns"]
    assert [column["name"] for column in columns if not column.get("priority")] == [
        "STATUS",
        "SECONDARY",
        "INSTANCE-TYPE",
        "COUNT",
        "DURATION",
        "AGE",
    ]


def test_the_whole_request_is_in_the_spec() -> None:
    bare = spec_schema(bare_kind("CreateTrainingJob"))["properties"]
    full = spec_schema(training_job.SCHEMA)["properties"]
    assert bare.keys() <= full.keys()
    assert full.keys() - bare.keys() == {
        "algorithm",
        "cluster",
        "environmentFrom",
        "framework",
        "modelRef",
        "region",
        "runPolicy",
        "source",
        "target",
    }
    assert "required" not in spec_schema(training_job.SCHEMA), "each required member has a sensible answer, or a rule"


def test_the_rule_on_change_guards_everything_but_the_mutable_fields() -> None:
    root = version(crd(training_job.SCHEMA))["schema"]["openAPIV3Schema"]
    (rule,) = root["x-kubernetes-validations"]
    guarded = set(re.findall(r"dyn\(self\.spec\)\.\?(\w+)", rule["rule"]))
    assert guarded == set(re.findall(r"'spec\.(\w+), '", rule["messageExpression"]))
    assert guarded == root["properties"]["spec"]["properties"].keys() - {"runPolicy", "tags"}


def test_fields_and_rules_can_sit_deep_inside() -> None:
    kind = bare_kind(
        "CreateHyperParameterTuningJob",
        fields={"trainingJobDefinitions[].source": text("Code."), "trainingJobDefinition.roleArn": text("A role.")},
        required_fields=("trainingJobDefinitions[].source",),
        rules=(Rule(at="trainingJobDefinitions[]", rule="true", message="never"),),
    )
    properties = spec_schema(kind)["properties"]
    definition = properties["trainingJobDefinitions"]["items"]
    assert definition["properties"]["source"] == text("Code.")
    assert "source" in definition["required"]
    assert definition["x-kubernetes-validations"] == [{"rule": "true", "message": "never"}]
    assert "roleArn" not in properties["trainingJobDefinition"]["required"], "a field that is replaced is optional"


@pytest.mark.parametrize(
    ("reason", "declared"),
    [
        ("a rule", {"rules": (Rule(at="nowhere", rule="true", message="never"),)}),
        ("a field", {"fields": {"nowhere.deep": text("A field.")}}),
    ],
)
def test_a_place_that_does_not_exist_is_an_error(reason: str, declared: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        spec_schema(bare_kind("CreateTrainingJob", **declared))


def test_wide_columns_have_a_lower_priority() -> None:
    kind = bare_kind("CreateModel", columns=(Column(name="A", path=".a"), Column(name="B", path=".b", wide=True)))
    columns = version(crd(kind))["additionalPrinterColumns"]
    assert [(column["name"], column.get("priority", 0)) for column in columns] == [("A", 0), ("B", 1), ("AGE", 0)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_rules_say_what_to_do(kind: KindSchema) -> None:
    for rule in kind.rules:
        assert len(rule.message) > 20, rule
        assert "\n" not in rule.message, "the API server refuses line breaks"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_reference_pages_name_every_field(kind: KindSchema) -> None:
    page = next(iter(reference_files([kind]).values()))
    for field in spec_schema(kind)["properties"]:
        assert f"`spec.{field}`" in page
    for rule in kind.rules:
        assert rule.message in page


def test_each_kind_has_one_short_name_which_the_readme_tells() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(docs/\S+\)[^|]*\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(rows) == len({short for _, short in rows})
    assert sorted((kind, (short,)) for kind, short in rows) == sorted((kind.kind, kind.short_names) for kind in KINDS)
