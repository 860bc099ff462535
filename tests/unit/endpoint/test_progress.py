"""How far an update is, as status and Events tell it: in SageMaker's words, and once."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.pending import PendingDeployment
from sagebridge.core.endpoint.plan import next_step
from support.endpoints import spec, variant
from support.served_endpoints import EndpointBench, ready

from tests.unit.endpoint.specs import endpoint, ledger, situation
from tests.unit.endpoint.versions import NEW, OLD, update

ON_ONE = "on canary capacity of 1 instance(s)"
CANARY = {
    "blueGreenUpdatePolicy": {
        "trafficRoutingConfiguration": {
            "type": "CANARY",
            "waitIntervalInSeconds": 300,
            "canarySize": {"type": "CAPACITY_PERCENT", "value": 25},
        },
        "terminationWaitInSeconds": 120,
    }
}


def canary(data: str, **fields: Any) -> dict[str, Any]:
    return spec(variant("a", initialInstanceCount=4), data=data, deploymentConfig=CANARY | fields)


def news(bench: EndpointBench) -> list[tuple[str, str]]:
    """What was told since the last call; the recorder writes what is told twice in a row once."""
    heard = [(event.reason, event.message) for event in getattr(bench.recorder, "heard", ())]
    bench.recorder.heard = []
    return [one for one, before in zip(heard, [None, *heard], strict=False) if one != before]


def stage(status: str, message: str = "", *, since: str = "2026-01-01T12:03:00Z") -> dict[str, Any]:
    return {"status": status, "statusMessage": message, "startTime": since}


def pending(*stages: dict[str, Any], **fields: Any) -> PendingDeployment:
    variants = [{"variantName": f"v{number}", "variantStatus": [one]} for number, one in enumerate(stages)]
    return PendingDeployment.parse({"endpointConfigName": "new", "productionVariants": variants, **fields})


@pytest.mark.parametrize(
    ("reason", "given", "word", "want"),
    [
        ("nothing is told", pending(), "", ""),
        ("of no variant", PendingDeployment.parse({"productionVariants": [{"variantName": "a"}]}), "", ""),
        ("no words", pending({"status": "Baking"}), "Baking", "Baking"),
        (
            "one variant",
            pending(stage("Baking", f"Baking for 600 seconds with traffic enabled {ON_ONE}.")),
            "Baking",
            f"Baking since 2026-01-01T12:03:00Z: Baking for 600 seconds with traffic enabled {ON_ONE}",
        ),
        (
            "several in the same stage",
            pending(stage("Baking", "Wait."), stage("Baking", "Wait.", since="2026-01-01T12:02:59Z")),
            "Baking",
            "Baking since 2026-01-01T12:02:59Z: Wait",
        ),
        (
            "several in different stages",
            pending(stage("Creating"), stage("ActivatingTraffic")),
            "Creating, ActivatingTraffic",
            "v0: Creating since 2026-01-01T12:03:00Z; v1: ActivatingTraffic since 2026-01-01T12:03:00Z",
        ),
    ],
)
def test_where_a_deployment_stands(reason: str, given: PendingDeployment, word: str, want: str) -> None:
    assert (given.stage_name, given.stage) == (word, want), reason


def test_status_shows_what_people_look_at() -> None:
    given = PendingDeployment.parse(
        {
            "endpointConfigName": "new",
            "startTime": "2026-01-01T12:00:00Z",
            "productionVariants": [{"variantName": "a", "currentInstanceCount": 0, "deployedImages": [{}]}],
            "shadowProductionVariants": [{"variantName": "s", "currentWeight": 0.5}],
        }
    )
    assert given.dump() == {
        "endpointConfigName": "new",
        "startTime": "2026-01-01T12:00:00Z",
        "productionVariants": [{"variantName": "a", "currentInstanceCount": 0}],
        "shadowProductionVariants": [{"variantName": "s", "currentWeight": 0.5}],
    }


async def test_a_canary_is_told_stage_by_stage_and_then_no_more(bench: EndpointBench) -> None:
    scores = bench.put(spec=canary("1"))
    await bench.serve(scores)
    old = scores.job.status["endpointConfigName"]
    news(bench)

    scores = bench.put(spec=canary("2"), metadata={"generation": 2})
    await bench.reconcile(scores)
    summary = scores.job.status["pendingDeploymentSummary"]
    new = summary["endpointConfigName"]
    [shown] = summary["productionVariants"]
    assert (shown["currentInstanceCount"], shown["desiredInstanceCount"]) == (0, 4)
    assert [one["status"] for one in shown["variantStatus"]] == ["Creating"]
    assert scores.job.status["stage"] == "Creating"
    assert ready(scores)["message"].startswith(f"The endpoint is Updating to {new}: Creating since ")
    assert "Launching 4 instance(s)" in ready(scores)["message"]
    assert [message for _, message in news(bench)] == [
        f"Updating endpoint {scores.job.status['endpointName']} to {new}."
    ], "the first stage is no news beside that"

    bench.advance(61)
    for _ in range(4):
        assert await bench.reconcile(scores) == ["DescribeEndpoint", "ListTags"][:1]
    assert scores.job.status["stage"] == "Baking"
    assert "Baking since " in ready(scores)["message"]
    assert (
        "Baking for 300 seconds with traffic enabled on canary capacity of 1 instance(s)." in ready(scores)["message"]
    )
    [(reason, told)] = news(bench)
    assert (reason, told) == ("Updating", ready(scores)["message"]), "once, however often it is looked at"
    assert scores.job.status["endpointConfigName"] == old

    for seconds, words in ((300, "300 seconds with traffic enabled on full"), (300, "120 seconds (TerminationWait")):
        bench.advance(seconds)
        await bench.reconcile(scores)
        assert words in ready(scores)["message"]
    bench.advance(120)
    await bench.reconcile(scores)
    assert [reason for reason, _ in news(bench)] == ["Updating", "Updating", "InService"]
    assert {"pendingDeploymentSummary", "stage"}.isdisjoint(scores.job.status)


async def test_it_is_made_and_taken_away_in_the_words_of_what_happens(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    name, config = scores.job.status["endpointName"], scores.job.status["endpointConfigName"]
    assert news(bench) == [
        ("Creating", f"Creating endpoint {name} with {config}."),
        ("InService", f"The endpoint is InService with {config} (revision 1)."),
    ]
    scores = bench.put(metadata={"deletionTimestamp": "2027-01-15T08:01:00Z"})
    await bench.reconcile(scores)
    assert await bench.endpoints() == {name: "Deleting"}
    assert ready(scores)["message"] == "Waiting for the endpoint to be gone."
    assert news(bench) == [("Deleting", f"Deleting endpoint {name}.")]


async def test_a_change_by_numbers_is_told_once(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    news(bench)
    scores = bench.put(spec=spec(variant("a", initialInstanceCount=3)), metadata={"generation": 2})
    await bench.serve(scores)
    config = scores.job.status["endpointConfigName"]
    assert [message for _, message in news(bench)] == [
        "Updating to 3 instances of a.",
        f"The endpoint is InService with {config} (revision 1).",
    ]


async def test_each_version_that_serves_is_told_apart(bench: EndpointBench) -> None:
    told = []
    for generation, data in enumerate(("1", "2", "1"), 1):
        scores = bench.put(spec=spec(data=data), metadata={"generation": generation})
        await bench.serve(scores)
        told.append([message for reason, message in news(bench) if reason == "InService"])
        config = scores.job.status["endpointConfigName"]
        assert told[-1] == [f"The endpoint is InService with {config} (revision {generation})."]
    assert len({message for [message] in told}) == 3


def test_what_somebody_else_does_to_it_is_news() -> None:
    given = situation(OLD, endpoint(OLD, status="Updating"), ledger=ledger(OLD))
    step = next_step(given)
    assert isinstance(step, steps.Conclude)
    assert not step.quietly


def test_so_is_a_newer_spec_that_has_to_wait() -> None:
    begun = ledger(OLD, NEW, update=update(NEW, begun=True))
    waits = next_step(situation(OLD, endpoint(OLD, status="Updating"), ledger=begun))
    does_not = next_step(situation(NEW, endpoint(OLD, status="Updating"), ledger=begun))
    assert isinstance(waits, steps.Conclude)
    assert isinstance(does_not, steps.Conclude)
    assert (waits.quietly, does_not.quietly) == (False, True)


def test_a_rollback_says_why() -> None:
    seen = endpoint(OLD, status="RollingBack", reason="an alarm\nwent off.")
    step = next_step(situation(NEW, seen, ledger=ledger(OLD, NEW, update=update(NEW, begun=True))))
    assert isinstance(step, steps.Conclude)
    assert (step.verdict.message, step.quietly) == ("The endpoint is RollingBack: an alarm went off.", False)
    assert step.verdict.is_warning


async def test_a_rollback_is_told_as_a_warning(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    bench.fail_next("*", reason="no answer to /ping")
    scores = bench.put(spec=canary("2"), metadata={"generation": 2})
    for _ in range(40):
        await bench.reconcile(scores)
        bench.advance(10)
    kinds = {event.message.partition(":")[0]: event.kind for event in bench.recorder.heard}
    assert kinds["The endpoint is RollingBack"] == "Warning"
