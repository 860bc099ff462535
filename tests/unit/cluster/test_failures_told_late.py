"""Why a job failed, where kubelets and controllers tell it late, twice, or not at all."""

from typing import Any

import pytest
from sagebridge.core.cluster.observation import observe
from support.cluster_jobs import deleted, disruption, ended, kubernetes_job, pod

CAUSE = {"failure": "the cause"}
NO_ROOM = {"failureReason": "ClientError: Data upload failed"}
INTERNAL = "InternalServerError: We encountered an internal error. Please try again."
TAINTED = disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", since=12)
SHUT_DOWN = disruption("TerminationByKubelet", "imminent node shutdown", since=31)
LOST = ended(0, 90, 255, reason="Unknown")
NOT_FOUND = ended(0, 90, 137, reason="ContainerStatusUnknown")
FAILED = kubernetes_job(size=2, ended="Failed", reason="BackoffLimitExceeded", message="too many failures")


@pytest.mark.parametrize(
    ("reason", "pods", "want"),
    [
        (
            "a host that came to its own end while its node was drained has done its part",
            [
                pod(0, train=ended(6, 13), agent=ended(6, 20), phase="Succeeded", conditions=TAINTED, **deleted(12)),
                pod(1, train=ended(6, 30, 1), agent=ended(6, 31, said=CAUSE), phase="Failed"),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            "a script that its node's shutdown ends may end before its agent hears of that",
            [pod(train=ended(6, 8, 1), agent=ended(6, 30, said=CAUSE), phase="Failed", conditions=SHUT_DOWN)],
            "Interrupted: pod job-0-x7k2p on node node-0: imminent node shutdown",
        ),
        (
            "a script without memory was not ended by the shutdown that followed",
            [
                pod(0, train=ended(6, 8, 137, reason="OOMKilled"), agent=ended(6, 30), conditions=SHUT_DOWN),
                pod(1, train=ended(6, 9, 1), agent=ended(6, 11, said={"failure": "lost peer"}), phase="Failed"),
            ],
            (
                "AlgorithmError: OutOfMemory: the container of job-0-x7k2p was ended by the kernel at its memory "
                "limit., exit code: 137"
            ),
        ),
        (
            "nor was one that the Job controller ended in that second, because another had failed",
            [
                pod(0, train=ended(6, 9, 1), agent=ended(6, 14, said=CAUSE), phase="Failed"),
                pod(1, train=ended(6, 14, 143), agent=ended(6, 30, 143), conditions=SHUT_DOWN, **deleted(14)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            "a pod was deleted, and then its node was restarted",
            [pod(train=LOST, agent=LOST, phase="Failed", **deleted(8))],
            f"{INTERNAL} Pod job-0-x7k2p was deleted while it trained, not by this object.",
        ),
        (
            "a node was restarted to which data still came for a host that was to end with the other",
            [
                pod(0, train=ended(6, 30, 1), agent=ended(6, 31, said=CAUSE), phase="Failed"),
                pod(1, prepare=LOST, phase="Failed", **deleted(32)),
            ],
            "AlgorithmError: the cause, exit code: 1",
        ),
        (
            "how the script ended is lost, and the agent has more to tell",
            [pod(train=LOST, agent=ended(6, 95, 1, said=NO_ROOM), phase="Failed")],
            "ClientError: Data upload failed",
        ),
        (
            "the kubelet finds nothing any more of what it ran",
            [pod(train=NOT_FOUND, agent=NOT_FOUND, phase="Failed")],
            f"{INTERNAL} Node node-0 has lost the container agent of pod job-0-x7k2p, as a node that is restarted.",
        ),
    ],
)
def test_why_a_job_failed(reason: str, pods: list[Any], want: str) -> None:
    assert observe(FAILED, pods).failure_reason == want, reason
