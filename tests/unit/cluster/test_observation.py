"""Where Jobs and their pods stand and how they end, in SageMaker's words."""

from typing import Any

import pytest
from sagebridge.core.cluster.names import ANNOTATION_STOP
from sagebridge.core.cluster.observation import observe
from sagebridge.core.observation import Phase
from support.cluster_jobs import UNSCHEDULABLE, at, deleted, ended, held, kubernetes_job, pod, running

DONE = {"stopped": "", "model": "s3://bucket/model.tar.gz"}


@pytest.mark.parametrize(
    ("job", "pods", "secondary"),
    [
        (kubernetes_job(suspend=True), [], "Pending"),
        (kubernetes_job(), [], "Starting"),
        (kubernetes_job(), [pod(node="", phase="Pending", conditions=UNSCHEDULABLE)], "Pending"),
        (kubernetes_job(), [pod(node="", phase="Pending")], "Starting"),
        (kubernetes_job(size=2), [pod(prepare=running(2))], "Starting"),
        (kubernetes_job(), [pod(prepare=running(2))], "Downloading"),
        (kubernetes_job(), [pod(prepare=ended(2, 5), train=held("ContainerCreating"))], "Downloading"),
        (kubernetes_job(), [pod(prepare=ended(2, 5), train=running(6), agent=running(6))], "Training"),
        (
            kubernetes_job(size=2),
            [pod(0, prepare=ended(2, 5), train=running(6)), pod(1, prepare=running(2))],
            "Downloading",
        ),
        (kubernetes_job(), [pod(prepare=ended(2, 5), train=ended(6, 9), agent=running(6))], "Uploading"),
        (kubernetes_job(stop="Stopped"), [pod(prepare=ended(2, 5), train=running(6))], "Stopping"),
    ],
    ids=[
        "suspended",
        "no pods yet",
        "no node",
        "the scheduler has not seen it",
        "a host is missing",
        "data comes",
        "image comes",
        "trains",
        "the slowest host counts",
        "results go",
        "told to stop",
    ],
)
def test_where_a_job_stands(job: Any, pods: list[Any], secondary: str) -> None:
    seen = observe(job, pods)

    assert seen.fields["secondaryStatus"] == secondary
    assert seen.phase is (Phase.STOPPING if secondary == "Stopping" else Phase.OPEN)


@pytest.mark.parametrize(
    ("reason", "job", "told", "want"),
    [
        ("one host was told, and the Job was not", kubernetes_job(size=2), [0], True),
        ("nobody was", kubernetes_job(size=2), [], False),
        ("all were: it is stopping", kubernetes_job(size=2, stop="Stopped"), [0, 1], False),
    ],
)
def test_a_stop_that_has_reached_a_part_of_the_hosts_is_known(
    reason: str, job: Any, told: list[int], want: bool
) -> None:
    hosts = [pod(index, prepare=ended(2, 5), train=running(6), agent=running(6)) for index in range(2)]
    for index in told:
        hosts[index]["metadata"]["annotations"][ANNOTATION_STOP] = "Stopped"

    assert observe(job, hosts).is_half_stopped is want, reason


def test_a_completed_job_has_all_that_describe_would_tell() -> None:
    hosts = [
        pod(index, prepare=ended(2, 5), train=ended(6, 90), agent=ended(6, 95, said=DONE), phase="Succeeded")
        for index in range(2)
    ]
    seen = observe(kubernetes_job(size=2, ended="Complete"), hosts)

    assert seen.phase is Phase.SUCCEEDED
    assert seen.whole
    assert seen.fields == {
        "trainingJobStatus": "Completed",
        "secondaryStatus": "Completed",
        "creationTime": at(0),
        "trainingStartTime": at(2),
        "trainingEndTime": at(100),
        "trainingTimeInSeconds": 98,
        "modelArtifacts": {"s3ModelArtifacts": "s3://bucket/model.tar.gz"},
        "secondaryStatusTransitions": [
            {
                "status": "Starting",
                "startTime": at(0),
                "endTime": at(2),
                "statusMessage": "Preparing the instances for training",
            },
            {"status": "Downloading", "startTime": at(2), "endTime": at(6), "statusMessage": "Downloading input data"},
            {
                "status": "Training",
                "startTime": at(6),
                "endTime": at(90),
                "statusMessage": "Training image download completed. Training in progress.",
            },
            {
                "status": "Uploading",
                "startTime": at(90),
                "endTime": at(100),
                "statusMessage": "Uploading generated training model",
            },
            {
                "status": "Completed",
                "startTime": at(100),
                "endTime": at(100),
                "statusMessage": "Training job completed",
            },
        ],
    }


def test_what_is_made_again_of_a_rank_that_has_succeeded_does_not_count() -> None:
    """It was deleted when the Job controller heard of the success."""
    first = pod(prepare=ended(2, 5), train=ended(6, 90), agent=ended(6, 95, said=DONE), phase="Succeeded")
    again = pod(name="job-0-again", born=96, phase="Failed", **deleted(97))

    seen = observe(kubernetes_job(ended="Complete"), [first, again])

    assert seen.fields["modelArtifacts"] == {"s3ModelArtifacts": "s3://bucket/model.tar.gz"}
    assert seen.fields["trainingStartTime"] == at(2)


