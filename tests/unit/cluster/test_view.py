"""What counts as an attempt's Job and pods: what has their names, in their object's namespace."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.engines import as_job
from sagebridge.core.cluster.names import JOB_NAME_LABEL, LABEL_ATTEMPT, LABEL_UID, job_set_name, kubernetes_name
from sagebridge.core.cluster.pods import Pod
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.protocol import Handle
from support.cluster_jobs import OWNER, at, cluster_target, disruption, ended, kubernetes_job, pod, running

NAME = kubernetes_name(OWNER, 1)
SHOWN = ("phase", "train", "agent", "conditions")
LABELS = {LABEL_UID: OWNER.uid, LABEL_ATTEMPT: "1"}
HANDLE = Handle(owner=OWNER, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))


def job(**metadata: Any) -> dict[str, Any]:
    body = kubernetes_job()
    body["metadata"] |= {"name": NAME, "namespace": OWNER.namespace, "labels": LABELS} | metadata
    return body


def host(**more: Any) -> dict[str, Any]:
    metadata = {key: value for key, value in more.items() if key not in SHOWN}
    body = pod(**{key: value for key, value in more.items() if key in SHOWN})
    labels = LABELS | {JOB_NAME_LABEL: NAME}
    body["metadata"] |= {"namespace": OWNER.namespace, "labels": labels} | metadata
    return body


async def observed(view: ClusterView) -> dict[str, Any]:
    target = cluster_target(view=view)
    return dict(await target.observe([HANDLE]))


async def test_its_own_job_is_seen() -> None:
    view = ClusterView()
    view.put_job(job())

    assert OWNER.uid in await observed(view)


@pytest.mark.parametrize(
    "metadata",
    [
        {"namespace": "another"},
        {"name": "another"},
        {"labels": {LABEL_UID: "another", LABEL_ATTEMPT: "1"}},
        {"labels": LABELS | {LABEL_ATTEMPT: "2"}},
    ],
    ids=["namespace", "name", "object", "attempt"],
)
async def test_a_job_that_only_says_so_is_not(metadata: dict[str, Any]) -> None:
    view = ClusterView()
    view.put_job(job(**metadata))

    assert await observed(view) == {}


@pytest.mark.parametrize(
    "metadata",
    [{"namespace": "another"}, {"labels": LABELS}, {"labels": LABELS | {JOB_NAME_LABEL: "another"}}],
    ids=["namespace", "no Job", "another Job"],
)
def test_a_pod_that_only_says_so_is_not(metadata: dict[str, Any]) -> None:
    view = ClusterView()
    view.put_job(job())
    view.put_pod(host())
    view.put_pod(host(name="forged", **metadata))

    assert list(view.of(HANDLE).pods) == [host()["metadata"]["name"]]


def test_a_pod_that_is_gone_is_remembered_as_long_as_its_job() -> None:
    view = ClusterView()
    view.put_job(job())
    view.put_pod(host())
    view.remove_pod(host(deletionTimestamp=at(158), deletionGracePeriodSeconds=150))
    assert len(view.of(HANDLE).pods) == 1

    view.remove_job(job())
    assert not view.of(HANDLE).pods


def test_a_pod_that_ran_when_it_was_last_seen_and_is_gone_counts_no_more() -> None:
    """As one that was deleted while nobody could look: another of its host is there, or will be."""
    view = ClusterView()
    view.put_job(job())
    view.put_pod(host())
    view.put_pod(host(name="later", creationTimestamp=at(90), deletionTimestamp=at(250)))
    view.remove_pod(host())

    assert list(view.of(HANDLE).pods) == ["later"]


@pytest.mark.parametrize(
    ("reason", "more"),
    [
        ("it had ended", {"phase": "Failed"}),
        ("its script had failed", {"train": ended(6, 9, 1), "agent": running(6)}),
        ("the cluster took it away", {"conditions": disruption("DeletionByTaintManager", "the node goes")}),
    ],
)
def test_what_was_last_seen_of_a_pod_may_tell_why_it_went(reason: str, more: dict[str, Any]) -> None:
    view = ClusterView()
    view.put_job(job())
    view.put_pod(host(**more))
    view.remove_pod(host(**more))

    assert len(view.of(HANDLE).pods) == 1, reason


def test_the_first_deletion_of_a_pod_is_remembered() -> None:
    view = ClusterView()
    view.put_job(job())
    view.put_pod(host(uid="a", deletionTimestamp=at(158), deletionGracePeriodSeconds=150))
    view.remove_pod(host(uid="a", deletionTimestamp=at(12), deletionGracePeriodSeconds=0))

    [seen] = view.of(HANDLE).pods.values()
    assert Pod(body=seen).deletion_requested_at == at(8)


def test_the_deletion_of_another_pod_of_that_name_is_none_of_its() -> None:
    view = ClusterView()
    view.put_job(job())
    view.put_pod(host(uid="a", deletionTimestamp=at(158), deletionGracePeriodSeconds=150))
    view.put_pod(host(uid="b"))

    [seen] = view.of(HANDLE).pods.values()
    assert not Pod(body=seen).is_being_deleted


def test_whoever_changed_is_told_by_object_and_attempt() -> None:
    view, told = ClusterView(), []
    view.changed = lambda uid, attempt: told.append((uid, attempt))
    view.put_job(job())
    view.put_pod(host(labels={LABEL_UID: "u", LABEL_ATTEMPT: "no number"}))

    assert told == [(OWNER.uid, 1), ("u", 0)]


def test_an_earlier_job_of_its_name_may_be_heard_to_be_gone_later() -> None:
    """A list tells first what is there, then what is not; JobSet makes a Job anew under the same name."""
    view = ClusterView()
    view.put_job(job(uid="earlier"))
    view.put_job(job(uid="later"))
    view.put_pod(host())
    view.remove_job(job(uid="earlier"))

    seen = view.of(HANDLE)
    assert seen.job is not None
    assert seen.job["metadata"]["uid"] == "later"
    assert len(seen.pods) == 1


def test_so_may_an_earlier_job_set_or_workload() -> None:
    view = ClusterView()
    name = {"name": job_set_name(OWNER, 1), "namespace": OWNER.namespace, "labels": LABELS}
    for uid in ("earlier", "later"):
        view.put_job_set(as_job({"metadata": name | {"uid": uid}, "spec": {"replicatedJobs": []}}))
        workload = {"metadata": name | {"uid": uid}, "owner": {"uid": "later"}, "said": uid}
        view.put_workload(workload)
    view.remove_job_set({"metadata": name | {"uid": "earlier"}})
    view.remove_workload({"metadata": name | {"uid": "earlier"}, "owner": {"uid": "later"}})

    seen = view.of(HANDLE)
    assert seen.job is not None
    assert seen.job["metadata"]["uid"] == view.said_of(seen.job) == "later"
