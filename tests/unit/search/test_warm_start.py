"""What AWS lets differ between a search and those that it learns from.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html
"""
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.search.definition import Definition, definitions
from sagebridge.core.search.warm_start import IDENTICAL, ParentError, check_fit

TRANSFER = "TransferLearning"
STATIC = "trainingJobDefinition.staticHyperParameters"
RANGES = "hyperParameterTuningJobConfig.parameterRanges"
X = {"Name": "x", "MinValue": "0", "MaxValue": "9"}


def colours(*values: str) -> list[dict[str, Any]]:
    return [{"Name": "colour", "Values": list(values)}]


def search(metric: str = "score", *, static: dict[str, str] | None = None, **changes: Any) -> Definition:
    """A search for x; `changes` are ranges by their kind, or members of the training definition."""
    ranges = {
        f"{kind}ParameterRanges": changes.pop(kind)
        for kind in ("Continuous", "Integer", "Categorical")
        if kind in changes
    }
    request = {"AlgorithmSpecification": {"TrainingImage": "image:1"}, "StaticHyperParameters": static or {}}
    [found] = definitions(
        {
            "HyperParameterTuningJobConfig": {
                "HyperParameterTuningJobObjective": {"MetricName": metric, "Type": "Maximize"},
                "ParameterRanges": ranges or {"ContinuousParameterRanges": [X]},
            },
            "TrainingJobDefinition": request | changes,
        }
    )
    return found


def numbers(count: int, value: str) -> dict[str, str]:
    return {f"h{number}": value for number in range(count)}


@pytest.mark.parametrize(
    ("reason", "mine", "parent", "kind"),
    [
        ("the same", search(), search(), IDENTICAL),
        ("another range", search(Continuous=[X | {"MaxValue": "99"}]), search(), IDENTICAL),
        ("tunable what was static", search(static={}, Integer=[X | {"Name": "n"}], Continuous=[X]), search(static={"n": "1"}), IDENTICAL),
        ("static what was tunable", search(static={"n": "1"}), search(Integer=[X | {"Name": "n"}], Continuous=[X]), IDENTICAL),
        ("another image", search(AlgorithmSpecification={"TrainingImage": "image:2"}), search(), TRANSFER),
        ("other data", search(InputDataConfig=[{"ChannelName": "train"}]), search(), TRANSFER),
        ("another hyperparameter in the place of one", search(static={"b": "1"}), search(static={"a": "1"}), TRANSFER),
        ("five static values changed are ten changes", search(static=numbers(5, "1")), search(static=numbers(5, "2")), IDENTICAL),
        (
            "as many values of a category that is static now",
            search(static={"colour": "1"}),
            search(Continuous=[X], Categorical=colours(*map(str, range(10)))),
            TRANSFER,
        ),
    ],
)  # fmt: skip
def test_what_may_differ(reason: str, mine: Definition, parent: Definition, kind: str) -> None:
    try:
        check_fit(mine, parent, name="p", kind=kind)
    except ParentError as error:
        pytest.fail(f"{reason}: {error}")


@pytest.mark.parametrize(
    ("reason", "mine", "parent", "kind", "field", "message"),
    [
        ("another objective", search("loss"), search(), TRANSFER,
         "hyperParameterTuningJobConfig.hyperParameterTuningJobObjective", "same objective metric"),
        ("other data", search(InputDataConfig=[{"ChannelName": "train"}]), search(), IDENTICAL,
         "trainingJobDefinition.inputDataConfig", "use TransferLearning"),
        ("another image", search(AlgorithmSpecification={"TrainingImage": "image:2"}), search(), IDENTICAL,
         "trainingJobDefinition.algorithmSpecification", "use TransferLearning"),
        ("another hyperparameter", search(static={"b": "1"}), search(static={"a": "1"}), IDENTICAL, STATIC,
         "the same hyperparameters.*missing: a; not of the parent: b"),
        ("one more", search(static={"a": "1"}), search(), TRANSFER, STATIC, "as many hyperparameters.*not of the parent: a"),
        ("one less", search(), search(static={"a": "1"}), TRANSFER, STATIC, "as many hyperparameters.*missing: a"),
        ("a number that was not whole", search(Integer=[X]), search(), TRANSFER, RANGES, "x must be continuous.*is integer"),
        ("a category that was a number", search(Categorical=[{"Name": "x", "Values": ["1"]}]), search(Integer=[X]), IDENTICAL,
         RANGES, "x must be integer.*is categorical"),
        ("six static values", search(static=numbers(6, "1")), search(static=numbers(6, "2")), IDENTICAL, STATIC,
         "more than 10 values: 0 of hyperparameters that were tunable, and 12 of static ones"),
        ("a category and a static value", search(static={"colour": "1", "a": "1"}),
         search(static={"a": "2"}, Continuous=[X], Categorical=colours(*map(str, range(9)))), TRANSFER, STATIC,
         "more than 10 values: 9 of hyperparameters that were tunable, and 2 of static ones"),
    ],
)  # fmt: skip
def test_what_may_not(reason: str, mine: Definition, parent: Definition, kind: str, field: str, message: str) -> None:
    with pytest.raises(ParentError, match=message) as caught:
        check_fit(mine, parent, name="p", kind=kind)
    assert caught.value.field == field, reason
