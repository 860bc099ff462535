"""What a transform's Job and pods say: the failures first."""

from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.core.cluster.jobs import TO_END
from sagebridge.core.cluster.memory import recall
from sagebridge.core.cluster.observation import essence as of_the_job
from sagebridge.core.cluster.pods import essence as of_pod
from sagebridge.core.cluster.pods import of_job
from sagebridge.core.cluster.transform.observation import is_to_be_given_up, observe
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.reasons import Reason
from support.cluster_jobs import at, deleted, disruption, ended, held, kubernetes_job, running
from support.cluster_transforms import failed_object, pod

UNHEALTHY = {"failureReason": "ClientError: did not pass the ping health check.", "unhealthy": True}
NEVER_SERVED = (
    "ClientError: The primary container for transform job job did not pass the ping health check. Please check the "
    "logs of its pods. Its last words: ValueError: no model"
)
TRACEBACK = 'Traceback (most recent call last):\n  File "serve.py", line 1\nValueError: no model\n'


def words(message: str, code: int = 1, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message, "reason": reason, "finishedAt": at(50)}}


def crashing(restarts: int) -> dict[str, Any]:
    return {"state": held("CrashLoopBackOff"), "lastState": words(TRACEBACK), "restartCount": restarts}


def failed(*pods: Mapping[str, Any], size: int = 1, **more: Any) -> Observation:
    return observe(of_the_job(kubernetes_job(size=size, ended="Failed", **more)), [of_pod(body) for body in pods])


