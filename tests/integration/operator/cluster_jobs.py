"""What the lives of TrainingJobs on the cluster have in common, whatever their attempts are made as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.jobs import spec
from support.kubelet import Kubelet

from .world import World

MODEL = {"stopped": "", "model": "s3://bucket/model.tar.gz"}
ARTIFACTS = {"s3ModelArtifacts": "s3://bucket/model.tar.gz"}


def on_cluster(**changes: Any) -> dict[str, Any]:
    """A spec that runs on the cluster."""
    return spec(target="Cluster", **changes)


def start_training(world: World, kubelet: Kubelet, manifest: Mapping[str, Any]) -> Any:
    """Make a job of one host, and bring it so far that it trains; its pod."""
    world.jobs.create("digits", manifest)
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.train(pod)
    return pod


def next_pod(world: World, kubelet: Kubelet, before: Any) -> Any:
    """The pod of the attempt after that of a pod."""
    [found] = world.eventually(
        lambda: [one for one in kubelet.pods(1) if one.metadata.name != before.metadata.name], "a new attempt's pod"
    )
    return found


def end_well(world: World, kubelet: Kubelet, pod: Any) -> Any:
    """Let the only host of an attempt leave its model; the object then."""
    kubelet.place(pod)
    kubelet.end(pod, said=MODEL)
    return world.jobs.wait_reason("digits", "Completed")


def reclaim(world: World, kubelet: Kubelet, pod: Any) -> None:
    """Take the node of a pod away, and let the next attempt end well: no retry is used up."""
    kubelet.reclaim(pod, "Pod was terminated in response to imminent node shutdown.")
    done = end_well(world, kubelet, next_pod(world, kubelet, pod))
    assert [attempt.get("reason", "") for attempt in done["status"]["attempts"]] == ["Interrupted", ""]


def suspend(world: World, kubelet: Kubelet, pod: Any) -> Any:
    """Suspend a job that trains on one host, which leaves its model; the object then."""
    world.jobs.wait("digits", lambda job: job["status"].get("secondaryStatus") == "Training")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}}})
    world.eventually(
        lambda: (kubelet.read(pod).metadata.annotations or {}).get("sagebridge.io/stop") == "Stopped", "the mark"
    )
    kubelet.end(pod, code=143, said=MODEL | {"stopped": "Stopped"})
    return world.jobs.wait_reason("digits", "Suspended")
