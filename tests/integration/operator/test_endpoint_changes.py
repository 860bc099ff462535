"""What happens to endpoints from outside: kills, drift, references, pauses, alarms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import kubernetes
import pytest
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from support import jobs
from support.endpoints import spec, variant
from support.jobs import PATIENCE_SECONDS, Job, Jobs, ready

from .conftest import PATIENT
from .serving import Serving
from .world import Cluster, World

SCALING = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}


@pytest.fixture
def serving(world: World) -> Iterator[Serving]:
    found = Serving.of(world)
    yield found
    for one in found.objects.list():
        found.objects.delete(one["metadata"]["name"])


def referring(name: str, **fields: str) -> dict[str, object]:
    model = {"name": "m", "modelRef": {"kind": "TrainingJob", "name": name, **fields}}
    return spec() | {"models": [model]}


def test_an_endpoint_that_somebody_deletes_is_made_anew(serving: Serving) -> None:
    serving.objects.create("scores", spec())
    name = serving.at_rest()["status"]["endpointName"]
    serving.client().delete_endpoint(EndpointName=name)
    serving.world.eventually(lambda: serving.world.count("CreateEndpoint") == 2, "a second endpoint")
    serving.world.eventually(lambda: serving.endpoints() == {name}, "the endpoint")
    serving.at_rest()


def test_weights_that_somebody_changes_are_set_back(serving: Serving) -> None:
    serving.objects.create("scores", spec(variant("a"), variant("b")))
    name = serving.at_rest()["status"]["endpointName"]
    change = [{"VariantName": "a", "DesiredWeight": 7.0}]
    serving.client().update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=change)

    def weights() -> dict[str, float]:
        return {one["VariantName"]: one["CurrentWeight"] for one in serving.described()["ProductionVariants"]}

    serving.world.eventually(lambda: serving.world.count("UpdateEndpointWeightsAndCapacities") >= 2, "an update")
    serving.world.eventually(lambda: weights() == {"a": 1.0, "b": 1.0}, "the weights of the spec")


def test_it_waits_for_the_model_and_pins_it(serving: Serving) -> None:
    serving.objects.create("scores", referring("trained"))
    job = serving.objects.wait_reason("scores", "WaitingForReference")
    assert "waiting for TrainingJob trained" in ready(job)["message"]
    serving.world.script(seconds=0)
    serving.world.jobs.create("trained", jobs.spec())
    uri = serving.world.jobs.wait_reason("trained", "Completed")["status"]["modelArtifacts"]["s3ModelArtifacts"]
    status = serving.at_rest()["status"]
    [model] = status["servedModels"]
    [container] = model["containers"]
    assert container["modelDataUrl"] == uri
    assert container["image"] == jobs.IMAGE
    assert container["modelRef"]["uid"] == serving.world.jobs.get("trained")["metadata"]["uid"]

    serving.world.jobs.delete("trained")
    serving.world.jobs.wait_gone("trained")
    serving.objects.annotate("scores", reconcile_at="now")
    assert serving.at_rest()["status"]["servedModels"] == status["servedModels"]
    assert serving.world.count("UpdateEndpoint") == 0


def test_it_follows_a_newer_model_where_that_is_asked_for(serving: Serving) -> None:
    serving.world.script(seconds=0)
    serving.world.jobs.create("trained", jobs.spec())
    serving.world.jobs.wait_reason("trained", "Completed")
    serving.objects.create("scores", referring("trained", updatePolicy="Follow"))
    first = serving.at_rest()["status"]["endpointConfigName"]
    serving.world.jobs.delete("trained")
    serving.world.jobs.wait_gone("trained")
    serving.world.jobs.create("trained", jobs.spec())
    serving.world.jobs.wait_reason("trained", "Completed")
    job = serving.objects.wait(
        "scores",
        lambda one: one["status"]["endpointConfigName"] != first and ready(one)["status"] == "True",
        what="of the newer model",
    )
    uid = serving.world.jobs.get("trained")["metadata"]["uid"]
    assert job["status"]["servedModels"][0]["containers"][0]["modelRef"]["uid"] == uid


def test_a_paused_endpoint_is_left_alone(serving: Serving) -> None:
    serving.objects.create("scores", spec())
    serving.at_rest()
    serving.objects.annotate("scores", paused="true")
    serving.objects.patch("scores", {"spec": spec(data="other")})
    serving.objects.wait_reason("scores", "Paused")
    assert serving.world.count("UpdateEndpoint") == 0
    serving.objects.annotate("scores", paused=None)
    serving.at_rest()
    assert serving.world.count("UpdateEndpoint") == 1


NAMES = ("errors", "mistyped")


def test_an_alarm_rolls_a_canary_back(alone: Callable[..., World]) -> None:
    serving = Serving.of(alone())  # the time of the others' AWS must not be moved
    deployment = {
        "blueGreenUpdatePolicy": {
            "trafficRoutingConfiguration": {
                "type": "CANARY",
                "waitIntervalInSeconds": 300,
                "canarySize": {"type": "CAPACITY_PERCENT", "value": 25},
            }
        },
        "autoRollbackConfiguration": {"alarms": [{"alarmName": f"{serving.world.namespace}-{name}"} for name in NAMES]},
    }
    four = variant("a", initialInstanceCount=4)
    alarms = serving.client("cloudwatch")
    alarm = {"AlarmName": f"{serving.world.namespace}-errors", "ComparisonOperator": "GreaterThanThreshold"}
    alarms.put_metric_alarm(
        **alarm, EvaluationPeriods=1, MetricName="e", Namespace="n", Period=60, Statistic="Sum", Threshold=1
    )
    alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="quiet")
    serving.objects.create("scores", spec(four, deploymentConfig=deployment))
    good = serving.at_rest()["status"]["endpointConfigName"]
    serving.objects.patch("scores", {"spec": spec(four, data="bad", deploymentConfig=deployment)})
    job = serving.objects.wait("scores", _bakes, what="a canary that bakes")
    assert "with traffic enabled on canary capacity of 1 instance(s)." in ready(job)["message"]
    assert job["status"]["stage"] == "Baking"
    assert f"No alarm {serving.world.namespace}-mistyped is" in serving.objects.wait_event("scores", "AlarmNotFound")
    serving.world.eventually(
        lambda: any("Baking since" in message for _, _, message in serving.objects.events("scores")), "its Event"
    )
    assert job["status"]["endpointConfigName"] == good
    assert job["status"]["pendingDeploymentSummary"]["endpointConfigName"] != good
    alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="errors")

    def rolled_back() -> bool:
        serving.world.aws.advance(30)
        return ready(serving.objects.get("scores")).get("reason") == "UpdateFailed"

    serving.world.eventually(rolled_back, "UpdateFailed")
    job = serving.objects.get("scores")
    assert job["status"]["endpointConfigName"] == good
    assert job["status"]["endpointStatus"] == "InService"
    assert {"pendingDeploymentSummary", "stage"}.isdisjoint(job["status"])
    assert [one["outcome"] for one in job["status"]["revisions"]] == ["Serving", "RolledBack"]


def _bakes(job: Job) -> bool:
    variants = job["status"].get("pendingDeploymentSummary", {}).get("productionVariants", ())
    return [stage["status"] for one in variants for stage in one["variantStatus"]] == ["Baking"]


def test_variants_do_not_come_under_a_deployment_config(serving: Serving) -> None:
    policy = {
        "rollingUpdatePolicy": {
            "maximumBatchSize": {"type": "CAPACITY_PERCENT", "value": 50},
            "waitIntervalInSeconds": 0,
        }
    }
    serving.objects.create("scores", spec(deploymentConfig=policy))
    serving.at_rest()
    serving.objects.patch("scores", {"spec": spec(variant("b"), deploymentConfig=policy)})
    job = serving.objects.wait_reason("scores", "InvalidSpec")
    assert ready(job)["message"].startswith("spec.deploymentConfig: ")
    assert "b would come and a would go" in serving.objects.wait_event("scores", "InvalidSpec")
    assert len(serving.configs()) == 1
    serving.objects.patch("scores", {"spec": spec(variant("b"), deploymentConfig=None)})
    assert [one["variantName"] for one in serving.at_rest()["status"]["variants"]] == ["b"]


@pytest.fixture
def mortal(
    simulator: Callable[..., Simulator], control_plane: ControlPlane, kube: kubernetes.client.ApiClient, namespace: str
) -> World:
    """A world whose operator is to be killed; the test starts the first one, too."""
    local = simulator("--lifecycle-only")
    return World(
        cluster=Cluster(control_plane=control_plane, client=kube),
        namespace=namespace,
        jobs=Jobs(kube, namespace),
        aws=AdminClient(local.url),
        simulator=local,
        operator=None,  # type: ignore[arg-type]
    )


_WRITES = ("Create", "Update", "Delete", "Register", "Deregister", "Put", "Add")


def writes(world: World) -> int:
    """How often anything was written to the local SageMaker."""
    counted = world.aws.calls()["operations"]
    return sum(sum(outcomes.values()) for name, outcomes in counted.items() if name.startswith(_WRITES))


def test_kills_at_any_time_end_in_one_endpoint_and_leak_nothing(
    mortal: World, operator: Callable[..., OperatorProcess]
) -> None:
    """After each of the first writes of an update, the operator is killed, and another one starts."""
    serving = Serving.of(mortal)
    process = operator(endpoint_url=mortal.simulator.url, environment=PATIENT)
    scaled = variant("a", autoscaling=SCALING)
    before = writes(mortal)
    serving.objects.create("scores", spec(scaled, history={"limit": 0}))
    for number in range(6):
        target = before + 1 + number % 3
        _wait_until(lambda target=target: writes(mortal) >= target)  # type: ignore[misc]
        process.kill()
        before = writes(mortal)
        serving.objects.patch("scores", {"spec": spec(scaled, data=f"edit-{number}", history={"limit": 0})})
        process = operator(endpoint_url=mortal.simulator.url, environment=PATIENT)
    job = serving.at_rest()
    assert len(serving.endpoints()) == 1
    assert serving.configs() == {job["status"]["endpointConfigName"]}
    assert serving.models() == {name for one in job["status"]["revisions"] for name in one["modelNames"]}
    assert serving.targets() == {"a": (1, 4)}
    assert serving.world.count("DeleteEndpoint") == 0
    serving.objects.delete("scores")
    serving.objects.wait_gone("scores")
    assert (serving.targets(), serving.endpoints(), serving.configs(), serving.models()) == ({}, set(), set(), set())


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "no further write came"
        time.sleep(0.02)
