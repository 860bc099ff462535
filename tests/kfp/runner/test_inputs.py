"""What a task is given, as the driver finds it."""

from __future__ import annotations

from typing import Any

import pytest
from support.kfp_runner.cache import Cache, fingerprint
from support.kfp_runner.inputs import Facts, Inputs, Scope, items_of, of_iteration, of_root, of_task
from support.kfp_runner.records import Outputs
from support.kfp_runner.values import RefusedError

FACTS = Facts(run_id="run-1", run_name="digits-abc12", display_name="digits run", dag_id="7", task="train")
SCOPE = Scope(
    inputs=Inputs(
        parameters={"data": "s3://a/", "nothing": None},
        artifacts={"set": [{"name": "3", "type": {"instanceSchema": ""}, "metadata": {"parts": {"list": ["a"]}}}]},
    ),
    outputs={
        "tune": Outputs(
            parameters={"objective": 0.5},
            artifacts={
                "model": [
                    {
                        "name": "4",
                        "uri": "s3://b",
                        "type": {"schemaTitle": "system.Model"},
                        "metadata": {
                            "framework": "xgboost",
                            "trees": 20,
                            "is_best": True,
                            "sizes": [1],
                            "by": {"a": 1},
                        },
                    }
                ]
            },
        )
    },
)


def component(**kinds: str) -> dict[str, Any]:
    """A container that takes inputs of these types."""
    parameters = {name: {"parameterType": kind} for name, kind in kinds.items()}
    return {"executorLabel": "exec", "inputDefinitions": {"parameters": parameters}}


def constant(value: Any) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def task(**parameters: Any) -> dict[str, Any]:
    return {"inputs": {"parameters": parameters}}


def given(wanted: dict[str, Any], to: dict[str, Any]) -> dict[str, Any]:
    return dict(of_task(wanted, to, SCOPE, FACTS).parameters)


@pytest.mark.parametrize(
    ("value", "want", "reason"),
    [
        ("{{$.pipeline_job_uuid}}", "run-1", "the whole argument"),
        ("{{$.pipeline_task_name}}", "train", "the task's name"),
        ("{{$.pipeline_task_uuid}}", "7", "the DAG's execution, whatever it is called"),
        ("run {{$.pipeline_job_uuid}}", "run {{$.pipeline_job_uuid}}", "within a text nothing is replaced"),
    ],
)
def test_placeholders(value: str, want: str, reason: str) -> None:
    assert given(task(x=constant(value)), component(x="STRING")) == {"x": want}, reason


def test_a_placeholder_in_a_dictionary_stays_as_it_is() -> None:
    tags = {"run": "{{$.pipeline_job_uuid}}"}
    assert given(task(tags=constant(tags)), component(tags="STRUCT")) == {"tags": tags}


def test_a_placeholder_in_a_default_stays_as_it_is() -> None:
    wanted = component(x="STRING")
    wanted["inputDefinitions"]["parameters"]["x"] |= {"defaultValue": "{{$.pipeline_job_uuid}}", "isOptional": True}
    assert given(task(), wanted) == {}, "the launcher fills in the default, and knows no such placeholder"


def test_from_the_dag_and_from_other_tasks() -> None:
    found = of_task(
        {
            "inputs": {
                "parameters": {
                    "data": {"componentInputParameter": "data"},
                    "objective": {"taskOutputParameter": {"producerTask": "tune", "outputParameterKey": "objective"}},
                },
                "artifacts": {
                    "set": {"componentInputArtifact": "set"},
                    "model": {"taskOutputArtifact": {"producerTask": "tune", "outputArtifactKey": "model"}},
                },
            }
        },
        component(data="STRING", objective="NUMBER_DOUBLE"),
        SCOPE,
        FACTS,
    )
    assert found.parameters == {"data": "s3://a/", "objective": 0.5}
    assert found.artifacts["set"] == [{"name": "3", "metadata": {"parts": {"list": ["a"]}}}]
    kept = {"framework": "xgboost", "trees": 20, "is_best": 1, "sizes": {"list": [1]}, "by": {"struct": {"a": 1}}}
    assert found.artifacts["model"] == [
        {"name": "4", "uri": "s3://b", "type": {"instanceSchema": ""}, "metadata": kept}
    ], "the store of metadata has its own types"


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ({"componentInputParameter": "loop-item-param-3"}, "parent DAG does not have input parameter"),
        ({"componentInputParameter": "nothing"}, "is null"),
        ({"taskOutputParameter": {"producerTask": "tune", "outputParameterKey": "other"}}, "cannot find output"),
        ({"taskOutputParameter": {"producerTask": "later", "outputParameterKey": "x"}}, "has given nothing on"),
        (constant([]), "type mismatch"),
    ],
)
def test_what_fails_the_task(spec: dict[str, Any], match: str) -> None:
    with pytest.raises(RefusedError, match=match):
        given(task(x=spec), component(x="NUMBER_DOUBLE"))


