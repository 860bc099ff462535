"""Why a job's pods do not run yet, in words that say whose turn it is."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from sagebridge.core.cluster import writing
from sagebridge.core.cluster.names import ANNOTATION_NOTES, QUEUE_LABEL, annotations_of, labels_of
from sagebridge.core.cluster.queueing import GROUP as QUEUE_API
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.reasons import Reason
from sagebridge.core.words import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sagebridge.core.cluster.pods import ContainerState, Pod

# https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go
_IMAGE_REASONS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
# https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_container.go
_CREATION_REASONS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"}
)


_POD: Final = re.compile(r"^Pod \S+")
_COUNTS: Final = re.compile(r"\d+")
_COUNTED: Final = (Reason.UNSCHEDULABLE, Reason.QUEUED)


def waiting(job: Mapping[str, Any], pods: Sequence[Pod], *, can_change: bool = False) -> Verdict | None:
    """What the job waits for, None if for nothing that is worth a word.

    Args:
        job: the Job.
        pods: its pods, one for each host that has one.
        can_change: whether the spec of the object that the pods are of can be changed.
    """
    if job.get("spec", {}).get("suspend"):
        return _queued(job)
    for look in (partial(_image, can_change=can_change), _creation, _scheduling):
        for pod in pods:
            if (found := look(pod)) is not None:
                return _with_notes(found, job)
    return None


def _with_notes(found: Verdict, job: Mapping[str, Any]) -> Verdict:
    """What the nodes must have for this job, where none is found."""
    if found.reason is not Reason.UNSCHEDULABLE:
        return found
    notes = _notes(job)
    return with_words(found, notes)


def _notes(job: Mapping[str, Any]) -> list[str]:
    notes = writing.read(annotations_of(job).get(ANNOTATION_NOTES))
    return [str(note).rstrip(".") for note in notes] if isinstance(notes, list) else []


def with_words(found: Verdict, words: Sequence[str]) -> Verdict:
    """What others say of it joined to the message."""
    if not words:
        return found
    return replace(found, message=" ".join([*map(sentence, (found.message, *words[:-1])), words[-1]]))


def lack_nodes(pods: Sequence[Pod]) -> list[Pod]:
    """The pods for which the scheduler has found no node."""
    return [pod for pod in pods if _scheduling(pod) is not None]


def without_pods(refusal: str) -> Verdict:
    """What is said of a job whose pods the API server does not accept."""
    said = sentence(" ".join(refusal.split()))
    message = (
        f"The Job's pods can't be made: {said} It is tried again by itself; the cause may be the "
        "namespace's quota or Pod Security Standard, the service account, or the PriorityClass."
    )
    return Verdict(state=State.STALLED, reason=Reason.PODS_NOT_CREATED, message=message)


def unless_new(found: Verdict | None, before: Verdict | None) -> Verdict | None:
    """What a job waits for; the words from before where only a pod's name and numbers have changed since.

    On a busy cluster the scheduler and Kueue count anew, for every pod and job, each time that anything starts or ends
    anywhere: news of that would be a write for each waiting job and change of the cluster.
    """
    if found is None or before is None or found.reason not in _COUNTED:
        return found
    return before if _gist(found) == _gist(before) else found


def _gist(verdict: Verdict) -> tuple[State, Reason, str]:
    return verdict.state, verdict.reason, _COUNTS.sub("#", _POD.sub("", verdict.message))


def _queued(job: Mapping[str, Any]) -> Verdict:
    queue = labels_of(job).get(QUEUE_LABEL)
    if queue:
        message = f"Waiting in the queue {queue}: Kueue starts the job when the queue has room for it."
    else:
        message = "The Job is suspended, not by this object: somebody has set its spec.suspend."
    return Verdict(state=State.PROGRESSING, reason=Reason.QUEUED, message=message)


def without_kueue(found: Verdict, job: Mapping[str, Any]) -> Verdict:
    """What is said of a job that waits in a queue where there is no Kueue: it starts the job should it come."""
    queue = labels_of(job).get(QUEUE_LABEL)
    if not queue:
        return found
    message = (
        f"Waiting in the queue {queue}, and nothing starts the job: the cluster does not serve {QUEUE_API}. Install "
        "Kueue, or make a new object without queueName."
    )
    return replace(found, message=message)


def _image(pod: Pod, *, can_change: bool) -> Verdict | None:
    for container in pod.states:
        if container.waiting.get("reason") in _IMAGE_REASONS:
            return _stalled(Reason.IMAGE_PULL_FAILED, pod, container, advice=_image_advice(can_change=can_change))
    return None


def _image_advice(*, can_change: bool) -> str:
    advice = "Check that the image exists and that the nodes may pull it: it is tried again by itself."
    if can_change:
        return f"{advice} Where they can't, give cluster.image or cluster.imagePullSecrets."
    return (
        f"{advice} Where they can't, make a new object with cluster.image or cluster.imagePullSecrets: the spec of "
        "this one can't be changed."
    )


def _creation(pod: Pod) -> Verdict | None:
    for container in pod.states:
        if container.waiting.get("reason") in _CREATION_REASONS:
            return _stalled(Reason.CONTAINER_NOT_STARTED, pod, container, advice="It is tried again by itself.")
    return None


def _stalled(reason: Reason, pod: Pod, container: ContainerState, *, advice: str) -> Verdict:
    said = _in_one_line(container.waiting.get("message") or container.waiting["reason"])
    return Verdict(state=State.STALLED, reason=reason, message=f"Pod {pod.name}: {said}. {advice}")


def _scheduling(pod: Pod) -> Verdict | None:
    condition = pod.condition("PodScheduled")
    if pod.node or condition is None or condition.get("status") != "False":
        return None
    said = _in_one_line(condition.get("message") or condition.get("reason") or "no node fits")
    message = f"Pod {pod.name} waits for a node: {said}"
    return Verdict(state=State.PROGRESSING, reason=Reason.UNSCHEDULABLE, message=message)


def _in_one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