@pytest.mark.parametrize(
    ("reason", "pods", "want"),
    [
        (
            "a model that is not to be had",
            [pod(fetch=ended(1, 9, 1, said={"failureReason": "ClientError: Failed to download model data"}))],
            "ClientError: Failed to download model data",
        ),
        (
            "data that is not to be had",
            [pod(fetch=ended(1, 2), agent=ended(3, 9, 1, said={"failureReason": "ClientError: NoSuchBucket"}))],
            "ClientError: NoSuchBucket",
        ),
        (
            "what was deleted while its model came is no cause",
            [
                pod(0, fetch=ended(8, 11, 143), **deleted(10)),
                pod(1, fetch=ended(1, 2), agent=ended(3, 9, 1, said={"failureReason": "ClientError: NoSuchBucket"})),
            ],
            "ClientError: NoSuchBucket",
        ),
        (
            "one pod's own trouble goes before another's objects",
            [
                pod(0, agent=ended(3, 9, 1, said=failed_object(0, "b/a: bad"))),
                pod(1, agent=ended(3, 5, 1, said={"failureReason": "ClientError: AccessDenied"})),
            ],
            "ClientError: AccessDenied",
        ),
        (
            "a server that never came up says why in its own log, which is the last traceback's end",
            [
                pod(
                    serve={"state": held("CrashLoopBackOff"), "lastState": words(TRACEBACK)},
                    agent=ended(3, 9, 1, said=UNHEALTHY),
                )
            ],
            "ClientError: did not pass the ping health check. Its last words: ValueError: no model",
        ),
        (
            "one that was killed with its pod has said it the time before",
            [
                pod(
                    serve={"state": words("bye", 143), "lastState": words("boom")},
                    agent=ended(3, 9, 1, said=UNHEALTHY),
                )
            ],
            "ClientError: did not pass the ping health check. Its last words: boom",
        ),
        (
            "one that says nothing",
            [pod(serve=running(2), agent=ended(3, 9, 1, said=UNHEALTHY))],
            "ClientError: did not pass the ping health check.",
        ),
        (
            "memory",
            [
                pod(
                    serve={"state": running(9), "lastState": words("", 137, "OOMKilled")},
                    agent=ended(3, 9, 1, said=UNHEALTHY),
                )
            ],
            (
                "ClientError: did not pass the ping health check. Its last words: OutOfMemory: the container serve of "
                "job-0-x7k2p was ended by the kernel at its memory limit."
            ),
        ),
        (
            "of objects of several pods the first in the input is told, and all are counted",
            [
                pod(0, agent=ended(3, 9, 1, said=failed_object(4, "b/e: bad", count=2))),
                pod(1, agent=ended(3, 9, 1, said=failed_object(1, "b/b: no"))),
            ],
            "ClientError: See job logs for more information: b/b: no (and 2 more)",
        ),
        (
            "one that the model is to blame for decides whose fault it is",
            [
                pod(0, agent=ended(3, 9, 1, said=failed_object(0, "b/a: bad"))),
                pod(1, agent=ended(3, 9, 1, said=failed_object(1, "b/b: 500", is_algorithms=True))),
            ],
            "AlgorithmError: See job logs for more information: b/a: bad (and 1 more)",
        ),
        (
            "an object that was too much for the server's memory",
            [
                pod(
                    serve={"state": running(9), "lastState": words("", 137, "OOMKilled")},
                    agent=ended(3, 9, 1, said=failed_object(0, "b/a: 0", is_algorithms=True)),
                )
            ],
            (
                "AlgorithmError: See job logs for more information: b/a: 0 OutOfMemory: the container serve of "
                "job-0-x7k2p was ended by the kernel at its memory limit."
            ),
        ),
        (
            "a server that ends at once is never seen to run, and the agent is not begun with",
            [pod(serve=crashing(2), phase="Pending", **deleted(60))],
            NEVER_SERVED,
        ),
        (
            "which of its ends are kept is the kubelet's to say, how many there were is not",
            [pod(serve={"state": words(TRACEBACK), "lastState": {}, "restartCount": 2}, phase="Failed", **deleted(60))],
            NEVER_SERVED,
        ),
        (
            "an agent that ended without a word",
            [pod(agent=ended(3, 9, 139))],
            (
                "InternalServerError: We encountered an internal error. Please try again. The container agent of pod "
                "job-0-x7k2p ended with exit code 139."
            ),
        ),
        (
            "an object that was too much for the agent's memory would be so again",
            [pod(agent=ended(3, 9, 143)), pod(1, agent=ended(3, 12, 137, reason="OOMKilled"))],
            (
                "ClientError: The agent of pod job-1-x7k2p was ended at its memory limit: an object and its output are "
                "in memory while it is transformed. Cut large objects into several."
            ),
        ),
        (
            "a pod that no node has taken",
            [
                pod(status={"phase": "Failed", "reason": "TaintToleration", "message": "Predicate failed"}),
                pod(1, agent=ended(3, 9), phase="Succeeded"),
            ],
            (
                "InternalServerError: We encountered an internal error. Please try again. Node node-0 did not take pod "
                "job-0-x7k2p: Predicate failed."
            ),
        ),
        (
            "a node that was taken away",
            [pod(agent=ended(3, 9, 143), conditions=disruption("TerminationByKubelet", "shutdown"))],
            "Interrupted: pod job-0-x7k2p on node node-0: shutdown",
        ),
        (
            "a full disk",
            [pod(status={"phase": "Failed", "reason": "Evicted", "message": "The node was low on ephemeral-storage."})],
            (
                "ClientError: Pod job-0-x7k2p was evicted: The node was low on ephemeral-storage. Use an instance type "
                "whose nodes have more disk."
            ),
        ),
        (
            "somebody deletes a pod",
            [pod(agent=ended(3, 9, 143, said={"stopped": "Terminated"}), **deleted(8))],
            (
                "InternalServerError: We encountered an internal error. Please try again. Pod job-0-x7k2p was deleted "
                "while it served, not by this object."
            ),
        ),
        (
            "no pod is left",
            [],
            "InternalServerError: We encountered an internal error. Please try again. gone.",
        ),
        (
            "whoever writes into a pod may write anything",
            [pod(agent=ended(3, 9, 1, said={"failed": {"count": "many", "first": []}}))],
            "ClientError: See job logs for more information: ",
        ),
    ],
)
def test_why_it_failed(reason: str, pods: list[dict[str, Any]], want: str) -> None:
    seen = failed(*pods, size=2, message="gone")
    assert seen.phase is Phase.FAILED, reason
    assert seen.failure_reason == want, reason
    assert seen.fields["failureReason"] == want, reason
    assert seen.fields["transformJobStatus"] == "Failed", reason


