"""What status says before AWS is called, while the spec makes no sense, and while nothing may be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.engine import endpoint_actions
from support.endpoints import spec
from support.served_endpoints import EndpointBench, ready

PAUSED = {"annotations": {"sagebridge.io/paused": "true"}}
CONFIG_MAP = "/api/v1/namespaces/team-a/configmaps/code"
WITH_CODE = {
    "models": [
        {
            "name": "m",
            "framework": {"name": "pytorch", "version": "2.3"},
            "modelDataUrl": "s3://bucket/model.tar.gz",
            "source": {"entryPoint": "inference.py", "configMap": {"name": "code"}},
        }
    ],
    "productionVariants": [{"variantName": "a", "modelName": "m", "instanceType": "ml.m5.large"}],
}


async def test_a_new_generation_is_accepted_before_aws_is_called(bench: EndpointBench) -> None:
    seen: list[tuple[str, str, int]] = []
    scores = bench.put(metadata={"generation": 7})

    async def note(_: Mapping[str, Any]) -> None:
        found = ready(scores)
        seen.append((found["status"], found["reason"], scores.job.status["observedGeneration"]))

    bench.aws.before["DescribeEndpoint"] = note
    await bench.reconcile(scores)
    assert seen[0] == ("Unknown", "Accepted", 7)


async def test_a_call_that_waits_for_its_turn_says_so(bench: EndpointBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_actions, "_NOTICE_AFTER_SECONDS", 0.0)
    scores = bench.put()
    goes_on = asyncio.Event()

    async def wait(_: Mapping[str, Any]) -> None:
        await goes_on.wait()

    bench.aws.before["CreateModel"] = wait
    task = asyncio.create_task(bench.reconcile(scores))
    while ready(scores).get("reason") != "Submitting":  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert "Waiting for its turn" in ready(scores)["message"]
    goes_on.set()
    await task
    assert ready(scores)["reason"] == "Creating"


async def test_so_does_an_archive_that_waits_for_its_turn(
    bench: EndpointBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_actions, "_NOTICE_AFTER_SECONDS", 0.0)
    bench.api.put(CONFIG_MAP, {"metadata": {"name": "code"}, "data": {"inference.py": "pass"}})
    scores = bench.put(spec=WITH_CODE)
    goes_on = asyncio.Event()

    async def repack(handle: object, repack: object, *, uri: str) -> None:
        del handle, repack, uri
        await goes_on.wait()

    monkeypatch.setattr(bench.service, "repack", repack)
    task = asyncio.create_task(bench.reconcile(scores))
    for _ in range(2000):
        if ready(scores).get("reason") == "Submitting":
            break
        await asyncio.sleep(0.001)
    said = ready(scores).get("reason")
    goes_on.set()
    await task
    assert said == "Submitting"


async def test_status_follows_the_endpoint_though_its_spec_makes_no_sense_any_more(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    wrong = spec() | {"productionVariants": [{"variantName": "a", "modelName": "x", "instanceType": "ml.m5.large"}]}
    scores = bench.put(spec=wrong, metadata={"generation": 2})
    await bench.reconcile(scores)
    assert ready(scores)["reason"] == "InvalidSpec"
    name = scores.job.status["endpointName"]
    changes = [{"VariantName": "a", "DesiredInstanceCount": 3}]
    await bench.ask("UpdateEndpointWeightsAndCapacities", EndpointName=name, DesiredWeightsAndCapacities=changes)
    bench.reconciler.known(scores.job.uid).forget_look()  # type: ignore[union-attr] # as a sweep does
    await bench.reconcile(scores)
    assert scores.job.status["endpointStatus"] == "Updating"


async def test_a_config_map_that_is_gone_does_not_unsettle_what_was_deployed_with_it(bench: EndpointBench) -> None:
    bench.api.put(CONFIG_MAP, {"metadata": {"name": "code"}, "data": {"inference.py": "pass"}})
    bench.pretend_to_repack()
    scores = bench.put(spec=WITH_CODE)
    await bench.serve(scores)
    config = scores.job.status["endpointConfigName"]
    del bench.api.objects[CONFIG_MAP]
    bench.restart()
    scores = bench.put(spec=WITH_CODE, metadata={"generation": 2})
    calls = await bench.reconcile(scores)
    assert (ready(scores)["status"], scores.job.status["endpointConfigName"]) == ("True", config)
    assert calls == ["DescribeEndpoint", "ListTags"]

    other = [WITH_CODE["models"][0] | {"modelDataUrl": "s3://bucket/other.tar.gz"}]
    scores = bench.put(spec=WITH_CODE | {"models": other}, metadata={"generation": 3})
    await bench.reconcile(scores)
    assert ready(scores)["reason"] == "WaitingForReference"


async def test_another_version_of_the_operator_deploys_nothing_anew(
    bench: EndpointBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images that it knows are others; those that were looked up are kept until the manifest asks otherwise."""
    model = {key: value for key, value in WITH_CODE["models"][0].items() if key != "source"}
    wanted = WITH_CODE | {"models": [model]}
    scores = bench.put(spec=wanted)
    await bench.serve(scores)
    image = scores.job.status["servedModels"][0]["containers"][0]["image"]
    monkeypatch.setattr("sagebridge.core.endpoint.served.looked_up_image", lambda *_: f"{image}-newer")
    bench.restart()
    scores = bench.put(spec=wanted)
    await bench.reconcile(scores)
    assert ready(scores)["status"] == "True"
    scores = bench.put(spec=wanted | {"models": [model | {"framework": {"name": "pytorch", "version": "2.2"}}]})
    await bench.serve(scores)
    assert scores.job.status["servedModels"][0]["containers"][0]["image"] == f"{image}-newer"


async def test_a_paused_endpoint_in_service_stays_ready_when_the_operator_starts_anew(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    bench.restart()
    scores = bench.put(metadata=PAUSED)
    calls = await bench.reconcile(scores)
    assert (ready(scores)["status"], calls) == ("True", ["DescribeEndpoint", "ListTags"])


async def test_nothing_is_taken_over_while_paused(bench: EndpointBench) -> None:
    await bench.serve(bench.put())
    name = next(iter(await bench.endpoints()))
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}"
    keys = [tag["Key"] for tag in (await bench.ask("ListTags", ResourceArn=arn))["Tags"]]
    await bench.ask("DeleteTags", ResourceArn=arn, TagKeys=keys)
    annotations = PAUSED["annotations"] | {"sagebridge.io/adopt": "true"}
    other = bench.put("other", spec=spec(endpointName=name), metadata={"annotations": annotations})
    await bench.reconcile(other)
    assert ready(other)["reason"] == "NameConflict"
    assert (await bench.ask("ListTags", ResourceArn=arn))["Tags"] == []
