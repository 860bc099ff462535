"""What a processing job's Job and pods say: the failures first."""

import json
from typing import Any

import pytest
from sagebridge.core.cluster.names import ANNOTATION_OUTPUTS, ANNOTATION_STOP
from sagebridge.core.cluster.observation import essence as of_the_job
from sagebridge.core.cluster.pods import essence as of_pod
from sagebridge.core.cluster.processing.observation import observe
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.reasons import Reason
from support.cluster_jobs import at, deleted, disruption, ended, held, kubernetes_job, running
from support.cluster_processing import pod

NOT_UTF_8 = "ClientError: The content of /opt/ml/output/message is not UTF-8 encoded"
INTERNAL = "InternalServerError: We encountered an internal error. Please try again."
OUTPUTS = {"outputs": [{"outputName": "rows", "s3Output": {"s3Uri": "s3://bucket/rows"}}]}


def seen(job: dict[str, Any], *pods: dict[str, Any]) -> Observation:
    """As the operator sees it, which keeps but a part of what the API server shows."""
    return observe(of_the_job(job), [of_pod(each) for each in pods])


def failed(*pods: dict[str, Any], size: int = 1, **more: Any) -> Observation:
    return seen(kubernetes_job(size=size, ended="Failed", **more), *pods)


@pytest.mark.parametrize(
    ("reason", "pods", "want"),
    [
        (
            "the container fails, and says why",
            [pod(prepare=ended(2, 5), process=ended(6, 9, 3), agent=ended(6, 12, said={"failure": "ValueError: no"}))],
            "AlgorithmError: ValueError: no, exit code: 3",
        ),
        (
            "it fails without a word",
            [pod(prepare=ended(2, 5), process=ended(6, 9, 3), agent=ended(6, 12))],
            "AlgorithmError: , exit code: 3",
        ),
        (
            "it fails, and its message is no text either",
            [pod(process=ended(6, 9, 3), agent=ended(6, 12, 1, said={"failureReason": NOT_UTF_8}))],
            "AlgorithmError: , exit code: 3",
        ),
        (
            "its message is no text",
            [pod(process=ended(6, 9), agent=ended(6, 12, 1, said={"failureReason": NOT_UTF_8}))],
            NOT_UTF_8,
        ),
        (
            "inputs that are not to be had",
            [pod(prepare=ended(2, 5, 1, said={"failureReason": "ClientError: Data download failed: NoSuchBucket"}))],
            "ClientError: Data download failed: NoSuchBucket",
        ),
        (
            "outputs that can't be written",
            [pod(process=ended(6, 9), agent=ended(6, 12, 1, said={"failureReason": "ClientError: AccessDenied"}))],
            "ClientError: AccessDenied",
        ),
        (
            "the first host that fails is the cause",
            [
                pod(0, process=ended(6, 9, 143), agent=ended(6, 12)),
                pod(1, process=ended(6, 8, 1), agent=ended(6, 11, said={"failure": "host 1"})),
            ],
            "AlgorithmError: host 1, exit code: 1",
        ),
        (
            "memory",
            [pod(process=ended(6, 9, 137, reason="OOMKilled"), agent=ended(6, 12))],
            (
                "AlgorithmError: OutOfMemory: the container of job-0-x7k2p was ended by the kernel at its memory "
                "limit., exit code: 137"
            ),
        ),
        (
            "a program that is not in the image",
            [pod(process=ended(6, 6, 128, reason="StartError"), agent=ended(6, 12))],
            "ClientError: The container can't be started:",
        ),
        (
            "an agent that ended without a word",
            [pod(process=ended(6, 9), agent=ended(6, 8, 139))],
            f"{INTERNAL} The container agent of pod job-0-x7k2p ended with exit code 139.",
        ),
        (
            "a full volume",
            [
                pod(
                    phase="Failed",
                    status={"reason": "Evicted", "message": 'Usage of EmptyDir volume "ml" exceeds the limit "1Gi".'},
                )
            ],
            (
                'ClientError: Pod job-0-x7k2p was evicted: Usage of EmptyDir volume "ml" exceeds the limit "1Gi". '
                "Write less, or raise processingResources.clusterConfig.volumeSizeInGB."
            ),
        ),
        (
            "a node that was taken away",
            [pod(process=ended(6, 9, 143), conditions=disruption("TerminationByKubelet", "shutdown"))],
            "Interrupted: pod job-0-x7k2p on node node-0: shutdown",
        ),
        (
            "somebody deletes a pod",
            [pod(process=ended(6, 9), agent=ended(6, 9, 143, said={"stopped": "Terminated"}), **deleted(8))],
            f"{INTERNAL} Pod job-0-x7k2p was deleted while it processed, not by this object.",
        ),
        ("no pod is left", [], f"{INTERNAL} gone."),
    ],
)
def test_why_it_failed(reason: str, pods: list[dict[str, Any]], want: str) -> None:
    found = failed(*pods, size=max(1, len(pods)), message="gone")
    assert found.phase is Phase.FAILED, reason
    assert found.failure_reason == found.fields["failureReason"] == want, reason
    assert found.fields["processingJobStatus"] == "Failed", reason


