"""TrainingJobs on the cluster that wait in a queue, or for a node, and what Kueue takes away from them."""

import time
from collections.abc import Callable
from typing import Any

from support.jobs import ready
from support.kubelet import Kubelet
from support.kueue import Kueue

from .cluster_jobs import MODEL, on_cluster
from .world import World


def test_a_queue_holds_the_job_and_is_left_alone(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster(cluster={"queueName": "team-a"}))

    queued = world.jobs.wait_reason("digits", "Queued")

    [job] = kubelet.jobs()
    assert "team-a" in ready(queued)["message"]
    assert job.metadata.labels["kueue.x-k8s.io/queue-name"] == "team-a"
    assert job.spec.suspend


def test_kueue_starts_preempts_and_starts_again_what_is_one_attempt(world: World, kubelet: Kubelet) -> None:
    kueue = Kueue(world.cluster.client, world.namespace)
    spot, reserved = {"flavor.example/name": "spot"}, {"flavor.example/name": "reserved"}
    world.jobs.create("digits", on_cluster(cluster={"queueName": "team-a"}))
    world.jobs.wait_reason("digits", "Queued")
    [job] = kubelet.jobs()

    kueue.admit(job.metadata.name, flavor=spot)
    [first] = kubelet.pods(1)
    assert first.spec.node_selector == spot
    kubelet.place(first)
    kubelet.train(first)
    world.jobs.wait("digits", lambda found: found["status"].get("secondaryStatus") == "Training")

    kueue.preempt(job.metadata.name)
    world.eventually(lambda: kubelet.read(first).metadata.deletion_timestamp, "the pod is told to end")
    kubelet.end(first, code=143, agent=143, said={"stopped": "Terminated"})
    kubelet.remove(first)
    world.jobs.wait_reason("digits", "Queued")
    kueue.restore(job.metadata.name, flavor=spot)

    kueue.admit(job.metadata.name, flavor=reserved)
    [second] = kubelet.pods(1)
    assert second.spec.node_selector == reserved
    kubelet.place(second)
    kubelet.end(second, said=MODEL)
    done = world.jobs.wait_reason("digits", "Completed")

    [again] = kubelet.jobs()
    assert again.metadata.uid == job.metadata.uid
    assert len(done["status"]["attempts"]) == 1


def test_what_kueue_says_is_told_while_the_job_waits(world: World, kubelet: Kubelet) -> None:
    kueue = Kueue(world.cluster.client, world.namespace)
    world.jobs.create("digits", on_cluster(cluster={"queueName": "team-a"}))
    world.jobs.wait_reason("digits", "Queued")
    [job] = kubelet.jobs()
    no_room = {"type": "QuotaReserved", "status": "False", "reason": "Pending", "message": "nvidia.com/gpu short by 4"}

    kueue.say(job, no_room)
    world.jobs.wait("digits", lambda found: "Kueue: nvidia.com/gpu short by 4" in ready(found)["message"])

    admitted = {"type": "Admitted", "status": "True", "reason": "Admitted", "message": "The workload is admitted"}
    kueue.say(job, no_room | {"status": "True"}, admitted)
    kueue.admit(job.metadata.name, flavor={})
    world.jobs.wait_reason("digits", "Unschedulable")


def test_what_an_autoscaler_says_of_the_pod_is_told(world: World, kubelet: Kubelet) -> None:
    world.jobs.create("digits", on_cluster())
    world.jobs.wait_reason("digits", "Unschedulable")
    [pod] = kubelet.pods(1)

    kubelet.tell(pod, source="karpenter", reason="FailedScheduling", message='incompatible with nodepool "gpu"')
    kubelet.tell(pod, source="cluster-autoscaler", reason="NotTriggerScaleUp", message="max node group size reached")

    told = world.jobs.wait("digits", lambda found: "Cluster Autoscaler" in ready(found)["message"])
    message = ready(told)["message"]
    assert "no nodes available" in message
    assert 'Karpenter: incompatible with nodepool "gpu"' in message
    assert message.endswith("Cluster Autoscaler: max node group size reached")


FLAVOR = {"flavor.example/name": "spot"}


def train_from_queue(world: World, kubelet: Kubelet) -> tuple[Kueue, Any, Any]:
    """A job that Kueue has let go, and that trains: its Job and its pod."""
    kueue = Kueue(world.cluster.client, world.namespace)
    world.jobs.create("digits", on_cluster(cluster={"queueName": "team-a"}))
    world.jobs.wait_reason("digits", "Queued")
    [job] = kubelet.jobs()
    kueue.admit(job.metadata.name, flavor=FLAVOR)
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.train(pod)
    world.jobs.wait("digits", lambda found: found["status"].get("secondaryStatus") == "Training")
    return kueue, job, pod


