"""Whose an endpoint is: asked before anything is done to it, and asked again when it may have changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sagebridge.core.endpoint.scaling import Dimension, TargetKey
from sagebridge.engine.store import Memory
from sagebridge.targets.protocol import Handle, NotOwnedError
from sagebridge.targets.sagemaker.endpoints import SageMakerEndpoints
from support.endpoints import spec
from support.served_endpoints import EndpointBench, ready

NAMED = spec(endpointName="shared")
DELETED = {"deletionTimestamp": "2027-01-15T08:00:00Z"}


async def taken_over_by_b(bench: EndpointBench) -> tuple[Memory, Memory]:
    """A's endpoint `shared` is deleted beside the operator, and B makes one of that name."""
    a = bench.put("a", namespace="team-a", spec=NAMED)
    await bench.serve(a)
    await bench.ask("DeleteEndpoint", EndpointName="shared")
    bench.advance(10)
    b = bench.put("b", namespace="team-b", spec=NAMED)
    await bench.serve(b)
    return a, b


async def test_another_s_endpoint_of_the_same_name_is_not_updated(bench: EndpointBench) -> None:
    a, _ = await taken_over_by_b(bench)
    config = (await bench.ask("DescribeEndpoint", EndpointName="shared"))["EndpointConfigName"]
    a = bench.put("a", namespace="team-a", spec=spec(endpointName="shared", data="2"), metadata={"generation": 2})
    calls = await bench.reconcile(a)
    assert "UpdateEndpoint" not in calls
    assert (await bench.ask("DescribeEndpoint", EndpointName="shared"))["EndpointConfigName"] == config


async def test_another_s_endpoint_of_the_same_name_is_not_deleted(bench: EndpointBench) -> None:
    a, _ = await taken_over_by_b(bench)
    a = bench.put("a", namespace="team-a", spec=NAMED, metadata=DELETED)
    await bench.reconcile(a)
    assert await bench.endpoints() == {"shared": "InService"}
    assert a.job.finalizers == []


async def update(service: SageMakerEndpoints, handle: Handle) -> None:
    await service.update_endpoint(handle, config_name="c", retain=False, exclude=(), deployment=None)


_TOUCHES: dict[str, Callable[[SageMakerEndpoints, Handle], Awaitable[Any]]] = {
    "UpdateEndpoint": update,
    "UpdateEndpointWeightsAndCapacities": lambda service, handle: service.update_numbers(handle, weights={}, counts={}),
    "DeleteEndpoint": lambda service, handle: service.delete_endpoint(handle),
    "AddTags": lambda service, handle: service.tag(handle, tags={"a": "b"}, remove=()),
}


@pytest.mark.parametrize("operation", _TOUCHES)
async def test_tags_are_read_right_before_an_endpoint_is_touched(bench: EndpointBench, operation: str) -> None:
    """Between the look and the call, it may have become another's."""
    a, _ = await taken_over_by_b(bench)
    before = len(bench.aws.calls)
    with pytest.raises(NotOwnedError, match="does not carry this object's tags"):
        await _TOUCHES[operation](bench.service, bench.inputs.handle(a.job))
    assert bench.aws.calls[before:] == ["ListTags"]


async def test_the_claim_is_asked_anew_for_an_endpoint_that_was_made_anew(bench: EndpointBench) -> None:
    a, _ = await taken_over_by_b(bench)
    a = bench.put("a", namespace="team-a", spec=spec(endpointName="shared", data="2"), metadata={"generation": 2})
    await bench.reconcile(a)
    assert ready(a)["reason"] == "NameConflict"


async def test_status_tells_nothing_of_another_s_endpoint(bench: EndpointBench) -> None:
    a, b = await taken_over_by_b(bench)
    a = bench.put("a", namespace="team-a", spec=spec(endpointName="shared", data="2"), metadata={"generation": 2})
    await bench.reconcile(a)
    assert ready(a)["reason"] == "NameConflict"
    shown = {"endpointArn", "endpointStatus", "endpointConfigName", "creationTime", "lastModifiedTime", "variants"}
    assert not shown & a.job.status.keys()
    assert shown <= b.job.status.keys()


async def test_nor_while_it_is_paused(bench: EndpointBench) -> None:
    await bench.serve(bench.put("b", namespace="team-b", spec=NAMED))
    paused = {"annotations": {"sagebridge.io/paused": "true"}}
    a = bench.put("a", namespace="team-a", spec=NAMED, metadata=paused)
    await bench.reconcile(a)
    assert "endpointStatus" not in a.job.status


