"""Whole steps as processes: they make one job, follow it, are killed and stopped, and go on."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
import yaml
from sagebridge_kfp.step.run import StepFailedError, delete, get
from sagebridge_local.stack.aws import DUMMY_KEY, REGION
from support.endpoints import spec as endpoint_spec
from support.jobs import Jobs, ready, spec
from support.steps import Step, Task
from support.waiting import eventually

from .conftest import Place

MakeTask = Callable[..., Task]
BECAUSE = "sagebridge.io/step-stopped-because"
Capture = pytest.CaptureFixture[str]
POD, STOPPED, DONE, SPEC = (f"sagebridge.io/step-{word}" for word in ("pod", "stopped", "done", "spec"))


def seconds(number: float, **environment: str) -> dict[str, Any]:
    """A job that runs so long."""
    return spec(environment={"SAGEBRIDGE_LOCAL_SECONDS": str(number), **environment})


def objects(place: Place, task: Task, kind: str = "TrainingJob", plural: str = "trainingjobs") -> list[dict[str, Any]]:
    """What a task's steps have made, oldest first."""
    listed = Jobs(place.world.cluster.client, place.world.namespace, kind=kind, plural=plural).list()
    mine = [one for one in listed if one["metadata"]["labels"].get("sagebridge.io/pipeline-run") == task.run]
    return sorted(mine, key=lambda one: len(one["metadata"]["name"]))


def made_at_sagemaker(place: Place, task: Task) -> list[str]:
    """The SageMaker jobs of a task, by what tags them as its objects'."""
    names = [attempt["name"] for one in objects(place, task) for attempt in one["status"].get("attempts", [])]
    begin = f"{place.world.namespace}-{objects(place, task)[0]['metadata']['name']}"[:52]
    jobs = [job["name"] for job in place.world.aws.jobs() if job["name"].startswith(begin)]
    assert sorted(jobs) == sorted(names)
    return jobs


def wait_running(place: Place, name: str) -> dict[str, Any]:
    """Wait until its job is at work."""
    return place.world.jobs.wait(
        name, lambda job: (job.get("status") or {}).get("trainingJobStatus") == "InProgress", what="at work"
    )


def begun(place: Place, task: Task, step: Step) -> str:
    """The name of a step's object, once its job is at work."""
    step.wait_for("Made TrainingJob")
    name: str = objects(place, task)[-1]["metadata"]["name"]
    wait_running(place, name)
    return name


def test_from_its_making_to_its_end(place: Place, task: MakeTask) -> None:
    train = task()
    ended = train.run_anew(spec=seconds(3), readable="Digits", labels={"team": "a"})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    [body] = objects(place, train)
    name = body["metadata"]["name"]
    assert name.startswith("digits-")
    assert body["metadata"]["labels"]["team"] == "a"
    noted = body["metadata"]["annotations"]
    assert noted["sagebridge.io/pipeline-task"] == train.node
    assert (noted[POD], noted[DONE]) == (f"{train.run}-pod-0/uid-0", "true")
    own = [line.split(" ", 2)[2] for line in ended.stdout.splitlines()]
    assert own[0] == (
        f"Made TrainingJob {place.world.namespace}/{name} (kubectl -n {place.world.namespace} get tj/{name})."
    )
    assert own[-1].startswith(("Completed", "The job's log is not shown here"))
    assert any(line.startswith("InProgress (Training): ") for line in own)
    assert len([line for line in own if "no log service" in line]) == 1, "it is said once that there is no log service"
    assert len(made_at_sagemaker(place, train)) == 1


def test_what_it_gives_back(place: Place, task: MakeTask) -> None:
    result = task().start(spec=seconds(0)).result()
    assert result["namespace"] == place.world.namespace
    assert result["body"]["status"]["trainingJobStatus"] == "Completed"
    assert result["body"]["metadata"]["annotations"][DONE] == "true"
    assert result["body"]["status"]["modelArtifacts"]["s3ModelArtifacts"].startswith("s3://")


