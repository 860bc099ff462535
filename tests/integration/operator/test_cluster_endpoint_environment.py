"""Endpoints with target: Cluster: variables out of ConfigMaps and Secrets."""

from __future__ import annotations

import base64
from typing import Any

from support.jobs import ready

from .cluster_serving import NAME, Place, status

VALUE = "hunter2-is-nobody-elses-business"
SETTINGS = {"configMapRef": {"name": "settings"}}
TOKEN = {"secretRef": {"name": "token"}, "prefix": "HF_"}


def put_secret(place: Place, value: str) -> None:
    core = place.world.cluster.core
    body = {"metadata": {"name": "token"}, "stringData": {"TOKEN": value}}
    if "token" in [one.metadata.name for one in core.list_namespaced_secret(place.namespace).items]:
        core.replace_namespaced_secret("token", place.namespace, body)
    else:
        core.create_namespaced_secret(place.namespace, body)


def serving(place: Place, count: int = 1) -> list[Any]:
    return [pod.spec.containers[0] for pod in place.kubelet.pods(count, revision=place.revision())]


def variables(container: Any) -> dict[str, str]:
    return {one.name: one.value for one in container.env}


def test_config_maps_are_read_and_secrets_are_left_to_the_pods(place: Place) -> None:
    place.world.put_config_map("settings", {"MODE": "fast", "BATCH": "8"})
    put_secret(place, VALUE)
    model = {"environmentFrom": [SETTINGS, TOKEN], "environment": {"MODE": "exact"}}
    place.create(replicas=1, model=model)
    served = place.in_service()

    [container] = serving(place)
    assert {"MODE": "exact", "BATCH": "8"}.items() <= variables(container).items()
    assert [(one.prefix, one.secret_ref.name) for one in container.env_from] == [("HF_", "token")]
    [pod] = place.kubelet.pods(1)
    assert pod.spec.init_containers[0].env_from is None
    core = place.world.cluster.core
    told = [
        served,
        pod,
        place.deployment(),
        core.list_namespaced_event(place.namespace),
        core.list_namespaced_config_map(place.namespace),
        place.world.operator.log.read_text(),
    ]
    for secret in (VALUE, base64.b64encode(VALUE.encode()).decode()):
        assert not [one for one in told if secret in str(one)]
    assert "fast" not in str(status(served))


def test_new_content_of_a_secret_changes_no_pod_and_another_secret_does(place: Place) -> None:
    put_secret(place, VALUE)
    place.create(replicas=1, model={"environmentFrom": [TOKEN]})
    place.in_service()
    before = place.revision()

    put_secret(place, "another")
    place.edit(replicas=2, model={"environmentFrom": [TOKEN]})
    place.in_service(2)
    place.objects.wait(NAME, lambda one: status(one).get("replicas") == 2)
    assert place.revision() == before

    place.edit(replicas=2, model={"environmentFrom": [{"secretRef": {"name": "other"}}]})
    place.wait_revision(other_than=before)
    [container] = {one.env_from[0].secret_ref.name for one in serving(place)}
    assert container == "other"


def test_new_content_of_a_config_map_is_an_update_when_the_object_is_looked_at(place: Place) -> None:
    place.world.put_config_map("settings", {"MODE": "fast"})
    place.create(replicas=1, model={"environmentFrom": [SETTINGS]})
    place.in_service()
    before = place.revision()

    place.world.put_config_map("settings", {"MODE": "exact"})
    place.objects.annotate(NAME, **{"reconcile-at": "now"})
    place.wait_revision(other_than=before)
    assert {variables(one)["MODE"] for one in serving(place)} == {"exact"}


def test_a_secret_that_is_not_there_is_told(place: Place) -> None:
    place.create(replicas=1, model={"environmentFrom": [TOKEN]})
    [pod] = place.kubelet.pods(1)
    place.kubelet.refuse_start(pod, 'secret "token" not found')
    stalled = place.objects.wait_reason(NAME, "ContainerNotStarted")
    assert 'secret "token" not found' in ready(stalled)["message"]
