"""Endpoints with target: Cluster: updates that are guarded and go back, and what others change."""

from __future__ import annotations

from typing import Any

import pytest
from support.jobs import condition, ready

from .cluster_serving import IMAGE, NAME, Place, exists, status


def test_the_old_pods_serve_until_the_new_ones_are_ready(place: Place) -> None:
    place.create(replicas=1)
    place.in_service()
    before = place.revision()
    [old] = place.kubelet.pods(1)

    place.edit(replicas=1, model={"environment": {"A": "1"}})
    after = place.wait_revision(other_than=before)
    updating = place.objects.wait(NAME, lambda one: status(one).get("endpointStatus") == "Updating")
    assert (updating["status"]["replicas"], updating["status"]["endpointConfigName"]) == (1, before)
    assert old.metadata.name in [pod.metadata.name for pod in place.kubelet.pods(2)]

    place.kubelet.serve_all(1, revision=after)
    place.world.eventually(lambda: place.kubelet.end_deleted() or len(place.kubelet.pods()) == 1, "one pod")
    done = place.objects.wait(NAME, lambda one: status(one).get("endpointConfigName") == after)
    assert "failureReason" not in done["status"]
    place.world.eventually(lambda: place.config_maps() == {after}, "one ConfigMap")


@pytest.mark.parametrize(
    ("fail", "told"),
    [
        (lambda kubelet, pod: kubelet.crash(pod, said="ValueError: no such layer"), "ValueError: no such layer"),
        (
            lambda kubelet, pod: kubelet.refuse_model(pod, "ClientError: Failed to download model data"),
            "ClientError: Failed to download model data",
        ),
    ],
    ids=["crash", "model"],
)
def test_a_broken_update_goes_back(place: Place, fail: Any, told: str) -> None:
    place.create(replicas=1)
    place.in_service()
    good = place.revision()
    [old] = place.kubelet.pods(1)

    place.edit(replicas=1, model={"environment": {"BROKEN": "1"}})
    broken = place.wait_revision(other_than=good)
    [pod] = place.kubelet.pods(1, revision=broken)
    fail(place.kubelet, pod)

    failed = place.objects.wait_reason(NAME, "UpdateFailed")
    assert told in ready(failed)["message"]
    assert condition(failed, "Stalled")["status"] == "True"
    place.world.eventually(lambda: place.revision() == good, "the good revision")
    place.world.eventually(lambda: place.kubelet.end_deleted() or len(place.kubelet.pods()) == 1, "one pod")
    assert [one.metadata.name for one in place.kubelet.pods(1)] == [old.metadata.name]
    back = place.objects.wait(NAME, lambda one: status(one).get("endpointStatus") == "InService")
    assert ready(back)["reason"] == "UpdateFailed"
    assert back["status"]["endpointConfigName"] == good
    assert told in back["status"]["failureReason"]

    place.edit(replicas=1, model={"environment": {"BROKEN": "0"}})
    place.wait_revision(other_than=good)
    cleared = place.in_service()
    assert "failureReason" not in cleared["status"]


def test_a_broken_update_goes_back_though_the_next_spec_is_wrong(place: Place) -> None:
    place.create()
    place.in_service()
    before = place.revision()
    broken = {"environment": {"A": "1"}}
    place.edit(model=broken)
    after = place.wait_revision(other_than=before)
    [pod] = place.kubelet.pods(1, revision=after)
    place.edit(model=broken, variant={"modelName": "another"})
    place.objects.wait_reason(NAME, "InvalidSpec")

    place.kubelet.crash(pod, said="ValueError: no")
    place.wait_revision(other_than=after)
    assert place.revision() == before
    told = place.objects.wait(NAME, lambda one: status(one).get("endpointStatus") == "InService")
    assert "ValueError: no" in told["status"]["failureReason"]
    assert ready(told)["reason"] == "InvalidSpec"
    place.edit()
    assert "failureReason" not in place.objects.wait_reason(NAME, "InService")["status"]
    assert place.revision() == before


def test_a_first_version_that_can_not_serve_is_corrected_by_the_next(place: Place) -> None:
    place.create()
    [pod] = place.kubelet.pods(1)
    place.kubelet.crash(pod, said="ImportError: no module", code=3)
    failed = place.objects.wait_reason(NAME, "EndpointFailed")
    assert failed["status"]["endpointStatus"] == "Failed"
    assert "exit code 3" in ready(failed)["message"]
    before = place.revision()

    place.edit(model={"environment": {"A": "1"}})
    after = place.wait_revision(other_than=before)
    place.kubelet.serve_all(1, revision=after)
    place.world.eventually(lambda: place.kubelet.end_deleted() or len(place.kubelet.pods()) == 1, "one pod")
    served = place.objects.wait_reason(NAME, "InService")
    assert served["status"]["endpointStatus"] == "InService"
    assert "failureReason" not in served["status"]


def test_what_somebody_changes_is_put_right_and_told(place: Place) -> None:
    place.create(replicas=1)
    place.in_service()
    changes = {"spec": {"template": {"spec": {"containers": [{"name": "serve", "image": "another:1"}]}}}}
    place.apps.patch_namespaced_deployment(NAME, place.namespace, changes)
    message = place.objects.wait_event(NAME, "DriftCorrected")
    assert "changed the Deployment" in message
    place.world.eventually(lambda: place.deployment().spec.template.spec.containers[0].image == IMAGE, "our image")

    place.apps.patch_namespaced_deployment(NAME, place.namespace, {"spec": {"paused": True}})
    place.world.eventually(lambda: not place.deployment().spec.paused, "no pause")

    place.world.cluster.core.delete_namespaced_service(NAME, place.namespace)
    core = place.world.cluster.core
    place.world.eventually(lambda: exists(lambda: core.read_namespaced_service(NAME, place.namespace)), "a Service")


def test_a_deployment_that_somebody_deletes_is_made_anew(place: Place) -> None:
    place.create(replicas=1)
    place.in_service()
    uid = place.deployment().metadata.uid
    place.apps.delete_namespaced_deployment(NAME, place.namespace)
    place.world.eventually(
        lambda: (found := exists(place.deployment)) and found.metadata.uid != uid, "another Deployment"
    )
