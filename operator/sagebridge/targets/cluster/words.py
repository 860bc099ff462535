"""What others say of jobs that wait.

Kueue of those in its queue, whoever makes nodes of pods that have none, the Job controller of pods that it can't make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sagebridge.core.cluster.engines import is_job_set
from sagebridge.core.cluster.pods import newest_by_host, of_job
from sagebridge.core.cluster.telling import FAILED_CREATE, JOB_CREATION_FAILED, NODE_MAKERS
from sagebridge.core.cluster.waiting import lack_nodes, with_words, without_kueue
from sagebridge.core.conditions import Verdict
from sagebridge.core.reasons import Reason
from sagebridge.targets.cluster.view import ClusterView, Seen

Body = Mapping[str, Any]


class OthersWords:
    """Joins what others say to what the Job and its pods say.

    Of Events, as `telling.essence` has them, the newest of each teller about each object is kept for as long as the API
    server has it.
    """

    def __init__(self, *, view: ClusterView) -> None:
        self._view = view
        self._newest: dict[tuple[str, str], Body] = {}

    def put(self, told: Body) -> None:
        """An Event is there, or was told again."""
        key = told["of"], told["by"]
        before = self._newest.get(key)
        if before is None or _is_same(before, told) or before["at"] <= told["at"]:
            self._newest[key] = told

    def remove(self, told: Body) -> None:
        """An Event is gone: the API server keeps them for an hour or so."""
        key = told["of"], told["by"]
        if key in self._newest and _is_same(self._newest[key], told):
            del self._newest[key]

    def join(self, waiting: Verdict | None, one: Seen) -> Verdict | None:
        """What a job waits for, with the others' words for it."""
        if waiting is None or one.job is None:
            return waiting
        if waiting.reason is Reason.QUEUED:
            if self._view.has_kueue is False:
                return without_kueue(waiting, one.job)
            said = self._view.said_of(one.job)
            return with_words(waiting, [f"Kueue: {said}"] if said else [])
        if waiting.reason is Reason.UNSCHEDULABLE:
            return with_words(waiting, self._of_nodes(one.job, list(one.pods.values())))
        return waiting

    def refusal(self, job: Body) -> str:
        """Why the Job controller could not make a pod of this Job lately, or JobSet no Job; empty if it could."""
        by = JOB_CREATION_FAILED if is_job_set(job) else FAILED_CREATE
        return self._said(job["metadata"]["uid"], by)

    def _of_nodes(self, job: Body, bodies: Sequence[Body]) -> list[str]:
        pods = lack_nodes(newest_by_host(of_job(job, bodies)))
        uids = [str(pod.body["metadata"].get("uid", "")) for pod in pods]
        found = {by: next(filter(None, (self._said(uid, by) for uid in uids)), "") for by in NODE_MAKERS.values()}
        return [f"{by}: {said}" for by, said in found.items() if said]

    def _said(self, uid: str, by: str) -> str:
        told = self._newest.get((uid, by))
        return str(told["said"]) if told is not None else ""


def _is_same(one: Body, other: Body) -> bool:
    return bool(one["metadata"]["uid"] == other["metadata"]["uid"])
