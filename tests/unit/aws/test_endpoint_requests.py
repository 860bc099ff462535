"""What SageMaker and Application Auto Scaling are asked for, and about whose endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from support.aws import error
from support.endpoint_bench import EndpointBench
from support.endpoints import IMAGE, spec, variant

SCALING = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}
STEP = {
    "name": "out",
    "adjustmentType": "ChangeInCapacity",
    "stepAdjustments": [{"metricIntervalLowerBound": 0, "scalingAdjustment": 1}],
}
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"


# --- scaling -----------------------------------------------------------------------------------------------------


async def test_status_has_the_arns_that_alarms_act_on(bench: EndpointBench) -> None:
    scaled = spec(variant("a", autoscaling=SCALING | {"stepScaling": [STEP]}))
    await bench.reconcile(scaled)
    wanted = {
        "sagebridge-target": "TargetTrackingScaling",
        "sagebridge-out": "StepScaling",
    }
    shown = bench.status["scalingPolicies"]
    assert {one["policyName"]: one["policyType"] for one in shown} == wanted
    assert all(one["policyArn"].endswith(one["policyName"]) and one["variantName"] == "a" for one in shown)
    bench.reconciler.forget("uid-1")
    asked = len(bench.sagemaker.names("Put"))
    await bench.reconcile()
    assert bench.status["scalingPolicies"] == shown, "as Describe tells, too, page by page"
    assert len(bench.sagemaker.names("Put")) == asked
    await bench.reconcile(spec())
    assert "scalingPolicies" not in bench.status


async def test_provisioned_concurrency_is_scaled_by_its_own_dimension(bench: EndpointBench) -> None:
    serverless: dict[str, Any] = {
        "variantName": "a",
        "modelName": "m",
        "serverlessConfig": {"memorySizeInMB": 2048, "maxConcurrency": 20, "provisionedConcurrency": 2},
        "autoscaling": {"minCapacity": 1, "maxCapacity": 10, "targetValue": 0.7},
    }
    await bench.reconcile(spec(serverless))
    assert bench.verdict == ("True", "InService")
    assert bench.status["variants"][0]["currentProvisionedConcurrency"] == 2
    target = bench.sagemaker.request("RegisterScalableTarget")
    assert (target["ScalableDimension"], target["MinCapacity"], target["MaxCapacity"]) == (CONCURRENCY, 1, 10)
    policy = bench.sagemaker.request("PutScalingPolicy")
    assert policy["ScalableDimension"] == CONCURRENCY
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 0.7,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"},
    }


@pytest.mark.parametrize(
    ("code", "want"),
    [
        ("AccessDeniedException", ("False", "AccessDenied")),
        ("ValidationException", ("False", "Rejected")),
        ("LimitExceededException", ("False", "QuotaExceeded")),
        ("ObjectNotFoundException", ("False", "ServiceUnavailable")),
        ("ConcurrentUpdateException", ("False", "ServiceUnavailable")),
    ],
)
async def test_scaling_that_is_refused_is_told(bench: EndpointBench, code: str, want: tuple[str, str]) -> None:
    bench.sagemaker.errors["PutScalingPolicy"] = error(code)
    await bench.reconcile(spec(variant("a", autoscaling=SCALING)))
    assert bench.verdict == want
    assert "PutScalingPolicy" in bench.condition()["message"]
    bench.sagemaker.errors.clear()
    await bench.reconcile()
    assert bench.verdict == ("True", "InService")


# --- models of jobs ----------------------------------------------------------------------------------------------


def train(bench: EndpointBench, number: int, *, ended: str = "Complete", **parts: Any) -> None:
    """Have a TrainingJob of the same name, the `number`th, in place of the one before."""
    bench.store.remove(f"uid-t{number - 1}")
    metadata = {"name": "digits", "namespace": "team-a", "uid": f"uid-t{number}", "resourceVersion": str(number)}
    artifact = f"s3://models/{number}/model.tar.gz"
    status = {
        "conditions": [{"type": ended, "status": "True"}] if ended else [],
        "modelArtifacts": {"s3ModelArtifacts": parts.get("artifact", artifact)},
        "region": parts.get("region", "us-east-1"),
        "image": IMAGE,
    }
    given = {"algorithmSpecification": {"trainingImage": IMAGE}, **parts.get("spec", {})}
    bench.store.put("TrainingJob", {"metadata": metadata, "spec": given, "status": status})


def referring(**fields: str) -> dict[str, Any]:
    return spec() | {"models": [{"name": "m", "modelRef": {"kind": "TrainingJob", "name": "digits", **fields}}]}


@pytest.mark.parametrize(
    ("reason", "policy", "ended", "want"),
    [
        ("pinned", {}, "Complete", "s3://models/1/model.tar.gz"),
        ("pinned in so many words", {"updatePolicy": "Pin"}, "Complete", "s3://models/1/model.tar.gz"),
        ("following", {"updatePolicy": "Follow"}, "Complete", "s3://models/2/model.tar.gz"),
        ("following one that runs", {"updatePolicy": "Follow"}, "", "s3://models/1/model.tar.gz"),
        ("following one that has failed", {"updatePolicy": "Follow"}, "Failed", "s3://models/1/model.tar.gz"),
    ],
)
async def test_which_of_two_models_of_a_name_is_served(
    bench: EndpointBench, reason: str, policy: dict[str, str], ended: str, want: str
) -> None:
    train(bench, 1)
    await bench.reconcile(referring(**policy))
    train(bench, 2, ended=ended)
    await bench.reconcile()
    assert bench.verdict == ("True", "InService"), reason
    [container] = bench.status["servedModels"][0]["containers"]
    assert container["modelDataUrl"] == want
    assert bench.sagemaker.request("CreateModel")["PrimaryContainer"]["ModelDataUrl"] == want
    assert container["modelRef"]["uid"] == f"uid-t{want.split('/')[3]}"
    assert len(bench.sagemaker.names("UpdateEndpoint")) == (want == "s3://models/2/model.tar.gz")


async def test_a_model_lies_in_the_region_where_it_serves(bench: EndpointBench) -> None:
    train(bench, 1, region="eu-west-1")
    await bench.reconcile(referring())
    assert bench.verdict == ("False", "InvalidSpec")
    assert "in eu-west-1, and this serves in us-east-1" in bench.condition()["message"]


NO_ARCHIVE = {"outputDataConfig": {"compressionType": "NONE"}}


async def test_an_uncompressed_model_is_served_where_it_lies(bench: EndpointBench) -> None:
    train(bench, 1, artifact="s3://models/1/output/model/", spec=NO_ARCHIVE)
    await bench.reconcile(referring())
    container = bench.sagemaker.request("CreateModel")["PrimaryContainer"]
    assert container["ModelDataSource"]["S3DataSource"] == {
        "S3Uri": "s3://models/1/output/model/",
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    assert "ModelDataUrl" not in container


@pytest.mark.parametrize("where", ["serverless", "multi-model", "source"])
async def test_where_only_archives_are_served(bench: EndpointBench, where: str) -> None:
    train(bench, 1, artifact="s3://models/1/output/model/", spec=NO_ARCHIVE)
    wanted = referring()
    if where == "serverless":
        serverless = {"memorySizeInMB": 2048, "maxConcurrency": 20}
        wanted["productionVariants"] = [{"variantName": "a", "modelName": "m", "serverlessConfig": serverless}]
    elif where == "multi-model":
        wanted["models"][0]["mode"] = "MultiModel"
    else:
        wanted["models"][0]["source"] = {"entryPoint": "inference.py", "s3Uri": "s3://code/inference.tar.gz"}
    await bench.reconcile(wanted)
    assert bench.verdict == ("False", "InvalidSpec")
    assert "left its model uncompressed" in bench.condition()["message"]


async def test_a_model_package_is_named_by_its_version(bench: EndpointBench) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/digits/3"
    wanted = spec() | {"models": [{"name": "m", "modelPackageArn": arn}]}
    refusal = f"ModelPackage {arn} is not approved"
    bench.sagemaker.errors["CreateModel"] = error("ValidationException", refusal)
    assert await bench.reconcile(wanted) == 600.0
    assert bench.verdict == ("False", "Rejected")
    assert refusal in bench.condition()["message"]
    bench.sagemaker.errors.clear()
    await bench.reconcile()
    assert bench.sagemaker.request("CreateModel")["PrimaryContainer"] == {"ModelPackageName": arn}
    assert bench.verdict == ("True", "InService")


# --- whose it is -------------------------------------------------------------------------------------------------

ADOPT = {"annotations": {"sagebridge.io/adopt": "true"}}
OTHERS = {"sagebridge.io/cluster": "c", "sagebridge.io/namespace": "team-b", "sagebridge.io/name": "scores"}


def have_endpoint(bench: EndpointBench, tags: dict[str, str]) -> None:
    """Somebody has made an endpoint called ``mine``."""
    variant = {"VariantName": "a", "InitialVariantWeight": 1.0, "InitialInstanceCount": 1}
    bench.sagemaker.configs["theirs"] = {"ProductionVariants": [variant]}
    bench.sagemaker.deploy({"EndpointName": "mine", "EndpointConfigName": "theirs"})
    bench.sagemaker.tags = tags


def allow_adopting(bench: EndpointBench) -> None:
    labels = {"kubernetes.io/metadata.name": "team-a"}
    bench.tenants.put_namespace({"metadata": {"name": "team-a", "labels": labels}})
    policy = {"namespaceSelector": {}, "regions": ["us-east-1"], "allowAdopt": True}
    bench.tenants.put_policy({"metadata": {"name": "all"}, "spec": policy})


@pytest.mark.parametrize(
    ("reason", "tags", "fields", "words"),
    [
        ("nobody's, and not asked for", {}, {}, "annotate this object with sagebridge.io/adopt"),
        ("nobody's, and not allowed", {}, ADOPT, "forbids adopting"),
        ("another object's", OTHERS, ADOPT, "belongs to another Sagebridge object"),
    ],
)
async def test_an_endpoint_that_is_not_ours_is_left_alone(
    bench: EndpointBench, reason: str, tags: dict[str, str], fields: dict[str, Any], words: str
) -> None:
    have_endpoint(bench, tags)
    bench.put(spec(endpointName="mine"), **fields)
    await bench.reconcile()
    assert bench.verdict == ("False", "NameConflict"), reason
    assert words in bench.condition()["message"]
    assert bench.sagemaker.names("Update") + bench.sagemaker.names("Add") == []


async def test_an_adopted_endpoint_gets_the_spec_and_is_never_deleted(bench: EndpointBench) -> None:
    allow_adopting(bench)
    have_endpoint(bench, {"team": "theirs"})
    bench.put(spec(endpointName="mine"), **ADOPT)
    await bench.reconcile()
    assert bench.verdict == ("True", "InService")
    assert bench.event("Adopted") is not None
    assert bench.sagemaker.tags["team"] == "theirs"
    assert bench.sagemaker.names("UpdateEndpoint") == ["UpdateEndpoint"]
    bench.put(spec(endpointName="mine"), deletionTimestamp="2026-01-02T03:04:05Z", **ADOPT)
    await bench.reconcile()
    assert bench.sagemaker.names("DeleteEndpoint") == []


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("it would be deregistered", spec(variant("a", initialInstanceCount=1))),
        ("it would get other bounds", spec(variant("a", autoscaling=SCALING | {"maxCapacity": 5}))),
    ],
)
async def test_the_scaling_of_what_has_become_another_s_is_left_alone(
    bench: EndpointBench, reason: str, wanted: dict[str, Any]
) -> None:
    await bench.reconcile(spec(variant("a", autoscaling=SCALING)))
    before = dict(bench.sagemaker.targets)
    bench.sagemaker.tags = OTHERS
    await bench.reconcile(wanted)
    assert bench.verdict == ("False", "NameConflict"), reason
    assert bench.sagemaker.targets == before


async def test_whose_the_scaling_is_is_asked_once_a_pass(bench: EndpointBench) -> None:
    await bench.reconcile(spec(variant("a", autoscaling=SCALING)))
    bench.sagemaker.asked.clear()
    await bench.reconcile(spec(variant("a", autoscaling=SCALING | {"maxCapacity": 5, "stepScaling": [STEP]})))
    assert bench.sagemaker.names("Register") + bench.sagemaker.names("Put") == [
        "RegisterScalableTarget",
        "PutScalingPolicy",
    ]
    assert bench.sagemaker.names("ListTags") == ["ListTags"]


async def made_anew(bench: EndpointBench, wanted: dict[str, Any]) -> None:
    """Delete the object with Retain, and apply a manifest of the same name."""
    bench.put(spec(variant("a", autoscaling=SCALING), runPolicy={"deletionPolicy": "Retain"}), deletionTimestamp=NOW)
    await bench.reconcile()
    del bench.api.objects[bench.path]
    bench.store.remove("uid-1")
    bench.sagemaker.asked.clear()
    await bench.reconcile(wanted)


NOW = "2026-01-02T03:04:05Z"


async def test_what_an_object_that_retained_its_endpoint_has_left_goes_with_an_update(bench: EndpointBench) -> None:
    await bench.reconcile(spec(variant("a", autoscaling=SCALING)))
    config = bench.status["endpointConfigName"]
    model = bench.sagemaker.request("CreateModel")["ModelName"]
    await made_anew(bench, spec(variant("a", instanceType="ml.m5.xlarge"), data="2", history={"limit": 0}))
    assert bench.verdict == ("True", "InService"), bench.condition()
    assert bench.sagemaker.targets == {}
    assert bench.sagemaker.request("DeleteEndpointConfig") == {"EndpointConfigName": config}
    assert bench.sagemaker.request("DeleteModel") == {"ModelName": model}
    assert len(bench.status["revisions"]) == 1


async def test_what_else_scales_a_retained_endpoint_is_left_alone(bench: EndpointBench) -> None:
    await bench.reconcile(spec(variant("a", autoscaling=SCALING)))
    bench.sagemaker.policies = {"theirs": {"PolicyName": "theirs", "PolicyType": "StepScaling"}}
    await made_anew(bench, spec(variant("a")))
    assert bench.verdict == ("True", "InService")
    assert set(bench.sagemaker.policies) == {"theirs"}


async def test_a_retained_endpoint_whose_config_is_gone_is_taken_over_all_the_same(bench: EndpointBench) -> None:
    await bench.reconcile(spec(variant("a", autoscaling=SCALING)))
    bench.sagemaker.configs.clear()
    await made_anew(bench, spec(variant("a"), data="2"))
    assert bench.verdict == ("True", "InService")
    assert bench.sagemaker.targets == {}


# --- how an update is asked for ----------------------------------------------------------------------------------

SIZE = {"type": "CAPACITY_PERCENT", "value": 25}
SENT_SIZE = {"Type": "CAPACITY_PERCENT", "Value": 25}
ALARMS = {"autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}]}}
SENT_ALARMS = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}


def routing(**fields: Any) -> dict[str, Any]:
    return {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": {"waitIntervalInSeconds": 60, **fields}}}


def sent_routing(**fields: Any) -> dict[str, Any]:
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"WaitIntervalInSeconds": 60, **fields}}}


@pytest.mark.parametrize(
    ("reason", "deployment", "sent"),
    [
        ("all at once", routing(type="ALL_AT_ONCE"), sent_routing(Type="ALL_AT_ONCE")),
        (
            "canary",
            routing(type="CANARY", canarySize=SIZE) | ALARMS,
            sent_routing(Type="CANARY", CanarySize=SENT_SIZE) | SENT_ALARMS,
        ),
        (
            "linear",
            routing(type="LINEAR", linearStepSize=SIZE) | ALARMS,
            sent_routing(Type="LINEAR", LinearStepSize=SENT_SIZE) | SENT_ALARMS,
        ),
        (
            "rolling",
            {"rollingUpdatePolicy": {"maximumBatchSize": SIZE, "waitIntervalInSeconds": 60}} | ALARMS,
            {"RollingUpdatePolicy": {"MaximumBatchSize": SENT_SIZE, "WaitIntervalInSeconds": 60}} | SENT_ALARMS,
        ),
    ],
)
async def test_a_deployment_is_asked_for_as_the_manifest_says(
    bench: EndpointBench, reason: str, deployment: dict[str, Any], sent: dict[str, Any]
) -> None:
    await bench.reconcile(spec())
    await bench.reconcile(spec(deploymentConfig=deployment))
    assert bench.sagemaker.names("Update") == [], "by itself it deploys nothing"
    await bench.reconcile(spec(data="2", deploymentConfig=deployment))
    asked = bench.sagemaker.request("UpdateEndpoint")
    assert asked["DeploymentConfig"] == sent, reason
    assert asked["RetainAllVariantProperties"] is False
    assert "ExcludeRetainedVariantProperties" not in asked


async def test_an_update_keeps_the_counts_that_autoscaling_owns_and_no_weights(bench: EndpointBench) -> None:
    scaled = variant("a", autoscaling=SCALING)
    await bench.reconcile(spec(scaled))
    await bench.reconcile(spec(scaled, data="2"))
    asked = bench.sagemaker.request("UpdateEndpoint")
    assert asked["RetainAllVariantProperties"] is True
    excluded = {one["VariantPropertyType"] for one in asked["ExcludeRetainedVariantProperties"]}
    assert excluded == {"DesiredWeight"}
    assert "DeregisterScalableTarget" not in bench.sagemaker.names()


async def test_other_instances_are_put_under_a_variant_that_is_not_registered(bench: EndpointBench) -> None:
    await bench.reconcile(spec(variant("a", autoscaling=SCALING)))
    asked = len(bench.sagemaker.asked)
    await bench.reconcile(spec(variant("a", autoscaling=SCALING, instanceType="ml.m5.xlarge")))
    done = [one for one in bench.sagemaker.names()[asked:] if one.startswith(("Dereg", "Update", "Reg", "PutScal"))]
    assert done == ["DeregisterScalableTarget", "UpdateEndpoint", "RegisterScalableTarget", "PutScalingPolicy"]


async def test_scaling_goes_before_the_endpoint(bench: EndpointBench) -> None:
    await bench.reconcile(spec(variant("a", autoscaling=SCALING)))
    bench.put(spec(variant("a", autoscaling=SCALING)), deletionTimestamp="2026-01-02T03:04:05Z")
    await bench.reconcile()
    gone = [one for one in bench.sagemaker.names() if one.startswith("De") and not one.startswith("Desc")]
    assert gone == ["DeregisterScalableTarget", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"]
