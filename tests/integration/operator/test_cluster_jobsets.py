"""TrainingJobs that are made as JobSets: the same life, with JobSet's controller in between (a stand-in)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import kubernetes
import pytest
from support.jobs import condition, ready
from support.jobset import JobSets
from support.kubelet import Kubelet
from support.kueue import Kueue

from .cluster_jobs import ARTIFACTS, MODEL, end_well, next_pod, on_cluster, reclaim, start_training, suspend
from .world import World


def as_set(*, hosts: int = 1, queue: str = "", **changes: Any) -> dict[str, Any]:
    cluster = {"engine": "JobSet", **({"queueName": queue} if queue else {})}
    resources = {"instanceType": "ml.m5.large", "instanceCount": hosts}
    return on_cluster(cluster=cluster, resourceConfig=resources, **changes)


@pytest.fixture
def job_sets(world: World) -> Iterator[JobSets]:
    with JobSets(world.cluster.client, world.namespace) as job_sets:
        yield job_sets


def test_a_whole_life(world: World, kubelet: Kubelet, job_sets: JobSets) -> None:
    world.jobs.create("digits", as_set(hosts=2))
    pods = kubelet.pods(2)
    for pod in pods:
        kubelet.place(pod)
        kubelet.train(pod)
    world.jobs.wait("digits", lambda job: job["status"].get("secondaryStatus") == "Training")
    [made], [job] = job_sets.list(), kubelet.jobs()
    name = made["metadata"]["name"]
    config_map = world.cluster.core.read_namespaced_config_map(name, world.namespace)
    service = world.cluster.core.read_namespaced_service(name, world.namespace)

    hosts = [f"{job.metadata.name}-{index}" for index in range(2)]
    assert [pod.spec.hostname for pod in pods] == hosts
    assert json.loads(config_map.data["job.json"])["hosts"] == hosts
    assert {pod.spec.subdomain for pod in pods} == {name}
    assert service.spec.selector.items() <= pods[0].metadata.labels.items()
    assert [owner.uid for owner in service.metadata.owner_references] == [made["metadata"]["uid"]]

    for pod in pods:
        kubelet.end(pod, said=MODEL)
    done = world.jobs.wait_reason("digits", "Completed")
    [attempt] = done["status"]["attempts"]
    assert done["status"]["modelArtifacts"] == ARTIFACTS
    assert attempt["arn"].endswith(f":jobset/{name}")
    assert len(job_sets.list()) == 1


def test_a_failed_host_fails_the_job_and_a_retry_is_a_set_of_its_own(
    world: World, kubelet: Kubelet, job_sets: JobSets
) -> None:
    policy = {"retry": {"limit": 1, "errors": ["AlgorithmError"]}, "deletionPolicy": "Purge"}
    world.jobs.create("digits", as_set(runPolicy=policy))
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.end(pod, code=3, said={"failure": "ValueError: no"})

    world.jobs.wait_reason("digits", "RetryPending")
    done = end_well(world, kubelet, next_pod(world, kubelet, pod))
    assert [one["status"] for one in done["status"]["attempts"]] == ["Failed", "Completed"]
    assert done["status"]["attempts"][0]["message"] == "AlgorithmError: ValueError: no, exit code: 3"

    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    world.eventually(lambda: not job_sets.list() and not kubelet.jobs(), "both go with the object")


def test_a_reclaimed_node_uses_up_no_retry(world: World, kubelet: Kubelet, job_sets: JobSets) -> None:
    reclaim(world, kubelet, start_training(world, kubelet, as_set()))


def test_a_running_job_is_stopped_by_its_agents(world: World, kubelet: Kubelet, job_sets: JobSets) -> None:
    stopped = suspend(world, kubelet, start_training(world, kubelet, as_set()))
    assert stopped["status"]["secondaryStatus"] == "Stopped"


def test_a_queue_holds_the_set_and_kueue_lets_it_go(world: World, kubelet: Kubelet, job_sets: JobSets) -> None:
    world.jobs.create("digits", as_set(queue="team-a"))
    queued = world.jobs.wait("digits", lambda job: bool(kubelet.jobs()) and ready(job).get("reason") == "Queued")
    [made], [job] = job_sets.list(), kubelet.jobs()

    assert "in the queue team-a" in ready(queued)["message"]
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    assert "kueue.x-k8s.io/queue-name" not in job.metadata.labels
    no_room = {"type": "QuotaReserved", "status": "False", "reason": "Pending", "message": "cpu short by 4"}
    Kueue(world.cluster.client, world.namespace).say_of(made, no_room)
    world.jobs.wait("digits", lambda found: "Kueue: cpu short by 4" in ready(found)["message"])

    job_sets.admit(made["metadata"]["name"], flavor={"flavor.example/name": "spot"})
    [pod] = kubelet.pods(1)
    assert pod.spec.node_selector["flavor.example/name"] == "spot"
    kubelet.place(pod)
    kubelet.end(pod, said=MODEL)
    world.jobs.wait_reason("digits", "Completed")


def test_deleting_what_is_queued_takes_the_set_away(world: World, kubelet: Kubelet, job_sets: JobSets) -> None:
    world.jobs.create("digits", as_set(queue="team-a"))
    world.jobs.wait("digits", lambda job: bool(kubelet.jobs()) and ready(job).get("reason") == "Queued")

    world.jobs.delete("digits")

    world.jobs.wait_gone("digits")
    world.eventually(lambda: not job_sets.list() and not kubelet.jobs(), "its controller makes no other Job")


def test_a_set_that_nobody_works_on_is_told(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", as_set())

    stalled = world.jobs.wait_reason("digits", "PodsNotCreated")

    assert "JobSet's controller has not made" in ready(stalled)["message"]
    assert condition(stalled, "Stalled")["status"] == "True"
    assert kubelet.jobs() == []
    with JobSets(world.cluster.client, world.namespace):
        world.jobs.wait_reason("digits", "Unschedulable")


def test_somebody_s_job_of_the_set_s_name_does_not_speak_for_it(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", as_set())
    job_sets = JobSets(world.cluster.client, world.namespace)
    [made] = world.eventually(job_sets.list, "the JobSet")
    [replicated] = made["spec"]["replicatedJobs"]
    metadata = replicated["template"]["metadata"] | {"name": f"{made['metadata']['name']}-h-0"}
    container = {"name": "x", "image": "x"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    batch = kubernetes.client.BatchV1Api(world.cluster.client)
    batch.create_namespaced_job(
        world.namespace, {"metadata": metadata, "spec": {"template": template, "suspend": True}}
    )

    stalled = world.jobs.wait_reason("digits", "PodsNotCreated")

    assert "JobSet's controller has not made" in ready(stalled)["message"]


def test_a_set_that_somebody_deleted_is_gone(world: World, kubelet: Kubelet, job_sets: JobSets) -> None:
    world.jobs.create("digits", as_set())
    kubelet.pods(1)
    [made] = job_sets.list()
    world.jobs.wait_reason("digits", "Unschedulable")

    world.cluster.custom.delete_namespaced_custom_object(
        "jobset.x-k8s.io", "v1alpha2", world.namespace, "jobsets", made["metadata"]["name"]
    )

    world.jobs.wait_reason("digits", "JobGone")