def test_a_failed_job_fails_it_and_a_retry_is_a_new_attempt(place: Place, task: MakeTask) -> None:
    train = task()
    failing = seconds(0, SAGEBRIDGE_LOCAL_OUTCOME="Failed", SAGEBRIDGE_LOCAL_FAILURE_REASON="AlgorithmError: no data")
    first = train.start(spec=failing)
    assert first.end() == 1
    assert "StepFailedError: TrainingJob" in first.output
    assert "AlgorithmError: no data" in first.output.partition("StepFailedError")[2]

    assert train.start(pod=1, spec=failing).end() == 1
    result = train.start(pod=2, spec=seconds(0)).result()
    names = [one["metadata"]["name"] for one in objects(place, train)]
    assert names == [names[0], f"{names[0]}-2", f"{names[0]}-3"]
    assert result["name"] == names[2]
    assert [DONE in one["metadata"]["annotations"] for one in objects(place, train)] == [False, False, True]


def test_a_retry_of_what_has_completed_makes_nothing(place: Place, task: MakeTask) -> None:
    train = task()
    first = train.start(spec=seconds(0)).result()
    second = train.start(pod=1, spec=seconds(0)).result()
    assert first["body"]["metadata"]["uid"] == second["body"]["metadata"]["uid"]
    assert second["body"]["metadata"]["resourceVersion"] == first["body"]["metadata"]["resourceVersion"]


def test_iterations_and_tasks_have_jobs_of_their_own(place: Place, task: MakeTask) -> None:
    nodes = ["wf.root.loop.item(0:a).train.executor", "wf.root.loop.item(1:b).train.executor", "wf.root.test.executor"]
    tasks = [task(run="shared", node=node) for node in nodes]
    steps = [each.start(spec=seconds(0)) for each in tasks]
    assert len({step.result()["name"] for step in steps}) == 3


@pytest.mark.parametrize("seed", range(10))
def test_killed_at_any_moment_it_makes_one_job(place: Place, task: MakeTask, seed: int) -> None:
    train, dice = task(), random.Random(seed)
    wanted = seconds(0.5)
    for pod in range(dice.randint(1, 3)):
        killed = train.start(pod=pod, spec=wanted)
        time.sleep(dice.uniform(0.0, 0.6))
        killed.signal(signal.SIGKILL)
        killed.end()
    result = train.start(pod=9, spec=wanted).result()
    [body] = objects(place, train)
    assert body["metadata"]["name"] == result["name"]
    assert len(made_at_sagemaker(place, train)) == 1


def test_a_successor_attends_what_it_finds_running(place: Place, task: MakeTask) -> None:
    train = task()
    first = train.start(spec=seconds(600))
    name = begun(place, train, first)
    first.signal(signal.SIGKILL)
    first.end()
    second = train.start(pod=1, spec=seconds(600))
    second.wait_for(f"Found TrainingJob {name}, which an earlier pod of this step has made.")
    place.world.jobs.wait(name, lambda job: job["metadata"]["annotations"][POD] == f"{train.run}-pod-1/uid-1")
    place.world.aws.advance(700)
    assert second.result()["name"] == name


def describe(place: Place, name: str) -> dict[str, Any]:
    """Its last SageMaker job, as SageMaker tells it."""
    job = place.world.jobs.get(name) or {}
    client = boto3.client(
        "sagemaker",
        endpoint_url=place.world.simulator.url,
        region_name=REGION,
        aws_access_key_id=DUMMY_KEY,
        aws_secret_access_key=DUMMY_KEY,
    )
    found: dict[str, Any] = client.describe_training_job(TrainingJobName=job["status"]["trainingJobName"])
    return found


def test_told_to_end_it_stops_its_job_and_goes_on_when_retried(place: Place, task: MakeTask) -> None:
    train = task()
    step = train.start(spec=seconds(600))
    name = begun(place, train, step)
    step.signal(signal.SIGTERM)
    assert step.end() == 143, step.output
    assert f"Told to end: TrainingJob {name} is suspended" in step.output
    body = place.world.jobs.get(name) or {}
    assert body["spec"]["runPolicy"]["suspend"] is True
    assert body["metadata"]["annotations"][STOPPED] == "true"
    assert body["metadata"]["annotations"][BECAUSE] == f"{body['metadata']['generation']} it was told to end"

    eventually(
        lambda: [one for one in describe(place, name)["SecondaryStatusTransitions"] if one["Status"] == "Stopping"],
        what="the job is being stopped",
    )

    second = train.start(pod=1, spec=seconds(600))
    second.wait_for("it goes on.")
    resumed = place.world.jobs.wait(name, lambda job: len(job["status"].get("attempts", [])) == 2, what="a second try")
    assert not {STOPPED, BECAUSE} & resumed["metadata"]["annotations"].keys()
    second.signal(signal.SIGTERM)
    assert second.end() == 143


