"""Tenancy that a watch did not tell of: what a deleted policy allowed must not stay allowed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from sagebridge.core.errors import NotAllowedError
from sagebridge.engine.tenancy_reader import TenancyReader
from sagebridge.kube.errors import KubeError
from sagebridge.kube.paths import NAMESPACES, TENANT_POLICIES
from support.workbench import Workbench


def policy(name: str, team: str) -> dict[str, Any]:
    selector = {"matchLabels": {"team": team}}
    return {"metadata": {"name": name, "uid": name}, "spec": {"namespaceSelector": selector, "regions": ["us-east-1"]}}


def put_policy(bench: Workbench, name: str, team: str) -> None:
    bench.api.put(TENANT_POLICIES.item(namespace=None, name=name), policy(name, team))


def put_namespace(bench: Workbench, name: str, **labels: str) -> None:
    body = {"metadata": {"name": name, "uid": name, "labels": labels}}
    bench.api.put(NAMESPACES.item(namespace=None, name=name), body)


def reader(bench: Workbench, *, every: float = 600.0) -> tuple[TenancyReader, list[str]]:
    changes: list[str] = []
    made = TenancyReader(
        client=bench.client, tenants=bench.tenants, changed=lambda: changes.append("changed"), every=every
    )
    return made, changes


async def test_a_policy_whose_deletion_was_not_seen_allows_nothing_more(bench: Workbench) -> None:
    put_namespace(bench, "team-a", team="a")
    put_policy(bench, "a", "a")
    put_policy(bench, "b", "b")
    read, changes = reader(bench, every=0.01)
    await read.read()
    assert bench.tenants.of("team-a").policy_name == "a"
    del bench.api.objects[TENANT_POLICIES.item(namespace=None, name="a")]
    task = asyncio.create_task(read.run())
    async with asyncio.timeout(60):
        while len(changes) < 2:  # noqa: ASYNC110 - the reader is watched from outside
            await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    with pytest.raises(NotAllowedError, match="No tenant policy selects namespace team-a"):
        bench.tenants.of("team-a")


async def test_nothing_new_wakes_nobody(bench: Workbench) -> None:
    put_namespace(bench, "team-a", team="a")
    put_policy(bench, "a", "a")
    read, changes = reader(bench)
    for _ in range(3):
        await read.read()
    assert changes == ["changed"]


async def test_what_a_watch_tells_meanwhile_is_not_undone(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    put_namespace(bench, "team-a", team="a")
    put_policy(bench, "a", "a")
    read, _ = reader(bench)
    listed = bench.client.list

    async def slow(path: str) -> Any:
        async for body in listed(path):
            yield body
        if path == NAMESPACES.collection():
            monkeypatch.setattr(bench.client, "list", listed)
            put_policy(bench, "new", "other")
            bench.tenants.put_policy(policy("new", "other"))

    monkeypatch.setattr(bench.client, "list", slow)
    await read.read()
    put_namespace(bench, "other", team="other")
    await read.read()
    assert bench.tenants.of("other").policy_name == "new"


async def test_an_api_server_that_is_away_changes_nothing(bench: Workbench) -> None:
    put_namespace(bench, "team-a", team="a")
    put_policy(bench, "a", "a")
    read, _ = reader(bench)
    await read.read()
    bench.api.refused[NAMESPACES.collection()] = 503
    with pytest.raises(KubeError):
        await read.read()
    assert bench.tenants.of("team-a").policy_name == "a"
