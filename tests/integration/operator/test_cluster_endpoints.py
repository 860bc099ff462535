"""Endpoints with target: Cluster: the objects that are made, what is told of them, and what their ends leave."""

from __future__ import annotations

import json

from support.jobs import condition, ready

from .cluster_serving import ARCHIVE, IMAGE, NAME, Place, status


def test_a_whole_life(place: Place) -> None:
    place.create(replicas=2)
    creating = place.objects.wait(NAME, lambda one: status(one).get("endpointStatus") == "Creating")
    assert creating["status"]["replicas"] == 0
    served = place.in_service(2)
    shown = served["status"]
    assert condition(served, "Ready")["status"] == "True"
    assert (shown["endpointStatus"], shown["endpointName"], shown["replicas"]) == ("InService", NAME, 2)
    assert shown["url"] == f"http://{NAME}.{place.namespace}.svc.cluster.local/invocations"
    assert shown["variants"] == [
        {
            "variantName": "a",
            "currentWeight": 1,
            "desiredWeight": 1,
            "currentInstanceCount": 2,
            "desiredInstanceCount": 2,
        }
    ]
    assert shown["endpointConfigName"] == place.revision()
    [model] = shown["servedModels"]
    assert model["containers"][0]["image"] == IMAGE
    service = place.world.cluster.core.read_namespaced_service(NAME, place.namespace)
    assert [(one.port, one.target_port) for one in service.spec.ports] == [(80, 8080)]
    [budget] = place.budgets()
    place.world.eventually(
        lambda: place.budgets()[0].status.expected_pods == 2, "its pods are those of the PodDisruptionBudget"
    )
    assert budget.spec.max_unavailable == 1
    [name] = place.config_maps()
    document = place.world.cluster.core.read_namespaced_config_map(name, place.namespace)
    assert json.loads(document.data["model.json"])["files"][0]["uri"] == ARCHIVE
    assert place.world.made() == []

    place.objects.delete(NAME)
    place.objects.wait(NAME, lambda one: status(one).get("endpointStatus") == "Deleting")
    place.world.eventually(lambda: place.kubelet.end_deleted() or not place.kubelet.pods(), "no pods")
    place.objects.wait_gone(NAME)
    place.world.eventually(lambda: place.parts() == [], "nothing left")


def test_an_image_that_can_not_be_pulled_is_told(place: Place) -> None:
    place.create()
    [pod] = place.kubelet.pods(1)
    place.kubelet.refuse_image(pod, 'Back-off pulling image "serve:1": not found')
    stalled = place.objects.wait_reason(NAME, "ImagePullFailed")
    assert "not found" in ready(stalled)["message"]


def test_a_name_that_is_somebody_elses_is_left_to_him(place: Place) -> None:
    labels = {"app": "other"}
    body = {
        "metadata": {"name": NAME, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "b"}]}},
        },
    }
    place.apps.create_namespaced_deployment(place.namespace, body)
    place.create()
    refused = place.objects.wait_reason(NAME, "NameConflict")
    assert "deployments/digits" in ready(refused)["message"]
    assert place.deployment().spec.template.spec.containers[0].name == "a"


def test_retain_leaves_all_and_the_next_of_the_name_takes_it_over(place: Place) -> None:
    place.create(replicas=1, runPolicy={"deletionPolicy": "Retain"})
    place.in_service()
    [pod] = place.kubelet.pods(1)
    before = place.deployment().metadata.uid
    place.objects.delete(NAME)
    place.objects.wait_gone(NAME)
    assert sorted(place.parts()) == ["ConfigMap", "Deployment", "PodDisruptionBudget", "Service"]
    assert place.deployment().metadata.owner_references is None
    assert [one.metadata.name for one in place.kubelet.pods(1)] == [pod.metadata.name]

    place.create(replicas=1)
    place.world.eventually(lambda: place.deployment().metadata.owner_references, "an owner")
    assert place.deployment().metadata.uid == before


def test_nothing_is_changed_while_paused(place: Place) -> None:
    place.create(replicas=1)
    place.in_service()
    before = place.revision()
    place.objects.annotate(NAME, paused="true")
    place.edit(replicas=1, model={"environment": {"A": "1"}})
    place.objects.wait_reason(NAME, "Paused")
    assert place.revision() == before
    place.objects.annotate(NAME, paused=None)
    place.wait_revision(other_than=before)
