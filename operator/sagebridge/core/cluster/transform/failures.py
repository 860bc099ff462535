"""Why a transform job failed: what its pods leave, as a FailureReason in SageMaker's words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.endings import (
    NOBODY_KNOWS,
    deletion,
    ended_by,
    eviction,
    failed_by_themselves,
    full_disk,
    interruption,
    of_job,
    rejection,
    unseen_interruption,
)
from sagebridge.core.cluster.jobs import TO_END
from sagebridge.core.cluster.names import AGENT, FETCH_MODEL, SERVE
from sagebridge.core.container import last_words
from sagebridge.core.container.failure import FAILURE_REASON_LIMIT, client_error, internal_server_error
from sagebridge.core.transform.batch import failed_objects, unhealthy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.pods import ContainerState, Pod

_DISK_ADVICE: Final = "Use an instance type whose nodes have more disk."
_MOST_RESTARTS: Final = 2
"""Of a model server that ends at once: it has then ended three times, as many as an agent would wait for."""
_KILLED: Final = (0, 137, 143)
"""The exit codes of a model server that was ended because its pod was."""


def failure_reason(job: Mapping[str, Any], pods: Sequence[Pod]) -> str:
    """The reason of a job that failed, at most 1,024 characters."""
    looks = (
        partial(full_disk, advice=_DISK_ADVICE),
        interruption,
        partial(unseen_interruption, job=job),
        eviction,
        partial(_never_served, job=job),
        partial(deletion, doing="served"),
        _preparation,
        _agents_own,
        _objects,
        _silent,
        rejection,
    )
    for look in looks:
        if (found := look(pods)) is not None:
            return found[:FAILURE_REASON_LIMIT]
    return of_job(job)


def shares_apart(pods: Sequence[Pod]) -> str | None:
    """Why a job whose pods have all done their parts may lack outputs: they took shares of different lists."""
    lists = {str(found) for pod in pods if (found := pod.agent.message.get("inputs"))}
    if len(lists) < 2:
        return None
    return internal_server_error(
        "The input objects were changed or deleted while the pods looked for them, so that some may have no output."
    )


def is_hopeless(pods: Sequence[Pod]) -> bool:
    """Whether there is nothing but model servers that end as soon as they start, and pods that are done.

    The kubelet begins with the agent once it has seen the server run, and without an agent nobody gives up.
    Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    left = [pod for pod in pods if not pod.is_finished]
    return bool(left) and all(_ends_at_once(pod) for pod in left)


def is_given_up(job: Mapping[str, Any]) -> bool:
    """Whether a Job was told to end; a time that a policy of the cluster gives it is longer."""
    return bool(TO_END.items() <= job.get("spec", {}).items())


def _ends_at_once(pod: Pod) -> bool:
    return pod.agent.started_at is None and not pod.container(SERVE).running and _has_ended_often(pod)


def _has_ended_often(pod: Pod) -> bool:
    return pod.phase != "Succeeded" and pod.container(SERVE).restarts >= _MOST_RESTARTS


def _never_served(pods: Sequence[Pod], *, job: Mapping[str, Any]) -> str | None:
    """A model server that was never seen to run; by now it may have been started once more."""
    look = _has_ended_often if is_given_up(job) else _ends_at_once
    found = next(filter(look, pods), None)
    told = unhealthy(job["metadata"]["name"], logs="the logs of its pods")
    return f"{told}{_words(found)}" if found else None


def _preparation(pods: Sequence[Pod]) -> str | None:
    """A model that is not to be had."""
    for pod in _by_time(failed_by_themselves(pods, FETCH_MODEL), FETCH_MODEL):
        said = pod.container(FETCH_MODEL).message.get("failureReason")
        return str(said) if said else ended_by(pod, FETCH_MODEL)
    return None


def _agents_own(pods: Sequence[Pod]) -> str | None:
    """Data that is not to be had, outputs that can't be written, a model server that is not there."""
    for pod in _by_time(pods, AGENT):
        if said := pod.agent.message.get("failureReason"):
            return f"{said}{_words(pod)}" if pod.agent.message.get("unhealthy") else str(said)
    return None


def _objects(pods: Sequence[Pod]) -> str | None:
    """Objects without outputs: the first of all, and how many more."""
    told = [(pod, found) for pod in pods if isinstance(found := pod.agent.message.get("failed"), dict)]
    if not told:
        return None
    pod, first = min(told, key=lambda each: _number(_first(each[1]).get("position")))
    count = sum(_number(found.get("count")) for _, found in told)
    is_algorithms = any(bool(found.get("isAlgorithms")) for _, found in told)
    reason = str(_first(first).get("failureReason", ""))
    out_of_memory = _out_of_memory(pod)
    told_first = f"{reason} {out_of_memory}".strip() if out_of_memory else reason
    return failed_objects(told_first, more=max(0, count - 1), is_algorithms=is_algorithms)


def _silent(pods: Sequence[Pod]) -> str | None:
    """An agent that ended without a word."""
    failed = _by_time([pod for pod in pods if pod.agent.exit_code not in (None, 0)], AGENT)
    if greedy := next((pod for pod in failed if pod.agent.is_out_of_memory), None):
        return client_error(
            f"The agent of pod {greedy.name} was ended at its memory limit: an object and its output are in memory "
            "while it is transformed. Cut large objects into several."
        )
    return ended_by(failed[0], AGENT) if failed else None


def _words(pod: Pod) -> str:
    """What the model server has said in its end."""
    found = _out_of_memory(pod) or last_words.of(str(_end(pod.container(SERVE)).get("message", "")).splitlines())
    return f" Its last words: {found}" if found else ""


def _end(server: ContainerState) -> Mapping[str, Any]:
    """How the model server ended by itself, if it did."""
    ends = [server.terminated, server.last]
    return next((end for end in ends if end and end.get("exitCode") not in _KILLED), server.last)


def _out_of_memory(pod: Pod) -> str:
    server = pod.container(SERVE)
    if "OOMKilled" not in (server.terminated.get("reason"), server.last.get("reason")):
        return ""
    return f"OutOfMemory: the container {SERVE} of {pod.name} was ended by the kernel at its memory limit."


def _first(failed: Mapping[str, Any]) -> Mapping[str, Any]:
    found = failed.get("first")
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> int:
    """Whoever may write into a pod may write anything."""
    return value if isinstance(value, int) else 0


def _by_time(pods: Sequence[Pod], container: str) -> list[Pod]:
    return sorted(pods, key=lambda pod: (pod.container(container).finished_at or NOBODY_KNOWS, pod.index))
