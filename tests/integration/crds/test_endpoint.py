"""Endpoint manifests: what is admitted, refused with which words, what may change; and the scale subresource."""

from __future__ import annotations

from typing import Any

import kubernetes
import pytest
from sagebridge.schema.kind import GROUP
from sagebridge_local.stack import ControlPlane

from .conftest import Resource
from .test_kubectl import columns

Spec = dict[str, Any]

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/serve:1"
MODEL: Spec = {"name": "m", "image": IMAGE, "modelDataUrl": "s3://models/a.tar.gz"}
UNSERVED: Spec = {"name": "m", "modelDataUrl": "s3://models/a.tar.gz"}
PACKAGE = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/m"
VARIANT: Spec = {"variantName": "a", "modelName": "m", "instanceType": "ml.m5.large"}
SERVERLESS: Spec = {
    "variantName": "a",
    "modelName": "m",
    "serverlessConfig": {"memorySizeInMB": 2048, "maxConcurrency": 5, "provisionedConcurrency": 2},
}
SCALING: Spec = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}


@pytest.fixture
def endpoints(kube: kubernetes.client.ApiClient, namespace: str) -> Resource:
    return Resource(client=kube, group=GROUP, plural="sagemakerendpoints", kind="Endpoint", namespace=namespace)


def spec(*variants: Spec, models: list[Spec] | None = None, **fields: Any) -> Spec:
    return {"models": models or [MODEL], "productionVariants": list(variants) or [VARIANT], **fields}


def routing(kind: str) -> Spec:
    """A deployment that does not say how much it moves at a time."""
    shifting = {"type": kind, "waitIntervalInSeconds": 60}
    return {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": shifting}}


def canary(percent: int) -> Spec:
    routing = {
        "type": "CANARY",
        "waitIntervalInSeconds": 60,
        "canarySize": {"type": "CAPACITY_PERCENT", "value": percent},
    }
    return {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": routing}}


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("one model, one variant", spec()),
        ("two variants with weights", spec({**VARIANT, "initialVariantWeight": 9}, {**VARIANT, "variantName": "b"})),
        ("a model of a training job", spec(models=[{"name": "m", "modelRef": {"kind": "TrainingJob", "name": "t"}}])),
        (
            "following a tuning job",
            spec(models=[{"name": "m", "modelRef": {"kind": "HPTuningJob", "name": "t", "updatePolicy": "Follow"}}]),
        ),
        ("a pipeline", spec(models=[{"name": "m", "containers": [{"image": IMAGE}, {"image": IMAGE}]}])),
        ("a multi-model endpoint", spec(models=[{**MODEL, "mode": "MultiModel", "modelDataUrl": "s3://models/all/"}])),
        ("a serverless variant that is scaled", spec({**SERVERLESS, "autoscaling": SCALING})),
        ("an asynchronous endpoint", spec(asyncInferenceConfig={"outputConfig": {"s3OutputPath": "s3://out/a"}})),
        ("a shadow variant", spec(shadowProductionVariants=[{**VARIANT, "variantName": "s"}])),
        ("replicas", spec(replicas=3)),
        (
            "every kind of scaling",
            spec(
                {
                    **VARIANT,
                    "autoscaling": {
                        **SCALING,
                        "metric": "InvocationsPerInstance",
                        "stepScaling": [
                            {
                                "name": "out",
                                "adjustmentType": "ChangeInCapacity",
                                "stepAdjustments": [{"metricIntervalLowerBound": 0, "scalingAdjustment": 1}],
                            }
                        ],
                        "scheduled": [{"name": "night", "schedule": "cron(0 22 * * ? *)", "minCapacity": 1}],
                    },
                }
            ),
        ),
        ("all at once", spec(deploymentConfig=routing("ALL_AT_ONCE"))),
        *[
            (f"a model by {name}", spec(models=[{"name": "m", name: value}]))
            for name, value in {
                "framework": {"name": "sklearn", "version": "1.2-1"},
                "modelPackageArn": f"{PACKAGE}/1",
                "modelPackageName": f"{PACKAGE}/1",
                "primaryContainer": {"image": IMAGE},
            }.items()
        ],
        ("an instance type that nobody knows yet", spec({**VARIANT, "instanceType": "ml.z9.huge"})),
        (
            "a canary with rollback on alarm",
            spec(
                deploymentConfig={
                    **canary(10),
                    "autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}]},
                }
            ),
        ),
    ],
)
def test_admitted(endpoints: Resource, reason: str, wanted: Spec) -> None:
    assert endpoints.refusal(wanted) == "", reason