@pytest.mark.parametrize(
    ("reason", "before"),
    [
        ("it ended, and was started again", {"state": words(TRACEBACK), "restartCount": 0}),
        ("it was to be started again", {**crashing(1), "restartCount": 0}),
        ("it ran again", {"state": running(60), "lastState": words(TRACEBACK), "restartCount": 1}),
        (
            "it was seen to end with its pod",
            {"state": words("", 143), "lastState": words(TRACEBACK), "restartCount": 1},
        ),
    ],
)
def test_how_a_server_crashed_is_not_forgotten_when_its_pod_ends(reason: str, before: dict[str, Any]) -> None:
    agent = ended(3, 90, 1, said=UNHEALTHY)
    crashed = pod(serve=before, agent=running(3), phase="Running")
    now = pod(serve={"state": words("", 143), "lastState": {}, "restartCount": 1}, agent=agent)

    seen = failed(recall(now, crashed)).failure_reason

    assert seen == "ClientError: did not pass the ping health check. Its last words: ValueError: no model", reason


def test_a_pod_that_the_cluster_took_away_while_nobody_looked_is_told_of_by_the_job() -> None:
    said = "Pod team/job-1-q2w3e has condition DisruptionTarget matching FailJob rule at index 0"
    other = pod(agent=ended(3, 90, 143, said={"stopped": "Terminated"}), phase="Failed", **deleted(80))

    seen = failed(other, size=2, reason="PodFailurePolicy", message=said)

    assert seen.failure_reason == f"Interrupted: {said}."


def test_a_server_that_is_started_once_more_while_its_job_is_given_up() -> None:
    agent = ended(58, 61, 143, said={"stopped": "Terminated"})
    late = pod(serve={**crashing(3), "state": words("", 137)}, agent=agent, phase="Failed", **deleted(60))
    given_up = kubernetes_job(ended="Failed", reason="DeadlineExceeded")
    given_up["spec"]["activeDeadlineSeconds"] = 1

    assert observe(of_the_job(given_up), [of_pod(late)]).failure_reason == NEVER_SERVED


def test_a_job_is_given_up_for_the_server_that_never_served_not_for_one_whose_pod_is_done() -> None:
    done = pod(serve={"state": words("late", 143), "restartCount": 2}, agent=ended(9, 20), phase="Succeeded")
    given_up = kubernetes_job(size=2, ended="Failed", reason="DeadlineExceeded")
    given_up["spec"] |= TO_END

    seen = observe(of_the_job(given_up), [of_pod(done), of_pod(pod(1, serve=crashing(2), **deleted(60)))])

    assert seen.failure_reason == NEVER_SERVED


def test_a_time_that_somebody_gives_the_job_gives_it_not_up() -> None:
    timed = kubernetes_job()
    timed["spec"]["activeDeadlineSeconds"] = 86_400
    hopeless = of_job(timed, [pod(serve=crashing(2), phase="Pending")])

    assert is_to_be_given_up(of_the_job(timed), hopeless)


def test_a_completed_job() -> None:
    done = pod(fetch=ended(5, 9), serve=ended(9, 99), agent=ended(10, 90, said={"transformed": 1}), phase="Succeeded")
    other = pod(1, fetch=ended(7, 9), agent=ended(10, 95), phase="Succeeded")
    seen = observe(kubernetes_job(size=2, ended="Complete"), [done, other])

    assert seen == Observation(
        phase=Phase.SUCCEEDED,
        whole=True,
        fields={
            "transformJobStatus": "Completed",
            "creationTime": at(0),
            "transformStartTime": at(5),
            "transformEndTime": at(100),
        },
    )


@pytest.mark.parametrize(
    ("reason", "told", "phase"),
    [
        ("they took shares of one list", ("a", "a"), Phase.SUCCEEDED),
        ("of an end without a word nothing is known", ("a", ""), Phase.SUCCEEDED),
        ("an object may be nobody's", ("a", "b"), Phase.FAILED),
    ],
)
def test_pods_that_saw_different_objects(reason: str, told: tuple[str, str], phase: Phase) -> None:
    pods = [
        pod(index, agent=ended(3, 9, said={"transformed": 1, "inputs": inputs}), phase="Succeeded")
        for index, inputs in enumerate(told)
    ]
    seen = observe(kubernetes_job(size=2, ended="Complete"), pods)
    assert seen.phase is phase, reason
    assert ("may have no output" in seen.failure_reason) is (phase is Phase.FAILED), reason


