"""From a spec to what SageMaker is asked for: names, requests, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.endpoint.build import BuildContext, Served, build, endpoint_name
from sagebridge.core.endpoint.refusals import check
from sagebridge.core.endpoint.scaling import covers
from sagebridge.core.errors import SpecError
from sagebridge.core.names import Owner
from sagebridge.schema.convert import to_request

from tests.unit.endpoint.specs import IMAGE, OWNER, ROLE, SCALING, desired, spec, variant

SERVERLESS = {
    "variantName": "a",
    "modelName": "m",
    "serverlessConfig": {"memorySizeInMB": 2048, "maxConcurrency": 5},
}
FOUR = variant(initialInstanceCount=4)
_ROUTING = "blueGreenUpdatePolicy.trafficRoutingConfiguration"
CANARY_SIZE, LINEAR_SIZE = f"{_ROUTING}.canarySize", f"{_ROUTING}.linearStepSize"
BATCH_SIZE = "rollingUpdatePolicy.maximumBatchSize"
PIPELINE = {"name": "m", "containers": [{"image": IMAGE, "containerHostname": "one"}, {"image": IMAGE}]}


def percent(value: int) -> dict[str, Any]:
    return {"type": "CAPACITY_PERCENT", "value": value}


def instances(value: int) -> dict[str, Any]:
    return {"type": "INSTANCE_COUNT", "value": value}


def shifting(kind: str, name: str, size: dict[str, Any]) -> dict[str, Any]:
    routing = {"type": kind, "waitIntervalInSeconds": 60, name: size}
    return {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": routing}}


def rolling(size: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"rollingUpdatePolicy": {"maximumBatchSize": size, "waitIntervalInSeconds": 60, **fields}}


def test_names_stand_for_content() -> None:
    first = desired()
    assert first.models[0].name != desired(spec(data="2")).models[0].name
    assert first.config.name != desired(spec(data="2")).config.name
    assert first == desired(), "the same spec has the same names"


def test_weights_and_counts_alone_leave_the_template() -> None:
    first = desired()
    other = desired(spec(variant(initialVariantWeight=2.0, initialInstanceCount=7)))
    assert other.config.template == first.config.template
    assert other.config.name != first.config.name
    assert other.numbers_key != first.numbers_key


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("instances", {"instanceType": "ml.m5.xlarge"}),
        ("routing", {"routingConfig": {"routingStrategy": "LEAST_OUTSTANDING_REQUESTS"}}),
    ],
)
def test_all_else_makes_another_config(reason: str, fields: dict[str, Any]) -> None:
    assert desired(spec(variant(**fields))).config.template != desired().config.template, reason


def test_autoscaling_is_no_part_of_the_config() -> None:
    assert desired(spec(variant(autoscaling=SCALING))).config == desired().config


@pytest.mark.parametrize(("given", "want"), [(1, 2), (3, 3), (9, 4)])
def test_an_endpoint_is_made_with_a_count_that_autoscaling_allows(given: int, want: int) -> None:
    scaled = variant(initialInstanceCount=given, autoscaling={**SCALING, "minCapacity": 2, "maxCapacity": 4})
    [made] = desired(spec(scaled)).config.request["productionVariants"]
    assert made["initialInstanceCount"] == want


def test_an_endpoint_keeps_its_name_when_its_object_is_made_anew() -> None:
    again = Owner(cluster=OWNER.cluster, namespace=OWNER.namespace, name=OWNER.name, uid="another")
    assert endpoint_name(OWNER, given=None) == endpoint_name(again, given=None)
    assert endpoint_name(OWNER, given="mine") == "mine"


@pytest.mark.parametrize("length", [1, 40, 200])
def test_names_fit(length: int) -> None:
    owner = Owner(cluster="c", namespace="n" * length, name="x" * length, uid="u")
    found = build(spec(), BuildContext(owner=owner, role_arn=ROLE))
    names = (endpoint_name(owner, given=None), found.config.name, found.models[0].name)
    assert all(len(name) <= 63 for name in names)


def test_requests_are_what_the_api_takes() -> None:
    found = desired(
        spec(
            variant(autoscaling=SCALING),
            variant("b"),
            dataCaptureConfig={
                "initialSamplingPercentage": 10,
                "destinationS3Uri": "s3://capture",
                "captureOptions": [{"captureMode": "Input"}],
            },
        )
    )
    request = to_request("CreateEndpointConfig", {**found.config.request, "endpointConfigName": found.config.name})
    assert [one["ModelName"] for one in request["ProductionVariants"]] == [found.models[0].name] * 2
    assert all("Autoscaling" not in one for one in request["ProductionVariants"])
    model = to_request("CreateModel", {**found.models[0].request, "modelName": found.models[0].name})
    assert model["PrimaryContainer"] == {"Image": IMAGE, "ModelDataUrl": "s3://models/1.tar.gz"}
    assert model["ExecutionRoleArn"] == ROLE


def test_a_pipeline() -> None:
    found = desired(spec() | {"models": [PIPELINE]})
    assert [one["image"] for one in found.models[0].request["containers"]] == [IMAGE, IMAGE]


def test_what_was_resolved_completes_a_container() -> None:
    served = {
        ("m", 0): Served(image="resolved", model_data_url="s3://trained/model.tar.gz", environment={"A": "1", "B": "2"})
    }
    wanted = spec() | {"models": [{"name": "m", "environment": {"B": "mine"}}]}
    found = build(wanted, BuildContext(owner=OWNER, role_arn=ROLE, served=served))
    assert found.models[0].request["primaryContainer"] == {
        "image": "resolved",
        "modelDataUrl": "s3://trained/model.tar.gz",
        "environment": {"A": "1", "B": "mine"},
    }


def test_inference_components_bring_the_models_and_the_config_the_role() -> None:
    managed = {"status": "ENABLED", "minInstanceCount": 1, "maxInstanceCount": 4}
    shared = {
        "variantName": "a",
        "instanceType": "ml.g5.12xlarge",
        "managedInstanceScaling": managed,
        "routingConfig": {"routingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    found = desired({"productionVariants": [shared], "vpcConfig": {"subnets": ["s"], "securityGroupIds": ["g"]}})
    assert found.models == ()
    assert found.config.request["executionRoleArn"] == ROLE
    assert found.config.request["vpcConfig"] == {"subnets": ["s"], "securityGroupIds": ["g"]}
    [made] = found.config.request["productionVariants"]
    assert made == shared | {"initialInstanceCount": 1, "initialVariantWeight": 1.0}
    assert found.variants[0].keeps_count, "an update leaves the instances that SageMaker has added"
    assert "executionRoleArn" not in desired().config.request


@pytest.mark.parametrize(
    ("reason", "given", "count"),
    [
        ("given", spec(variant(initialInstanceCount=3)), 3),
        ("by default", spec(), 1),
        ("by replicas", spec(replicas=4), 4),
        ("autoscaling owns it", spec(variant(autoscaling=SCALING)), None),
        ("SageMaker owns it", spec(variant(managedInstanceScaling={"status": "ENABLED"})), None),
        ("serverless", spec(SERVERLESS), None),
    ],
)
def test_counts(reason: str, given: dict[str, Any], count: int | None) -> None:
    assert desired(given).variants[0].count == count, reason


@pytest.mark.parametrize(
    ("reason", "given", "field"),
    [
        ("an unknown model", spec(variant(modelName="x")), "spec.productionVariants[0].modelName"),
        (
            "a container's field beside containers",
            spec() | {"models": [PIPELINE | {"image": IMAGE}]},
            "spec.models[0].image",
        ),
        (
            "a container's field beside primaryContainer",
            spec() | {"models": [{"name": "m", "environment": {}, "primaryContainer": {"image": IMAGE}}]},
            "spec.models[0].environment",
        ),
        *[
            (
                f"{one} and {other}",
                spec() | {"models": [{"name": "m", one: {}, other: {}}]},
                f"spec.models[0].{other}",
            )
            for one, other in (
                ("modelRef", "modelDataUrl"),
                ("modelRef", "modelDataSource"),
                ("modelRef", "framework"),
                ("modelRef", "modelPackageArn"),
                ("image", "algorithm"),
                ("framework", "algorithm"),
                ("modelPackageArn", "modelPackageName"),
                ("modelPackageArn", "source"),
                ("source", "modelDataSource"),
                ("modelDataUrl", "modelDataSource"),
            )
        ],
        *[
            (f"scikit-learn without a script, {where}", spec() | {"models": [model]}, f"spec.models[0]{at}.source")
            for where, model, at in (
                ("a model", {"name": "m", "framework": {"name": "Scikit-Learn"}}, ""),
                (
                    "one of several containers",
                    {"name": "m", "containers": [{"image": IMAGE}, {"framework": {"name": "sklearn"}}]},
                    ".containers[1]",
                ),
            )
        ],
        ("nothing that serves", spec() | {"models": [{"name": "m"}]}, "spec.models[0]"),
        ("a variant twice", spec(variant(), variant()), "spec.productionVariants"),
        ("a name for both", spec(variant(), shadowProductionVariants=[variant()]), "spec.productionVariants"),
        ("replicas of several", spec(variant(), variant("b"), replicas=2), "spec.replicas"),
        ("replicas that are scaled", spec(variant(autoscaling=SCALING), replicas=2), "spec.replicas"),
        ("a count said twice", spec(variant(initialInstanceCount=1), replicas=2), "spec.replicas"),
        ("serverless replicas", spec(SERVERLESS, replicas=2), "spec.replicas"),
        (
            "several shadowed",
            spec(variant(), variant("b"), shadowProductionVariants=[variant("s")]),
            "spec.shadowProductionVariants",
        ),
        (
            "a shadow of serverless",
            spec(SERVERLESS, shadowProductionVariants=[variant("s")]),
            "spec.shadowProductionVariants",
        ),
        (
            "a shadow of a pipeline",
            spec(
                models=[{"name": "m", "containers": [{"image": "a"}, {"image": "b"}]}],
                shadowProductionVariants=[variant("s")],
            ),
            "spec.shadowProductionVariants",
        ),
        (
            "a shadow of many models",
            spec(models=[{"name": "m", "image": "a", "mode": "MultiModel"}], shadowProductionVariants=[variant("s")]),
            "spec.shadowProductionVariants",
        ),
        (
            "an asynchronous shadow",
            spec(shadowProductionVariants=[variant("s")], asyncInferenceConfig={}),
            "spec.shadowProductionVariants",
        ),
        ("two serverless", spec(SERVERLESS, variant("b")), "spec.productionVariants"),
        ("serverless in a VPC", spec(SERVERLESS, vpcConfig={}), "spec.vpcConfig"),
        ("serverless capture", spec(SERVERLESS, dataCaptureConfig={}), "spec.dataCaptureConfig"),
        ("a serverless pipeline", spec(SERVERLESS) | {"models": [PIPELINE]}, "spec.models[0].containers"),
        (
            "serverless without concurrency to scale",
            spec({**SERVERLESS, "autoscaling": SCALING}),
            "spec.productionVariants[0].autoscaling",
        ),
        (
            "scaled to nothing",
            spec(variant(autoscaling={**SCALING, "minCapacity": 0})),
            "spec.productionVariants[0].autoscaling.minCapacity",
        ),
        (
            "scaled twice",
            spec(variant(autoscaling=SCALING, managedInstanceScaling={"status": "ENABLED"})),
            "spec.productionVariants[0].autoscaling",
        ),
        (
            "rolling with several variants",
            spec(variant(), variant("b"), deploymentConfig={"rollingUpdatePolicy": {}}),
            "spec.deploymentConfig.rollingUpdatePolicy",
        ),
        (
            "rolling and blue/green",
            spec(deploymentConfig={"rollingUpdatePolicy": {}, "blueGreenUpdatePolicy": {}}),
            "spec.deploymentConfig",
        ),
        (
            "guardrails for serverless",
            spec(SERVERLESS, deploymentConfig={"rollingUpdatePolicy": {}}),
            "spec.deploymentConfig",
        ),
        (
            "a canary without a size",
            spec(deploymentConfig={"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": {"type": "CANARY"}}}),
            "spec.deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration",
        ),
        *[
            (reason, spec(of, deploymentConfig=deployment), f"spec.deploymentConfig.{field}.value")
            for reason, of, deployment, field in (
                ("more than half by canary", FOUR, shifting("CANARY", "canarySize", percent(51)), CANARY_SIZE),
                ("more than half in steps", FOUR, shifting("LINEAR", "linearStepSize", percent(60)), LINEAR_SIZE),
                ("small steps", FOUR, shifting("LINEAR", "linearStepSize", percent(9)), LINEAR_SIZE),
                ("more than half by batch", FOUR, rolling(percent(75)), BATCH_SIZE),
                ("small batches", FOUR, rolling(percent(4)), BATCH_SIZE),
            )
        ],
    ],
)
def test_what_aws_forbids_is_refused_with_the_field(reason: str, given: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        desired(given)
    assert caught.value.field == field, reason
    assert caught.value.message, reason


@pytest.mark.parametrize(
    "given",
    [
        {"source": {"entryPoint": "inference.py", "s3Uri": "s3://code/a.tar.gz"}},
        {"environment": {"SAGEMAKER_PROGRAM": "inference.py"}},
        {"environmentFrom": [{"configMapRef": {"name": "script"}}]},
    ],
    ids=lambda given: next(iter(given)),
)
def test_scikit_learn_s_script_may_be_given_in_several_ways(given: dict[str, Any]) -> None:
    check(spec() | {"models": [{"name": "m", "framework": {"name": "sklearn"}, **given}]})


def test_another_image_may_serve_without_a_script() -> None:
    check(spec() | {"models": [{"name": "m", "framework": {"name": "sklearn"}}], "cluster": {"image": IMAGE}})


@pytest.mark.parametrize(
    ("reason", "of", "deployment"),
    [
        ("half by canary", FOUR, shifting("CANARY", "canarySize", percent(50))),
        ("a tenth at a time", FOUR, shifting("LINEAR", "linearStepSize", percent(10))),
        ("a twentieth at a time", FOUR, rolling(percent(5))),
        ("half of four", FOUR, rolling(instances(2))),
        ("how many an update may move matters to updates alone", FOUR, rolling(instances(3))),
        ("the way back has no bounds", FOUR, rolling(percent(50), rollbackMaximumBatchSize=percent(100))),
    ],
)
def test_sizes_of_steps_that_aws_may_take(reason: str, of: dict[str, Any], deployment: dict[str, Any]) -> None:
    assert desired(spec(of, deploymentConfig=deployment)).deployment == deployment, reason


@pytest.mark.parametrize(
    ("reason", "found", "wanted", "want"),
    [
        ("AWS's own additions", {"a": 1, "b": 2}, {"a": 1}, True),
        ("another value", {"a": 2}, {"a": 1}, False),
        ("nothing", None, {"a": 1}, False),
        ("numbers of another type", {"a": 70}, {"a": 70.0}, True),
        ("lists of another length", [1, 2], [1], False),
        ("inside lists", [{"a": 1, "b": 2}], [{"a": 1}], True),
    ],
)
def test_covering(reason: str, found: Any, wanted: Any, want: bool) -> None:
    assert covers(found, wanted) is want, reason