@pytest.mark.parametrize(
    ("reason", "wanted", "words"),
    [
        ("nothing to run on", spec({"variantName": "a", "modelName": "m"}), "say what to run on"),
        ("serverless on an instance", spec({**SERVERLESS, "instanceType": "ml.m5.large"}), "say what to run on"),
        (
            "a count said twice",
            spec({**VARIANT, "initialInstanceCount": 1}, replicas=2),
            "the number of instances is said twice",
        ),
        ("the same variant twice", spec(VARIANT, VARIANT), "Duplicate value"),
        ("the same model twice", spec(models=[MODEL, MODEL]), "Duplicate value"),
        ("a canary of more than half", spec(deploymentConfig=canary(51)), "canarySize must be 1 to 50 percent"),
        (
            "bounds that exclude each other",
            spec({**VARIANT, "autoscaling": {"minCapacity": 3, "maxCapacity": 2, "targetValue": 1}}),
            "must not be more than maxCapacity",
        ),
        (
            "a metric without a target",
            spec({**VARIANT, "autoscaling": {"minCapacity": 1, "maxCapacity": 2, "metric": "InvocationsPerInstance"}}),
            "give targetValue",
        ),
        (
            "an action that changes nothing",
            spec({**VARIANT, "autoscaling": {**SCALING, "scheduled": [{"name": "a", "schedule": "rate(1 day)"}]}}),
            "say what changes then",
        ),
        ("a canary without a size", spec(deploymentConfig=routing("CANARY")), "type CANARY needs canarySize"),
        ("steps without a size", spec(deploymentConfig=routing("LINEAR")), "type LINEAR needs linearStepSize"),
        ("a model that nothing serves", spec(models=[UNSERVED]), "say what serves it: image, framework, algorithm,"),
        (
            "a container that nothing serves",
            spec(models=[{"name": "m", "containers": [{"image": IMAGE}, {"environment": {"A": "1"}}]}]),
            "spec.models[0].containers[1]: Invalid value: say what serves it: image, framework, algorithm,",
        ),
        (
            "an only container that nothing serves",
            spec(models=[{"name": "m", "primaryContainer": {"modelDataUrl": "s3://models/a.tar.gz"}}]),
            "say what serves it: image or modelPackageName",
        ),
        ("an instance type of EC2's", spec({**VARIANT, "instanceType": "m5.large"}), "should match '^ml\\.'"),
        ("a pipeline of one", spec(models=[{"name": "m", "containers": []} | {"nonsense": 1}]), "nonsense"),
        ("a tag of ours", spec(tags=[{"key": "sagebridge.io/x", "value": "y"}]), "choose another key"),
    ],
)
def test_refused(endpoints: Resource, reason: str, wanted: Spec, words: str) -> None:
    assert words in endpoints.refusal(wanted), reason


SETTINGS: Spec = {"configMapRef": {"name": "settings"}}
SECRET: Spec = {"secretRef": {"name": "token"}}
OF_BOTH: Spec = SETTINGS | SECRET


def environment_from(place: str, source: Spec) -> Spec:
    """A model with a source of variables at one of the places where `environment` stands."""
    container = {"image": IMAGE, "environmentFrom": [source]}
    places = {
        "model": container,
        "primaryContainer": {"primaryContainer": container},
        "containers": {"containers": [{"image": IMAGE}, container]},
    }
    return {"name": "m", **places[place]}