def test_one_that_ended_well_when_it_was_told_to_end_is_interrupted() -> None:
    cut = pod(process=ended(6, 9), agent=ended(6, 12, said={"stopped": "Terminated"}), phase="Succeeded")
    found = seen(kubernetes_job(ended="Complete"), cut)

    assert found.phase is Phase.FAILED
    assert found.failure_reason == "Interrupted: pod job-0-x7k2p was told to end while it processed."


def test_a_failed_job_has_an_exit_message_too() -> None:
    said = {"failure": "no", "message": "half of it"}
    found = failed(pod(process=ended(6, 9, 1), agent=ended(6, 12, said=said)))

    assert found.fields["exitMessage"] == "half of it"


def test_a_completed_job() -> None:
    job = kubernetes_job(size=2, ended="Complete")
    job["metadata"]["annotations"][ANNOTATION_OUTPUTS] = json.dumps(OUTPUTS)
    hosts = [
        pod(
            1, prepare=ended(3, 5), process=ended(6, 9), agent=ended(6, 90, said={"message": "two"}), phase="Succeeded"
        ),
        pod(
            0, prepare=ended(2, 5), process=ended(6, 9), agent=ended(6, 95, said={"message": "one "}), phase="Succeeded"
        ),
    ]

    assert seen(job, *hosts) == Observation(
        phase=Phase.SUCCEEDED,
        whole=True,
        fields={
            "processingJobStatus": "Completed",
            "exitMessage": "one two",
            "processingOutputConfig": OUTPUTS,
            "creationTime": at(0),
            "processingStartTime": at(2),
            "processingEndTime": at(100),
        },
    )


@pytest.mark.parametrize(
    ("reason", "said", "want"),
    [
        ("nothing", {}, None),
        ("an empty one", {"message": ""}, None),
        ("whoever writes into a pod may write anything", {"message": {"a": 1}}, None),
        ("half a letter", {"message": "\ud83d"}, "?"),
        ("a kilobyte", {"message": "x" * 2000}, "x" * 1024),
    ],
)
def test_the_exit_message(reason: str, said: dict[str, Any], want: str | None) -> None:
    done = pod(process=ended(6, 9), agent=ended(6, 95, said=said), phase="Succeeded")
    assert seen(kubernetes_job(ended="Complete"), done).fields.get("exitMessage") == want, reason


@pytest.mark.parametrize(
    "written",
    [
        "no JSON",
        "[]",
        "null",
        "",
        '{"outputs": 3}',
        '{"outputs": null}',
        '{"outputs": ["rows"]}',
        '{"outputs": [{"outputName": 3}]}',
        '{"outputs": [{"appManaged": "no"}]}',
        '{"outputs": [{"s3Output": "s3://bucket"}]}',
        '{"outputs": [{"s3Output": {"s3Uri": null}}]}',
        '{"outputs": [{"featureStoreOutput": "f"}]}',
        "[" * 100_000,
        '{"kmsKeyId": 3}',
    ],
)
def test_outputs_that_somebody_has_written_over_are_not_told(written: str) -> None:
    job = kubernetes_job(ended="Complete")
    job["metadata"]["annotations"][ANNOTATION_OUTPUTS] = written
    assert "processingOutputConfig" not in seen(job).fields


