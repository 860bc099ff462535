"""BatchTransforms with target: Cluster: the Jobs that are made, and what their pods' ends mean."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes
import pytest
from support.batch_transforms import IMAGE, MODEL, BatchTransforms
from support.jobs import condition, ready, spec
from support.kueue import Kueue
from support.transform_kubelet import TransformKubelet

from .cluster_serving import exists
from .world import World

DONE = {"stopped": "", "transformed": 1}
TWO = {"instanceType": "ml.m5.large", "instanceCount": 2}
CONTAINER = MODEL["primaryContainer"]


@pytest.fixture
def jobs(world: World) -> BatchTransforms:
    return BatchTransforms(world.cluster.client, world.namespace)


@pytest.fixture
def kubelet(world: World) -> Iterator[TransformKubelet]:
    made = TransformKubelet(world.cluster.client, world.namespace)
    yield made
    made.remove_all()


def model_document(world: World, kubelet: TransformKubelet) -> dict[str, Any]:
    [job] = kubelet.jobs()
    core = world.cluster.core
    # It comes after the Job, which makes pods at once.
    config_map = world.eventually(
        lambda: exists(lambda: core.read_namespaced_config_map(job.metadata.name, world.namespace)), "a ConfigMap"
    )
    assert config_map.metadata.owner_references[0].uid == job.metadata.uid
    document: dict[str, Any] = json.loads(config_map.data["model.json"])
    return document


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            lambda kubelet, pod: kubelet.fail_fetch(pod, said={"failureReason": "ClientError: Failed to download"}),
            "ClientError: Failed to download",
        ),
        (
            lambda kubelet, pod: kubelet.finish(
                pod,
                code=1,
                said={"failureReason": "ClientError: did not pass the ping health check.", "unhealthy": True},
                server_said="ModuleNotFoundError: no own",
            ),
            "ClientError: did not pass the ping health check. Its last words: ModuleNotFoundError: no own",
        ),
    ],
    ids=["no model", "no server"],
)
def test_a_pod_that_fails_lets_the_other_go_on_and_fails_the_job(
    jobs: BatchTransforms, kubelet: TransformKubelet, end: Callable[[TransformKubelet, Any], None], reason: str
) -> None:
    jobs.make(target="Cluster", transformResources=TWO)
    first, second = kubelet.pods(2)
    for pod in (first, second):
        kubelet.place(pod)
        kubelet.serve(pod)
    end(kubelet, second)
    jobs.wait("predict", lambda job: job["status"].get("transformStartTime"))
    assert kubelet.read(first).metadata.deletion_timestamp is None
    kubelet.finish(first, said=DONE)

    failed = jobs.wait_reason("predict", "JobFailed")

    assert failed["status"]["failureReason"] == reason
    assert failed["status"]["transformJobStatus"] == "Failed"
    assert len(kubelet.jobs()) == 1


def test_a_whole_life(world: World, jobs: BatchTransforms, kubelet: TransformKubelet) -> None:
    jobs.make(target="Cluster", transformResources=TWO, tags=[{"key": "team", "value": "a"}])
    pods = kubelet.pods(2)
    for pod in pods:
        kubelet.place(pod)
        kubelet.fetch(pod)
    running = jobs.wait("predict", lambda job: job["status"].get("transformStartTime"))
    assert running["status"]["transformJobStatus"] == "InProgress"
    for pod in pods:
        kubelet.serve(pod)
        kubelet.finish(pod, said=DONE)

    done = jobs.wait_reason("predict", "Completed")
    status = done["status"]
    [attempt] = status["attempts"]
    assert condition(done, "Complete")["status"] == "True"
    assert status["transformJobStatus"] == "Completed"
    assert status["transformStartTime"] <= status["transformEndTime"]
    assert status["image"] == IMAGE
    assert status["instanceCount"] == 2
    assert status["logs"]["container"] == "serve"
    assert attempt["arn"] == status["transformJobArn"]
    assert attempt["arn"].endswith(f":job/{kubelet.jobs()[0].metadata.name}")
    assert status.keys().isdisjoint({"roleArn", "models", "modelName"})
    assert world.made() == []


def test_what_the_pods_have_to_know(world: World, jobs: BatchTransforms, kubelet: TransformKubelet) -> None:
    world.put_config_map("code", {"inference.py": "def model_fn(directory): ..."})
    jobs.make(
        target="Cluster",
        source={"entryPoint": "inference.py", "configMap": {"name": "code"}},
        cluster={"image": "own.example/serve:2"},
    )
    [pod] = kubelet.pods(1)

    document = model_document(world, kubelet)
    assert [files["uri"] for files in document["files"]] == [CONTAINER["modelDataUrl"]]
    assert document["code"]["file"] == "code.tar.gz"
    [serve] = [one for one in pod.spec.init_containers if one.name == "serve"]
    assert serve.image == "own.example/serve:2"
    assert serve.restart_policy == "Always"
    assert {"SAGEMAKER_BATCH": "true", "SAGEMAKER_PROGRAM": "inference.py"}.items() <= {
        one.name: one.value for one in serve.env
    }.items()
    assert "aws" not in str(pod.spec.service_account_name)


def test_the_model_of_a_training_job(world: World, jobs: BatchTransforms, kubelet: TransformKubelet) -> None:
    world.script(seconds=0)
    jobs.make(model=None, modelRef={"kind": "TrainingJob", "name": "digits"}, target="Cluster")
    jobs.wait_reason("predict", "WaitingForReference")
    world.jobs.create("digits", spec())
    trained = world.jobs.wait_reason("digits", "Completed")

    kubelet.pods(1)
    artifact = trained["status"]["modelArtifacts"]["s3ModelArtifacts"]
    assert [files["uri"] for files in model_document(world, kubelet)["files"]] == [artifact]
    begun = jobs.wait("predict", lambda job: job["status"].get("transformJobArn"))
    assert begun["status"]["modelRef"]["name"] == "digits"
    assert begun["status"]["image"] == trained["status"]["image"]


def test_a_reclaimed_node_uses_up_no_retry(world: World, jobs: BatchTransforms, kubelet: TransformKubelet) -> None:
    jobs.make(target="Cluster")
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.serve(pod)
    kubelet.take_node(pod, "Pod was terminated in response to imminent node shutdown.")

    [again] = world.eventually(
        lambda: [one for one in kubelet.pods(1) if one.metadata.name != pod.metadata.name], "a new attempt's pod"
    )
    kubelet.place(again)
    kubelet.finish(again, said=DONE)
    done = jobs.wait_reason("predict", "Completed")
    assert [attempt.get("reason", "") for attempt in done["status"]["attempts"]] == ["Interrupted", ""]


def test_a_pod_that_its_node_does_not_take_is_made_anew(
    world: World, jobs: BatchTransforms, kubelet: TransformKubelet
) -> None:
    jobs.make(target="Cluster")
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.reject(pod)

    [again] = world.eventually(
        lambda: [one for one in kubelet.pods(1) if one.metadata.name != pod.metadata.name], "another pod"
    )
    kubelet.place(again)
    kubelet.finish(again, said=DONE)
    done = jobs.wait_reason("predict", "Completed")
    assert len(done["status"]["attempts"]) == 1
    assert len(kubelet.jobs()) == 1


def test_suspending_takes_the_pods_away_and_going_on_is_a_new_job(
    world: World, jobs: BatchTransforms, kubelet: TransformKubelet
) -> None:
    jobs.make(target="Cluster")
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.serve(pod)
    jobs.wait("predict", lambda job: job["status"].get("transformStartTime"))

    jobs.patch("predict", {"spec": {"runPolicy": {"suspend": True}}})
    world.eventually(lambda: kubelet.read(pod).metadata.deletion_timestamp, "the pod is told to end")
    kubelet.finish(pod, code=143, said={"stopped": "Terminated"})
    kubelet.remove(pod)
    suspended = jobs.wait_reason("predict", "Suspended")
    assert suspended["status"]["transformJobStatus"] == "Stopped"

    jobs.patch("predict", {"spec": {"runPolicy": {"suspend": False}}})
    world.eventually(lambda: len(kubelet.jobs()) == 2, "the next attempt's Job")


def test_deleting_mid_run_ends_the_job(world: World, jobs: BatchTransforms, kubelet: TransformKubelet) -> None:
    jobs.make(target="Cluster", runPolicy={"deletionPolicy": "Purge"})
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.serve(pod)

    jobs.delete("predict")
    world.eventually(lambda: kubelet.read(pod).metadata.deletion_timestamp, "the pod is told to end")
    kubelet.finish(pod, code=143, said={"stopped": "Terminated"})
    kubelet.remove(pod)

    jobs.wait_gone("predict")
    world.eventually(lambda: not kubelet.jobs(), "the Job is deleted")


def test_a_server_that_ends_before_its_agent_is_begun_with_fails_the_job(
    world: World, jobs: BatchTransforms, kubelet: TransformKubelet
) -> None:
    jobs.make(target="Cluster")
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.crash(pod, server_said='exec: "serve": executable file not found in $PATH')

    world.eventually(lambda: kubelet.read(pod).metadata.deletion_timestamp, "the pod is told to end")
    kubelet.remove(pod)
    failed = jobs.wait_reason("predict", "JobFailed")

    reason = failed["status"]["failureReason"]
    assert "did not pass the ping health check" in reason
    assert reason.endswith('exec: "serve": executable file not found in $PATH')


def test_a_job_that_waits_for_a_node_says_why(jobs: BatchTransforms, kubelet: TransformKubelet) -> None:
    jobs.make(target="Cluster")
    waiting = jobs.wait_reason("predict", "Unschedulable")
    assert "no nodes available" in ready(waiting)["message"]


def test_a_queue_holds_the_job(jobs: BatchTransforms, kubelet: TransformKubelet) -> None:
    jobs.make(target="Cluster", cluster={"queueName": "team-a"})
    jobs.wait_reason("predict", "Queued")
    [job] = kubelet.jobs()
    assert job.spec.suspend


def test_kueue_preempts_and_starts_again_what_is_one_attempt(
    world: World, jobs: BatchTransforms, kubelet: TransformKubelet
) -> None:
    kueue = Kueue(world.cluster.client, world.namespace)
    jobs.make(target="Cluster", cluster={"queueName": "team-a"})
    jobs.wait_reason("predict", "Queued")
    [job] = kubelet.jobs()
    flavor = {"flavor.example/name": "spot"}
    kueue.admit(job.metadata.name, flavor=flavor)
    [first] = kubelet.pods(1)
    kubelet.place(first)
    kubelet.serve(first)

    kueue.preempt(job.metadata.name)
    world.eventually(lambda: kubelet.read(first).metadata.deletion_timestamp, "the pod is told to end")
    kubelet.finish(first, code=143, said={"stopped": "Terminated"})
    kubelet.remove(first)
    jobs.wait_reason("predict", "Queued")
    kueue.restore(job.metadata.name, flavor=flavor)
    kueue.admit(job.metadata.name, flavor=flavor)
    [second] = kubelet.pods(1)
    kubelet.place(second)
    kubelet.finish(second, said=DONE)

    done = jobs.wait_reason("predict", "Completed")
    assert len(done["status"]["attempts"]) == 1
    assert [one.metadata.uid for one in kubelet.jobs()] == [job.metadata.uid]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": None, "modelName": "own"}, "modelName can't be kept"),
        ({"model": {"containers": [CONTAINER, CONTAINER]}}, "model.containers can't be kept"),
        (
            {"model": {**MODEL, "vpcConfig": {"securityGroupIds": ["sg-12345678"], "subnets": ["subnet-12345678"]}}},
            "model.vpcConfig can't be kept",
        ),
        (
            {"model": {"primaryContainer": {"modelPackageName": "p"}}},
            "model.primaryContainer.modelPackageName can't be kept",
        ),
        ({"experimentConfig": {"experimentName": "x"}}, "experimentConfig can't be kept"),
    ],
    ids=["model in SageMaker", "pipeline", "vpc", "package", "experiment"],
)
def test_what_the_cluster_can_not_do_is_refused_at_admission(jobs: BatchTransforms, changes: Any, words: str) -> None:
    with pytest.raises(kubernetes.client.ApiException) as refused:
        jobs.make(target="Cluster", **changes)

    assert words in json.loads(refused.value.body)["message"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cluster": {"queueName": "a"}}, "cluster goes with target: Cluster"),
        ({"environmentFrom": [{"secretRef": {"name": "token"}}]}, "plaintext"),
    ],
    ids=["cluster", "secret"],
)
def test_what_needs_the_target_is_refused_without_it(jobs: BatchTransforms, changes: Any, words: str) -> None:
    with pytest.raises(kubernetes.client.ApiException) as refused:
        jobs.make(**changes)

    assert words in json.loads(refused.value.body)["message"]
