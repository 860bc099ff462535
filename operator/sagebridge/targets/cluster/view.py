"""The Jobs, JobSets and pods that the operator has made, as last seen: what a sweep is for SageMaker's jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.core.cluster.engines import member_name, member_of, owner_uid
from sagebridge.core.cluster.memory import recall
from sagebridge.core.cluster.names import (
    JOB_NAME_LABEL,
    LABEL_ATTEMPT,
    LABEL_UID,
    job_set_name,
    kubernetes_name,
    labels_of,
)
from sagebridge.core.cluster.pods import Pod
from sagebridge.core.names import Owner
from sagebridge.targets.protocol import Handle

Body = Mapping[str, Any]
Changed = Callable[[str, int], None]


@dataclass(kw_only=True, slots=True)
class Seen:
    """One attempt.

    Attributes:
        job: its Job; None if there is none.
        pods: its pods by name. One that is gone stays as it last was until the Job goes, if that tells of its end.
    """

    job: Body | None = None
    pods: dict[str, Body] = field(default_factory=dict)


class ClusterView:
    """Attempts by the namespace and the name of their Jobs, which follow from their objects: labels are anybody's.

    Attributes:
        changed: told of each change.
        has_kueue: whether the cluster serves Kueue's API; None while that is not known.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Seen] = {}
        self._said: dict[str, Body] = {}
        self._job_sets: dict[tuple[str, str], Body] = {}
        self.changed: Changed = lambda _uid, _attempt: None
        self.has_kueue: bool | None = None

    def found_kueue(self, is_there: bool) -> None:
        """Kueue's API has been looked for."""
        self.has_kueue = is_there

    def of(self, handle: Handle) -> Seen:
        """What is known of one attempt; an empty one if nothing is."""
        return self.of_attempt(handle.owner, handle.attempt)

    def of_attempt(self, owner: Owner, attempt: int) -> Seen:
        """What is known of one attempt of an object; an empty one if nothing is."""
        seen = self._seen.get((owner.namespace, kubernetes_name(owner, attempt)))
        if seen is not None and seen.job is not None and not owner_uid(seen.job):
            return seen
        name = job_set_name(owner, attempt)
        job_set = self._job_sets.get((owner.namespace, name))
        if job_set is None:
            return seen or Seen()
        member = self._seen.get((owner.namespace, member_name(name))) or Seen()
        return Seen(job=member_of(job_set, member.job), pods=member.pods)

    def put_job_set(self, body: Body) -> None:
        """A JobSet is there, or has changed; `engines.as_job` of it."""
        self._job_sets[_job_key(body)] = body
        self._tell(body)

    def remove_job_set(self, body: Body) -> None:
        """A JobSet is gone."""
        if _is_same(self._job_sets.get(_job_key(body)), body):
            del self._job_sets[_job_key(body)]
        self._tell(body)

    def put_job(self, body: Body) -> None:
        """A Job is there, or has changed."""
        self._at(_job_key(body)).job = body
        self._tell(body)

    def remove_job(self, body: Body) -> None:
        """A Job is gone, and what was remembered of its pods with it.

        It may be heard of after the next one of that name: JobSet makes a Job anew that somebody deletes.
        """
        seen = self._seen.get(_job_key(body))
        if seen is not None and (seen.job is None or _is_same(seen.job, body)):
            del self._seen[_job_key(body)]
        self._tell(body)

    def put_pod(self, body: Body) -> None:
        """A pod is there, or has changed."""
        _keep(self._at(_pod_key(body)), body)
        self._tell(body)

    def remove_pod(self, body: Body) -> None:
        """A pod is gone. One of which nothing is known but that it ran, as after a watch had a gap, tells nothing."""
        seen = self._at(_pod_key(body))
        _keep(seen, body)
        name = body["metadata"]["name"]
        if seen.job is None or not _tells_of_its_end(Pod(body=seen.pods[name])):
            del seen.pods[name]
        if seen.job is None and not seen.pods:
            self._seen.pop(_pod_key(body), None)
        self._tell(body)

    def put_workload(self, body: Body) -> None:
        """Kueue has made a Workload, or says something else of it; `queueing.essence` of it."""
        self._said[_owner_uid(body)] = body
        self._tell_owner(body)

    def remove_workload(self, body: Body) -> None:
        """A Workload is gone."""
        if _is_same(self._said.get(_owner_uid(body)), body):
            del self._said[_owner_uid(body)]
        self._tell_owner(body)

    def said_of(self, job: Body) -> str:
        """What Kueue says of a Job, or of the JobSet that it is of; empty if it says nothing."""
        workload = self._said.get(owner_uid(job) or job["metadata"]["uid"])
        return str(workload["said"]) if workload is not None else ""

    def _tell_owner(self, workload: Body) -> None:
        """Most are of Jobs that are not ours."""
        key = workload["metadata"]["namespace"], str(workload["owner"].get("name", ""))
        seen = self._seen.get(key)
        for body in (seen.job if seen is not None else None, self._job_sets.get(key)):
            if body is not None and body["metadata"]["uid"] == _owner_uid(workload):
                self._tell(body)

    def _at(self, key: tuple[str, str]) -> Seen:
        return self._seen.setdefault(key, Seen())

    def _tell(self, body: Body) -> None:
        labels = labels_of(body)
        number = labels.get(LABEL_ATTEMPT, "")
        self.changed(labels.get(LABEL_UID, ""), int(number) if number.isdecimal() else 0)


def _is_same(known: Body | None, body: Body) -> bool:
    """Whether this is what is known, and not an earlier one of its name."""
    return known is not None and known["metadata"]["uid"] == body["metadata"]["uid"]


def _keep(seen: Seen, pod: Body) -> None:
    name = pod["metadata"]["name"]
    seen.pods[name] = recall(pod, seen.pods.get(name))


def _tells_of_its_end(pod: Pod) -> bool:
    has_failed = any(container.exit_code for container in pod.states)
    return pod.is_finished or pod.is_being_deleted or pod.disruption is not None or has_failed


def _job_key(body: Body) -> tuple[str, str]:
    return body["metadata"]["namespace"], body["metadata"]["name"]


def _pod_key(body: Body) -> tuple[str, str]:
    return body["metadata"]["namespace"], labels_of(body).get(JOB_NAME_LABEL, "")


def _owner_uid(workload: Body) -> str:
    return str(workload["owner"].get("uid", ""))
