"""What is made of a processing job is there once, whoever dies when, and its hosts are scheduled together."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.gangs import GangScheduling
from sagebridge.core.cluster.names import kubernetes_name
from sagebridge.core.errors import SpecError
from sagebridge.core.placement import PlacementSettings
from sagebridge.kinds.processing_job import KIND
from sagebridge.targets.cluster.objects import ClusterObjects
from sagebridge.targets.cluster.workloads import Planner, Processing
from sagebridge.targets.protocol import Handle
from support.cluster_jobs import OWNER, SETTINGS
from support.cluster_processing import processing_work
from support.memory_api import CrashError, MemoryApi
from support.processing_jobs import spec

HANDLE = Handle(owner=OWNER, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))
NAME = kubernetes_name(OWNER, 1)
SERVED = {"/apis/scheduling.x-k8s.io/v1alpha1": ("podgroups",)}
TOGETHER = GangScheduling.COSCHEDULING
EACH_BY_ITSELF = GangScheduling.NONE


async def make(api: MemoryApi, *, kind: GangScheduling = TOGETHER, hosts: int = 2) -> None:
    """What a submit does, by a process that may die."""
    client: Any = api
    objects = ClusterObjects(client=client, before_write=lambda: None)
    planner = Planner(settings=replace(SETTINGS, gang_scheduling=kind), placement=PlacementSettings())
    resources = {"clusterConfig": {"instanceType": "ml.m5.large", "instanceCount": hosts}}
    work = processing_work(spec(processingResources=resources))
    await Processing(kind=KIND, planner=planner, objects=objects).make(HANDLE, work.request, work.cluster)


async def test_an_api_that_is_not_there_is_told_before_anything_is_made() -> None:
    api = MemoryApi()
    with pytest.raises(SpecError, match="together by Coscheduling here"):
        await make(api)
    assert api.writes == []


@pytest.mark.parametrize("writes", [1, 2, 3, 4, 5])
async def test_whenever_the_operator_dies_all_is_there_once(writes: int) -> None:
    api = MemoryApi(SERVED)
    api.crash_after = writes
    with pytest.raises(CrashError):
        await make(api)

    await make(api)

    plurals = ("podgroups", "jobs", "services", "configmaps")
    found = {plural: [one["metadata"]["name"] for one in api.of(plural)] for plural in plurals}
    assert found == {plural: [NAME] for plural in plurals}
    [job] = api.of("jobs")
    for plural in ("podgroups", "services", "configmaps"):
        [made] = api.of(plural)
        assert [owner["uid"] for owner in made["metadata"]["ownerReferences"]] == [job["metadata"]["uid"]], plural


async def test_its_hosts_are_a_gang() -> None:
    api = MemoryApi(SERVED)
    await make(api)

    [gang], [job] = api.of("podgroups"), api.of("jobs")
    assert gang["spec"] == {"minMember": 2}
    assert job["spec"]["template"]["metadata"]["labels"]["scheduling.x-k8s.io/pod-group"] == NAME
    assert job["spec"]["template"]["spec"]["schedulerName"] == "scheduler-plugins-scheduler"


@pytest.mark.parametrize(("kind", "hosts"), [(EACH_BY_ITSELF, 2), (TOGETHER, 1)])
async def test_who_has_nobody_to_wait_for_is_no_gang(kind: GangScheduling, hosts: int) -> None:
    api = MemoryApi(SERVED)
    await make(api, kind=kind, hosts=hosts)
    assert api.writes == [("POST", "jobs"), ("POST", "services"), ("POST", "configmaps")]
