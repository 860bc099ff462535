"""How far a job has come, in SageMaker's words.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html (SecondaryStatus) and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SecondaryStatusTransition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sagebridge.core.cluster.pods import Pod

PENDING: Final = "Pending"
STARTING: Final = "Starting"
DOWNLOADING: Final = "Downloading"
TRAINING: Final = "Training"
UPLOADING: Final = "Uploading"
STOPPING: Final = "Stopping"

MESSAGES: Final = {
    PENDING: "Waiting for compute capacity",
    STARTING: "Preparing the instances for training",
    DOWNLOADING: "Downloading input data",
    TRAINING: "Training image download completed. Training in progress.",
    UPLOADING: "Uploading generated training model",
    STOPPING: "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Interrupted": "Managed spot instances were interrupted",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}


def stage(job: Mapping[str, Any], pods: Sequence[Pod], *, size: int) -> str:
    """Where a job stands that has not ended: where its slowest host does.

    It lacks capacity once the scheduler says so. Pods come one by one, and each is without a node for a moment.
    """
    if job.get("spec", {}).get("suspend") or any(_lacks_node(pod) for pod in pods):
        return PENDING
    if len(pods) < size or not all(pod.prepare.started_at for pod in pods):
        return STARTING
    if not all(pod.work.started_at for pod in pods):
        return DOWNLOADING
    return TRAINING if not all(pod.work.finished_at for pod in pods) else UPLOADING


def times(job: Mapping[str, Any], pods: Sequence[Pod]) -> dict[str, str]:
    """When each stage began that has begun, RFC 3339, in order."""
    begun = {
        STARTING: job["metadata"].get("creationTimestamp"),
        DOWNLOADING: _edge(pods, lambda pod: pod.prepare.started_at, min),
        TRAINING: _edge(pods, lambda pod: pod.work.started_at, min),
        UPLOADING: _edge(pods, lambda pod: pod.work.finished_at, max),
    }
    if not all(pod.work.finished_at for pod in pods):
        begun[UPLOADING] = None
    return {name: str(at) for name, at in begun.items() if at}


def transitions(begun: Mapping[str, str], *, ending: str, ended_at: str | None) -> list[dict[str, str]]:
    """``secondaryStatusTransitions``.

    Args:
        begun: the stages, and when each began.
        ending: the last secondary status; empty while the job goes on.
        ended_at: when it was reached.
    """
    entries = [*begun.items(), *([(ending, ended_at)] if ending and ended_at else [])]
    shown = []
    for (name, start), (_, end) in zip(entries, [*entries[1:], ("", ended_at)], strict=True):
        entry = {"status": name, "startTime": start, "statusMessage": MESSAGES[name]}
        shown.append(entry | ({"endTime": end} if end else {}))
    return shown


def _lacks_node(pod: Pod) -> bool:
    condition = pod.condition("PodScheduled")
    return not pod.node and condition is not None and condition.get("status") == "False"


def _edge(pods: Sequence[Pod], time: Callable[[Pod], str | None], choose: Callable[[list[str]], str]) -> str | None:
    found = [at for pod in pods if (at := time(pod))]
    return choose(found) if found else None
