"""A job's life, as its object tells it: the table of conditions of api.md, row by row, and the fields of status."""

from __future__ import annotations

from typing import Any

from support.jobs import attempts, condition, ready, spec, statuses

from .world import World

RUNNING = {"Ready": "False", "Reconciling": "True"}


def conditions(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job["status"]["conditions"])


def whole_second(moment: str) -> str:
    """Kubernetes' times have whole seconds, SageMaker's have more."""
    return moment[: len("2026-01-02T03:04:05")]


def test_a_job_completes(world: World) -> None:
    world.script(seconds=3, metrics={"accuracy": 0.5})
    world.jobs.create("digits")
    running = world.jobs.wait_reason("digits", "InProgress")
    assert statuses(running) == RUNNING
    done = world.jobs.wait_reason("digits", "Completed")
    assert statuses(done) == {"Ready": "True", "Complete": "True"}
    status = done["status"]
    assert status["trainingJobStatus"] == "Completed"
    assert status["secondaryStatus"] == "Completed"
    assert status["modelArtifacts"]["s3ModelArtifacts"].endswith("/output/model.tar.gz")
    assert [(metric["metricName"], metric["value"]) for metric in status["finalMetricDataList"]] == [("accuracy", 0.5)]
    assert [attempt["status"] for attempt in attempts(done)] == ["Completed"]


def test_a_life_costs_few_calls(world: World) -> None:
    world.script(seconds=2)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "Completed")
    assert {
        operation: world.count(operation) for operation in ("CreateTrainingJob", "DescribeTrainingJob", "ListTags")
    } == {
        "CreateTrainingJob": 1,
        "DescribeTrainingJob": 1,
        "ListTags": 0,
    }


def test_a_finished_job_costs_none(world: World) -> None:
    world.script(seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "Completed")
    rounds = world.metric("sagebridge_aws_calls_total", operation="ListTrainingJobs")
    before = world.aws.calls()["objects"]
    world.script(seconds=600)
    world.jobs.create("other")
    world.jobs.wait_reason("other", "InProgress")
    world.eventually(
        lambda: world.metric("sagebridge_aws_calls_total", operation="ListTrainingJobs") > rounds + 2, "more sweeps"
    )
    name = world.jobs.get("digits")["status"]["trainingJobName"]  # type: ignore[index]
    assert world.aws.calls()["objects"][name] == before[name]


def test_status_shows_what_was_left_out(world: World) -> None:
    world.script(seconds=1)
    world.jobs.create("digits")
    status = world.jobs.wait_reason("digits", "Completed")["status"]
    made = world.made_one()
    assert status["trainingJobName"] == made["name"]
    assert status["trainingJobName"].startswith(f"{world.namespace}-digits-")
    assert status["trainingJobArn"] == made["arn"]
    assert status["region"] == "us-east-1"
    assert status["roleArn"] == made["request"]["RoleArn"]
    assert status["outputPath"] == made["request"]["OutputDataConfig"]["S3OutputPath"]
    assert status["outputPath"].endswith(f"/{world.namespace}/digits")
    assert status["image"] == made["request"]["AlgorithmSpecification"]["TrainingImage"]


def test_status_shows_times_and_logs(world: World) -> None:
    world.script(seconds=3)
    created = world.jobs.create("digits")["metadata"]["creationTimestamp"]
    status = world.jobs.wait_reason("digits", "Completed")["status"]
    moments = [status[name] for name in ("startTime", "trainingStartTime", "trainingEndTime")]
    assert [created, *moments] == sorted([created, *moments], key=whole_second)
    assert status["completionTime"] == status["trainingEndTime"]
    assert status["duration"] in {"2s", "3s"}
    assert status["billableTimeInSeconds"] >= 1
    assert status["logs"]["groupName"] == "/aws/sagemaker/TrainingJobs"
    assert status["logs"]["streamPrefix"] == f"{status['trainingJobName']}/"
    assert "region=us-east-1" in status["logs"]["url"]
    assert status["trainingJobName"] in status["logs"]["url"]


def test_ownership_is_tagged(world: World) -> None:
    uid = world.jobs.create("digits", spec(tags=[{"key": "team", "value": "a"}]))["metadata"]["uid"]
    world.jobs.wait_reason("digits", "InProgress")
    tags = world.made_one()["tags"]
    assert tags.pop("sagebridge.io/cluster")
    assert tags == {
        "sagebridge.io/namespace": world.namespace,
        "sagebridge.io/name": "digits",
        "sagebridge.io/uid": uid,
        "team": "a",
    }


def test_the_generation_is_observed(world: World) -> None:
    world.jobs.create("digits")
    for ttl in (None, 3600, 7200):
        if ttl is not None:
            world.jobs.patch("digits", {"spec": {"runPolicy": {"ttlSecondsAfterFinished": ttl}}})
        job = world.jobs.wait(
            "digits",
            lambda job: job.get("status", {}).get("observedGeneration") == job["metadata"]["generation"],
            what="observed",
        )
    assert job["metadata"]["generation"] == 3
    assert {item["observedGeneration"] for item in conditions(job)} == {3}


