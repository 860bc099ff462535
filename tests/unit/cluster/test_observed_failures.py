"""Why a Job failed, in SageMaker's words."""

from typing import Any

import pytest
from sagebridge.core.cluster.observation import observe
from sagebridge.core.job_failure import JobFailure, failure_class
from sagebridge.core.observation import Phase
from support.cluster_jobs import deleted, disruption, ended, kubernetes_job, pod, running


def done(second: str) -> dict[str, str]:
    """What an agent says that was told to end, and when it was done, by its own clock."""
    return {"stopped": "Terminated", "trainingEndTime": f"2026-01-01T00:00:{second}Z"}


def lost(second: int) -> dict[str, Any]:
    """What containerd says of a container that is not there any more when it is started itself."""
    return ended(0, second, 255, reason="Unknown")


def noticed(second: str) -> dict[str, str]:
    """When an agent noticed that training had ended, by its own clock."""
    return {"uploadStartTime": f"2026-01-01T00:00:{second}Z"}


CAUSE = {"failure": "the cause"}
INTERNAL = "InternalServerError: We encountered an internal error. Please try again."
TIMELESS = {"terminated": {"finishedAt": "1970-01-01T00:00:00Z", "exitCode": 1}}
UNKNOWN = {"terminated": {"startedAt": None, "finishedAt": None, "exitCode": 137, "reason": "ContainerStatusUnknown"}}
TAINTED = disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", since=12)
SHUT_DOWN = disruption("TerminationByKubelet", "imminent node shutdown", since=31)
COLLECTED = disruption("DeletionByPodGC", "PodGC: node no longer exists", since=70)
FAILED = kubernetes_job(ended="Failed", reason="BackoffLimitExceeded", message="Job has reached the specified limit")


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        (
            [pod(prepare=ended(2, 5), train=ended(6, 9, 3), agent=ended(6, 12, said={"failure": "ValueError: no"}))],
            "AlgorithmError: ValueError: no, exit code: 3",
        ),
        (
            [
                pod(0, prepare=ended(2, 5), train=ended(6, 9, 143), agent=ended(6, 12)),
                pod(1, prepare=ended(2, 5), train=ended(6, 8, 1), agent=ended(6, 11, said={"failure": "rank 1"})),
            ],
            "AlgorithmError: rank 1, exit code: 1",
        ),
        (
            [
                pod(0, prepare=ended(2, 5), train=ended(6, 9, 1), agent=ended(6, 12, said={"failure": "lost peer"})),
                pod(1, prepare=ended(2, 5), train=ended(6, 8, 2), agent=ended(6, 11, said={"failure": "the cause"})),
            ],
            "AlgorithmError: the cause, exit code: 2",
        ),
        (
            [
                pod(0, train=ended(6, 9, 1), agent=ended(6, 12, said={"failure": "lost peer"} | noticed("10.481"))),
                pod(1, train=ended(6, 9, 2), agent=ended(6, 12, said=CAUSE | noticed("10.317"))),
                pod(2, train=ended(6, 9, 1), agent=ended(6, 12, said={"failure": "lost peer"})),
            ],
            "AlgorithmError: the cause, exit code: 2",
        ),
        (
            [pod(prepare=ended(2, 5), train=ended(6, 9, 137, reason="OOMKilled"), agent=ended(6, 12))],
            (
                "AlgorithmError: OutOfMemory: the container of job-0-x7k2p was ended by the kernel at its memory "
                "limit., exit code: 137"
            ),
        ),
        (
            [pod(prepare=ended(2, 5, 1, said={"failureReason": "ClientError: Data download failed: NoSuchBucket"}))],
            "ClientError: Data download failed: NoSuchBucket",
        ),
        (
            [
                pod(
                    prepare=ended(2, 5),
                    train=ended(6, 9),
                    agent=ended(6, 12, 1, said={"failureReason": "ClientError: Data upload failed: AccessDenied"}),
                )
            ],
            "ClientError: Data upload failed: AccessDenied",
        ),
        (
            [pod(prepare=ended(2, 5), train=ended(6, 9, 143), agent=ended(6, 8, 137, reason="OOMKilled"))],
            (
                "InternalServerError: We encountered an internal error. Please try again. The container agent of pod "
                "job-0-x7k2p ended at its memory limit."
            ),
        ),
        (
            [pod(prepare=ended(2, 5), train=ended(6, 9), agent=ended(6, 8, 137))],
            (
                "InternalServerError: We encountered an internal error. Please try again. The container agent of pod "
                "job-0-x7k2p ended with exit code 137."
            ),
        ),
        (
            [pod(prepare=ended(2, 5), train=ended(6, 9, 143), agent=ended(6, 12, said={"failure": "told to end"}))],
            "AlgorithmError: told to end, exit code: 143",
        ),
        (
            [pod(train=ended(6, 6, 128, reason="StartError") | {}, prepare=ended(2, 5), agent=ended(6, 12))],
            "ClientError: The container can't be started:",
        ),
        (
            [
                pod(
                    phase="Failed",
                    status={
                        "reason": "Evicted",
                        "message": 'Usage of EmptyDir volume "ml" exceeds the limit "1Gi".',
                    },
                )
            ],
            (
                'ClientError: Pod job-0-x7k2p was evicted: Usage of EmptyDir volume "ml" exceeds the limit "1Gi". '
                "Write less, or raise resourceConfig.volumeSizeInGB."
            ),
        ),
        (
            [
                pod(
                    prepare=ended(2, 5),
                    train=ended(6, 9, 143),
                    conditions=disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
                )
            ],
            "Interrupted: pod job-0-x7k2p on node node-0: Taint manager: deleting due to NoExecute taint",
        ),
        (
            [
                pod(0, prepare=ended(2, 5), train=ended(6, 9, 1), agent=ended(6, 12), phase="Failed"),
                pod(1, prepare=ended(2, 5), train=ended(6, 9), agent=ended(6, 9, 143), **deleted(8)),
            ],
            (
                "InternalServerError: We encountered an internal error. Please try again. Pod job-1-x7k2p was deleted "
                "while it trained, not by this object."
            ),
        ),
        (
            [
                pod(0, prepare=ended(2, 5), train=ended(6, 9, 1), agent=ended(6, 12, 143), **deleted(10)),
                pod(1, prepare=ended(2, 5), train=ended(6, 9), agent=ended(6, 9, 143), **deleted(8)),
            ],
            (
                "InternalServerError: We encountered an internal error. Please try again. Pod job-1-x7k2p was deleted "
                "while it trained, not by this object."
            ),
        ),
        (
            [
                pod(0, train=ended(6, 12), agent=ended(6, 12, 143, said=done("12.311")), **deleted(10)),
                pod(1, train=ended(6, 9), agent=ended(6, 9, 143, said=done("09.194")), **deleted(11, grace=0)),
            ],
            (
                "InternalServerError: We encountered an internal error. Please try again. Pod job-1-x7k2p was deleted "
                "while it trained, not by this object."
            ),
        ),
        (
            [
                pod(0, train=ended(6, 9), agent=ended(6, 9, 143, said=done("09.812")), **deleted(8)),
                pod(1, train=ended(6, 9), agent=ended(6, 9, 143, said=done("09.194")), **deleted(8)),
            ],
            (
                "InternalServerError: We encountered an internal error. Please try again. Pod job-1-x7k2p was deleted "
                "while it trained, not by this object."
            ),
        ),
        (
            [
                pod(0, train=ended(6, 9), agent=ended(6, 9, 143, said=done("09.812")), **deleted(8)),
                pod(1, train=ended(6, 9), agent=ended(6, 9, 137), **deleted(8)),
            ],
            (
                "InternalServerError: We encountered an internal error. Please try again. Pod job-1-x7k2p was deleted "
                "while it trained, not by this object."
            ),
        ),
        (
            [
                pod(
                    0,
                    prepare=ended(2, 5),
                    train=ended(6, 9, 1),
                    agent=ended(6, 12, said={"failure": "the cause"}),
                    phase="Failed",
                ),
                pod(1, prepare=ended(2, 5), train=ended(6, 14), agent=ended(6, 15, 143), **deleted(13)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(0, train=ended(6, 9, 1), agent=ended(6, 9, said=CAUSE), phase="Failed", **deleted(30, grace=0)),
                pod(1, train=ended(6, 14), agent=ended(6, 15, 143), **deleted(13)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(0, prepare=ended(8, 11, 143), phase="Failed", **deleted(10)),
                pod(1, prepare=ended(2, 5), train=ended(6, 9, 1), agent=ended(6, 9, said=CAUSE), phase="Failed"),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(0, train=ended(6, 9, 1), agent=ended(6, 9, said=CAUSE), phase="Failed"),
                pod(0, train=running(10), agent=running(10), born=9, name="job-0-again", **deleted(11)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(0, train=ended(6, 9, 1), agent=ended(6, 9, said=CAUSE), phase="Failed"),
                pod(1, train=ended(6, 14, 143), conditions=disruption("PreemptionByScheduler", "preempting", since=12)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(0, train=ended(6, 14, 1), agent=ended(6, 14, said=CAUSE), phase="Failed"),
                pod(1, train=ended(6, 13, 143), conditions=disruption("PreemptionByScheduler", "preempting", since=12)),
            ],
            "Interrupted: pod job-1-x7k2p on node node-1: preempting",
        ),
        (
            [
                pod(0, train=ended(6, 8, 143), agent=ended(6, 30, 143), phase="Failed", conditions=SHUT_DOWN),
                pod(1, train=ended(6, 9, 1), agent=ended(6, 11, said=CAUSE), phase="Failed"),
            ],
            "Interrupted: pod job-0-x7k2p on node node-0: imminent node shutdown",
        ),
        (
            [
                pod(0, train=ended(6, 8, 1), agent=ended(6, 30, 143, said=done("30.1")), conditions=SHUT_DOWN),
                pod(1, train=ended(6, 9, 1), agent=ended(6, 11, said=CAUSE), phase="Failed"),
            ],
            "Interrupted: pod job-0-x7k2p on node node-0: imminent node shutdown",
        ),
        (
            [
                pod(0, train=ended(6, 9, 1), agent=ended(6, 11, said=CAUSE), phase="Failed"),
                pod(1, train=ended(6, 12, 143), agent=ended(6, 30, 143), conditions=SHUT_DOWN, **deleted(11)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(0, train=ended(6, 9, 1), agent=ended(6, 11, said=CAUSE), phase="Failed"),
                pod(1, train=ended(6, 9, 1), agent=ended(6, 30, 1), conditions=SHUT_DOWN),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(0, train=running(6), agent=running(6), phase="Failed", conditions=COLLECTED, **deleted(11)),
                pod(1, train=ended(6, 9, 1), agent=ended(6, 11, said={"failure": "lost peer"}), phase="Failed"),
            ],
            "Interrupted: pod job-0-x7k2p on node node-0: PodGC: node no longer exists",
        ),
        (
            [pod(train=ended(6, 11, 143), agent=ended(6, 11, 143), phase="Failed", conditions=TAINTED)],
            "Interrupted: pod job-0-x7k2p on node node-0: Taint manager: deleting due to NoExecute taint",
        ),
        (
            [
                pod(0, train=ended(6, 8), agent=ended(6, 9), phase="Succeeded", conditions=TAINTED, **deleted(12)),
                pod(1, train=ended(6, 14, 1), agent=ended(6, 15, said=CAUSE), phase="Failed"),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(0, train=ended(6, 8, 1), agent=ended(6, 9, said=CAUSE), phase="Failed", conditions=TAINTED),
                pod(1, train=ended(6, 14, 143), agent=ended(6, 15, 143), phase="Failed", **deleted(9)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [
                pod(
                    train=ended(6, 9),
                    agent=ended(6, 9, 1, said={"failureReason": "ClientError: Data upload failed"}),
                    **deleted(30, grace=0),
                )
            ],
            "ClientError: Data upload failed",
        ),
        (
            [
                pod(
                    0, prepare=ended(2, 9, 1, said={"failureReason": "no data"}), phase="Failed", **deleted(20, grace=0)
                ),
                pod(1, prepare=ended(2, 12, 143), phase="Failed", **deleted(10)),
            ],
            "no data",
        ),
        (
            [pod(train=lost(90), agent=lost(90), phase="Failed")],
            f"{INTERNAL} Node node-0 has lost the container agent of pod job-0-x7k2p, as a node that is restarted.",
        ),
        (
            [
                pod(0, train=ended(6, 30, 1), agent=ended(6, 31, said={"failure": "lost peer"}), **deleted(30)),
                pod(1, train=lost(90), agent=lost(90), phase="Failed"),
            ],
            f"{INTERNAL} Node node-1 has lost the container agent of pod job-1-x7k2p, as a node that is restarted.",
        ),
        (
            [
                pod(0, train=ended(6, 30, 1), agent=ended(6, 31, said=CAUSE), phase="Failed"),
                pod(1, train=lost(90), agent=lost(90), phase="Failed", **deleted(32)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            [pod(0, train=TIMELESS), pod(1, train=ended(6, 9, 2), agent=ended(6, 12, said=CAUSE), phase="Failed")],
            "AlgorithmError: the cause, exit code: 2",
        ),
        (
            [
                pod(0, prepare=ended(2, 5), train=UNKNOWN, agent=ended(6, 15, 143), **deleted(12)),
                pod(1, prepare=ended(2, 5), train=ended(6, 9, 137), agent=ended(6, 12, said=CAUSE), phase="Failed"),
            ],
            "AlgorithmError: the cause, exit code: 137",
        ),
        (
            [pod(prepare=lost(90), phase="Failed")],
            f"{INTERNAL} Node node-0 has lost the container prepare of pod job-0-x7k2p, as a node that is restarted.",
        ),
        (
            [pod(prepare=UNKNOWN, phase="Failed", status={"reason": "DeadlineExceeded", "message": "Too long."})],
            f"{INTERNAL} Node node-0 has not begun with pod job-0-x7k2p: Too long.",
        ),
        (
            [
                pod(0, prepare=ended(2, 5), train=running(6), agent=running(6), **deleted(8)),
                pod(1, phase="Failed", status={"reason": "OutOfnvidia.com/gpu", "message": "No GPU is left."}),
            ],
            (
                "InternalServerError: We encountered an internal error. Please try again. Node node-1 did not take pod "
                "job-1-x7k2p: No GPU is left."
            ),
        ),
        (
            [],
            (
                "InternalServerError: We encountered an internal error. Please try again. Job has reached the "
                "specified limit."
            ),
        ),
    ],
    ids=[
        "script",
        "the rank that was ended is no cause",
        "the first failure is the cause",
        "the first in the same second is the cause",
        "out of memory",
        "download",
        "upload",
        "an agent out of memory",
        "killed agent",
        "killed script",
        "not startable",
        "disk",
        "reclaimed",
        "somebody deleted a pod",
        "somebody deleted a pod, and the Job controller the other",
        "and nobody saw when, but that the kubelet deleted it at its end",
        "and in the same second",
        "and the first had no time to tell",
        "the Job controller deleted the rest",
        "a pod that had failed was deleted, and the Job controller deleted the rest",
        "and one that had not begun to train",
        "what was made too many of a rank was deleted",
        "a node went after the script had failed",
        "the script failed after a node had gone",
        "a node went, and the script of another host failed before the kubelet had ended all of the pod",
        "and the script that was told to end failed",
        "the script failed before the node went, for which the Job controller had deleted the rest",
        "the script failed before the node went, and with it the other, which was still uploading",
        "a node went without a word, and the cluster found it out later than the other host",
        "a node went whose clock is late",
        "a node went on which a host had done its part",
        "a node went on which the host was that had failed",
        "a pod whose agent had failed was deleted",
        "a pod that had failed before it trained was deleted",
        "a node was restarted",
        "a node was restarted, whose host the other could not do without",
        "a node was restarted after the script had failed",
        "what nobody knows the time of is not the first to have failed",
        "nor is what was never started, and deleted with the rest",
        "a node was restarted while data came",
        "images did not come in time",
        "a node did not take a pod",
        "no pod left",
    ],
)
def test_why_a_job_failed(pods: list[Any], reason: str) -> None:
    seen = observe(FAILED, pods)

    assert seen.phase is Phase.FAILED
    assert seen.failure_reason == reason
    assert seen.fields["failureReason"] == reason


DISRUPTED = kubernetes_job(
    ended="Failed",
    reason="PodFailurePolicy",
    message="Pod team/job-0-x7k2p has condition DisruptionTarget matching FailJob rule at index 0",
)
LOST_PEER = pod(1, train=ended(6, 14, 1), agent=ended(6, 15, said={"failure": "lost peer"}), phase="Failed")


@pytest.mark.parametrize(
    ("reason", "pods"),
    [
        ("no pod is left", []),
        ("the other was to fail for want of it", [LOST_PEER]),
        ("it was last seen to be deleted", [pod(0, train=running(6), agent=running(6), **deleted(12)), LOST_PEER]),
    ],
)
def test_a_reclaimed_pod_that_is_gone_left_word_in_the_job(reason: str, pods: list[Any]) -> None:
    seen = observe(DISRUPTED, pods)

    assert failure_class(seen.failure_reason) is JobFailure.INTERRUPTED, reason
    assert seen.fields["secondaryStatus"] == "Interrupted"


def test_a_pod_that_is_there_tells_more_than_the_job() -> None:
    gone = pod(0, train=ended(6, 20, 143), agent=ended(6, 21, 143), phase="Failed", conditions=TAINTED)
    failed = pod(1, train=ended(6, 9, 1), agent=ended(6, 10, said=CAUSE), phase="Failed")

    assert observe(DISRUPTED, [gone, failed]).failure_reason == "AlgorithmError: the cause, exit code: 1"


def test_a_node_that_was_full_is_the_jobs_fault_though_the_cluster_took_it_away() -> None:
    message = "The node was low on resource: ephemeral-storage. Container train was using 400Gi, request is 0."
    taken = pod(
        train=ended(6, 9, 143),
        conditions=disruption("TerminationByKubelet", message),
        status={"reason": "Evicted", "message": message},
    )

    assert observe(FAILED, [taken]).failure_reason.startswith("ClientError: Pod job-0-x7k2p was evicted")
