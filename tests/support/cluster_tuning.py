"""HPTuningJobs with target: Cluster, and a stand-in for what their trials train: no pod runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import kubernetes

from support.jobs import Job, Jobs, condition
from support.tuning_jobs import METRIC, TuningJobs, spec

OUTPUT = {"s3OutputPath": "s3://bucket/tune"}
_TUNED = "sagebridge.io/tuned-hyper-parameters"
_AT = "2030-01-01T00:{minute:02d}:00Z"


def cluster_spec(**changes: Any) -> Job:
    """A small valid spec for the cluster; `changes` as for `support.tuning_jobs.spec`."""
    made = spec(**({"target": "Cluster"} | changes))
    if "trainingJobDefinition" in made:
        made["trainingJobDefinition"].setdefault("outputDataConfig", OUTPUT)
    return made


def tuned(trial: Job) -> dict[str, str]:
    """What was drawn for a trial."""
    found: dict[str, str] = json.loads(trial["metadata"]["annotations"][_TUNED])
    return found


class Trials:
    """The tuning jobs of one namespace, and their trials."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self.tuning = TuningJobs(client, namespace)
        self.jobs = Jobs(client, namespace)

    def list(self) -> list[Job]:
        """The trials, by their numbers."""
        return sorted(self.jobs.list(), key=lambda job: int(job["metadata"]["labels"]["sagebridge.io/trial"]))

    def wait(self, wanted: Callable[[list[Job]], bool], *, name: str = "tune", what: str = "") -> list[Job]:
        """Wait until the trials are as wanted."""
        self.tuning.wait(name, lambda _: wanted(self.list()), what=what)
        return self.list()

    def wait_running(self, *numbers: int, name: str = "tune") -> list[Job]:
        """Wait until the trials of these numbers, and of no others, have a Job and have not ended."""

        def are_running(trials: list[Job]) -> bool:
            running = [trial for trial in trials if is_running(trial)]
            return [int(trial["metadata"]["labels"]["sagebridge.io/trial"]) for trial in running] == list(numbers)

        return [
            trial for trial in self.wait(are_running, name=name, what=f"running trials {numbers}") if is_running(trial)
        ]

    def complete(self, trial: Job, value: float | None) -> None:
        """Say that a trial has completed, and what it has found."""
        metrics = [] if value is None else [{"metricName": METRIC, "value": value, "timestamp": _at(trial)}]
        fields = {
            "finalMetricDataList": metrics,
            "modelArtifacts": {"s3ModelArtifacts": f"s3://bucket/{trial['metadata']['name']}/model.tar.gz"},
        }
        self._end(trial, "Completed", reason="Completed", kind="Complete", fields=fields)

    def fail(self, trial: Job, reason: str) -> None:
        """Say that a trial has failed."""
        self._end(trial, "Failed", reason="JobFailed", kind="Failed", fields={"failureReason": reason})

    def _end(self, trial: Job, status: str, *, reason: str, kind: str, fields: dict[str, Any]) -> None:
        name, at = trial["metadata"]["name"], _at(trial)
        is_ready = "True" if kind == "Complete" else "False"
        told = [
            {"type": one, "status": is_true, "reason": reason, "message": "As the test says.", "lastTransitionTime": at}
            for one, is_true in (("Ready", is_ready), (kind, "True"))
        ]
        current = self.jobs.get(name)
        assert current is not None
        [*before, last] = current["status"]["attempts"]
        ended = {**last, "status": status, "endTime": at}
        self.jobs.patch_status(
            name,
            {
                "conditions": told,
                "attempts": [*before, ended],
                "trainingJobStatus": status,
                "trainingEndTime": at,
                **fields,
            },
        )


def is_running(trial: Job) -> bool:
    """Whether a trial has a Job that was not seen to end."""
    attempts = (trial.get("status") or {}).get("attempts") or []
    return bool(attempts) and bool(attempts[-1].get("arn")) and not attempts[-1].get("status")


def has_finished(trial: Job) -> bool:
    """Whether a trial is Complete or Failed."""
    return "True" in (condition(trial, "Complete").get("status"), condition(trial, "Failed").get("status"))


def _at(trial: Job) -> str:
    return _AT.format(minute=int(trial["metadata"]["labels"]["sagebridge.io/trial"]) % 60)
