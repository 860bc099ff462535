"""What AWS's answers mean for an endpoint that serves: what it says of itself, and what it goes on without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sagebridge.targets.sagemaker.gateway import Gateway
from support.aws import Reply, ScriptedAws, error
from support.endpoint_bench import EndpointBench, SmallSageMaker, endpoint_bench
from support.endpoints import IMAGE, spec, variant

DENIED = error("AccessDeniedException", "User: operator is not authorized")
BROKEN = Reply(status=500, body="{}")
SLOW = error("ThrottlingException", "Rate exceeded")
SCALING = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}
STEP = {
    "name": "out",
    "adjustmentType": "ChangeInCapacity",
    "stepAdjustments": [{"metricIntervalLowerBound": 0, "scalingAdjustment": 1}],
}
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"


@pytest.fixture
async def bench(aws: ScriptedAws, gateway: Gateway) -> AsyncIterator[EndpointBench]:
    sagemaker = SmallSageMaker()
    aws.script = sagemaker
    async with endpoint_bench(gateway=gateway, sagemaker=sagemaker) as made:
        yield made


def metric(bench: EndpointBench, name: str, **labels: str) -> float:
    return bench.metrics.registry.get_sample_value(name, labels) or 0.0


# --- tags --------------------------------------------------------------------------------------------------------

TAGGED = spec(tags=[{"key": "team", "value": "b"}])


@pytest.mark.parametrize(
    ("reason", "refusal", "pause"),
    [
        ("access denied", DENIED, 600.0),
        ("a validation error", error("ValidationException", "Invalid tag"), 600.0),
        ("the quota of tags", error("ResourceLimitExceeded", "50 tags"), 30.0),
    ],
)
async def test_refused_tags_are_told_and_the_endpoint_serves_on(
    bench: EndpointBench, reason: str, refusal: Reply, pause: float
) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["AddTags"] = refusal
    assert await bench.reconcile(TAGGED, seconds=3600) == pause, reason
    assert bench.verdict == ("True", "InService")
    refused = bench.condition("TagsApplied")
    assert (refused["status"], refused["reason"]) == ("False", "TagsRejected")
    assert "the tags team. AddTags: " in refused["message"]
    told = bench.event("TagsRejected")
    assert told is not None
    assert (told.kind, told.message) == ("Warning", refused["message"])

    bench.sagemaker.errors.clear()
    assert await bench.reconcile() is None
    assert bench.condition("TagsApplied") == {}
    assert bench.sagemaker.tags["team"] == "b"


async def test_tags_that_wait_for_their_turn_are_no_news(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["AddTags"] = SLOW
    assert await bench.reconcile(TAGGED) == 1.0
    assert (bench.verdict, bench.condition("TagsApplied")) == (("True", "InService"), {})


async def test_a_tag_that_cannot_be_taken_off_is_told(bench: EndpointBench) -> None:
    await bench.reconcile(TAGGED)
    bench.sagemaker.errors["DeleteTags"] = DENIED
    await bench.reconcile(spec())
    assert bench.verdict == ("True", "InService")
    assert "the tags team. DeleteTags: " in bench.condition("TagsApplied")["message"]


async def test_refused_tags_do_not_hold_an_update_up(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["AddTags"] = DENIED
    await bench.reconcile(TAGGED)
    await bench.reconcile(spec(data="2", tags=TAGGED["tags"]))
    assert bench.sagemaker.names("UpdateEndpoint") == ["UpdateEndpoint"]
    assert bench.verdict == ("True", "InService")


# --- what nothing uses any more ----------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["DeleteEndpointConfig", "DeleteModel", "ListTags"])
async def test_what_cannot_be_cleaned_up_does_not_hide_that_it_serves(bench: EndpointBench, operation: str) -> None:
    await bench.reconcile(spec(history={"limit": 0}))
    bench.sagemaker.errors[operation] = DENIED
    assert await bench.reconcile(spec(data="2", history={"limit": 0})) == 600.0
    assert bench.verdict == ("True", "InService")
    assert len(bench.status["revisions"]) == 2, "it is not forgotten"
    told = bench.event("CleanupBlocked")
    assert told is not None
    assert told.kind == "Warning"
    assert operation in told.message
    bench.sagemaker.errors.clear()
    await bench.reconcile()
    assert len(bench.status["revisions"]) == 1


# --- staleness ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [DENIED, BROKEN, SLOW], ids=["denied", "broken", "throttled"])
async def test_a_status_that_nobody_could_check_for_long_says_so(bench: EndpointBench, refusal: Reply) -> None:
    await bench.reconcile()
    await bench.sweep()
    bench.sagemaker.errors["ListEndpoints"] = refusal
    await bench.sweep(seconds=300)
    assert bench.verdict == ("True", "InService"), "one sweep that fails says nothing"
    await bench.sweep(seconds=61)
    assert bench.verdict == ("Unknown", "StatusStale")
    assert bench.condition("Reconciling")["status"] == "True"
    message = bench.condition()["message"]
    assert message.startswith("This status may be old: ListEndpoints: ")
    assert message.endswith("Last known: The endpoint is InService.")
    told = bench.event("StatusStale")
    assert told is not None
    assert told.kind == "Warning"
    bench.sagemaker.errors.clear()
    await bench.sweep(seconds=10)
    assert bench.verdict == ("True", "InService")


async def test_what_changed_while_it_was_blind_is_seen_then(bench: EndpointBench) -> None:
    await bench.reconcile()
    await bench.sweep()
    bench.sagemaker.errors["ListEndpoints"] = BROKEN
    await bench.sweep(seconds=300)
    await bench.sweep(seconds=61)
    bench.sagemaker.errors.clear()
    bench.sagemaker.endpoint = None
    await bench.sweep(seconds=10)
    assert bench.sagemaker.names("CreateEndpoint").count("CreateEndpoint") == 2


async def test_a_restart_while_aws_is_away_does_not_say_that_it_has_stopped_serving(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.reconciler.forget("uid-1")
    bench.sagemaker.errors["DescribeEndpoint"] = BROKEN
    assert await bench.reconcile() == 1.0
    assert bench.verdict == ("True", "InService")
    await bench.reconcile(seconds=61)
    assert bench.verdict == ("Unknown", "StatusStale")
    await bench.reconcile(seconds=61)
    assert bench.condition()["message"].count("Last known") == 1
    bench.sagemaker.errors.clear()
    await bench.reconcile()
    assert bench.verdict == ("True", "InService")


async def test_a_new_spec_while_aws_is_away_waits(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.reconciler.forget("uid-1")
    bench.sagemaker.errors["DescribeEndpoint"] = BROKEN
    await bench.reconcile(spec(data="2"))
    assert bench.verdict == ("False", "ServiceUnavailable")


async def test_readiness_knows_the_sweeps_of_endpoints(bench: EndpointBench) -> None:
    assert (bench.poller.seconds_since_round, bench.poller.seconds_since_success) == (0.0, 0.0)
    await bench.reconcile()
    await bench.sweep()
    bench.sagemaker.errors["ListEndpoints"] = BROKEN
    for _ in range(3):
        await bench.sweep(seconds=300)
    assert bench.poller.seconds_since_round == 0.0
    assert bench.poller.seconds_since_success == 900.0
    bench.sagemaker.errors.clear()
    await bench.sweep(seconds=10)
    assert bench.poller.seconds_since_success == 0.0


async def test_at_rest_nothing_is_asked_between_sweeps(bench: EndpointBench) -> None:
    await bench.reconcile()
    await bench.sweep()
    asked = len(bench.sagemaker.asked)
    for _ in range(20):
        await bench.sweep(seconds=10)
    assert len(bench.sagemaker.asked) == asked
    assert bench.poller.seconds_since_success == 0.0


# --- metrics -----------------------------------------------------------------------------------------------------


async def test_changes_are_measured_from_asking_to_their_end(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["DescribeEndpoint"] = BROKEN
    await bench.reconcile(spec(data="2"))
    bench.sagemaker.errors.clear()
    await bench.reconcile(seconds=40)
    counted = "sagebridge_endpoint_change_seconds_count"
    assert metric(bench, counted, change="Create", outcome="Succeeded") == 1
    assert metric(bench, counted, change="Update", outcome="Succeeded") == 1
    assert metric(bench, "sagebridge_endpoint_change_seconds_sum", change="Update", outcome="Succeeded") == 40


async def test_a_failed_update_is_measured_as_such(bench: EndpointBench) -> None:
    await bench.reconcile()
    good = bench.sagemaker.endpoint
    assert good is not None
    bench.sagemaker.errors["DescribeEndpoint"] = BROKEN
    await bench.reconcile(spec(data="2"))
    bench.sagemaker.endpoint = good | {"FailureReason": "alarm errors", "LastModifiedTime": 1_800_000_000}
    bench.sagemaker.errors.clear()
    await bench.reconcile(seconds=5)
    assert bench.verdict == ("False", "UpdateFailed")
    assert metric(bench, "sagebridge_endpoint_change_seconds_count", change="Update", outcome="Failed") == 1


async def test_the_lag_of_a_change_that_a_sweep_finds_is_measured(bench: EndpointBench) -> None:
    await bench.reconcile()
    assert bench.sagemaker.endpoint is not None
    changed = bench.now.timestamp() + 296
    bench.sagemaker.endpoint |= {"LastModifiedTime": changed, "FailureReason": "somebody"}
    await bench.sweep()
    await bench.sweep(seconds=300)
    assert metric(bench, "sagebridge_status_lag_seconds_sum", kind="Endpoint") == 4.0


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
