"""TrainingJobs with target: Cluster: the Jobs that are made, and what their pods' ends mean."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import kubernetes
import pytest
from sagebridge.core.cluster.names import kubernetes_name
from sagebridge.core.names import Owner
from support.jobs import IMAGE, condition, ready, spec
from support.kubelet import Kubelet

from .cluster_jobs import ARTIFACTS, MODEL, end_well, on_cluster, reclaim, start_training, suspend
from .cluster_serving import exists
from .world import World


def test_a_whole_life(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster(resourceConfig={"instanceType": "ml.m5.large", "instanceCount": 2}))
    pods = kubelet.pods(2)
    for pod in pods:
        kubelet.place(pod)
        kubelet.download(pod)
    world.jobs.wait("digits", lambda job: job["status"].get("secondaryStatus") == "Downloading")
    for pod in pods:
        kubelet.train(pod)
    world.jobs.wait("digits", lambda job: job["status"].get("secondaryStatus") == "Training")
    for pod in pods:
        kubelet.upload(pod)
    world.jobs.wait("digits", lambda job: job["status"].get("secondaryStatus") == "Uploading")
    for pod in pods:
        kubelet.end(pod, said=MODEL)

    done = world.jobs.wait_reason("digits", "Completed")
    status = done["status"]
    [attempt] = status["attempts"]
    assert condition(done, "Complete")["status"] == "True"
    assert status["modelArtifacts"] == ARTIFACTS
    assert [one["status"] for one in status["secondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert attempt["arn"].endswith(f":job/{kubelet.jobs()[0].metadata.name}")
    assert "roleArn" not in status
    assert world.made() == []


def test_one_job_with_what_goes_with_it(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster())
    kubelet.pods(1)

    [job] = kubelet.jobs()
    core = world.cluster.core
    # They come after the Job, which makes pods at once.
    service = world.eventually(
        lambda: exists(lambda: core.read_namespaced_service(job.metadata.name, world.namespace)), "a Service"
    )
    config_map = world.eventually(
        lambda: exists(lambda: core.read_namespaced_config_map(job.metadata.name, world.namespace)), "a ConfigMap"
    )
    assert service.spec.cluster_ip == "None"
    assert service.metadata.owner_references[0].uid == job.metadata.uid
    assert json.loads(config_map.data["job.json"])["request"]["AlgorithmSpecification"]["TrainingImage"] == IMAGE


def test_a_job_that_waits_for_a_node_says_why(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster())

    waiting = world.jobs.wait_reason("digits", "Unschedulable")

    assert "no nodes available" in ready(waiting)["message"]
    assert waiting["status"]["secondaryStatus"] == "Pending"
    assert condition(waiting, "Reconciling")["status"] == "True"


def test_an_image_that_can_not_be_pulled_stalls_until_it_can(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster())
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.refuse_image(pod, 'Back-off pulling image "own:1": not found')

    stalled = world.jobs.wait_reason("digits", "ImagePullFailed")
    assert condition(stalled, "Stalled")["status"] == "True"
    assert "not found" in ready(stalled)["message"]

    kubelet.train(pod)
    world.jobs.wait_reason("digits", "InProgress")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            lambda kubelet, pod: kubelet.end(pod, code=3, said={"failure": "ValueError: no"}),
            "AlgorithmError: ValueError: no, exit code: 3",
        ),
        (
            lambda kubelet, pod: kubelet.fail_download(pod, said={"failureReason": "ClientError: NoSuchBucket"}),
            "ClientError: NoSuchBucket",
        ),
        (
            lambda kubelet, pod: kubelet.end(pod, agent=1, said={"failureReason": "ClientError: Data upload failed"}),
            "ClientError: Data upload failed",
        ),
    ],
    ids=["script", "download", "upload"],
)
def test_a_failed_host_fails_the_job(world: World, kubelet: Kubelet, end: Any, reason: str) -> None:
    world.jobs.create("digits", on_cluster(resourceConfig={"instanceType": "ml.m5.large", "instanceCount": 2}))
    first, second = kubelet.pods(2)
    for pod in (first, second):
        kubelet.place(pod)
        kubelet.train(pod)
    end(kubelet, second)
    world.eventually(lambda: kubelet.read(first).metadata.deletion_timestamp, "the other host is told to end")
    kubelet.end(first, code=143)

    failed = world.jobs.wait_reason("digits", "JobFailed")

    assert failed["status"]["failureReason"] == reason
    assert condition(failed, "Failed")["status"] == "True"
    assert len(kubelet.jobs()) == 1


def test_the_pod_that_somebody_deleted_is_named_though_the_kubelet_deletes_it_again(
    world: World, kubelet: Kubelet
) -> None:
    world.jobs.create("digits", on_cluster(resourceConfig={"instanceType": "ml.m5.large", "instanceCount": 2}))
    first, second = kubelet.pods(2)
    for pod in (first, second):
        kubelet.place(pod)
        kubelet.train(pod)

    world.cluster.core.delete_namespaced_pod(second.metadata.name, world.namespace)
    kubelet.end(second, agent=143, said={"stopped": "Terminated"})
    world.eventually(lambda: _was_deleted_a_second_ago(kubelet.read(first)), "the other host is told to end")
    kubelet.remove(second)
    kubelet.end(first, agent=143, said={"stopped": "Terminated"})

    failed = world.jobs.wait_reason("digits", "JobFailed")
    assert f"Pod {second.metadata.name} was deleted while it trained" in failed["status"]["failureReason"]


def _was_deleted_a_second_ago(pod: Any) -> bool:
    """As far as the API server's times tell, which are whole seconds."""
    metadata = pod.metadata
    if metadata.deletion_timestamp is None:
        return False
    requested_at = metadata.deletion_timestamp - timedelta(seconds=metadata.deletion_grace_period_seconds)
    return datetime.now(UTC) > requested_at + timedelta(seconds=2)


