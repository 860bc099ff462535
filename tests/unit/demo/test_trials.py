"""A search, as its object tells it, and how it is shown."""

from __future__ import annotations

import io
from itertools import count
from typing import Any

import pytest
from rich.console import Console
from sagebridge.core.job import Job
from sagebridge_local.demo import search_display
from sagebridge_local.demo.screen import Screen
from sagebridge_local.demo.trials import Search


def trial(number: int, objective: float, **tuned: str) -> dict[str, Any]:
    name = f"default-digits-tuning-jpbatlyxyy-{number:03d}-939c6d19"
    return {"trainingJobName": name, "objectiveValue": objective, "tunedHyperParameters": tuned}


def search(*trials: dict[str, Any], completed: int = 0, running: int = 0, reason: str = "InProgress") -> Search:
    config = {
        "hyperParameterTuningJobObjective": {"type": "Maximize", "metricName": "validation:accuracy"},
        "resourceLimits": {"maxNumberOfTrainingJobs": 3, "maxParallelTrainingJobs": 2},
    }
    body = {
        "metadata": {"name": "digits-tuning", "namespace": "default", "uid": "u"},
        "spec": {"hyperParameterTuningJobConfig": config},
        "status": {
            "conditions": [{"type": "Ready", "status": "False", "reason": reason, "message": ""}],
            "trainingJobStatusCounters": {"completed": completed, "inProgress": running, "nonRetryableError": 1},
            "bestTrials": list(trials),
        },
    }
    return Search.of(Job.parse(body))


ONE = trial(2, 0.5, **{"learning-rate": "0.000362006", "optimizer": "adam"})
TWO = trial(1, 0.97213, **{"learning-rate": "0.0102316", "optimizer": "sgd"})


def test_it_is_read_from_the_status() -> None:
    found = search(TWO, ONE, completed=2, running=1)
    assert found.progress == "2 of 3 trials completed, 1 running, 1 failed"
    assert [(trial.number, trial.objective) for trial in found.trials] == [("001", 0.97213), ("002", 0.5)]
    assert found.trials[0].tuned == {"learning-rate": "0.01023", "optimizer": "sgd"}


def test_an_object_that_nobody_has_looked_at_has_no_trials() -> None:
    config = {
        "hyperParameterTuningJobObjective": {"metricName": "m"},
        "resourceLimits": {"maxNumberOfTrainingJobs": 3},
    }
    metadata = {"name": "x", "namespace": "n", "uid": "u"}
    body = {"metadata": metadata, "spec": {"hyperParameterTuningJobConfig": config}}
    assert Search.of(Job.parse(body)).progress == "0 of 3 trials completed, 0 running"


def test_a_file_gets_each_trial_and_each_change_once() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, width=80, highlight=False), clock=map(float, count()).__next__)
    with search_display.shown(screen) as show:
        for found in (search(running=2), search(ONE, completed=1), search(ONE, completed=1), search(TWO, ONE)):
            show(found)
    assert out.getvalue().splitlines() == [
        "    1.0s digits-tuning: InProgress, 0 of 3 trials completed, 2 running, 1 failed",
        "    2.0s trial 002: validation:accuracy 0.5000 (learning-rate 0.000362, optimizer adam)",
        "    3.0s digits-tuning: InProgress, 1 of 3 trials completed, 0 running, 1 failed",
        "    4.0s trial 001: validation:accuracy 0.9721 (learning-rate 0.01023, optimizer sgd)",
        "    5.0s digits-tuning: InProgress, 0 of 3 trials completed, 0 running, 1 failed",
    ]


@pytest.mark.parametrize("width", [40, 80, 160])
def test_a_terminal_gets_a_table_that_fits(width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, highlight=False, color_system=None)
    with search_display.shown(Screen(console)) as show:
        show(search(TWO, ONE, completed=3, reason="Completed"))
    table = [line for line in out.getvalue().splitlines() if line.lstrip().startswith(("TRIAL", "001", "002"))]
    assert [line.split()[0] for line in table[-3:]] == ["TRIAL", "001", "002"]
    assert max(len(line.rstrip()) for line in table) <= width
