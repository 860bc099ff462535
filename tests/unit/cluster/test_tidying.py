"""What a queue, or JobSet, would run again of an attempt that has ended for its object, or is to end."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.engines import as_job
from sagebridge.core.cluster.names import (
    ANNOTATION_STOP,
    JOB_NAME_LABEL,
    LABEL_ATTEMPT,
    LABEL_UID,
    job_set_name,
    kubernetes_name,
)
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.protocol import Handle
from support.cluster_jobs import OWNER, cluster_target, ended, kubernetes_job, pod, running

LABELS = {LABEL_UID: OWNER.uid, LABEL_ATTEMPT: "1"}
HANDLE = Handle(owner=OWNER, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))
NAME = kubernetes_name(OWNER, 1)


class Objects:
    """Has one Job, and notes what is done about it."""

    def __init__(self, job: Any = None) -> None:
        self.there = job
        self.asked = 0
        self.deleted: list[str] = []
        self.told: list[tuple[str, Any]] = []
        self.given_up: list[str] = []

    async def job(self, _: Handle) -> Any:
        self.asked += 1
        return self.there

    async def delete_job(self, _: Handle, job: Any) -> None:
        self.deleted.append(job["metadata"]["uid"])

    async def patch_job(self, _: Handle, job: Any, changes: Any) -> None:
        assert changes == {"spec": {"activeDeadlineSeconds": 1}}
        self.given_up.append(job["metadata"]["uid"])

    async def annotate_pod(self, body: Any, annotations: Any) -> None:
        self.told.append((body["metadata"]["name"], annotations))


def job(**given: Any) -> dict[str, Any]:
    body = kubernetes_job(size=2, labels=given.pop("labels", LABELS), **given)
    body["metadata"] |= {"name": NAME, "namespace": OWNER.namespace}
    return body


def job_set() -> dict[str, Any]:
    metadata = {"name": job_set_name(OWNER, 1), "namespace": OWNER.namespace, "labels": LABELS, "uid": "set"}
    return as_job({"metadata": metadata | {"annotations": OWNER.tags()}, "spec": {"replicatedJobs": []}})


def host(index: int, **given: Any) -> dict[str, Any]:
    body = pod(index, **given)
    labels = LABELS | {JOB_NAME_LABEL: NAME}
    body["metadata"] |= {"namespace": OWNER.namespace, "labels": labels}
    return body


@pytest.mark.parametrize(
    ("seen", "there", "deleted", "asked", "because"),
    [
        (job(suspend=True), job(suspend=True), ["job-uid"], 1, "the queue would start it again"),
        (job(), job(), ["job-uid"], 1, "the queue has started it again"),
        (job(ended="Failed"), None, [], 0, "it has ended: its logs are kept, and nobody asks"),
        (job(), job(ended="Failed"), [], 1, "it has ended, which was not seen yet"),
        (job(), None, [], 1, "it is gone"),
        (job(labels={}), job(), [], 0, "it only has the name"),
        (None, job(), [], 0, "there is nothing to be seen"),
    ],
)
async def test_of_a_closed_attempt_nothing_is_left_that_runs(
    seen: Any, there: Any, deleted: list[str], asked: int, because: str
) -> None:
    view, objects = ClusterView(), Objects(there)
    if seen is not None:
        view.put_job(seen)

    await cluster_target(view=view, objects=objects).tidy(HANDLE)

    assert (objects.deleted, objects.asked) == (deleted, asked), because


async def test_a_job_set_that_would_make_its_job_anew_goes() -> None:
    view, objects = ClusterView(), Objects(job_set())
    view.put_job_set(job_set())

    await cluster_target(view=view, objects=objects).tidy(HANDLE)

    assert objects.deleted == ["set"]


async def test_what_a_queue_starts_again_of_a_job_that_is_to_stop_is_told() -> None:
    view, objects = ClusterView(), Objects()
    view.put_job(job(stop="Stopped"))
    told = {ANNOTATION_STOP: "Stopped"}
    training = {"prepare": ended(2, 5), "train": running(6), "agent": running(6)}
    view.put_pod(host(0, name="trains", **training))
    marked = host(1, name="knows", **training)
    marked["metadata"]["annotations"] |= told
    view.put_pod(marked)
    view.put_pod(host(1, name="prepares", prepare=running(2)))

    await cluster_target(view=view, objects=objects).attend(HANDLE, None)  # type: ignore[arg-type]

    assert objects.told == [("trains", told)]


class Hopeless:
    """What runs has no chance, as far as it is seen."""

    is_told = True

    def is_to_be_given_up(self, *_: Any) -> bool:
        return True


@pytest.mark.parametrize(("is_partly_seen", "given_up"), [(False, ["job-uid"]), (True, [])])
async def test_no_job_is_given_up_by_a_part_of_it_and_agents_are_told_all_the_same(
    *, is_partly_seen: bool, given_up: list[str]
) -> None:
    view, objects = ClusterView(), Objects()
    view.put_job(job())
    view.put_pod(host(0, name="has-trained", prepare=ended(2, 5), train=ended(6, 9), agent=running(6)))
    target: Any = cluster_target(view=view, objects=objects)
    target._workload = Hopeless()

    await target.attend(HANDLE, None, is_partly_seen=is_partly_seen)

    assert (objects.given_up, [name for name, _ in objects.told]) == (given_up, ["has-trained"])


async def test_pods_of_a_job_that_has_only_the_labels_are_left_alone() -> None:
    view, objects = ClusterView(), Objects()
    copy = job(stop="Stopped")
    copy["metadata"]["annotations"] = {ANNOTATION_STOP: "Stopped"}
    view.put_job(copy)
    view.put_pod(host(0, prepare=ended(2, 5), train=running(6), agent=running(6)))

    await cluster_target(view=view, objects=objects).attend(HANDLE, None)  # type: ignore[arg-type]

    assert objects.told == []


async def test_a_job_that_is_not_to_stop_is_left_alone() -> None:
    view, objects = ClusterView(), Objects()
    view.put_job(job())
    view.put_pod(host(0, prepare=ended(2, 5), train=running(6), agent=running(6)))

    await cluster_target(view=view, objects=objects).attend(HANDLE, None)  # type: ignore[arg-type]

    assert objects.told == []
