"""The objects of an Endpoint."""

import json
from typing import Any

import pytest
from sagebridge.core.cluster.serving.endpoint import NAME_LIMIT, service_name
from sagebridge.core.cluster.serving.manifests import (
    budget_manifest,
    deployment_manifest,
    pod_template,
    revision,
    revision_manifest,
    scaler_manifest,
    service_manifest,
)
from sagebridge.core.names import Owner
from support.cluster_endpoints import OWNER, REFERENCE, endpoint
from support.served_models import CODE, CONTAINER, model

CPU = {"namespace": "/aws/sagemaker/Endpoints", "metricName": "CPUUtilization", "statistic": "Average"}


def test_the_pods_are_selected_by_what_outlives_the_object() -> None:
    manifest = deployment_manifest(endpoint(), REFERENCE)
    selector = manifest["spec"]["selector"]["matchLabels"]
    assert selector == {"sagebridge.io/endpoint": "digits"}
    assert service_manifest(endpoint(), REFERENCE)["spec"]["selector"] == selector
    assert selector.items() <= manifest["spec"]["template"]["metadata"]["labels"].items()
    assert manifest["metadata"]["ownerReferences"] == [REFERENCE]


def test_the_count_is_no_part_of_what_is_applied() -> None:
    assert "replicas" not in deployment_manifest(endpoint(), REFERENCE)["spec"]


def test_requests_under_way_end() -> None:
    spec = pod_template(endpoint())["spec"]
    drain = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] - drain >= 60


def test_pods_are_spread_where_there_is_room() -> None:
    spread = pod_template(endpoint())["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for one in spread:
        assert one["whenUnsatisfiable"] == "ScheduleAnyway"
        assert one["labelSelector"] == {"matchLabels": endpoint().selector}
        assert one["matchLabelKeys"] == ["pod-template-hash"]


def test_nodes_are_drained_pod_by_pod_and_never_held_up() -> None:
    budget = budget_manifest(endpoint(), REFERENCE)
    assert budget["metadata"]["name"] == "digits"
    assert budget["metadata"]["ownerReferences"] == [REFERENCE]
    assert budget["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": endpoint().selector},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def test_nobody_holds_an_update_up_by_a_pause() -> None:
    assert deployment_manifest(endpoint(), REFERENCE)["spec"]["paused"] is False


def test_no_pod_has_a_token_of_the_cluster() -> None:
    assert pod_template(endpoint())["spec"]["automountServiceAccountToken"] is False


def test_timeouts_are_those_of_the_variant() -> None:
    timeouts = {"modelDataDownloadTimeoutInSeconds": 1200, "containerStartupHealthCheckTimeoutInSeconds": 300}
    asked = endpoint(timeouts | {"volumeSizeInGB": 200})
    manifest = deployment_manifest(asked, REFERENCE)
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    probe = container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 300
    assert manifest["spec"]["progressDeadlineSeconds"] == 600 + 1200 + 300
    document = json.loads(revision_manifest(asked, REFERENCE)["data"]["model.json"])
    assert (document["fetchSeconds"], document["volumeSizeInGB"]) == (1200, 200)


@pytest.mark.parametrize(
    ("reason", "deployment", "cluster", "want"),
    [
        ("by default what serves stays until what follows is ready", {}, {}, {"maxSurge": "25%", "maxUnavailable": 0}),
        (
            "a batch comes on top",
            {"rollingUpdatePolicy": {"maximumBatchSize": {"type": "CAPACITY_PERCENT", "value": 50}}},
            {},
            {"maxSurge": "50%", "maxUnavailable": 0},
        ),
        (
            "a batch in pods",
            {"rollingUpdatePolicy": {"maximumBatchSize": {"type": "INSTANCE_COUNT", "value": 2}}},
            {},
            {"maxSurge": 2, "maxUnavailable": 0},
        ),
        (
            "where there is no other node",
            {},
            {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            {"maxSurge": 0, "maxUnavailable": 1},
        ),
    ],
)
def test_pods_are_replaced_step_by_step(reason: str, deployment: Any, cluster: Any, want: Any) -> None:
    manifest = deployment_manifest(endpoint(deployment=deployment, cluster=cluster), REFERENCE)
    assert manifest["spec"]["strategy"]["rollingUpdate"] == want, reason


def test_a_step_waits_until_it_was_ready_for_long_enough() -> None:
    policy = {"maximumBatchSize": {"type": "INSTANCE_COUNT", "value": 1}, "waitIntervalInSeconds": 120}
    spec = deployment_manifest(endpoint(deployment={"rollingUpdatePolicy": policy}), REFERENCE)["spec"]
    assert spec["minReadySeconds"] == 120
    assert spec["progressDeadlineSeconds"] > 120


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("another variable", endpoint(model=model(CONTAINER | {"environment": {"A": "1"}}))),
        ("another archive", endpoint(model=model(CONTAINER | {"modelDataUrl": "s3://bucket/other.tar.gz"}))),
        ("code", endpoint(model=model(code=CODE))),
        ("another node", endpoint(cluster={"nodeSelector": {"pool": "a"}})),
    ],
)
def test_other_pods_are_another_revision(reason: str, changed: Any) -> None:
    assert revision(changed) != revision(endpoint()), reason


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("the way of an update", endpoint(deployment={"rollingUpdatePolicy": {"waitIntervalInSeconds": 5}})),
        ("another try", endpoint(nonce="again")),
        (
            "scaling",
            endpoint({"autoscaling": {"minCapacity": 1, "maxCapacity": 2, "targetValue": 50, "customizedMetric": CPU}}),
        ),
    ],
)
def test_the_same_pods_are_the_same_revision(reason: str, changed: Any) -> None:
    assert revision(changed) == revision(endpoint()), reason


def test_a_pod_names_its_revision_and_finds_its_document() -> None:
    template = pod_template(endpoint())
    name = revision(endpoint())
    assert template["metadata"]["annotations"]["sagebridge.io/revision"] == name
    [document] = [one for one in template["spec"]["volumes"] if "configMap" in one]
    assert document["configMap"]["name"] == name == revision_manifest(endpoint(), REFERENCE)["metadata"]["name"]


def test_who_scales_refers_to_the_deployment() -> None:
    scaling = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 70, "customizedMetric": CPU}
    manifest = scaler_manifest(endpoint({"autoscaling": scaling}), REFERENCE)
    assert manifest is not None
    assert manifest["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits"}
    assert scaler_manifest(endpoint(), REFERENCE) is None


@pytest.mark.parametrize(
    ("reason", "owner", "given", "want"),
    [
        ("the endpoint's name", OWNER, "Digits", "digits"),
        ("DNS wants a letter first", OWNER, "7-digits", "e-7-digits"),
    ],
)
def test_the_name_that_callers_know(reason: str, owner: Owner, given: str, want: str) -> None:
    assert service_name(owner, given=given) == want, reason


def test_a_name_outlives_the_object_and_is_short_enough() -> None:
    again = Owner(cluster="c1", namespace="team", name="digits", uid="another")
    assert service_name(OWNER, given=None) == service_name(again, given=None)
    long = [service_name(OWNER, given="x" * 60 + end) for end in ("a", "b")]
    assert long[0] != long[1]
    assert {len(name) for name in long} == {NAME_LIMIT}
