"""FastFile channels as volumes, where a CSIDriver object says that there is a driver, and what the cluster does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes
import pytest
from support.jobs import IMAGE, spec
from support.kubelet import Kubelet

from .world import Cluster, World

DRIVER = "s3.csi.aws.com"
CHANNEL = {
    "channelName": "digits",
    "inputMode": "FastFile",
    "dataSource": {"s3DataSource": {"s3DataType": "S3Prefix", "s3Uri": "s3://bucket/digits/"}},
}
ON_CLUSTER = spec(
    target="Cluster",
    algorithmSpecification={"trainingImage": IMAGE, "trainingInputMode": "File"},
    inputDataConfig=[CHANNEL],
)


def install_driver(cluster: Cluster) -> Iterator[None]:
    """There is a driver, as far as anybody can tell; nothing is mounted without a node."""
    storage = kubernetes.client.StorageV1Api(cluster.client)
    driver = {"metadata": {"name": DRIVER}, "spec": {"attachRequired": False, "podInfoOnMount": True}}
    storage.create_csi_driver(driver)
    yield
    storage.delete_csi_driver(DRIVER)


@pytest.fixture
def driver(own_cluster: Cluster) -> Iterator[None]:
    yield from install_driver(own_cluster)


def claims(world: World) -> list[Any]:
    return world.cluster.core.list_namespaced_persistent_volume_claim(world.namespace).items


def volumes(world: World) -> list[Any]:
    """Those of this namespace's jobs."""
    found = world.cluster.core.list_persistent_volume(label_selector="sagebridge.io/volume").items
    return [one for one in found if one.spec.claim_ref.namespace == world.namespace]


def names(world: World) -> set[str]:
    """Of all volumes, whose ever they are."""
    return {one.metadata.name for one in world.cluster.core.list_persistent_volume().items}


def copy_for(world: World, volume: Any, *, namespace: str) -> str:
    """Make one like a volume for a claim of another namespace, which is not there; its name."""
    labels = volume.metadata.labels
    name = f"sagebridge-{labels['sagebridge.io/uid']}-{labels['sagebridge.io/attempt']}-other"
    made = world.cluster.client.sanitize_for_serialization(volume)
    made["metadata"] = {"name": name, "labels": labels | {"sagebridge.io/volume": name}}
    made["spec"]["csi"]["volumeHandle"] = name
    made["spec"]["claimRef"] = {"namespace": namespace, "name": "gone", "uid": "gone"}
    world.cluster.core.create_persistent_volume(made)
    return name


def bound(world: World) -> Any:
    """The job's only claim, once it has its volume."""
    [claim] = world.eventually(
        lambda: [one for one in claims(world) if one.status.phase == "Bound"], "a claim with its volume"
    )
    return claim


def delete_job(world: World) -> None:
    """As Kubernetes does when a finished Job's time is over."""
    batch = kubernetes.client.BatchV1Api(world.cluster.client)
    [job] = batch.list_namespaced_job(world.namespace).items
    batch.delete_namespaced_job(job.metadata.name, world.namespace, propagation_policy="Background")


def mounted(world: World) -> list[str]:
    """What the agent is told to leave alone."""
    kubelet = Kubelet(world.cluster.client, world.namespace)
    kubelet.pods(1)
    [job] = kubelet.jobs()
    document = world.eventually(lambda: config_map(world, job.metadata.name), "the agent's document")
    return list(json.loads(document["job.json"])["mounted"])


def config_map(world: World, name: str) -> dict[str, str] | None:
    try:
        return dict(world.cluster.core.read_namespaced_config_map(name, world.namespace).data)
    except kubernetes.client.ApiException as error:
        if error.status != 404:
            raise
        return None


@pytest.mark.usefixtures("driver")
def test_a_channel_gets_a_volume_that_goes_with_its_job(world: World) -> None:
    world.jobs.create("digits", ON_CLUSTER)
    claim = bound(world)
    [volume] = volumes(world)
    [pod] = Kubelet(world.cluster.client, world.namespace).pods(1)
    assert claim.spec.volume_name == volume.metadata.name
    assert (volume.spec.claim_ref.uid, volume.status.phase) == (claim.metadata.uid, "Bound")
    assert volume.spec.mount_options[-1] == "prefix=digits/"
    [mount] = [one for one in pod.spec.containers[0].volume_mounts if one.name == "fast-file-0"]
    assert (mount.mount_path, mount.read_only) == ("/opt/ml/input/data/digits", True)
    assert mounted(world) == ["digits"]

    delete_job(world)

    world.eventually(lambda: not claims(world), "the claim goes with the Job")
    world.eventually(lambda: not volumes(world), "the volume goes after it")


@pytest.mark.usefixtures("driver")
def test_no_other_namespace_can_have_the_volume(world: World) -> None:
    world.jobs.create("digits", ON_CLUSTER)
    bound(world)
    [volume] = volumes(world)
    elsewhere = world.cluster.make_namespace()
    taking = {
        "accessModes": ["ReadOnlyMany"],
        "storageClassName": "",
        "resources": {"requests": {"storage": "1Gi"}},
        "volumeName": volume.metadata.name,
    }
    thief = {"metadata": {"name": claims(world)[0].metadata.name}, "spec": taking}
    world.cluster.core.create_namespaced_persistent_volume_claim(elsewhere, thief)

    def refused() -> bool:
        events = world.cluster.core.list_namespaced_event(elsewhere, field_selector="reason=FailedBinding").items
        return any("already bound to a different claim" in event.message for event in events)

    world.eventually(refused, "it is refused")
    [found] = world.cluster.core.list_namespaced_persistent_volume_claim(elsewhere).items
    assert found.status.phase == "Pending"
    assert volumes(world)[0].spec.claim_ref.uid == claims(world)[0].metadata.uid


def test_without_a_driver_the_agent_downloads(world: World) -> None:
    world.jobs.create("digits", ON_CLUSTER)

    assert mounted(world) == []
    assert claims(world) == volumes(world) == []


@pytest.mark.usefixtures("hurried")
def test_what_is_left_while_no_operator_runs_goes_when_one_does(
    alone: Callable[..., World], hasty_namespaces: list[str]
) -> None:
    world = alone()
    installed = install_driver(world.cluster)
    next(installed)
    try:
        world.jobs.create("digits", ON_CLUSTER)
        bound(world)
    finally:
        next(installed, None)
    world.operator.kill()
    world.jobs.patch("digits", {"metadata": {"finalizers": None}})
    world.jobs.delete("digits")
    delete_job(world)
    world.eventually(lambda: [one.status.phase for one in volumes(world)] == ["Released"], "nobody has it")
    [left] = volumes(world)
    like_it = copy_for(world, left, namespace=hasty_namespaces[0])
    world.eventually(lambda: like_it not in names(world), "the other operator takes away what is of its namespaces")
    assert left.metadata.name in names(world)

    world.operator.ensure()

    world.eventually(lambda: not volumes(world), "it is gone")