@pytest.mark.parametrize(
    ("reason", "job", "agent", "phase", "status"),
    [
        ("it runs", kubernetes_job(), running(6), Phase.OPEN, "InProgress"),
        ("it was told to stop", kubernetes_job(stop="Stopped"), running(6), Phase.STOPPING, "Stopping"),
        (
            "it has stopped",
            kubernetes_job(stop="Stopped", ended="Failed"),
            ended(6, 12, said={"stopped": "Stopped"}),
            Phase.STOPPED,
            "Stopped",
        ),
        (
            "its time was over",
            kubernetes_job(ended="Failed"),
            ended(6, 12, said={"stopped": "MaxRuntimeExceeded"}),
            Phase.STOPPED,
            "Stopped",
        ),
        (
            "what had ended when the word came is complete",
            kubernetes_job(stop="Stopped", ended="Complete"),
            ended(6, 12, said={"stopped": ""}),
            Phase.SUCCEEDED,
            "Completed",
        ),
        (
            "it was taken away before it began",
            kubernetes_job(stop="Stopped", ended="Failed", reason="DeadlineExceeded"),
            {},
            Phase.STOPPED,
            "Stopped",
        ),
    ],
)
def test_how_it_stands(reason: str, job: dict[str, Any], agent: dict[str, Any], phase: Phase, status: str) -> None:
    found = seen(job, pod(prepare=ended(2, 5), process=running(6), agent=agent))
    assert (found.phase, found.fields["processingJobStatus"]) == (phase, status), reason
    assert found.fields["processingStartTime"] == at(2), reason
    assert "failureReason" not in found.fields, reason


@pytest.mark.parametrize("text", ["no JSON", "[]", "[" * 4096], ids=["no JSON", "a list", "too deep to be read"])
def test_a_message_that_is_none_of_the_agents_says_nothing(text: str) -> None:
    done = pod(process=ended(6, 9), agent=ended(6, 95), phase="Succeeded")
    [agent] = [one for one in done["status"]["containerStatuses"] if one["name"] == "agent"]
    agent["state"]["terminated"]["message"] = text
    found = seen(kubernetes_job(ended="Complete"), done)

    assert (found.phase, "exitMessage" in found.fields) == (Phase.SUCCEEDED, False)


def test_lost_outputs_of_a_stopped_job_are_told() -> None:
    agent = ended(6, 12, 1, said={"stopped": "Stopped", "failureReason": "ClientError: AccessDenied"})
    found = seen(kubernetes_job(stop="Stopped", ended="Failed"), pod(process=ended(6, 9, 143), agent=agent))

    assert (found.phase, found.failure_reason) == (Phase.STOPPED, "ClientError: AccessDenied")


def test_a_job_of_which_a_part_was_told_to_stop() -> None:
    told = pod(1, process=running(6), agent=running(6))
    told["metadata"]["annotations"][ANNOTATION_STOP] = "Stopped"
    assert seen(kubernetes_job(size=2), pod(process=running(6), agent=running(6)), told).is_half_stopped


def test_a_job_that_is_gone() -> None:
    assert observe(None, []) == Observation(phase=Phase.GONE, whole=True)


@pytest.mark.parametrize(
    ("reason", "state", "want"),
    [
        ("the image", held("ImagePullBackOff", "no such image"), Reason.IMAGE_PULL_FAILED),
        ("a Secret that is not there", held("CreateContainerConfigError"), Reason.CONTAINER_NOT_STARTED),
    ],
)
def test_what_it_waits_for(reason: str, state: dict[str, Any], want: Reason) -> None:
    found = seen(kubernetes_job(), pod(prepare=ended(2, 5), process=state, phase="Pending"))
    assert found.waiting is not None, reason
    assert found.waiting.reason is want, reason
