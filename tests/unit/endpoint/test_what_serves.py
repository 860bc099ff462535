"""What status says serves does, whatever is wanted, was tried, or went wrong long ago."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from support.endpoints import spec
from support.served_endpoints import EndpointBench, ready

from tests.unit.endpoint.test_status_first import CONFIG_MAP, WITH_CODE


def served(memory: Any) -> list[str]:
    return [one["modelName"] for one in memory.job.status.get("servedModels", ())]


async def running(bench: EndpointBench, memory: Any) -> list[str]:
    """Models of the config that SageMaker says the endpoint runs."""
    name = memory.job.status["endpointName"]
    config = (await bench.ask("DescribeEndpoint", EndpointName=name))["EndpointConfigName"]
    found = await bench.ask("DescribeEndpointConfig", EndpointConfigName=config)
    return [one["ModelName"] for one in found["ProductionVariants"]]


async def test_the_models_are_those_that_serve_through_a_failed_update_and_back(bench: EndpointBench) -> None:
    scores = bench.put(spec=spec(data="good"))
    await bench.serve(scores)
    good = await running(bench, scores)
    assert served(scores) == good

    bench.fail_next("*", reason="no answer to /ping")
    scores = bench.put(spec=spec(data="bad"), metadata={"generation": 2})
    await bench.reconcile(scores)
    assert (scores.job.status["endpointStatus"], served(scores)) == ("Updating", good)
    bench.advance(60)
    await bench.reconcile(scores)
    assert (scores.job.status["endpointStatus"], served(scores)) == ("RollingBack", good)
    assert scores.job.status["failureReason"] == "no answer to /ping"
    bench.advance(61)
    await bench.reconcile(scores)
    assert (ready(scores)["reason"], served(scores)) == ("UpdateFailed", good)
    assert scores.job.status["failureReason"] == "no answer to /ping"
    assert [one["outcome"] for one in scores.job.status["revisions"]] == ["Serving", "RolledBack"]

    scores = bench.put(spec=spec(data="good"), metadata={"generation": 3})
    await bench.reconcile(scores)
    assert (ready(scores)["status"], served(scores)) == ("True", good)
    assert "failureReason" not in scores.job.status, "it serves as it should"
    failure = scores.job.status["lastFailure"]
    assert (failure["message"], failure["resolved"]) == ("no answer to /ping", True)

    bench.succeed()
    scores = bench.put(spec=spec(data="better"), metadata={"generation": 4})
    await bench.serve(scores)
    assert served(scores) == await running(bench, scores) != good
    assert [one["outcome"] for one in scores.job.status["revisions"]] == ["Served", "RolledBack", "Serving"]


async def test_an_old_failure_is_not_that_of_the_update_that_corrects_it(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    bench.fail_next("*", reason="no answer to /ping")
    scores = bench.put(spec=spec(data="bad"), metadata={"generation": 2})
    for _ in range(3):
        await bench.reconcile(scores)
        bench.advance(61)
    assert ready(scores)["reason"] == "UpdateFailed"
    bench.succeed()
    scores = bench.put(spec=spec(data="corrected"), metadata={"generation": 3})
    await bench.reconcile(scores)
    assert (ready(scores)["reason"], scores.job.status.get("failureReason")) == ("Updating", None)


async def test_a_version_that_comes_to_serve_while_a_newer_spec_waits_is_shown(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    scores = bench.put(spec=spec(data="2"), metadata={"generation": 2})
    await bench.reconcile(scores)
    scores = bench.put(spec=spec(data="3"), metadata={"generation": 3})
    await bench.reconcile(scores)
    assert "newer spec follows" in ready(scores)["message"]
    bench.advance(61)
    await bench.reconcile(scores)
    assert ready(scores)["reason"] == "Updating", "to the third"
    assert served(scores) == await running(bench, scores)
    # A restart finds what was taken for each of them in status.
    bench.restart()
    await bench.reconcile(scores)
    assert served(scores) == await running(bench, scores)


async def test_why_a_version_failed_that_a_newer_spec_waits_for_is_told(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    bench.fail_next("*", reason="no answer to /ping")
    scores = bench.put(spec=spec(data="2"), metadata={"generation": 2})
    await bench.reconcile(scores)
    scores = bench.put(spec=spec(data="3"), metadata={"generation": 3})
    await bench.reconcile(scores)
    bench.advance(61)
    bench.succeed()
    bench.recorder.heard.clear()
    await bench.reconcile(scores)
    told = [event for event in bench.recorder.heard if event.reason == "UpdateFailed"]
    assert [(event.kind, "was rolled back: no answer to /ping. The newer" in event.message) for event in told] == [
        ("Warning", True)
    ]
    assert ready(scores)["reason"] == "Updating", "to the third"
    assert scores.job.status["lastFailure"]["message"] == "no answer to /ping"
    bench.advance(61)
    await bench.reconcile(scores)
    assert ready(scores)["status"] == "True"
    assert scores.job.status["lastFailure"]["resolved"]
    changes = "sagebridge_endpoint_change_seconds_count"
    counted = bench.metrics.registry.get_sample_value(changes, {"change": "Update", "outcome": "Failed"})
    assert counted == 1


async def test_why_a_creation_failed_that_a_newer_spec_waits_for_is_told(bench: EndpointBench) -> None:
    bench.fail_next("*", reason="no such image")
    scores = bench.put()
    await bench.reconcile(scores)
    scores = bench.put(spec=spec(data="2"), metadata={"generation": 2})
    bench.advance(61)
    await bench.reconcile(scores)
    assert scores.job.status["lastFailure"]["message"] == "no such image"
    assert [one["outcome"] for one in scores.job.status["revisions"]] == ["Failed"]
    bench.succeed()
    bench.advance(10)
    await bench.serve(scores)
    assert [one["outcome"] for one in scores.job.status["revisions"]] == ["Failed", "Serving"]


async def test_what_is_gone_serves_nothing(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    await bench.ask("DeleteEndpoint", EndpointName=scores.job.status["endpointName"])
    bench.advance(6)
    bench.restart()
    scores = bench.put(spec=spec() | {"productionVariants": [{"variantName": "a", "modelName": "x"}]})
    await bench.reconcile(scores)
    assert ready(scores)["reason"] == "InvalidSpec"
    assert "servedModels" not in scores.job.status


async def test_only_what_serves_and_what_is_wanted_is_kept_with_how_it_was_made(bench: EndpointBench) -> None:
    scores = bench.put()
    for number in range(4):
        scores = bench.put(spec=spec(data=str(number)), metadata={"generation": number + 2})
        await bench.serve(scores)
    revisions = scores.job.status["revisions"]
    assert len(revisions) == 4
    assert [bool(one.get("models")) for one in revisions] == [False, False, True, True]
    assert revisions[-1]["models"] == scores.job.status["servedModels"]


@pytest.mark.parametrize(
    ("reason", "taken", "want"),
    [
        ("the archive that was packed serves on", (), ("True", "InService")),
        ("somebody has taken out where that is", ("repackedUri",), ("False", "WaitingForReference")),
    ],
)
async def test_the_code_of_what_serves_may_go(
    bench: EndpointBench, reason: str, taken: tuple[str, ...], want: tuple[str, str]
) -> None:
    bench.api.put(CONFIG_MAP, {"metadata": {"name": "code"}, "data": {"inference.py": "pass"}})
    bench.pretend_to_repack()
    scores = bench.put(spec=WITH_CODE)
    await bench.serve(scores)
    del bench.api.objects[CONFIG_MAP]
    status = copy.deepcopy(scores.job.status)
    [container] = status["revisions"][-1]["models"][0]["containers"]
    for key in taken:
        del container[key]
    bench.restart()
    scores = bench.put(spec=WITH_CODE, status=status)
    await bench.reconcile(scores)
    assert (ready(scores)["status"], ready(scores)["reason"]) == want, reason


async def test_no_environment_is_shown(bench: EndpointBench) -> None:
    """It is in the manifest; here it would be only half of what the container gets, and for more people to read."""
    bench.api.put(CONFIG_MAP, {"metadata": {"name": "code"}, "data": {"inference.py": "pass"}})
    bench.pretend_to_repack()
    model = WITH_CODE["models"][0] | {"environment": {"TOKEN": "hush"}}
    scores = bench.put(spec=WITH_CODE | {"models": [model]})
    await bench.serve(scores)
    [shown] = scores.job.status["servedModels"][0]["containers"]
    assert shown.keys() == {"index", "image", "imageKey", "repackedUri", "sourceKey"}
    assert "hush" not in str(scores.job.status)
    assert "SAGEMAKER_PROGRAM" not in str(scores.job.status)
    got = await bench.ask("DescribeModel", ModelName=served(scores)[0])
    assert got["PrimaryContainer"]["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"