def test_a_finished_job_observes_its_generation_too(world: World) -> None:
    world.script(seconds=0)
    world.jobs.create("digits")
    done = world.jobs.wait_reason("digits", "Completed")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}}})
    later = world.jobs.wait("digits", lambda job: job["status"]["observedGeneration"] == 2, what="observed")
    assert statuses(later) == {"Ready": "True", "Complete": "True"}
    before, after = condition(done, "Complete"), condition(later, "Complete")
    assert before["lastTransitionTime"] == after["lastTransitionTime"]


def test_a_failed_job_is_not_ready(world: World) -> None:
    world.script(seconds=1, outcome="Failed", failure_reason="AlgorithmError: no such file")
    world.jobs.create("digits")
    failed = world.jobs.wait_reason("digits", "JobFailed")
    assert statuses(failed) == {"Ready": "False", "Stalled": "True", "Failed": "True"}
    assert "no such file" in condition(failed, "Failed")["message"]
    assert "no such file" in failed["status"]["failureReason"]
    [attempt] = attempts(failed)
    assert (attempt["status"], attempt["reason"]) == ("Failed", "AlgorithmError")
    assert "no such file" in world.jobs.wait_event("digits", "JobFailed")


def test_a_job_that_runs_out_of_time_says_so(world: World) -> None:
    world.script(seconds=600, stages={"Starting": 0, "Downloading": 0}, stop_seconds=0)
    world.jobs.create("digits", spec(stoppingCondition={"maxRuntimeInSeconds": 1}))
    stopped = world.jobs.wait_reason("digits", "JobStopped")
    assert statuses(stopped) == {"Ready": "False", "Stalled": "True", "Failed": "True"}
    assert stopped["status"]["secondaryStatus"] == "MaxRuntimeExceeded"
    assert "maxRuntimeInSeconds" in ready(stopped)["message"]


def test_a_job_stopped_in_the_console_has_failed(world: World) -> None:
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits")
    running = world.jobs.wait_reason("digits", "InProgress")
    world.simulator.client("sagemaker").stop_training_job(TrainingJobName=running["status"]["trainingJobName"])
    stopped = world.jobs.wait_reason("digits", "JobStopped")
    assert statuses(stopped) == {"Ready": "False", "Stalled": "True", "Failed": "True"}
    assert "not by this object" in ready(stopped)["message"]


def test_a_job_deleted_behind_our_back_has_failed(world: World) -> None:
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits")
    name = world.jobs.wait_reason("digits", "InProgress")["status"]["trainingJobName"]
    sagemaker = world.simulator.client("sagemaker")
    # No sweep sees it stopped: List is blind until it is gone.
    world.aws.fault("server-error", operation="ListTrainingJobs")
    sagemaker.stop_training_job(TrainingJobName=name)
    world.eventually(lambda: world.made_one()["status"] == "Stopped", "stopped")
    sagemaker.delete_training_job(TrainingJobName=name)
    world.aws.clear_faults()
    gone = world.jobs.wait_reason("digits", "JobGone")
    assert statuses(gone) == {"Ready": "False", "Stalled": "True", "Failed": "True"}
    assert attempts(gone)[0]["status"] == "Gone"


def test_every_change_of_state_is_an_event(world: World) -> None:
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    for suspend, reason in ((True, "Suspended"), (False, "InProgress"), (True, "Suspended")):
        world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": suspend}}})
        world.jobs.wait_reason("digits", reason)
    world.eventually(lambda: [reason for _, reason, _ in world.jobs.events("digits")].count("Suspended") == 2, "Events")
    told = {reason: kind for kind, reason, _ in world.jobs.events("digits")}
    assert told.keys() >= {"AttemptCreated", "Stopping", "Suspended"}
    assert set(told.values()) == {"Normal"}


def test_events_name_the_object(world: World) -> None:
    job = world.jobs.create("digits")
    world.jobs.wait_event("digits", "AttemptCreated")
    [event] = [
        found
        for found in world.cluster.core.list_namespaced_event(world.namespace).items
        if found.reason == "AttemptCreated"
    ]
    assert event.involved_object.kind == "TrainingJob"
    assert event.involved_object.uid == job["metadata"]["uid"]
    assert event.source.component == "sagebridge"


def test_kubectl_waits_for_the_end(world: World) -> None:
    world.script(seconds=1)
    world.jobs.create("digits")
    kubectl = world.cluster.control_plane.kubectl
    said = kubectl("wait", "--for=condition=Complete", "trainingjob/digits", "-n", world.namespace, "--timeout=120s")
    assert "condition met" in said
    shown = kubectl("get", "tj", "digits", "-n", world.namespace).splitlines()[1].split()
    assert shown[:2] == ["digits", "Completed"]
    assert kubectl("get", "sagebridge", "-n", world.namespace, "-o", "name").strip().endswith("/digits")
