"""What the search finds on functions whose best place is known. Seeds are fixed, so that each run is the same."""

import math
from statistics import median

import pytest
from sagebridge.core.search.definition import definitions
from sagebridge.core.search.search import Search

SEEDS = range(30)
TRIALS = 40
# Of thirty pairs of equals one side would win 21 or more in 2 % of cases (a sign test).
WINS = 21


def branin(x, y):
    """Three equal minima of 0.398 in a landscape of hills: https://www.sfu.ca/~ssurjano/branin.html"""
    return (
        (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
    )


def training(rate, depth, kind):
    """Like a model's error: best at a rate of 0.003, a depth of 7 and the kind b; the rate matters by its logarithm."""
    return (math.log10(rate) + 2.5) ** 2 + 0.05 * (depth - 7) ** 2 + (0.0 if kind == "b" else 0.5)


def continuous(name, low, high, scaling="Auto"):
    return {"Name": name, "MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}


PROBLEMS = {
    "Branin's function": (
        {"ContinuousParameterRanges": [continuous("x", -5, 10, "Linear"), continuous("y", 0, 15, "Linear")]},
        lambda tuned: branin(float(tuned["x"]), float(tuned["y"])),
    ),
    "numbers of several scales and a choice": (
        {
            "ContinuousParameterRanges": [continuous("rate", 0.00001, 1, "Logarithmic")],
            "IntegerParameterRanges": [continuous("depth", 1, 30, "Linear")],
            "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b", "c"]}],
        },
        lambda tuned: training(float(tuned["rate"]), int(tuned["depth"]), tuned["kind"]),
    ),
}


def search_of(request_of, ranges, *, strategy, seed, trials=TRIALS):
    objective = {"Type": "Minimize", "MetricName": "validation:score"}
    request = request_of(
        trials=trials, Strategy=strategy, ParameterRanges=ranges, HyperParameterTuningJobObjective=objective
    )
    [definition] = definitions(request)
    return Search(definition, request["HyperParameterTuningJobConfig"], seed=seed)


def best_of(request_of, problem, *, strategy, seed):
    """The least value that a search finds."""
    ranges, function = PROBLEMS[problem]
    search = search_of(request_of, ranges, strategy=strategy, seed=seed)
    values = []
    for number in range(1, TRIALS + 1):
        drawn, tuned = search.draw(number)
        values.append(function(tuned))
        search.conclude(drawn, value=values[-1])
    return min(values)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_bayesian_search_finds_better_than_chance(request_of, problem):
    pairs = [
        (
            best_of(request_of, problem, strategy="Bayesian", seed=seed),
            best_of(request_of, problem, strategy="Random", seed=seed),
        )
        for seed in SEEDS
    ]
    assert sum(bayesian < random for bayesian, random in pairs) >= WINS, pairs
    assert median(bayesian for bayesian, _ in pairs) < 0.7 * median(random for _, random in pairs), pairs


@pytest.mark.parametrize(
    ("scaling", "lowest_share"), [("Linear", (0.0, 0.02)), ("Logarithmic", (0.4, 0.6)), ("Auto", (0.4, 0.6))]
)
def test_a_logarithmic_scale_gives_each_power_of_ten_its_share(request_of, scaling, lowest_share):
    """Of 0.0001 to 1, half the draws are below 0.01 by their logarithm, and one in a hundred by their value."""
    ranges = {"ContinuousParameterRanges": [continuous("x", 0.0001, 1, scaling)]}
    search = search_of(request_of, ranges, strategy="Random", seed=1, trials=300)
    values = [float(search.draw(number)[1]["x"]) for number in range(300)]
    assert lowest_share[0] <= sum(value < 0.01 for value in values) / 300 <= lowest_share[1]


def test_a_reverse_logarithmic_scale_looks_closely_below_one(request_of):
    ranges = {"ContinuousParameterRanges": [continuous("x", 0.0, 0.9999, "ReverseLogarithmic")]}
    search = search_of(request_of, ranges, strategy="Random", seed=1, trials=300)
    values = [float(search.draw(number)[1]["x"]) for number in range(300)]
    assert 0.4 <= sum(value > 0.99 for value in values) / 300 <= 0.6


def grid(parameters, values):
    names = (f"p{number}" for number in range(parameters))
    return {"CategoricalParameterRanges": [{"Name": name, "Values": [str(n) for n in range(values)]} for name in names]}


@pytest.mark.parametrize(("parameters", "values"), [(1, 1), (1, 7), (2, 5), (3, 4)])
def test_a_grid_is_drawn_whole_before_anything_twice(request_of, parameters, values):
    count = values**parameters
    search = search_of(request_of, grid(parameters, values), strategy="Grid", seed=1, trials=count)
    drawn = [tuple(search.draw(number)[1].values()) for number in range(1, count + 1)]
    assert len(set(drawn)) == count
    assert search.is_exhausted


def test_the_order_of_a_grid_is_the_seeds(request_of):
    def order(seed):
        search = search_of(request_of, grid(2, 5), strategy="Grid", seed=seed, trials=25)
        return [tuple(search.draw(number)[1].values()) for number in range(1, 26)]

    assert order(1) == order(1) != order(2)


def test_of_a_grid_only_the_rows_that_are_drawn_are_made(request_of):
    """30^30 of them would fill any memory."""
    search = search_of(request_of, grid(30, 30), strategy="Grid", seed=1, trials=4)
    drawn = [tuple(search.draw(number)[1].values()) for number in range(1, 5)]
    assert len(set(drawn)) == 4


def test_autotune_chooses_the_ranges_and_how_many_trials(tuner, request_of):
    """Neither ranges nor a number of trials are given, only values that are known to be good."""
    hints = [("rate", "0.01"), ("depth", "6"), ("x", "0.5"), ("shuffle", "true")]
    request = request_of(
        trials=None,
        parallel=4,
        ParameterRanges={"AutoParameters": [{"Name": name, "ValueHint": hint} for name, hint in hints]},
    )
    tuner.create(request | {"Autotune": {"Mode": "Enabled"}})
    tuner.advance(1000)
    ended = tuner.describe()
    assert ended["HyperParameterTuningJobStatus"] == "Completed"
    assert ended["Autotune"] == {"Mode": "Enabled"}
    assert ended["TrainingJobStatusCounters"]["Completed"] == 20
    tuned = [child["TunedHyperParameters"] for child in tuner.children()]
    assert len({trial["rate"] for trial in tuned}) > 10
    assert all(0.001 <= float(trial["rate"]) <= 0.1 for trial in tuned)
    assert all(1 <= int(trial["depth"]) <= 60 for trial in tuned)
    assert {trial["shuffle"] for trial in tuned} == {"true", "false"}
