"""What a run has to show, in one list of what it did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scale.trial import Outcome

_UID, _ATTEMPT = "sagebridge.io/uid", "sagebridge.io/attempt"
_ENDED = ("Succeeded", "Failed")


def faults(outcome: Outcome) -> list[str]:
    """Everything that is not as promised; nothing if all is well."""
    return [
        *outcome.wrong,
        *(f"{node} was idle, and {sort} would have fitted" for node, sort in outcome.idle),
        *_requests(outcome),
        *_jobs(outcome),
        *_statuses(outcome),
        *_pods(outcome),
        *(f"SageMaker was asked {count} times for {name}" for name, count in outcome.sagemaker_calls.items()),
    ]


def _requests(outcome: Outcome) -> Iterator[str]:
    """Devices and huge pages as the manifests mean them."""
    for sort in {job.sort.name: job.sort for job in outcome.jobs}.values():
        asked = outcome.ledger.requests[sort.name]
        devices = {name: amount for name, amount in asked.items() if name not in ("cpu", "memory", "pods")}
        if devices != dict(sort.devices):
            yield f"{sort.name} asks for {devices} instead of {dict(sort.devices)}"


def _jobs(outcome: Outcome) -> Iterator[str]:
    """One Kubernetes Job for each TrainingJob, with a pod for each of its hosts."""
    attempts = Counter((run["metadata"]["labels"][_UID], run["metadata"]["labels"][_ATTEMPT]) for run in outcome.runs)
    yield from (f"attempt {attempt} has {count} Jobs" for attempt, count in attempts.items() if count > 1)
    if len(outcome.runs) != len(outcome.jobs):
        yield f"{len(outcome.runs)} Jobs for {len(outcome.jobs)} TrainingJobs"
    yield from outcome.ledger.surplus
    hosts = Counter(name for name, _ in {(pod.job.name, pod.rank) for pod in outcome.ledger.pods.values()})
    for job in outcome.jobs:
        # Of a job that failed early some hosts never came to be.
        if hosts[job.name] > job.size or (hosts[job.name] < job.size and not job.fails):
            yield f"{job.name} has had pods of {hosts[job.name]} ranks for {job.size} hosts"


def _statuses(outcome: Outcome) -> Iterator[str]:
    for job in outcome.jobs:
        status = outcome.statuses[job.name]
        wanted = "Failed" if job.fails else "Completed"
        if status.get("trainingJobStatus") != wanted:
            yield f"{job.name} is {status.get('trainingJobStatus')} instead of {wanted}"
        elif job.fails and "RuntimeError: loss is NaN" not in status.get("failureReason", ""):
            yield f"{job.name} failed because {status.get('failureReason')}"
        elif not job.fails and not status.get("modelArtifacts", {}).get("s3ModelArtifacts"):
            yield f"{job.name} has no model"


def _pods(outcome: Outcome) -> Iterator[str]:
    """What was followed and what is there in the end are the same."""
    for pod in outcome.pods:
        seen = outcome.ledger.pods.get(pod["name"])
        if seen is None:
            yield f"{pod['name']} was never seen"
        elif seen.node != pod["node"]:
            yield f"{pod['name']} is on {pod['node']}, and was seen on {seen.node}"
        elif pod["phase"] not in _ENDED:
            yield f"{pod['name']} is {pod['phase']} in the end"
