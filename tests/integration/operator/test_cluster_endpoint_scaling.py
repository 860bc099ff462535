"""Endpoints with target: Cluster: how many pods there are, and who says so."""

from __future__ import annotations

import kubernetes
from support.jobs import ready

from .cluster_serving import NAME, Place, endpoint, exists, status

CPU = {"namespace": "/aws/sagemaker/Endpoints", "metricName": "CPUUtilization", "statistic": "Average"}


def test_scaling_by_hand_changes_no_pod_that_is_there(place: Place) -> None:
    place.create(replicas=1)
    place.in_service()
    [first] = place.kubelet.pods(1)
    custom = kubernetes.client.CustomObjectsApi(place.world.cluster.client)
    custom.patch_namespaced_custom_object_scale(
        "sagebridge.io", "v1alpha1", place.namespace, "sagemakerendpoints", NAME, {"spec": {"replicas": 3}}
    )
    pods = place.kubelet.pods(3)
    assert first.metadata.name in [pod.metadata.name for pod in pods]
    for pod in pods:
        place.kubelet.serve(pod)
    scaled = place.objects.wait(NAME, lambda one: status(one).get("replicas") == 3)
    assert ready(scaled)["reason"] == "InService"


def test_an_autoscalers_counts_are_left_to_it(place: Place) -> None:
    scaling = {"minCapacity": 2, "maxCapacity": 5, "targetValue": 150, "customizedMetric": CPU}
    place.create(variant={"autoscaling": scaling})
    [hpa] = place.world.eventually(place.autoscalers, "an autoscaler")
    assert (hpa.spec.min_replicas, hpa.spec.max_replicas) == (2, 5)
    assert hpa.spec.metrics[0].resource.target.average_value == "1500m"
    assert hpa.spec.scale_target_ref.name == NAME
    # Kubernetes' own autoscaler brings the Deployment to its least.
    place.in_service(2)

    place.apps.patch_namespaced_deployment_scale(NAME, place.namespace, {"spec": {"replicas": 4}})
    for pod in place.kubelet.pods(4):
        place.kubelet.serve(pod)
    place.objects.wait(NAME, lambda one: status(one).get("replicas") == 4)
    place.edit(variant={"autoscaling": scaling | {"maxCapacity": 6}})
    place.world.eventually(lambda: place.autoscalers()[0].spec.max_replicas == 6, "the new bound")
    assert place.deployment().spec.replicas == 4

    place.objects.patch(NAME, {"spec": endpoint(replicas=3)})
    place.world.eventually(lambda: not place.autoscalers(), "no autoscaler")
    place.kubelet.pods(3)


def test_triggers_without_keda_are_refused(place: Place) -> None:
    triggers = [{"type": "prometheus", "metadata": {"query": "up", "threshold": "5", "serverAddress": "http://p"}}]
    place.create(
        variant={"autoscaling": {"minCapacity": 1, "maxCapacity": 5}}, cluster={"autoscaling": {"triggers": triggers}}
    )
    refused = place.objects.wait_reason(NAME, "InvalidSpec")
    assert "KEDA" in ready(refused)["message"]
    assert exists(place.deployment) is None
