"""What is said of a job in Kueue's queue: Kueue's own words for it, while they hold."""

from typing import Any

import pytest
from sagebridge.core.cluster.queueing import essence, said

NO_ROOM = "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor a, 4 needed"


def condition(kind: str, status: str, message: str = "", reason: str = "Pending") -> dict[str, Any]:
    return {"type": kind, "status": status, "message": message, "reason": reason}


def workload(*conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    metadata = {
        "name": "job-digits-1a2b3",
        "namespace": "team",
        "uid": "w1",
        "resourceVersion": "7",
        "managedFields": [{"manager": "kueue"}],
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Pod", "name": "other", "uid": "p1"},
            {"apiVersion": "batch/v1", "kind": "Job", "name": "digits", "uid": "j1", "controller": True},
        ],
    }
    return {"metadata": metadata, "spec": {"podSets": [{}]}, "status": {"conditions": list(conditions)} | status}


CHECKS = [
    {"name": "quota", "state": "Ready", "message": "fine"},
    {"name": "nodes", "state": "Pending", "message": "Waiting for capacity.\nRetry at 12:00."},
]


@pytest.mark.parametrize(
    ("found", "words", "because"),
    [
        ({"metadata": {}}, "", "Kueue has not looked at it yet"),
        (workload(), "", "it has said nothing"),
        (
            workload(condition("QuotaReserved", "False", NO_ROOM + ".")),
            NO_ROOM,
            "what is short is the reason that it waits",
        ),
        (
            workload(condition("QuotaReserved", "False", "", reason="Inadmissible")),
            "Inadmissible",
            "a reason is better than nothing",
        ),
        (
            workload(
                condition("QuotaReserved", "False", "LocalQueue team-b doesn't exist", reason="Inadmissible"),
            ),
            "LocalQueue team-b doesn't exist",
            "a wrong name of a queue is told nowhere else",
        ),
        (
            workload(
                condition("QuotaReserved", "False", NO_ROOM),
                condition("Evicted", "True", "Preempted to accommodate a workload", reason="Preempted"),
                condition("Preempted", "True", "Preempted to accommodate a workload (UID: x) due to prioritization"),
            ),
            f"Preempted to accommodate a workload (UID: x) due to prioritization. {NO_ROOM}",
            "both why it was stopped and why it does not go on",
        ),
        (
            workload(
                condition("QuotaReserved", "False", "The workload is deactivated", reason="Pending"),
                condition("Evicted", "True", "The workload is deactivated", reason="Deactivated"),
            ),
            "The workload is deactivated",
            "the same is not said twice",
        ),
        (
            workload(condition("QuotaReserved", "True"), admissionChecks=CHECKS),
            "nodes is Pending: Waiting for capacity. Retry at 12:00",
            "with a quota, what else it waits for; in one line",
        ),
        (
            workload(condition("QuotaReserved", "False", NO_ROOM), admissionChecks=CHECKS),
            NO_ROOM,
            "without a quota checks are not looked at",
        ),
        (
            workload(
                condition("QuotaReserved", "True"),
                condition("Admitted", "True", "The workload is admitted"),
                condition("Evicted", "True", "old"),
            ),
            "",
            "it does not wait for Kueue any more",
        ),
        (
            workload(condition("QuotaReserved", "False", NO_ROOM), condition("Finished", "True", "Job failed")),
            "",
            "nor does what has ended",
        ),
        (
            workload(condition("QuotaReserved", "False", "x" * 5000)),
            "x" * 599 + "…",
            "a message of a status is no book",
        ),
    ],
)
def test_what_it_says(found: dict[str, Any], words: str, because: str) -> None:
    assert said(found) == words, because


def test_little_is_kept_of_a_workload() -> None:
    kept = essence(workload(condition("QuotaReserved", "False", NO_ROOM)))

    assert kept == {
        "metadata": {"name": "job-digits-1a2b3", "namespace": "team", "uid": "w1", "resourceVersion": "7"},
        "owner": {"apiVersion": "batch/v1", "kind": "Job", "name": "digits", "uid": "j1"},
        "said": NO_ROOM,
    }


def test_one_that_nobody_owns_is_nobody_s() -> None:
    found = workload()
    del found["metadata"]["ownerReferences"]

    assert essence(found)["owner"] == {}