def test_a_failure_that_may_be_retried_gets_a_job_of_its_own(world: World, kubelet: Kubelet) -> None:
    world.jobs.create(
        "digits", on_cluster(runPolicy={"retry": {"limit": 1, "errors": ["AlgorithmError"]}, "deletionPolicy": "Purge"})
    )
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.end(pod, code=1, said={"failure": "once"})

    world.jobs.wait_reason("digits", "RetryPending")
    world.eventually(lambda: len(kubelet.jobs()) == 2, "the second attempt's Job")
    [again] = kubelet.pods(1)
    done = end_well(world, kubelet, again)
    assert [attempt["status"] for attempt in done["status"]["attempts"]] == ["Failed", "Completed"]

    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    world.eventually(lambda: not kubelet.jobs(), "both Jobs are deleted")


def test_a_reclaimed_node_uses_up_no_retry(world: World, kubelet: Kubelet) -> None:
    reclaim(world, kubelet, start_training(world, kubelet, on_cluster()))


def test_suspending_tells_the_agents_and_going_on_is_a_new_job(world: World, kubelet: Kubelet) -> None:
    suspended = suspend(world, kubelet, start_training(world, kubelet, on_cluster()))
    assert suspended["status"]["trainingJobStatus"] == "Stopped"
    assert suspended["status"]["modelArtifacts"] == ARTIFACTS

    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": False}}})
    world.eventually(lambda: len(kubelet.jobs()) == 2, "the next attempt's Job")


def test_deleting_before_a_node_was_found_ends_the_job(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster())
    kubelet.pods(1)

    world.jobs.delete("digits")

    world.jobs.wait_gone("digits")
    world.eventually(
        lambda: [one.type for job in kubelet.jobs() for one in job.status.conditions or []].count("Failed"),
        "the Job ends",
    )


def test_pods_that_the_namespace_does_not_take_are_told(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster(cluster={"serviceAccountName": "nobody-has-made-it"}))

    stalled = world.jobs.wait_reason("digits", "PodsNotCreated")

    assert 'serviceaccount "nobody-has-made-it" not found' in ready(stalled)["message"]
    assert condition(stalled, "Stalled")["status"] == "True"
    account = kubernetes.client.V1ServiceAccount(metadata={"name": "nobody-has-made-it"})
    world.cluster.core.create_namespaced_service_account(world.namespace, account)
    world.jobs.wait_reason("digits", "Unschedulable")


def test_a_job_of_that_name_that_is_another_s_is_left(world: World, kubelet: Kubelet) -> None:
    made = world.jobs.create("digits", on_cluster(), annotations={"sagebridge.io/paused": "true"})
    batch = kubernetes.client.BatchV1Api(world.cluster.client)
    uid = world.cluster.core.read_namespace("kube-system").metadata.uid
    name = kubernetes_name(Owner(cluster=uid, namespace=world.namespace, name="digits", uid=made["metadata"]["uid"]), 1)
    container = {"name": "x", "image": "x"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    batch.create_namespaced_job(world.namespace, {"metadata": {"name": name}, "spec": {"template": template}})

    world.jobs.annotate("digits", paused=None)
    refused = world.jobs.wait_reason("digits", "NameConflict")

    assert name in ready(refused)["message"]
    assert len(kubelet.jobs()) == 1


def test_a_job_that_somebody_deleted_is_gone(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster())
    kubelet.pods(1)
    [job] = kubelet.jobs()
    batch = kubernetes.client.BatchV1Api(world.cluster.client)
    world.jobs.wait_reason("digits", "Unschedulable")

    batch.delete_namespaced_job(job.metadata.name, world.namespace, propagation_policy="Background")

    world.jobs.wait_reason("digits", "JobGone")


def test_changed_tags_are_kept_with_the_job(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster(tags=[{"key": "team", "value": "a b"}]))
    kubelet.pods(1)

    world.jobs.patch("digits", {"spec": {"tags": [{"key": "cost center", "value": "7"}]}})
    world.jobs.wait("digits", lambda job: job["status"].get("tags") == [{"key": "cost center", "value": "7"}])

    [job] = kubelet.jobs()
    assert json.loads(job.metadata.annotations["sagebridge.io/tags"]) == {"cost center": "7"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"vpcConfig": {"securityGroupIds": ["sg-12345678"], "subnets": ["subnet-12345678"]}},
            "vpcConfig can't be kept",
        ),
        ({"enableNetworkIsolation": True}, "enableNetworkIsolation can't be kept"),
        ({"algorithmSpecification": {"trainingImage": IMAGE, "trainingInputMode": "Pipe"}}, "input mode Pipe"),
        (
            {"resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1, "keepAlivePeriodInSeconds": 60}},
            "keepAlivePeriodInSeconds can't be kept",
        ),
    ],
    ids=["vpc", "isolation", "pipe", "warm pool"],
)
def test_what_the_cluster_can_not_do_is_refused_at_admission(world: World, changes: Any, words: str) -> None:
    with pytest.raises(kubernetes.client.ApiException) as refused:
        world.jobs.create("digits", on_cluster(**changes))

    assert words in json.loads(refused.value.body)["message"]


def test_cluster_without_the_target_is_refused(world: World) -> None:
    with pytest.raises(kubernetes.client.ApiException) as refused:
        world.jobs.create("digits", spec(cluster={"queueName": "a"}))

    assert "cluster goes with target: Cluster" in json.loads(refused.value.body)["message"]