def take_away_half_done(world: World, kubelet: Kubelet) -> Any:
    """Of two hosts one has ended when Kueue takes the nodes away; the Job, suspended."""
    kueue = Kueue(world.cluster.client, world.namespace)
    resources = {"instanceType": "ml.m5.large", "instanceCount": 2}
    world.jobs.create("digits", on_cluster(cluster={"queueName": "team-a"}, resourceConfig=resources))
    world.jobs.wait_reason("digits", "Queued")
    [job] = kubelet.jobs()
    kueue.admit(job.metadata.name, flavor=FLAVOR)
    first, second = kubelet.pods(2)
    for pod in (first, second):
        kubelet.place(pod)
        kubelet.train(pod)
    kubelet.end(second, said={"stopped": ""})
    world.eventually(lambda: kubelet.job(job.metadata.name).status.succeeded, "the host that has ended is counted")
    ended_within = int(time.time())
    world.eventually(lambda: time.time() >= ended_within + 1, "the next second: Kubernetes' times tell no less")
    kueue.preempt(job.metadata.name)
    world.eventually(lambda: kubelet.read(first).metadata.deletion_timestamp, "the other host is told to end")
    return first


def end_and_start_again(world: World, kubelet: Kubelet, old: str) -> None:
    """The attempt is interrupted, nothing is left of it, and the next one ends well."""
    again = world.jobs.wait("digits", lambda found: len(found["status"]["attempts"]) == 2)
    interrupted = again["status"]["attempts"][0]
    assert (interrupted["status"], interrupted["reason"]) == ("Failed", "Interrupted")
    assert "1 of 2 hosts had ended" in interrupted["message"]
    world.eventually(lambda: old not in {one.metadata.name for one in kubelet.jobs()}, "the Job is gone")
    world.jobs.wait_reason("digits", "Queued")
    [other] = kubelet.jobs()
    Kueue(world.cluster.client, world.namespace).admit(other.metadata.name, flavor=FLAVOR)
    for pod in kubelet.pods(2):
        kubelet.place(pod)
        kubelet.end(pod, said=MODEL)
    world.jobs.wait_reason("digits", "Completed")


def test_what_kueue_takes_away_half_done_starts_again_as_a_whole(world: World, kubelet: Kubelet) -> None:
    """The Job controller would not run the host again that has ended, and the other would wait for it for ever."""
    first = take_away_half_done(world, kubelet)
    kubelet.end(first, code=143, agent=143, said={"stopped": "Terminated"})
    kubelet.remove(first)
    end_and_start_again(world, kubelet, first.metadata.labels["batch.kubernetes.io/job-name"])


def test_what_is_told_to_stop_and_taken_away_by_kueue_does_not_start_again(world: World, kubelet: Kubelet) -> None:
    kueue, job, pod = train_from_queue(world, kubelet)
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}}})
    world.jobs.wait_reason("digits", "Stopping")

    kueue.preempt(job.metadata.name)
    world.eventually(lambda: kubelet.read(pod).metadata.deletion_timestamp, "the pod is told to end")
    kubelet.end(pod, code=143, agent=143, said={"stopped": "Terminated"})
    kubelet.remove(pod)

    suspended = world.jobs.wait_reason("digits", "Suspended")
    assert suspended["status"]["trainingJobStatus"] == "Stopped"
    world.eventually(lambda: not kubelet.jobs(), "the queue has nothing to start again")


def test_what_is_deleted_and_taken_away_by_kueue_while_it_stops_does_not_start_again(
    world: World, kubelet: Kubelet
) -> None:
    """With its object gone, nobody would tell the next pods that they are to stop."""
    kueue, job, pod = train_from_queue(world, kubelet)

    world.jobs.delete("digits")
    waits = world.jobs.wait_reason("digits", "Deleting")
    assert ready(waits)["message"].endswith("to stop.")
    kueue.preempt(job.metadata.name)
    world.eventually(lambda: kubelet.read(pod).metadata.deletion_timestamp, "the pod is told to end")
    kubelet.remove(pod)

    world.jobs.wait_gone("digits")
    assert kubelet.jobs() == []


def test_what_kueue_starts_again_half_done_while_no_operator_looks_starts_again_as_a_whole(
    alone: Callable[..., World],
) -> None:
    world = alone()
    kubelet = Kubelet(world.cluster.client, world.namespace)
    first = take_away_half_done(world, kubelet)
    name = first.metadata.labels["batch.kubernetes.io/job-name"]
    world.operator.kill()
    kubelet.end(first, code=143, agent=143, said={"stopped": "Terminated"})
    kubelet.remove(first)
    world.eventually(lambda: not kubelet.job(name).status.active, "no host runs")
    kueue = Kueue(world.cluster.client, world.namespace)
    kueue.restore(name, flavor=FLAVOR)
    kueue.admit(name, flavor=FLAVOR)
    kubelet.pods(1)
    world.operator.ensure()
    end_and_start_again(world, kubelet, name)