@pytest.mark.parametrize("place", ["model", "primaryContainer", "containers"])
def test_variables_come_from_config_maps_and_secrets(endpoints: Resource, place: str) -> None:
    assert "Secrets Manager" in endpoints.refusal(spec(models=[environment_from(place, SECRET)]))
    assert "exactly one of configMapRef or secretRef" in endpoints.refusal(
        spec(models=[environment_from(place, OF_BOTH)])
    )
    created = endpoints.create(spec(models=[environment_from(place, SETTINGS)]))
    assert created["spec"]["models"] == [environment_from(place, SETTINGS)]


@pytest.mark.parametrize("place", ["model", "primaryContainer"])
def test_secrets_are_for_pods(endpoints: Resource, place: str) -> None:
    models = [environment_from(place, SECRET)]
    assert endpoints.create(spec(models=models, target="Cluster"))["spec"]["models"] == models


@pytest.mark.parametrize(
    ("reason", "before", "change", "words"),
    [
        ("another image", spec(), {"models": [{**MODEL, "image": IMAGE + "0"}]}, ""),
        ("other variants", spec(), {"productionVariants": [{**VARIANT, "variantName": "b"}]}, ""),
        ("another name", spec(endpointName="one"), {"endpointName": "two"}, "callers know the endpoint by its name"),
        ("a name where there was none", spec(), {"endpointName": "two"}, "neither added nor removed"),
        ("no name any more", spec(endpointName="one"), {"endpointName": None}, "neither added nor removed"),
        ("another region", spec(region="eu-west-1"), {"region": "eu-west-2"}, "does not move"),
    ],
)
def test_changes(endpoints: Resource, reason: str, before: Spec, change: Spec, words: str) -> None:
    endpoints.create(before)
    refusal = endpoints.patch_refusal({"spec": change})
    assert words in refusal if words else refusal == "", reason


def test_it_can_be_scaled(endpoints: Resource) -> None:
    endpoints.create(spec(replicas=1))
    assert endpoints.patch({"spec": {"replicas": 4}}, subresource="/scale")["spec"] == {"replicas": 4}
    assert endpoints.patch({"metadata": {"labels": {"a": "b"}}})["spec"]["replicas"] == 4


def test_kubectl_scales_one_that_has_replicas(endpoints: Resource, control_plane: ControlPlane) -> None:
    endpoints.create(spec(replicas=1))
    scale = ("scale", "smep/example", "-n", endpoints.namespace)
    control_plane.kubectl(*scale, "--replicas=3")
    assert endpoints.patch({"metadata": {"labels": {"a": "b"}}})["spec"]["replicas"] == 3
    with pytest.raises(Exception, match="greater than or equal to 1"):
        control_plane.kubectl(*scale, "--replicas=0")


def test_columns(endpoints: Resource, control_plane: ControlPlane) -> None:
    endpoints.create(spec())
    ready = {"type": "Ready", "status": "True", "reason": "InService", "message": "done"}
    status = {
        "endpointName": "team-scores",
        "endpointStatus": "Updating",
        "stage": "Baking",
        "endpointConfigName": "config-1",
        "replicas": 3,
        "traffic": "a=9, b=1, c (shadow)",
        "instanceTypes": "ml.m5.large, ml.c5.large (shadow)",
        "conditions": [ready],
    }
    endpoints.patch({"status": status}, subresource="/status")
    shown = columns(control_plane, "smep", "-n", endpoints.namespace, "-o", "wide")
    assert shown.pop("AGE").endswith("s")
    assert shown == {
        "NAME": "example",
        "STATUS": "InService",
        "STATE": "Updating",
        "STAGE": "Baking",
        "INSTANCES": "3",
        "VARIANTS": "a=9, b=1, c (shadow)",
        "INSTANCE-TYPE": "ml.m5.large, ml.c5.large (shadow)",
        "READY": "True",
        "ENDPOINT": "team-scores",
        "CONFIG": "config-1",
        "MESSAGE": "done",
    }
