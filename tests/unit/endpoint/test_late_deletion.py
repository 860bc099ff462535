"""Endpoints that were deleted while no operator ran."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.errors import AwsError
from sagebridge.kube.errors import KubeError
from support.served_endpoints import RESOURCE, EndpointBench, ready, small_spec

LONG_AGO = {"deletionTimestamp": "2027-01-01T00:00:00Z"}
"""Two weeks before the bench's time."""


def orphaned(bench: EndpointBench) -> float | None:
    return bench.metrics.registry.get_sample_value("sagebridge_orphaned_total", {"kind": "Endpoint"})


async def test_it_is_deleted_all_the_same(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)

    scores = bench.put(metadata=LONG_AGO)
    for _ in range(3):
        await bench.reconcile(scores)
        bench.advance(61)

    assert (await bench.endpoints(), scores.job.finalizers, orphaned(bench)) == ({}, [], None)


@pytest.mark.parametrize(("processes", "left"), [(1, True), (2, False)])
async def test_what_aws_refuses_is_let_go_once_each_process_has_tried(
    bench: EndpointBench, processes: int, left: bool
) -> None:
    scores = bench.put()
    await bench.serve(scores)

    async def refuse(_: object) -> None:
        raise AwsError(code="AccessDeniedException", message="no", operation="DeleteEndpoint", http_status=400)

    bench.aws.before["DeleteEndpoint"] = refuse
    for _ in range(processes):
        bench.restart()
        bench.store.remove(scores.job.uid)
        scores = bench.put(metadata=LONG_AGO)
        assert "DeleteEndpoint" in await bench.reconcile(scores)
        assert ready(scores)["reason"] == "DeletionBlocked"
        await bench.reconcile(scores)

    assert (bool(scores.job.finalizers), orphaned(bench)) == (left, None if left else 1)


async def test_what_is_left_is_counted_once_however_often_the_object_is_not_let_go(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)

    async def refuse(_: object) -> None:
        raise AwsError(code="AccessDeniedException", message="no", operation="DeleteEndpoint", http_status=400)

    bench.aws.before["DeleteEndpoint"] = refuse
    scores = bench.put(metadata=LONG_AGO)
    await bench.reconcile(scores)
    bench.advance(3601)
    bench.api.refused[RESOURCE.item(namespace=scores.job.namespace, name=scores.job.name)] = 503
    for _ in range(3):
        with pytest.raises(KubeError, match="refused"):
            await bench.reconcile(scores)

    assert orphaned(bench) == 1


@pytest.mark.parametrize(
    ("reason", "parts"),
    [
        ("it is to be left", {"spec": small_spec() | {"runPolicy": {"deletionPolicy": "Retain"}}}),
        ("it had not begun", {"status": {}}),
    ],
)
async def test_what_goes_at_once_is_not_told_of_before(
    bench: EndpointBench, reason: str, parts: dict[str, Any]
) -> None:
    await bench.serve(bench.put())
    scores = bench.put(metadata=LONG_AGO, **parts)
    said = scores.job.status

    assert await bench.reconcile(scores) == [], reason

    assert (scores.job.finalizers, scores.job.status) == ([], said), reason
