"""What others say of a job that waits: joined to what it waits for."""

from typing import Any

import pytest
from sagebridge.core.cluster import queueing
from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_UID
from sagebridge.core.cluster.observation import observe
from sagebridge.core.cluster.waiting import without_pods
from sagebridge.targets.cluster.view import ClusterView, Seen
from sagebridge.targets.cluster.words import OthersWords
from support.cluster_jobs import JOB_UID, OWNER, kubernetes_job, pod

LACKS_NODE = [{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available: 2 Insufficient gpu."}]


@pytest.fixture
def view() -> ClusterView:
    return ClusterView()


@pytest.fixture
def words(view: ClusterView) -> OthersWords:
    return OthersWords(view=view)


def event(of: str, said: str, *, by: str = "Karpenter", at: str = "", uid: str = "e1") -> dict[str, Any]:
    return {"metadata": {"uid": uid, "resourceVersion": "1"}, "of": of, "by": by, "at": at, "said": said}


def waiting_host(index: int, **more: Any) -> dict[str, Any]:
    body = pod(index, phase="Pending", node="", conditions=LACKS_NODE, name=f"job-{index}", **more)
    body["metadata"]["uid"] = f"p{index}"
    return body


def seen(*pods: dict[str, Any], namespace: str = "team", suspend: bool = False) -> Seen:
    job = kubernetes_job(size=max(len(pods), 1), suspend=suspend, labels={"kueue.x-k8s.io/queue-name": "gpus"})
    job["metadata"]["namespace"] = namespace
    return Seen(job=job, pods={one["metadata"]["name"]: one for one in pods})


def told(words: OthersWords, one: Seen) -> str:
    assert one.job is not None
    found = words.join(observe(one.job, list(one.pods.values())).waiting, one)
    return found.message if found else ""


def workload(said: str, *, uid: str = JOB_UID) -> dict[str, Any]:
    metadata = {"name": "w", "namespace": "team", "uid": "w1", "resourceVersion": "1"}
    return {"metadata": metadata, "owner": {"kind": "Job", "name": "job", "uid": uid}, "said": said}


def test_all_that_know_of_nodes_are_heard(words: OthersWords) -> None:
    words.put(event("p0", "1 max node group size reached", by="Cluster Autoscaler"))
    words.put(event("p0", "no nodepool fits", uid="e2"))

    assert told(words, seen(waiting_host(0))) == (
        "Pod job-0 waits for a node: 0/2 nodes are available: 2 Insufficient gpu. "
        "Karpenter: no nodepool fits. Cluster Autoscaler: 1 max node group size reached"
    )


def test_what_was_cut_needs_no_full_stop(words: OthersWords) -> None:
    words.put(event("p0", "no group fits…", by="Cluster Autoscaler"))
    words.put(event("p0", "no nodepool…", uid="e2"))

    assert told(words, seen(waiting_host(0))).endswith("Karpenter: no nodepool… Cluster Autoscaler: no group fits…")
    assert "must set it… It is tried again" in without_pods("agent must set it…").message


def test_any_of_the_pods_that_wait_will_do(words: OthersWords) -> None:
    words.put(event("p1", "no nodepool fits"))

    assert told(words, seen(waiting_host(0), waiting_host(1))).endswith("Karpenter: no nodepool fits")


def test_what_was_said_of_a_pod_that_has_a_node_is_no_news(words: OthersWords) -> None:
    words.put(event("p0", "no nodepool fits"))
    placed = pod(0, name="job-0")
    placed["metadata"]["uid"] = "p0"

    assert "Karpenter" not in told(words, seen(placed, waiting_host(1)))


@pytest.mark.parametrize(
    ("events", "want", "because"),
    [
        ([event("p0", "new", at="2"), event("p0", "old", at="1", uid="e2")], "new", "in whatever order they come"),
        ([event("p0", "old", at="1"), event("p0", "new", at="2", uid="e2")], "new", "a later one replaces it"),
        ([event("p0", "old", at="2"), event("p0", "new", at="1")], "new", "one that is told again is as it is now"),
    ],
)
def test_the_newest_word_counts(words: OthersWords, events: list[dict[str, Any]], want: str, because: str) -> None:
    for one in events:
        words.put(one)

    assert told(words, seen(waiting_host(0))).endswith(f"Karpenter: {want}"), because


def test_what_is_gone_is_forgotten(words: OthersWords) -> None:
    first, second = event("p0", "old", at="1"), event("p0", "new", at="2", uid="e2")
    words.put(first)
    words.put(second)

    words.remove(first)
    assert "new" in told(words, seen(waiting_host(0)))
    words.remove(second)
    assert "Karpenter" not in told(words, seen(waiting_host(0)))
    words.remove(second)


def test_who_does_not_wait_is_told_nothing(words: OthersWords) -> None:
    words.put(event(JOB_UID, "exceeded quota", by="FailedCreate"))

    assert told(words, seen(pod(0))) == ""
    assert words.join(None, Seen()) is None


def test_why_a_job_has_no_pods(words: OthersWords) -> None:
    job = kubernetes_job()
    assert words.refusal(job) == ""

    words.put(event(JOB_UID, "exceeded quota", by="FailedCreate"))
    assert words.refusal(job) == "exceeded quota"


def test_why_a_job_set_has_no_job(words: OthersWords) -> None:
    job_set = {**kubernetes_job(), "kind": "JobSet"}
    words.put(event(JOB_UID, "of a Job", by="FailedCreate"))
    words.put(event(JOB_UID, "denied", by="JobCreationFailed", uid="e2"))

    assert words.refusal(job_set) == "denied"


def test_kueue_is_heard_while_the_job_waits_in_its_queue(words: OthersWords, view: ClusterView) -> None:
    view.put_workload(workload("insufficient unused quota"))
    assert told(words, seen(suspend=True)) == (
        "Waiting in the queue gpus: Kueue starts the job when the queue has room for it. "
        "Kueue: insufficient unused quota"
    )

    assert "quota" not in told(words, seen(waiting_host(0)))
    view.remove_workload(workload(""))
    assert "Kueue: " not in told(words, seen(suspend=True))


@pytest.mark.parametrize(
    ("has_kueue", "want", "reason"),
    [
        (None, "Kueue starts the job when the queue has room for it.", "discovery may be away"),
        (True, "Kueue starts the job when the queue has room for it.", "it is there"),
        (False, "does not serve kueue.x-k8s.io. Install Kueue, or make a new object without queueName.", "it is not"),
    ],
)
def test_a_queue_without_kueue(
    words: OthersWords, view: ClusterView, has_kueue: bool | None, want: str, reason: str
) -> None:
    view.has_kueue = has_kueue
    assert told(words, seen(suspend=True)).endswith(want), reason
    suspended = Seen(job=kubernetes_job(suspend=True))
    assert told(words, suspended).endswith("somebody has set its spec.suspend."), "no queue's to start"


def test_a_workload_of_another_job_of_that_name_says_nothing(words: OthersWords, view: ClusterView) -> None:
    view.put_workload(workload("insufficient unused quota", uid="another"))

    assert "quota" not in told(words, seen(suspend=True))


@pytest.mark.parametrize(("uid", "news"), [(JOB_UID, [(OWNER.uid, 2)]), ("another", [])])
def test_a_word_of_kueue_is_news_of_its_job_alone(view: ClusterView, uid: str, news: list[tuple[str, int]]) -> None:
    job = kubernetes_job(labels={LABEL_UID: OWNER.uid, LABEL_ATTEMPT: "2"})
    job["metadata"]["namespace"] = "team"
    view.put_job(job)
    heard: list[tuple[str, int]] = []
    view.changed = lambda uid, attempt: heard.append((uid, attempt))

    view.put_workload(workload("no", uid=uid))

    assert heard == news


def test_the_view_takes_what_is_kept_of_a_workload(view: ClusterView) -> None:
    metadata = {"namespace": "team", "ownerReferences": [{"uid": JOB_UID, "controller": True}]}
    status = {"conditions": [{"type": "QuotaReserved", "status": "False", "message": "no"}]}
    view.put_workload(queueing.essence({"metadata": metadata, "status": status}))

    assert view.said_of(kubernetes_job()) == "no"
