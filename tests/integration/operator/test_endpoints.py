"""Endpoints from manifest to end: made, updated, scaled, rolled back, deleted, on the local SageMaker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.endpoints import spec, variant
from support.jobs import ready

from .serving import Serving
from .world import World

SCALING = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}


@pytest.fixture
def serving(world: World) -> Iterator[Serving]:
    found = Serving.of(world)
    yield found
    for one in found.objects.list():
        found.objects.delete(one["metadata"]["name"])


def test_from_manifest_to_end(serving: Serving) -> None:
    serving.objects.create("scores", spec(tags=[{"key": "team", "value": "a"}]))
    job = serving.at_rest()
    status = job["status"]
    assert status["endpointStatus"] == "InService"
    assert status["variants"] == [
        {
            "variantName": "a",
            "currentWeight": 1,
            "desiredWeight": 1,
            "currentInstanceCount": 1,
            "desiredInstanceCount": 1,
        }
    ]
    assert (status["replicas"], status["traffic"]) == (1, "a")
    assert status["instanceTypes"] == "ml.m5.large"
    assert status["url"] == f"{serving.world.simulator.url}/endpoints/{status['endpointName']}/invocations"
    assert [one["revision"] for one in status["revisions"]] == [1]
    assert [one["type"] for one in status["conditions"]] == ["Ready"]
    assert serving.configs() == {status["endpointConfigName"]}
    tags = serving.client().list_tags(ResourceArn=status["endpointArn"])["Tags"]
    assert {"Key": "team", "Value": "a"} in tags
    assert {"Key": "sagebridge.io/name", "Value": "scores"} in tags

    serving.objects.delete("scores")
    serving.objects.wait_gone("scores")
    assert (serving.endpoints(), serving.configs(), serving.models()) == (set(), set(), set())


def test_ten_edits_end_in_the_last_and_keep_the_history(serving: Serving) -> None:
    serving.objects.create("scores", spec(history={"limit": 1}))
    serving.at_rest()
    for number in range(10):
        serving.objects.patch("scores", {"spec": spec(data=f"edit-{number}")})
    job = serving.at_rest()
    config = serving.client().describe_endpoint_config(EndpointConfigName=serving.described()["EndpointConfigName"])
    model = serving.client().describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    assert "edit-9" in model["PrimaryContainer"]["ModelDataUrl"]
    revisions = job["status"]["revisions"]
    assert len(revisions) == 2
    assert serving.configs() == {one["endpointConfigName"] for one in revisions}
    assert serving.models() == {name for one in revisions for name in one["modelNames"]}


def test_weights_and_counts_alone_make_no_config(serving: Serving) -> None:
    serving.objects.create("scores", spec(variant("a"), variant("b")))
    serving.at_rest()
    heavy = [variant("a", initialVariantWeight=9.0), variant("b", initialInstanceCount=3)]
    serving.objects.patch("scores", {"spec": {"productionVariants": heavy}})
    job = serving.at_rest()
    shown = {one["variantName"]: one for one in job["status"]["variants"]}
    assert (shown["a"]["currentWeight"], shown["b"]["currentInstanceCount"]) == (9, 3)
    assert job["status"]["traffic"] == "a=9, b=1"
    assert serving.world.count("UpdateEndpoint") == 0
    # SageMaker takes the weights in one call, and each variant's count in one of its own.
    assert serving.world.count("UpdateEndpointWeightsAndCapacities") == 2
    assert len(serving.configs()) == 1


def test_it_is_scaled_by_replicas(serving: Serving) -> None:
    serving.objects.create("scores", spec(replicas=1))
    serving.at_rest()
    serving.objects.patch("scores", {"spec": {"replicas": 4}})
    assert serving.at_rest()["status"]["replicas"] == 4


def test_a_failed_update_leaves_the_old_version_serving_and_reverting_clears_it(serving: Serving) -> None:
    serving.objects.create("scores", spec(data="good"))
    status = serving.at_rest()["status"]
    good, served = status["endpointConfigName"], status["servedModels"]
    serving.script(seconds=0.2, outcome="Failed", failure_reason="The container did not answer /ping.")
    serving.objects.patch("scores", {"spec": spec(data="bad")})
    job = serving.objects.wait_reason("scores", "UpdateFailed")
    assert "did not answer /ping" in ready(job)["message"]
    assert job["status"]["endpointStatus"] == "InService"
    assert job["status"]["endpointConfigName"] == good
    assert job["status"]["lastFailure"]["message"] == "The container did not answer /ping."
    assert job["status"]["servedModels"] == served
    assert serving.world.count("UpdateEndpoint") == 1
    assert "did not answer" in serving.objects.wait_event("scores", "UpdateFailed")

    serving.objects.patch("scores", {"spec": spec(data="good")})
    job = serving.at_rest()
    assert job["status"]["lastFailure"]["resolved"] is True
    assert "failureReason" not in job["status"]
    assert serving.world.count("UpdateEndpoint") == 1, "nothing had to be done to go back"

    serving.script(seconds=0.2)
    serving.objects.patch("scores", {"spec": spec(data="bad")})
    assert serving.at_rest()["status"]["endpointConfigName"] != good


def test_a_failed_endpoint_is_made_anew_for_another_spec(serving: Serving) -> None:
    serving.script(seconds=0.2, outcome="Failed", failure_reason="No such image.")
    serving.objects.create("scores", spec(data="bad"))
    job = serving.objects.wait_reason("scores", "EndpointFailed")
    assert "No such image." in ready(job)["message"]
    assert serving.world.count("CreateEndpoint") == 1
    serving.script(seconds=0.2)
    serving.objects.patch("scores", {"spec": spec(data="good")})
    serving.at_rest()
    assert serving.world.count("DeleteEndpoint") == 1


def test_autoscaling_is_registered_and_deregistered(serving: Serving) -> None:
    night = {"name": "night", "schedule": "cron(0 22 * * ? *)", "minCapacity": 1, "maxCapacity": 2}
    scaled = variant("a", autoscaling={**SCALING, "scheduled": [night]})
    serving.objects.create("scores", spec(scaled))
    job = serving.at_rest()
    assert serving.targets() == {"a": (1, 4)}
    client = serving.client("application-autoscaling")
    resource = f"endpoint/{job['status']['endpointName']}/variant/a"
    query = {"ServiceNamespace": "sagemaker", "ResourceId": resource}
    [policy] = client.describe_scaling_policies(**query)["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 100
    [action] = client.describe_scheduled_actions(**query)["ScheduledActions"]
    assert action["ScheduledActionName"] == "sagebridge-night"

    serving.objects.patch(
        "scores", {"spec": {"productionVariants": [variant("a", autoscaling={**SCALING, "maxCapacity": 6})]}}
    )
    serving.at_rest()
    assert serving.targets() == {"a": (1, 6)}
    assert client.describe_scheduled_actions(**query)["ScheduledActions"] == []

    serving.objects.patch("scores", {"spec": {"productionVariants": [variant("a")]}})
    serving.at_rest()
    assert serving.targets() == {}


def test_deletion_takes_scaling_away(serving: Serving) -> None:
    serving.objects.create("scores", spec(variant("a", autoscaling=SCALING)))
    serving.at_rest()
    serving.objects.delete("scores")
    serving.objects.wait_gone("scores")
    assert (serving.targets(), serving.endpoints(), serving.configs(), serving.models()) == ({}, set(), set(), set())


def test_retain_leaves_all_and_a_new_object_takes_it_over(serving: Serving) -> None:
    serving.objects.create("scores", spec(runPolicy={"deletionPolicy": "Retain"}))
    name = serving.at_rest()["status"]["endpointName"]
    serving.objects.delete("scores")
    serving.objects.wait_gone("scores")
    assert serving.endpoints() == {name}
    serving.objects.create("scores", spec())
    assert serving.at_rest()["status"]["endpointName"] == name
    assert serving.world.count("DeleteEndpoint") == 0


def test_what_somebody_else_has_is_left_alone(serving: Serving) -> None:
    name = f"{serving.world.namespace}-theirs"
    client = serving.client()
    model = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1"}
    client.create_model(
        ModelName=name, PrimaryContainer=model, ExecutionRoleArn="arn:aws:iam::123456789012:role/sagebridge-local"
    )
    variants = [{"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}]
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    serving.objects.create("scores", spec(endpointName=name))
    job = serving.objects.wait_reason("scores", "NameConflict")
    assert "is there already and is not ours" in ready(job)["message"]
    serving.objects.delete("scores")
    serving.objects.wait_gone("scores")
    assert name in serving.endpoints()
    assert serving.configs() == {name}


@pytest.mark.parametrize(
    ("reason", "operation", "code", "want"),
    [
        ("access denied", "CreateModel", "AccessDeniedException", "AccessDenied"),
        ("a validation error", "CreateEndpointConfig", "ValidationException", "Rejected"),
        ("a quota", "CreateEndpoint", "ResourceLimitExceeded", "QuotaExceeded"),
        ("throttling", "CreateEndpoint", "ThrottlingException", "Throttled"),
    ],
)
def test_failures_are_told_and_got_over(serving: Serving, reason: str, operation: str, code: str, want: str) -> None:
    serving.world.aws.fault(
        "error", operation=operation, code=code, message="as the test wants", name=f"{serving.world.namespace}*"
    )
    serving.objects.create("scores", spec())
    serving.objects.wait_reason("scores", want)
    serving.world.aws.clear_faults()
    serving.objects.annotate("scores", reconcile_at="now")
    serving.at_rest()
    assert len(serving.endpoints()) == 1, reason


def test_an_invalid_spec_says_what_to_do_while_the_old_version_serves(serving: Serving) -> None:
    serving.objects.create("scores", spec())
    serving.at_rest()
    serving.objects.patch("scores", {"spec": {"productionVariants": [variant("a", modelName="nowhere")]}})
    job = serving.objects.wait_reason("scores", "InvalidSpec")
    assert "spec.productionVariants[0].modelName" in ready(job)["message"]
    assert serving.described()["EndpointStatus"] == "InService"
