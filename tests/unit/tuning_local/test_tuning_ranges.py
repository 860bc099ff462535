"""Ranges: what is drawn, and how it reads as a hyperparameter."""

import math

import pytest
from sagebridge.core.search.ranges import parameters


def number(kind, low, high, scaling=None):
    item = {"Name": "p", "MinValue": low, "MaxValue": high} | ({"ScalingType": scaling} if scaling else {})
    return parameters({f"{kind}ParameterRanges": [item]})[0]


def auto(hint):
    return parameters({"AutoParameters": [{"Name": "p", "ValueHint": hint}]})[0]


@pytest.mark.parametrize(
    ("parameter", "scaling"),
    [
        (number("Continuous", "0", "1"), "Linear"),
        (number("Continuous", "0.0001", "0.1"), "Logarithmic"),
        (number("Continuous", "0.0001", "0.1", "Linear"), "Linear"),
        (number("Continuous", "0.5", "0.999", "ReverseLogarithmic"), "ReverseLogarithmic"),
        (number("Integer", "1", "1000", "Auto"), "Logarithmic"),
        (number("Integer", "2", "10"), "Linear"),
    ],
)
def test_scaling(parameter, scaling):
    assert parameter.scaling == scaling
    for share in (0.0, 0.5, 1.0):
        text = parameter.text(parameter.drawn(parameter.text(_between(parameter, share))))
        assert parameter.low <= float(text) <= parameter.high


def _between(parameter, share):
    value = parameter.low + share * (parameter.high - parameter.low)
    return 1 - value if parameter.scaling == "ReverseLogarithmic" else value


def test_reverse_logarithmic_prefers_the_upper_end():
    import optuna

    parameter = number("Continuous", "0", "0.9999", "ReverseLogarithmic")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    values = [float(parameter.text(study.ask({"p": parameter.distribution()}).params["p"])) for _ in range(200)]
    assert sum(value > 0.9 for value in values) > 100


@pytest.mark.parametrize(
    ("hint", "low", "high", "is_integer"),
    [("10", 1, 100, True), ("0.01", 0.001, 0.1, False), ("0.5", 0.05, 1.0, False), ("-2.0", -20.0, -0.2, False)],
)
def test_auto_ranges_surround_their_hint(hint, low, high, is_integer):
    parameter = auto(hint)
    assert (parameter.low, parameter.high, parameter.is_integer) == (
        pytest.approx(low),
        pytest.approx(high),
        is_integer,
    )


def test_auto_ranges_of_words():
    assert auto("true").values == ("true", "false")
    assert auto('"adam"').values == ('"adam"',)


def test_counts():
    assert number("Integer", "1", "5").count == 5
    assert number("Continuous", "0", "1").count == math.inf
    assert parameters({"CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b", "a"]}]})[0].count == 2


def test_what_lies_outside_is_not_learned():
    assert number("Integer", "1", "5").drawn("6") is None
    assert number("Integer", "1", "5").drawn("x") is None