def test_told_to_end_it_leaves_what_a_successor_attends(place: Place, task: MakeTask) -> None:
    train = task()
    lost = train.start(spec=seconds(600))
    name = begun(place, train, lost)
    successor = train.start(pod=1, spec=seconds(600))
    successor.wait_for("Found TrainingJob")
    place.world.jobs.wait(name, lambda job: job["metadata"]["annotations"][POD].endswith("uid-1"))
    lost.signal(signal.SIGTERM)
    assert lost.end() == 143
    assert "another pod attends" in lost.output
    assert "suspend" not in ((place.world.jobs.get(name) or {})["spec"].get("runPolicy") or {})
    successor.signal(signal.SIGTERM)
    assert successor.end() == 143
    place.world.jobs.wait_reason(name, "Suspended")


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_told_to_end_at_any_moment_it_leaves_no_job_running(place: Place, task: MakeTask, moment: float) -> None:
    train = task()
    step = train.start(spec=seconds(600))
    eventually(step.log.exists, what="its process")
    time.sleep(moment)
    step.signal(signal.SIGTERM)
    assert step.end() in (143, -signal.SIGTERM), step.output
    for one in objects(place, train):
        assert one["spec"]["runPolicy"]["suspend"] is True
        place.world.jobs.wait_reason(one["metadata"]["name"], "Suspended")


def test_another_spec_counts_while_nothing_has_begun(place: Place, task: MakeTask) -> None:
    train = task()
    refused = train.start(spec=seconds(0) | {"roleArn": "arn:aws:iam::123456789012:role/not-allowed"})
    assert refused.end() == 1
    assert "can't go on: NotAllowed" in refused.output
    result = train.start(pod=1, spec=seconds(0)).result()
    [body] = objects(place, train)
    assert body["metadata"]["name"] == result["name"]


def test_another_spec_does_not_count_once_it_has_begun(place: Place, task: MakeTask) -> None:
    train = task()
    first = train.start(spec=seconds(600))
    begun(place, train, first)
    first.signal(signal.SIGKILL)
    first.end()
    second = train.start(pod=1, spec=seconds(600, OTHER="1"))
    second.wait_for("that one counts")
    place.world.aws.advance(700)
    body = second.result()["body"]
    assert "OTHER" not in body["spec"]["environment"]


def test_what_the_api_server_refuses_fails_it_at_once(place: Place, task: MakeTask) -> None:
    step = task().start(spec={"noSuchField": 1, "resourceConfig": {"instanceCount": "many"}})
    assert step.end() == 1
    assert "StepFailedError: The API server refuses this TrainingJob" in step.output


def test_what_sagemaker_does_not_take_fails_it_at_once_and_the_object_tells_why(place: Place, task: MakeTask) -> None:
    train = task()
    wanted = spec()
    wanted["resourceConfig"] |= {"instanceType": "ml.m5.larg"}
    step = train.start(spec=wanted)
    assert step.end() == 1
    assert "can't go on: Rejected: CreateTrainingJob: " in step.output
    assert "Correct the step's inputs, and run it again." in step.output
    assert "for somebody to act" not in step.output
    [body] = objects(place, train)
    told = place.world.jobs.wait_reason(body["metadata"]["name"], "Suspended")
    [ready] = [one for one in told["status"]["conditions"] if one["type"] == "Ready"]
    assert ready["message"].startswith("Suspended by its pipeline's step: TrainingJob ")
    assert "can't go on: Rejected: CreateTrainingJob: " in ready["message"]


def test_what_is_deleted_fails_it(place: Place, task: MakeTask) -> None:
    train = task()
    step = train.start(spec=seconds(600))
    name = begun(place, train, step)
    place.world.jobs.delete(name)
    assert step.end() == 1
    assert f"StepFailedError: TrainingJob {name} was deleted by somebody." in step.output


def endpoints(place: Place) -> Jobs:
    return Jobs(place.world.cluster.client, place.world.namespace, kind="Endpoint", plural="sagemakerendpoints")


def deployment(name: str, data: str = "1", **fields: Any) -> dict[str, Any]:
    return {"kind": "Endpoint", "name": name, "keeps": True, "spec": endpoint_spec(data=data, **fields)}


