"""The trials of a search, as its object's status has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.core.conditions import READY, find
from sagebridge.core.job import Job


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A trial that has ended.

    Attributes:
        number: Its number in the search, as SageMaker writes it into its name.
        name: The training job's name.
        objective: What it has reached.
        tuned: The hyperparameters that were searched for.
    """

    number: str
    name: str
    objective: float
    tuned: Mapping[str, str]

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Trial:
        """From an entry of `status.bestTrials`."""
        name = str(entry["trainingJobName"])
        return cls(
            number=name.split("-")[-2] if name.count("-") > 1 else name,
            name=name,
            objective=float(entry["objectiveValue"]),
            tuned={key: _short(value) for key, value in sorted(entry["tunedHyperParameters"].items())},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """Where a search stands.

    Attributes:
        name: The object's name.
        status: The reason of its Ready condition.
        metric: The objective.
        running: Trials under way.
        completed: Trials that have ended well.
        failed: Trials that have failed.
        wanted: How many there are to be.
        trials: The best, best first; ten at most.
    """

    name: str
    status: str
    metric: str
    running: int
    completed: int
    failed: int
    wanted: int
    trials: tuple[Trial, ...]

    @classmethod
    def of(cls, job: Job) -> Search:
        """From the object."""
        config = job.spec["hyperParameterTuningJobConfig"]
        counters = job.status.get("trainingJobStatusCounters") or {}
        return cls(
            name=job.name,
            status=str((find(job.conditions, READY) or {}).get("reason", "")),
            metric=str(config["hyperParameterTuningJobObjective"]["metricName"]),
            running=counters.get("inProgress", 0),
            completed=counters.get("completed", 0),
            failed=counters.get("nonRetryableError", 0) + counters.get("retryableError", 0),
            wanted=int(config["resourceLimits"]["maxNumberOfTrainingJobs"]),
            trials=tuple(Trial.parse(entry) for entry in job.status.get("bestTrials") or ()),
        )

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.completed} of {self.wanted} trials completed, {self.running} running{failed}"


def _short(value: str) -> str:
    """A number as people read it; other values as they are."""
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value