@pytest.mark.parametrize(
    ("reason", "job", "phase", "status"),
    [
        ("it runs", kubernetes_job(), Phase.OPEN, "InProgress"),
        ("it was told to stop", kubernetes_job(stop="Stopped"), Phase.STOPPING, "Stopping"),
        ("it has stopped", kubernetes_job(stop="Stopped", ended="Failed"), Phase.STOPPED, "Stopped"),
        (
            "what is complete is complete, told to stop or not",
            kubernetes_job(stop="Stopped", ended="Complete"),
            Phase.SUCCEEDED,
            "Completed",
        ),
    ],
)
def test_how_it_stands(reason: str, job: dict[str, Any], phase: Phase, status: str) -> None:
    seen = observe(job, [pod(fetch=ended(5, 9), serve=running(9), agent=running(10), phase="Running")])
    assert (seen.phase, seen.fields["transformJobStatus"]) == (phase, status), reason
    assert seen.fields["transformStartTime"] == at(5), reason


@pytest.mark.parametrize(
    ("reason", "pods", "want"),
    [
        ("it has ended three times", [pod(serve=crashing(2), phase="Pending")], True),
        ("it may still come", [pod(serve=crashing(1), phase="Pending")], False),
        ("it was started again", [pod(serve={**crashing(2), "state": running(9)}, phase="Pending")], False),
        ("where there is an agent it is the agent who waits", [pod(serve=crashing(5), agent=running(10))], False),
        (
            "another pod works",
            [pod(serve=crashing(2), phase="Pending"), pod(1, serve=running(9), agent=running(9), phase="Running")],
            False,
        ),
        (
            "and is done",
            [pod(serve=crashing(2), phase="Pending"), pod(1, agent=ended(9, 20), phase="Succeeded")],
            True,
        ),
        ("there is no pod yet", [], False),
    ],
)
def test_when_nothing_in_the_pods_will_end_the_job(reason: str, pods: list[dict[str, Any]], want: bool) -> None:
    job = kubernetes_job(size=len(pods))
    found = of_job(of_the_job(job), [of_pod(body) for body in pods])
    assert is_to_be_given_up(of_the_job(job), found) is want, reason
    told = {**job, "spec": {**job["spec"], "activeDeadlineSeconds": 1}}
    assert not is_to_be_given_up(of_the_job(told), found), reason
    assert not is_to_be_given_up(kubernetes_job(ended="Failed"), found), reason


def test_a_job_that_is_gone() -> None:
    assert observe(None, []).phase is Phase.GONE


def test_pods_of_another_job_say_nothing() -> None:
    stranger = pod(agent=ended(1, 2, 1, said={"failureReason": "ClientError: not mine"}))
    stranger["metadata"]["ownerReferences"] = [{"uid": "other", "controller": True}]
    assert "not mine" not in failed(stranger).failure_reason


@pytest.mark.parametrize(
    ("reason", "containers", "want"),
    [
        ("the model's image", {"serve": held("ImagePullBackOff", "no such image")}, Reason.IMAGE_PULL_FAILED),
        ("a Secret that is not there", {"serve": held("CreateContainerConfigError")}, Reason.CONTAINER_NOT_STARTED),
    ],
)
def test_what_it_waits_for(reason: str, containers: dict[str, Any], want: Reason) -> None:
    seen = observe(kubernetes_job(), [pod(fetch=ended(1, 2), phase="Pending", **containers)])
    assert seen.waiting is not None, reason
    assert seen.waiting.reason is want, reason


@pytest.mark.parametrize(
    ("job", "status", "phase", "because"),
    [
        ({"stop": "Stopped", "suspend": True}, {"active": 1}, Phase.STOPPING, "its pods still end"),
        ({"stop": "Stopped", "suspend": True}, {}, Phase.STOPPED, "they have, and nothing of it is to run again"),
        ({"stop": "Stopped"}, {}, Phase.STOPPING, "it is told to"),
        ({"suspend": True}, {}, Phase.OPEN, "it waits in its queue for the next time"),
    ],
)
def test_a_job_that_is_to_stop_does_not_wait_in_a_queue(job: Any, status: Any, phase: Phase, because: str) -> None:
    body = kubernetes_job(**job)
    body["status"] |= status

    assert observe(body, []).phase is phase, because