def test_a_job_is_complete_whose_hosts_have_all_succeeded_though_one_too_many_has_failed() -> None:
    agent = ended(6, 95, said=DONE)
    hosts = [pod(rank, train=ended(6, 90), agent=agent, phase="Succeeded") for rank in range(2)]
    again = pod(1, name="job-1-again", born=7, train=ended(9, 9, 1), agent=ended(9, 9), phase="Failed")

    seen = observe(kubernetes_job(size=2, ended="Failed", reason="BackoffLimitExceeded"), [*hosts, again])

    assert seen.phase is Phase.SUCCEEDED
    assert seen.fields["modelArtifacts"] == {"s3ModelArtifacts": "s3://bucket/model.tar.gz"}


def test_what_is_made_too_many_of_a_rank_that_runs_does_not_count() -> None:
    runs = pod(prepare=ended(2, 5), train=running(6), agent=running(6))
    again = pod(name="job-0-again", born=7, phase="Pending", **deleted(8))

    assert observe(kubernetes_job(), [runs, again]).fields["secondaryStatus"] == "Training"


@pytest.mark.parametrize(
    ("job", "said", "secondary"),
    [
        (kubernetes_job(ended="Failed", stop="Stopped"), "Stopped", "Stopped"),
        (kubernetes_job(ended="Complete", stop="Stopped"), "Stopped", "Stopped"),
        (kubernetes_job(ended="Failed", stop="nonsense"), "Stopped", "Stopped"),
        (kubernetes_job(ended="Failed"), "MaxRuntimeExceeded", "MaxRuntimeExceeded"),
        (kubernetes_job(ended="Complete"), "MaxRuntimeExceeded", "MaxRuntimeExceeded"),
    ],
    ids=["by the user", "by the user, in time", "by somebody's annotation", "by the clock", "by the clock, in time"],
)
def test_a_stopped_job_keeps_its_model(job: Any, said: str, secondary: str) -> None:
    agent = ended(6, 99, said={"stopped": said, "model": "s3://bucket/model.tar.gz"})

    seen = observe(job, [pod(prepare=ended(2, 5), train=ended(6, 90, 143), agent=agent)])

    assert seen.phase is Phase.STOPPED
    assert seen.fields["secondaryStatus"] == secondary
    assert seen.fields["modelArtifacts"] == {"s3ModelArtifacts": "s3://bucket/model.tar.gz"}


def test_a_job_that_waited_too_long_was_stopped() -> None:
    late = kubernetes_job(ended="Failed", reason="DeadlineExceeded", message="Job was active longer than specified")

    seen = observe(late, [])

    assert (seen.phase, seen.fields["secondaryStatus"]) == (Phase.STOPPED, "MaxWaitTimeExceeded")


@pytest.mark.parametrize("part", ["prepare", "train"])
def test_what_could_not_be_started_was_not_begun_long_ago(part: str) -> None:
    """containerd has no time for it, which the kubelet tells as the time 0."""
    broken = ended(7, 7, 128, reason="StartError")
    broken["terminated"]["startedAt"] = "1970-01-01T00:00:00Z"
    hosts = [pod(phase="Failed", **{"prepare": ended(2, 5), "agent": ended(6, 12, 1), part: broken})]

    fields = observe(kubernetes_job(ended="Failed"), hosts).fields

    assert fields.get("trainingStartTime") == (None if part == "prepare" else at(2))
    assert "Training" not in [one["status"] for one in fields["secondaryStatusTransitions"]]


def test_of_a_host_that_had_several_pods_the_newest_counts() -> None:
    old = pod(prepare=ended(2, 5), train=ended(6, 9, 143), phase="Failed", name="job-0-old", born=1)
    new = pod(prepare=running(20), name="job-0-new", born=15)

    assert observe(kubernetes_job(), [new, old]).fields["secondaryStatus"] == "Downloading"


def test_no_job_is_gone() -> None:
    assert observe(None, []).phase is Phase.GONE


def test_a_job_that_was_done_before_it_heard_of_the_stop_is_complete() -> None:
    agent = ended(6, 99, said=DONE)

    seen = observe(kubernetes_job(ended="Complete", stop="Stopped"), [pod(train=ended(6, 90), agent=agent)])

    assert seen.phase is Phase.SUCCEEDED


def test_results_that_were_lost_when_the_time_was_up_are_not_passed_over() -> None:
    said = {"stopped": "MaxRuntimeExceeded", "failureReason": "ClientError: Data upload failed: AccessDenied"}

    seen = observe(kubernetes_job(ended="Failed"), [pod(train=ended(6, 90, 143), agent=ended(6, 99, 1, said=said))])

    assert seen.phase is Phase.STOPPED
    assert seen.fields["failureReason"] == said["failureReason"] == seen.failure_reason


@pytest.mark.parametrize(
    "metadata",
    [{"ownerReferences": []}, {"ownerReferences": [{"uid": "another", "controller": True}]}],
    ids=["nobody's", "another's"],
)
def test_a_pod_that_the_job_has_not_made_says_nothing_of_it(metadata: Any) -> None:
    forged = {"model": "s3://another/model.tar.gz", "stopped": ""}
    own = pod(train=ended(6, 90), agent=ended(6, 95, said=DONE))
    other = pod(train=ended(6, 90), agent=ended(6, 95, said=forged), name="forged", born=50, metadata=metadata)

    seen = observe(kubernetes_job(ended="Complete"), [own, other])

    assert seen.fields["modelArtifacts"] == {"s3ModelArtifacts": "s3://bucket/model.tar.gz"}


@pytest.mark.parametrize("model", [7, ["s3://b"], {}], ids=["a number", "a list", "an object"])
def test_a_model_that_is_no_text_is_none(model: Any) -> None:
    said = {"model": model}

    seen = observe(kubernetes_job(ended="Complete"), [pod(train=ended(6, 90), agent=ended(6, 95, said=said))])

    assert "modelArtifacts" not in seen.fields