def test_an_endpoint_is_made_by_one_run_and_updated_by_the_next(place: Place, task: MakeTask) -> None:
    made = task().start(**deployment("scores", history={"limit": 1}) | {"labels": {"team": "a"}}).result()
    assert ready(made["body"])["reason"] == "InService"
    assert made["body"]["metadata"]["annotations"][DONE] == "true"

    second = task().start(**deployment("scores", data="2") | {"labels": {"tier": "b"}}).result()
    assert second["body"]["metadata"]["uid"] == made["body"]["metadata"]["uid"]
    assert second["body"]["status"]["endpointConfigName"] != made["body"]["status"]["endpointConfigName"]
    assert "history" not in second["body"]["spec"]
    first, latest = (one["body"]["metadata"] for one in (made, second))
    assert latest["annotations"].pop(SPEC) != first["annotations"].pop(SPEC), "which spec a step gave last"
    assert latest["annotations"] == first["annotations"], "it stays what a step has left that ended well"
    assert latest["labels"] == first["labels"] | {"tier": "b"}


def test_told_to_end_it_deletes_an_endpoint_that_does_not_serve_yet(place: Place, task: MakeTask) -> None:
    place.world.aws.endpoint_outcome(f"{place.world.namespace}-slow*", seconds=600)
    step = task().start(**deployment("slow"))
    endpoints(place).wait("slow", lambda one: (one.get("status") or {}).get("endpointStatus") == "Creating")
    step.signal(signal.SIGTERM)
    assert step.end() == 143
    assert "is being deleted" in step.output
    eventually(
        lambda: (endpoints(place).get("slow") or {"metadata": {"deletionTimestamp": "gone"}})["metadata"].get(
            "deletionTimestamp"
        ),
        what="its deletion",
    )


def test_told_to_end_it_leaves_an_endpoint_that_was_there(place: Place, task: MakeTask) -> None:
    task().start(**deployment("kept")).result()
    place.world.aws.endpoint_outcome(f"{place.world.namespace}-kept*", seconds=600)
    step = task().start(**deployment("kept", data="2"))
    endpoints(place).wait("kept", lambda one: ready(one).get("reason") == "Updating")
    step.signal(signal.SIGTERM)
    assert step.end() == 143
    assert "goes on" in step.output
    assert "deletionTimestamp" not in (endpoints(place).get("kept") or {})["metadata"]


@pytest.fixture
def here(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has what a step has."""
    monkeypatch.setenv("KUBECONFIG", str(place.kubeconfig))


@pytest.mark.usefixtures("here")
def test_an_object_is_deleted_and_what_it_made_with_it(place: Place, task: MakeTask, capsys: Capture) -> None:
    name = task().start(**deployment("leaving")).result()["name"]
    assert get("Endpoint", name)["status"]["endpointStatus"] == "InService"
    delete("Endpoint", name)
    assert endpoints(place).get(name) is None
    assert [one["name"] for one in place.world.aws.endpoints() if "-leaving-" in one["name"]] == []
    delete("Endpoint", name)
    said = [line.split(" ", 2)[2] for line in capsys.readouterr().out.splitlines()]
    first, *waiting, last, again = said
    assert first == "Endpoint leaving is being deleted."
    assert all(line.startswith("Endpoint leaving is not gone yet: Deleting: ") for line in waiting)
    assert (last, again) == ("Endpoint leaving is gone.", "Endpoint leaving is not there.")


@pytest.mark.usefixtures("here")
def test_nobody_need_wait_for_a_deletion(place: Place, task: MakeTask) -> None:
    train = task()
    step = train.start(spec=seconds(600))
    name = begun(place, train, step)
    place.world.jobs.patch(name, {"metadata": {"finalizers": ["example.com/held"]}})
    delete("TrainingJob", name, wait=False)
    assert "deletionTimestamp" in get("TrainingJob", name)["metadata"]
    place.world.jobs.patch(name, {"metadata": {"finalizers": []}})
    assert step.end() == 1


@pytest.mark.usefixtures("here")
def test_what_is_not_there_is_not_read() -> None:
    with pytest.raises(StepFailedError, match="There is no TrainingJob nothing in namespace test-"):
        get("TrainingJob", "nothing")


def test_what_a_service_account_may_not_do_is_told(place: Place, task: MakeTask) -> None:
    elsewhere = place.world.cluster.make_namespace()
    config = yaml.safe_load(place.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = elsewhere
    train = task()
    train = replace(train, kubeconfig=train.directory.with_suffix(".yaml"))
    train.kubeconfig.write_text(yaml.safe_dump(config))
    step = train.start(spec=seconds(0))
    assert step.end() == 1
    assert f"service account may not do this in namespace {elsewhere}" in step.output
