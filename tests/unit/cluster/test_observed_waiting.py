"""What a Job waits for, in words that only change when there is something new."""

from typing import Any

import pytest
from sagebridge.core.cluster.observation import observe
from sagebridge.core.cluster.waiting import unless_new
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.reasons import Reason
from support.cluster_jobs import UNSCHEDULABLE, ended, held, kubernetes_job, pod, running

PULL = (
    "Check that the image exists and that the nodes may pull it: it is tried again by itself. Where they can't, make a "
    "new object with cluster.image or cluster.imagePullSecrets: the spec of this one can't be changed."
)


@pytest.mark.parametrize(
    ("job", "pods", "state", "reason", "words"),
    [
        (
            kubernetes_job(),
            [pod(node="", phase="Pending", conditions=UNSCHEDULABLE)],
            State.PROGRESSING,
            Reason.UNSCHEDULABLE,
            "0/12 nodes are available: 12 Insufficient nvidia.com/gpu",
        ),
        (
            kubernetes_job(),
            [pod(prepare=ended(2, 5), train=held("ImagePullBackOff", 'Back-off pulling image "x"'))],
            State.STALLED,
            Reason.IMAGE_PULL_FAILED,
            f'Back-off pulling image "x". {PULL}',
        ),
        (
            kubernetes_job(),
            [pod(prepare=ended(2, 5), train=held("CreateContainerConfigError", 'secret "token" not found'))],
            State.STALLED,
            Reason.CONTAINER_NOT_STARTED,
            'secret "token" not found',
        ),
        (
            kubernetes_job(suspend=True, labels={"kueue.x-k8s.io/queue-name": "team-a"}),
            [],
            State.PROGRESSING,
            Reason.QUEUED,
            "queue team-a",
        ),
        (kubernetes_job(suspend=True), [], State.PROGRESSING, Reason.QUEUED, "spec.suspend"),
    ],
    ids=["no node", "no image", "no secret", "queue", "suspended by another"],
)
def test_what_a_job_waits_for(job: Any, pods: list[Any], state: State, reason: Reason, words: str) -> None:
    waiting = observe(job, pods).waiting

    assert waiting is not None
    assert (waiting.state, waiting.reason) == (state, reason)
    assert words in waiting.message


@pytest.mark.parametrize(
    ("notes", "tail"),
    [
        ('["Nodes need huge pages."]', ". Nodes need huge pages"),
        ("no JSON", ""),
        ("[" * 100_000, ""),
        ('{"a": 1}', ""),
        ("[]", ""),
    ],
    ids=["told", "not ours", "too deep to be read", "not a list", "none"],
)
def test_what_the_nodes_must_have_is_said_where_none_is_found(notes: str, tail: str) -> None:
    job = kubernetes_job()
    job["metadata"]["annotations"]["sagebridge.io/placement-notes"] = notes

    waiting = observe(job, [pod(node="", phase="Pending", conditions=UNSCHEDULABLE)]).waiting

    assert waiting is not None
    assert waiting.message.endswith("12 Insufficient nvidia.com/gpu" + tail)


def test_a_job_that_trains_waits_for_nothing() -> None:
    assert observe(kubernetes_job(), [pod(prepare=ended(2, 5), train=running(6))]).waiting is None


@pytest.mark.parametrize(
    ("before", "found", "is_news", "because"),
    [
        (None, "Pod a-0-x7k2p waits for a node: 0/9 nodes are available", True, "nothing was said"),
        (
            "Pod a-0-x7k2p waits for a node: 0/9 nodes are available: 3 Insufficient nvidia.com/gpu",
            "Pod a-1-b2c3d waits for a node: 0/10 nodes are available: 4 Insufficient nvidia.com/gpu",
            False,
            "another pod, other counts",
        ),
        (
            "Pod a-0-x7k2p waits for a node: 0/9 nodes are available: 3 Insufficient nvidia.com/gpu",
            "Pod a-0-x7k2p waits for a node: 0/9 nodes are available: 3 Insufficient cpu",
            True,
            "something else is missing",
        ),
    ],
)
def test_counts_of_a_busy_cluster_are_no_news(before: str | None, found: str, is_news: bool, because: str) -> None:
    def waiting(message: str) -> Verdict:
        return Verdict(state=State.PROGRESSING, reason=Reason.UNSCHEDULABLE, message=message)

    said = unless_new(waiting(found), waiting(before) if before else None)

    assert said == waiting(found if is_news else str(before)), because


def test_counts_of_a_busy_queue_are_no_news_either() -> None:
    def waiting(quota: int) -> Verdict:
        message = f"Waiting in the queue a. Kueue: insufficient unused quota for cpu, {quota} more needed"
        return Verdict(state=State.PROGRESSING, reason=Reason.QUEUED, message=message)

    assert unless_new(waiting(3), waiting(17)) == waiting(17)


def test_a_job_that_waits_for_nothing_any_more_says_so() -> None:
    before = Verdict(state=State.PROGRESSING, reason=Reason.UNSCHEDULABLE, message="Pod a-0-x waits for a node: 0/9")

    assert unless_new(None, before) is None
