"""Which pods tell how a Job has ended: those that were followed, and a list only where they do not tell all."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.names import JOB_NAME_LABEL, LABEL_ATTEMPT, LABEL_UID, kubernetes_name
from sagebridge.core.observation import Phase
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.protocol import Handle
from support.cluster_jobs import JOB_UID, OWNER, cluster_target, ended, kubernetes_job, pod, running

NAME = kubernetes_name(OWNER, 1)
LABELS = {LABEL_UID: OWNER.uid, LABEL_ATTEMPT: "1"}
HANDLE = Handle(owner=OWNER, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))


class Objects:
    """The API server's Job and pods, which counts how often it lists the pods."""

    def __init__(self, job: dict[str, Any], pods: list[dict[str, Any]]) -> None:
        self._job = job
        self._pods = pods
        self.lists = 0

    async def job(self, handle: Handle) -> dict[str, Any]:
        return self._job

    async def pods(self, handle: Handle) -> list[dict[str, Any]]:
        self.lists += 1
        return self._pods


def job(*, how: str = "Complete", **counts: int) -> dict[str, Any]:
    body = kubernetes_job(size=2, ended=how)
    body["metadata"] |= {"name": NAME, "namespace": OWNER.namespace, "labels": LABELS}
    body["status"] |= counts
    return body


def host(index: int, *, phase: str = "Succeeded", of: str = JOB_UID) -> dict[str, Any]:
    state = running(2) if phase == "Running" else ended(2, 90, code=0 if phase == "Succeeded" else 1)
    body = pod(index, phase=phase, train=state, agent=state)
    body["metadata"] |= {
        "namespace": OWNER.namespace,
        "uid": f"p{index}",
        "labels": LABELS | {JOB_NAME_LABEL: NAME},
        "ownerReferences": [{"kind": "Job", "name": NAME, "uid": of, "controller": True}],
    }
    return body


def taken_away(body: dict[str, Any]) -> dict[str, Any]:
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    return body


BOTH = [host(0), host(1)]


@pytest.mark.parametrize(
    ("made", "seen", "lists", "because"),
    [
        (job(succeeded=2), BOTH, 0, "all that the Job has counted was seen as it ended"),
        (job(how="Failed", succeeded=1, failed=1), [host(0, phase="Failed"), host(1)], 0, "also of one that failed"),
        (job(succeeded=2), BOTH[:1], 1, "one was not seen"),
        (job(succeeded=2), [host(0), host(1, phase="Running")], 1, "one was not seen as it ended"),
        (job(succeeded=2), [host(0), host(1, of="another")], 1, "one is not this Job's"),
        (job(succeeded=2), [host(0), taken_away(host(1))], 1, "one is of before its node was taken away"),
        (job(), BOTH, 1, "the Job has counted none, so that nobody knows how many there were"),
        (job(how="", succeeded=2), BOTH, 1, "of a Job that is not finished there may be more"),
    ],
)
async def test_pods_are_listed_only_where_the_news_do_not_tell_all(
    made: dict[str, Any], seen: list[dict[str, Any]], lists: int, because: str
) -> None:
    view, objects = ClusterView(), Objects(made, BOTH)
    view.put_job(made)
    for one in seen:
        view.put_pod(one)

    found = await cluster_target(view=view, objects=objects).describe(HANDLE)

    assert objects.lists == lists, because
    assert (found.phase is Phase.OPEN) == (not made["status"]["conditions"])