@pytest.mark.parametrize(
    ("reason", "before", "after"),
    [
        ("added", spec(), spec(endpointName="other")),
        ("removed", NAMED, spec()),
        ("changed", NAMED, spec(endpointName="other")),
    ],
)
async def test_a_name_that_was_edited_leaves_no_endpoint_behind(
    bench: EndpointBench, reason: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """The schema refuses it; an API server that has an older schema does not."""
    scores = bench.put(spec=before)
    await bench.serve(scores)
    made = await bench.endpoints()
    scores = bench.put(spec=after, metadata={"generation": 2})
    await bench.reconcile(scores)
    assert await bench.endpoints() == made, reason
    assert ready(scores)["reason"] == "InvalidSpec"
    assert "spec.endpointName" in ready(scores)["message"]
    assert scores.job.status["endpointStatus"] == "InService"

    scores = bench.put(spec=after, metadata=DELETED)
    for _ in range(3):
        await bench.reconcile(scores)
        bench.advance(10)
    assert await bench.endpoints() == {}, reason
    assert scores.job.finalizers == []


async def test_a_recorded_name_that_somebody_has_written_deletes_nothing(bench: EndpointBench) -> None:
    await bench.serve(bench.put("b", namespace="team-b", spec=NAMED))
    revision = {"revision": 1, "endpointConfigName": "c"}
    forged = {"endpointName": "shared", "revisions": [revision]}
    a = bench.put("a", namespace="team-a", status=forged, metadata=DELETED)
    await bench.reconcile(a)
    assert await bench.endpoints() == {"shared": "InService"}
    assert a.job.finalizers == []


async def test_a_kept_endpoint_that_is_on_its_way_to_another_version_leaves_nothing_behind(
    bench: EndpointBench,
) -> None:
    kept = {"runPolicy": {"deletionPolicy": "Retain"}}
    scores = bench.put(spec=spec(**kept))
    await bench.serve(scores)
    scores = bench.put(spec=spec(data="2", **kept), metadata={"generation": 2})
    await bench.reconcile(scores)
    await bench.reconcile(bench.put(spec=spec(data="2", **kept), metadata=DELETED))
    assert set((await bench.endpoints()).values()) == {"Updating"}

    bench.restart()
    anew = {"uid": "another"}
    scores = bench.put(spec=spec(data="3", history={"limit": 0}), metadata=anew, status={})
    await bench.reconcile(scores)
    assert len(scores.job.status["revisions"]) == 3, "what runs, what is to, and what is wanted"
    bench.advance(61)
    await bench.serve(scores)
    running = scores.job.status["endpointConfigName"]
    configs = (await bench.ask("ListEndpointConfigs"))["EndpointConfigs"]
    assert [one["EndpointConfigName"] for one in configs] == [running]
    assert len((await bench.ask("ListModels"))["Models"]) == 1


async def test_what_runs_without_our_tags_outlives_its_object_and_is_told(
    bench: EndpointBench, caplog: pytest.LogCaptureFixture
) -> None:
    scores = bench.put()
    await bench.serve(scores)
    arn, config = scores.job.status["endpointArn"], scores.job.status["endpointConfigName"]
    tags = (await bench.ask("ListTags", ResourceArn=arn))["Tags"]
    await bench.ask("DeleteTags", ResourceArn=arn, TagKeys=[tag["Key"] for tag in tags])

    scores = bench.put(metadata=DELETED)
    for _ in range(2):
        await bench.reconcile(scores)
    assert set((await bench.endpoints()).values()) == {"InService"}
    assert not {"DeleteEndpointConfig", "DeleteModel"} & set(bench.aws.calls)
    assert scores.job.finalizers == []
    assert bench.metrics.registry.get_sample_value("sagebridge_orphaned_total", {"kind": "Endpoint"}) == 1
    assert f"runs the config {config} with the models" in caplog.text


async def test_a_recorded_policy_that_somebody_has_written_scales_nobody_elses(bench: EndpointBench) -> None:
    """Policies are put as status.revisions[].scaling has them, while a newer version is refused."""
    a = bench.put("a", spec=NAMED)
    key = TargetKey(variant="a", dimension=Dimension.INSTANCES)
    forged = {
        "PolicyType": "TargetTrackingScaling",
        "PolicyName": "theirs",
        "ResourceId": "endpoint/other/variant/x",
        "ScalableDimension": Dimension.CONCURRENCY.value,
    }
    await bench.service.scaling.put_policy(bench.inputs.handle(a.job), key, "sagebridge-target", forged)
    assert list(bench.aws.scaling.policies) == [("endpoint/shared/variant/a", Dimension.INSTANCES.value)]
    assert list(bench.aws.scaling.policies["endpoint/shared/variant/a", Dimension.INSTANCES.value]) == [
        "sagebridge-target"
    ]
