"""What is kept of an Event: who makes nodes for a pod, why a Job has none, and nothing else."""

from typing import Any

import pytest
from sagebridge.core.cluster.telling import SELECTOR, essence

POD = "team-digits-abcdefghij-0-x7k2p"
NOTHING_FITS = 'Failed to schedule pod, incompatible with nodepool "gpu", no instance type satisfied resources'


def event(message: str = "no", *, source: str = "karpenter", reason: str = "FailedScheduling", **more: Any) -> Any:
    kind = more.pop("kind", "Pod")
    return {
        "metadata": {"name": "e", "namespace": "team", "uid": "e1", "resourceVersion": "7", "managedFields": []},
        "involvedObject": {"kind": kind, "name": more.pop("name", POD if kind == "Pod" else "job"), "uid": "u1"},
        "source": {"component": source},
        "reason": reason,
        "message": message,
    } | more


@pytest.mark.parametrize(
    ("told", "by", "said", "because"),
    [
        (event(f"{NOTHING_FITS}.\n"), "Karpenter", NOTHING_FITS, "in one line"),
        (
            event("Pod should schedule on: nodeclaim/a", source="eks-auto-mode/compute", reason="Nominated"),
            "EKS Auto Mode",
            "Pod should schedule on: nodeclaim/a",
            "that a node is on its way is worth a word",
        ),
        (
            event("1 max size reached", source="cluster-autoscaler", reason="NotTriggerScaleUp"),
            "Cluster Autoscaler",
            "1 max size reached",
            "that none will come, too",
        ),
        (
            event("no", source="", reportingComponent="karpenter"),
            "Karpenter",
            "no",
            "the newer API has the source in another field",
        ),
        (event("x" * 5000), "Karpenter", "x" * 599 + "…", "a message of a status is no book"),
        (
            event("exceeded quota", source="job-controller", reason="FailedCreate", kind="Job"),
            "FailedCreate",
            "exceeded quota",
            "why a Job has no pods",
        ),
        (
            event("denied", source="jobset", reason="JobCreationFailed", kind="JobSet"),
            "JobCreationFailed",
            "denied",
            "why a JobSet has no Job",
        ),
    ],
)
def test_what_is_kept(told: Any, by: str, said: str, because: str) -> None:
    assert essence(told) == {
        "metadata": {"uid": "e1", "resourceVersion": "7"},
        "of": "u1",
        "by": by,
        "at": "",
        "said": said,
    }, because


@pytest.mark.parametrize(
    ("told", "because"),
    [
        (event(reason="Evicted"), "only of finding nodes"),
        (event(source="default-scheduler"), "the scheduler's word is in the pod's status"),
        (event(""), "without words nothing"),
        (event(involvedObject={"kind": "Pod", "name": POD}), "without a pod nothing"),
        (event(name="web-7d9f8b6c5d-x7k2p"), "pods of Deployments are not ours"),
        (event(name="nightly-29384756-x7k2p"), "nor are those of CronJobs"),
        (event(reason="FailedCreate", kind="ReplicaSet"), "ReplicaSets are not ours"),
        (event(reason="BackoffLimitExceeded", kind="Job"), "how a Job ends is in its status"),
        ({"metadata": {"uid": "e1", "resourceVersion": "7"}}, "of nothing, nothing"),
    ],
)
def test_what_is_not(told: Any, because: str) -> None:
    assert essence(told) is None, because


@pytest.mark.parametrize(
    ("times", "want", "because"),
    [
        ({"lastTimestamp": "2026-01-01T00:00:09Z"}, "2026-01-01T00:00:09", "as most have it"),
        (
            {"lastTimestamp": None, "eventTime": "2026-01-01T00:00:10.000001Z"},
            "2026-01-01T00:00:10",
            "the newer API has it in another field, to the microsecond",
        ),
        (
            {"eventTime": "2026-01-01T00:00:01Z", "series": {"lastObservedTime": "2026-01-01T01:00:00Z"}},
            "2026-01-01T01:00:00",
            "a series is as new as its last",
        ),
    ],
)
def test_when_it_was_told(times: dict[str, Any], want: str, because: str) -> None:
    found = essence(event(**times))
    assert found is not None
    assert found["at"] == want, because


def test_the_api_server_is_not_asked_for_what_most_events_are() -> None:
    assert {"source!=kubelet", "source!=default-scheduler", "reason!=SuccessfulCreate"} < set(SELECTOR.split(","))
