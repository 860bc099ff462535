"""Jobs that the cluster took the nodes of when some of their hosts had ended, or that ended well when told to end."""

from typing import Any

import pytest
from sagebridge.core.cluster.observation import observe
from sagebridge.core.job_failure import JobFailure, failure_class
from sagebridge.core.observation import Phase
from support.cluster_jobs import at, ended, kubernetes_job, pod, running

DONE = {"stopped": "", "model": "s3://bucket/model.tar.gz"}


def evicted(done: int, *, size: int = 3, suspend: bool = True, start: int = 50, **status: Any) -> Any:
    """A Job of which so many hosts had ended when the queue took its nodes away, at second 40."""
    job = kubernetes_job(size=size, suspend=suspend)
    suspended = {"type": "Suspended", "status": str(suspend), "lastTransitionTime": at(40)}
    job["status"] |= {"succeeded": done, "conditions": [suspended]} | ({} if suspend else {"startTime": at(start)})
    job["status"] |= status
    return job


def host(index: int, *, until: int = 30) -> Any:
    """A host that has ended well."""
    return pod(
        index,
        prepare=ended(2, 5),
        train=ended(6, until - 1),
        agent=ended(6, until, said=DONE if index == 0 else {"stopped": ""}),
        phase="Succeeded",
    )


@pytest.mark.parametrize(
    ("reason", "job", "pods"),
    [
        ("it waits in the queue again", evicted(1), [host(0)]),
        ("the pods are gone, too", evicted(2), []),
        ("it was started again", evicted(1, suspend=False), [host(0), pod(1, prepare=running(52))]),
    ],
)
def test_what_a_queue_took_away_half_done_is_an_interruption(reason: str, job: Any, pods: list[Any]) -> None:
    seen = observe(job, pods)
    assert (seen.phase, seen.whole) == (Phase.FAILED, True), reason
    assert failure_class(seen.failure_reason) is JobFailure.INTERRUPTED
    assert f"{job['status']['succeeded']} of 3 hosts had ended" in seen.failure_reason
    assert seen.fields["secondaryStatus"] == "Interrupted"
    assert seen.fields["trainingEndTime"] == at(40)


@pytest.mark.parametrize(
    ("reason", "job", "pods", "phase"),
    [
        ("no host had ended", evicted(0), [], Phase.OPEN),
        ("it is one host's", evicted(0, size=1), [], Phase.OPEN),
        ("others are still ending, perhaps well", evicted(1, terminating=2), [host(0)], Phase.OPEN),
        ("others have not been told yet", evicted(1, active=2), [host(0)], Phase.OPEN),
        ("it has ended since it was started", evicted(1, suspend=False, start=10), [host(0)], Phase.OPEN),
        ("nothing of its start is known", evicted(1, suspend=False, startTime=None), [host(0)], Phase.OPEN),
        ("all have ended well", evicted(3, conditions=[{"type": "Complete", "status": "True"}]), [], Phase.SUCCEEDED),
    ],
)
def test_what_can_still_end_well_goes_on(reason: str, job: Any, pods: list[Any], phase: Phase) -> None:
    assert observe(job, pods).phase is phase, reason


def test_what_was_told_to_stop_and_was_taken_away_half_done_has_stopped() -> None:
    job = evicted(1)
    job["metadata"]["annotations"] = kubernetes_job(stop="Stopped")["metadata"]["annotations"]
    assert observe(job, [host(0)]).phase is Phase.STOPPED


def cut_off() -> Any:
    """A host whose node was taken away while it trained, and whose script has ended well all the same."""
    said = {"stopped": "Terminated"}
    return pod(0, prepare=ended(2, 5), train=ended(6, 29), agent=ended(6, 30, said=said), phase="Succeeded")


def test_a_script_that_ends_well_when_it_is_told_to_end_has_not_completed() -> None:
    """Its pod has succeeded, and so the Job; but there is no model."""
    seen = observe(kubernetes_job(ended="Complete"), [cut_off()])
    assert seen.phase is Phase.FAILED
    assert failure_class(seen.failure_reason) is JobFailure.INTERRUPTED


def test_a_script_that_was_cut_off_when_it_was_to_stop_anyway_has_stopped() -> None:
    seen = observe(kubernetes_job(ended="Complete", stop="Stopped"), [cut_off()])
    assert seen.phase is Phase.STOPPED
    assert seen.fields["trainingJobStatus"] == "Stopped"


@pytest.mark.parametrize(
    ("job", "status", "phase", "because"),
    [
        ({"stop": "Stopped", "suspend": True}, {"active": 1}, Phase.STOPPING, "its hosts still end"),
        ({"stop": "Stopped", "suspend": True}, {"terminating": 1}, Phase.STOPPING, "so do they now"),
        ({"stop": "Stopped", "suspend": True}, {}, Phase.STOPPED, "they have, and nothing of it is to run again"),
        ({"stop": "Stopped"}, {"startTime": at(0)}, Phase.STOPPING, "it is told to"),
        ({"suspend": True}, {}, Phase.OPEN, "it waits in its queue for the next time"),
    ],
)
def test_a_job_that_is_to_stop_does_not_wait_in_a_queue(job: Any, status: Any, phase: Phase, because: str) -> None:
    body = kubernetes_job(size=2, **job)
    body["status"] |= status

    assert observe(body, []).phase is phase, because
