"""What the pods of a processing job are told while they run, and how the job is stopped."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.names import (
    ANNOTATION_ENDED,
    ANNOTATION_STOP,
    JOB_NAME_LABEL,
    LABEL_ATTEMPT,
    LABEL_UID,
    kubernetes_name,
)
from sagebridge.core.observation import Phase
from sagebridge.kinds.processing_job import KIND
from sagebridge.targets.cluster.target import ClusterTarget
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.cluster.words import OthersWords
from sagebridge.targets.cluster.workloads import Processing
from sagebridge.targets.protocol import Handle
from support.cluster_jobs import OWNER, ended, kubernetes_job, running
from support.cluster_processing import pod

LABELS = {LABEL_UID: OWNER.uid, LABEL_ATTEMPT: "1"}
NAME = kubernetes_name(OWNER, 1)
HANDLE = Handle(owner=OWNER, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))
WORKS: dict[str, Any] = {"prepare": ended(2, 5), "process": running(6), "agent": running(6)}


class Objects:
    """Has one Job and its pods, and notes what is done about them."""

    def __init__(self, job: dict[str, Any], pods: list[dict[str, Any]]) -> None:
        self.there, self.has = job, pods
        self.told: list[tuple[str, Any]] = []
        self.patched: list[Any] = []
        self.deleted: list[str] = []

    async def job(self, _: Handle) -> Any:
        return self.there

    async def pods(self, _: Handle) -> Any:
        return self.has

    async def annotate_pod(self, body: Any, annotations: Any) -> None:
        self.told.append((body["metadata"]["name"], annotations))

    async def end_pod(self, body: Any) -> None:
        self.told.append((body["metadata"]["name"], "ended"))

    async def patch_job(self, _: Handle, job: Any, changes: Any) -> None:
        del job
        self.patched.append(changes)

    async def delete_job(self, _: Handle, job: Any) -> None:
        self.deleted.append(job["metadata"]["name"])


def on_cluster(*pods: dict[str, Any], **job: Any) -> tuple[ClusterTarget, Objects]:
    """What runs ProcessingJobs, where there is one Job with these pods."""
    view = ClusterView()
    body = kubernetes_job(size=len(pods) or 1, labels=LABELS, **job)
    body["metadata"] |= {"name": NAME, "namespace": OWNER.namespace}
    view.put_job(body)
    for each in pods:
        each["metadata"] |= {"namespace": OWNER.namespace, "labels": LABELS | {JOB_NAME_LABEL: NAME}}
        view.put_pod(each)
    objects: Any = Objects(body, list(pods))
    nobody: Any = None
    target = ClusterTarget(
        kind=KIND,
        workload=Processing(kind=KIND, planner=nobody, objects=objects),
        client=nobody,
        objects=objects,
        view=view,
        words=OthersWords(view=view),
        stage=nobody,
    )
    return target, objects


@pytest.mark.parametrize(
    ("reason", "host", "job", "told"),
    [
        (
            "an agent that does not see how the container ended is told",
            pod(prepare=ended(2, 5), process=ended(6, 9, 3), agent=running(6)),
            {},
            [("job-0-x7k2p", {ANNOTATION_ENDED: "3"})],
        ),
        (
            "without its agent nobody keeps the time",
            pod(prepare=ended(2, 5), process=running(6), agent=ended(6, 9, 137)),
            {},
            [("job-0-x7k2p", "ended")],
        ),
        (
            "what a queue has started again is told",
            pod(**WORKS),
            {"stop": "Stopped"},
            [("job-0-x7k2p", {ANNOTATION_STOP: "Stopped"})],
        ),
        ("what works has nothing to hear", pod(**WORKS), {}, []),
    ],
)
async def test_what_pods_are_told(reason: str, host: Any, job: dict[str, Any], told: list[Any]) -> None:
    target, objects = on_cluster(host, **job)
    await target.attend(HANDLE, None)  # type: ignore[arg-type]
    assert objects.told == told, reason


async def test_what_works_on_all_hosts_is_told_to_stop() -> None:
    target, objects = on_cluster(pod(0, **WORKS), pod(1, **WORKS))

    found = await target.stop(HANDLE)

    assert (found.phase, found.fields) == (Phase.STOPPING, {"processingJobStatus": "Stopping"})
    assert sorted(objects.told) == [(f"job-{index}-x7k2p", {ANNOTATION_STOP: "Stopped"}) for index in range(2)]
    assert objects.patched == [{"metadata": {"annotations": {ANNOTATION_STOP: "Stopped"}}}]


async def test_what_has_not_begun_everywhere_is_taken_away() -> None:
    target, objects = on_cluster(pod(0, **WORKS), pod(1, prepare=running(2)))

    assert (await target.stop(HANDLE)).phase is Phase.STOPPING
    assert objects.told == []
    assert objects.patched[0]["spec"] == {"activeDeadlineSeconds": 1}


async def test_what_waits_in_a_queue_goes() -> None:
    target, objects = on_cluster(suspend=True)

    found = await target.stop(HANDLE)

    assert (found.phase, found.fields) == (Phase.STOPPED, {"processingJobStatus": "Stopped"})
    assert objects.deleted == [NAME]