def test_an_input_that_must_be_given() -> None:
    with pytest.raises(RefusedError, match="neither value nor default value"):
        given(task(), component(x="STRING"))


def test_a_null_for_an_optional_input_leaves_its_default() -> None:
    wanted = component(x="STRING")
    wanted["inputDefinitions"]["parameters"]["x"] |= {"defaultValue": "a", "isOptional": True}
    assert given(task(x={"componentInputParameter": "nothing"}), wanted) == {}


def test_a_dag_gets_its_defaults_from_the_driver() -> None:
    inner = {"dag": {}, "inputDefinitions": {"parameters": {"x": {"parameterType": "STRING", "isOptional": True}}}}
    assert given(task(), inner) == {"x": None}
    inner["inputDefinitions"]["parameters"]["x"]["defaultValue"] = "a"
    assert given(task(), inner) == {"x": "a"}


LOOP = {"parameterIterator": {"itemInput": "item", "items": {"raw": '[{"name": "a"}, {"name": "b"}]'}}}


def test_a_loop() -> None:
    inner = {"dag": {}, "inputDefinitions": {"parameters": {"item": {"parameterType": "STRUCT"}}}}
    inputs = of_task(LOOP, inner, SCOPE, FACTS)
    items = items_of(LOOP, inputs)
    assert [of_iteration(LOOP, inner, inputs, item).parameters for item in items] == [
        {"item": {"name": "a"}},
        {"item": {"name": "b"}},
    ]


@pytest.mark.parametrize(("items", "match"), [({"raw": "{}"}, "is no list"), ({"inputParameter": "x"}, "cannot find")])
def test_a_loop_over_nothing(items: dict[str, Any], match: str) -> None:
    with pytest.raises(RefusedError, match=match):
        items_of({"parameterIterator": {"itemInput": "item", "items": items}}, Inputs())


ROOT = {
    "inputDefinitions": {
        "parameters": {
            "data": {"parameterType": "STRING"},
            "least": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.9, "isOptional": True},
            "image": {"parameterType": "STRING", "isOptional": True},
        }
    }
}


def test_a_run_with_defaults() -> None:
    assert of_root(ROOT, {"data": "s3://a/"}).parameters == {"data": "s3://a/", "least": 0.9, "image": None}


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "'data' is missing"),
        ({"data": "a", "most": 1}, "no parameter most"),
        ({"data": "a", "least": "1"}, "type"),
        ({"data": 1}, "type"),
        ({"data": None}, "type"),
    ],
)
def test_a_run_that_is_refused(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(RefusedError, match=match):
        of_root(ROOT, arguments)


CONTAINER = {"image": "steps:1", "command": ["python3"], "args": ["{{$}}"]}


@pytest.mark.parametrize(
    ("other", "same", "reason"),
    [
        ((CONTAINER, Inputs(parameters={"x": 1.0}, artifacts={"set": [{"name": "3"}]})), True, "1.0 is 1"),
        ((CONTAINER, Inputs(parameters={"x": 2}, artifacts={"set": [{"name": "3"}]})), False, "another input"),
        ((CONTAINER, Inputs(parameters={"x": 1}, artifacts={"set": [{"name": "5"}]})), False, "another artifact"),
        (
            ({**CONTAINER, "image": "steps:2"}, Inputs(parameters={"x": 1}, artifacts={"set": [{"name": "3"}]})),
            False,
            "another version of the steps",
        ),
    ],
)
def test_the_key_of_the_cache(other: Any, same: bool, reason: str) -> None:
    wanted, inputs = component(x="NUMBER_INTEGER"), Inputs(parameters={"x": 1}, artifacts={"set": [{"name": "3"}]})
    container, given = other
    assert (fingerprint(wanted, CONTAINER, inputs) == fingerprint(wanted, container, given)) is same, reason


def test_pipelines_do_not_share_the_cache() -> None:
    cache = Cache()
    cache.keep("digits", "key", Outputs(parameters={"x": 1}))
    assert cache.get("digits", "key") == Outputs(parameters={"x": 1})
    assert cache.get("letters", "key") is None
