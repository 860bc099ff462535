"""Jobs whose hosts are scheduled together: the objects that say so, and that they are there once, whoever dies when."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.gangs import (
    COSCHEDULING,
    POD_GROUP_1_36,
    POD_GROUP_1_37,
    VOLCANO,
    WORKLOAD_1_35,
    GangApi,
    GangScheduling,
    gang_manifest,
    is_gang,
)
from sagebridge.core.cluster.job import ClusterJob
from sagebridge.core.cluster.manifests import attempt_manifest, job_manifest
from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.kube.errors import KubeError, RefusedError
from sagebridge.targets.cluster.gangs import Gangs
from sagebridge.targets.cluster.objects import ClusterObjects
from sagebridge.targets.protocol import Handle, NameConflictError
from support.cluster_jobs import OWNER, SETTINGS, cluster_job
from support.memory_api import CrashError, MemoryApi

HANDLE = Handle(owner=OWNER, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))
SPEC = {
    "algorithmSpecification": {"trainingImage": "own:1"},
    "resourceConfig": {"instanceType": "ml.g5.xlarge", "instanceCount": 4},
}
KUBERNETES_1_37 = {
    "/apis/scheduling.k8s.io/v1beta1": ("podgroups", "workloads"),
    "/apis/scheduling.k8s.io/v1alpha2": ("podgroups", "workloads"),
}
SERVED = {
    "/apis/scheduling.x-k8s.io/v1alpha1": ("podgroups", "elasticquotas"),
    "/apis/scheduling.volcano.sh/v1beta1": ("podgroups", "queues"),
    "/apis/scheduling.k8s.io/v1alpha1": ("workloads",),
}


def job(
    kind: GangScheduling = GangScheduling.COSCHEDULING, *, hosts: int = 4, scheduler: str = "", **cluster: Any
) -> ClusterJob:
    settings = replace(SETTINGS, gang_scheduling=kind, gang_scheduler_name=scheduler)
    resources = {"instanceType": "ml.g5.xlarge", "instanceCount": hosts}
    return cluster_job(SPEC | {"resourceConfig": resources, "cluster": cluster}, settings=settings)


@pytest.mark.parametrize(
    ("found", "want", "because"),
    [
        (job(GangScheduling.NONE), False, "nobody schedules them together here"),
        (job(hosts=1), False, "one host has nobody to wait for"),
        (job(queueName="gpus"), False, "Kueue starts it when there is room for all"),
        (job(), True, "without a queue, several hosts"),
        (job(hosts=2, spot="Require"), True, "wherever they run"),
    ],
)
def test_which_jobs_are_gangs(found: ClusterJob, want: bool, because: str) -> None:
    assert is_gang(found) is want, because


@pytest.mark.parametrize(
    ("api", "spec", "priority"),
    [
        (COSCHEDULING, {"minMember": 4}, {}),
        (VOLCANO, {"minMember": 4}, {"priorityClassName": "urgent"}),
        (POD_GROUP_1_37, {"schedulingPolicy": {"gang": {"minCount": 4}}}, {"priorityClassName": "urgent"}),
        (POD_GROUP_1_36, {"schedulingPolicy": {"gang": {"minCount": 4}}}, {"priorityClassName": "urgent"}),
        (
            WORKLOAD_1_35,
            {
                "controllerRef": {"apiGroup": "batch", "kind": "Job", "name": job().name},
                "podGroups": [{"name": "hosts", "policy": {"gang": {"minCount": 4}}}],
            },
            {},
        ),
    ],
    ids=str,
)
def test_what_holds_them_together(api: GangApi, spec: dict[str, Any], priority: dict[str, str]) -> None:
    made, urgent = gang_manifest(job(), api), gang_manifest(job(priorityClassName="urgent"), api)

    assert made["apiVersion"] == f"{api.group}/{api.version}"
    assert made["kind"] == api.kind
    assert made["metadata"]["name"] == job().name
    assert made["metadata"]["labels"] == job().labels
    assert made["spec"] == spec
    assert urgent["spec"] == spec | priority


@pytest.mark.parametrize(
    ("api", "scheduler", "want"),
    [
        (None, "other", {"label": None, "annotation": None}),
        (
            COSCHEDULING,
            "",
            {"label": "NAME", "annotation": None, "schedulerName": "scheduler-plugins-scheduler"},
        ),
        (COSCHEDULING, "gpus", {"label": "NAME", "annotation": None, "schedulerName": "gpus"}),
        (VOLCANO, "", {"label": None, "annotation": "NAME", "schedulerName": "volcano"}),
        (POD_GROUP_1_37, "", {"label": None, "annotation": None, "schedulingGroup": {"podGroupName": "NAME"}}),
        (POD_GROUP_1_36, "", {"label": None, "annotation": None, "schedulingGroup": {"podGroupName": "NAME"}}),
        (
            WORKLOAD_1_35,
            "gangs",
            {
                "label": None,
                "annotation": None,
                "workloadRef": {"name": "NAME", "podGroup": "hosts"},
                "schedulerName": "gangs",
            },
        ),
    ],
    ids=str,
)
def test_how_a_pod_belongs_to_it(api: GangApi | None, scheduler: str, want: dict[str, Any]) -> None:
    found = replace(job(scheduler=scheduler), gang=api)
    template = job_manifest(found)["spec"]["template"]
    metadata = template["metadata"]

    seen = {
        "label": metadata["labels"].get("scheduling.x-k8s.io/pod-group"),
        "annotation": metadata["annotations"].get("scheduling.k8s.io/group-name"),
        **{
            key: template["spec"][key]
            for key in ("schedulerName", "schedulingGroup", "workloadRef")
            if key in template["spec"]
        },
    }
    assert seen == json.loads(json.dumps(want).replace("NAME", found.name))


class Submitter:
    """What a submit does about the Job, in its order, by a process that may die."""

    def __init__(self, api: MemoryApi) -> None:
        self.api = api
        self.allowed = True
        self.handle = HANDLE

    def _check(self) -> None:
        if not self.allowed:
            raise RuntimeError("the Lease is lost")

    async def submit(self, wanted: ClusterJob) -> ClusterJob:
        client: Any = self.api
        objects = ClusterObjects(client=client, before_write=self._check)
        gangs = Gangs(objects=objects)
        job, _ = await gangs.make_attempt(self.handle, wanted, attempt_manifest)
        return job


async def test_it_comes_before_the_job_and_goes_with_it() -> None:
    api = MemoryApi(SERVED)

    found = await Submitter(api).submit(job())

    assert found.gang == COSCHEDULING
    assert api.writes == [("POST", "podgroups"), ("POST", "jobs"), ("PATCH", "podgroups")]
    [gang], [made] = api.of("podgroups"), api.of("jobs")
    [owner] = gang["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": made["metadata"]["name"],
        "uid": made["metadata"]["uid"],
    }


@pytest.mark.parametrize("writes", [1, 2, 3])
async def test_whenever_the_operator_dies_there_is_one_gang_of_one_job(writes: int) -> None:
    api = MemoryApi(SERVED)
    api.crash_after = writes
    with pytest.raises(CrashError):
        await Submitter(api).submit(job())
    [gang] = api.of("podgroups")
    if writes == 1:
        # Nothing else would ever take it away.
        assert gang["metadata"]["ownerReferences"] == [
            {"apiVersion": "sagebridge.io/v1alpha1", "kind": "TrainingJob", "name": OWNER.name, "uid": OWNER.uid}
        ]

    await Submitter(api).submit(job())
    before = len(api.writes)
    await Submitter(api).submit(job())

    assert len(api.writes) == before, "what is as it is to be is not written again"
    [gang], [made] = api.of("podgroups"), api.of("jobs")
    assert [owner["uid"] for owner in gang["metadata"]["ownerReferences"]] == [made["metadata"]["uid"]]


async def test_each_attempt_has_its_own() -> None:
    api = MemoryApi(SERVED)
    submitter, second = Submitter(api), replace(job(), attempt=2)

    await submitter.submit(job())
    submitter.handle = replace(HANDLE, attempt=2)
    await submitter.submit(second)

    assert [gang["metadata"]["name"] for gang in api.of("podgroups")] == [job().name, second.name]


async def left_over(served: dict[str, Any], kind: GangScheduling) -> MemoryApi:
    """Of four hosts whose Job was refused: the attempt is forgotten, so that the spec can be mended."""
    api = MemoryApi(served)
    api.crash_after = 1
    with pytest.raises(CrashError):
        await Submitter(api).submit(job(kind))
    return api


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        (GangScheduling.COSCHEDULING, {"minMember": 2}),
        (GangScheduling.VOLCANO, {"minMember": 2}),
        (GangScheduling.KUBERNETES, {"podGroups": [{"name": "hosts", "policy": {"gang": {"minCount": 2}}}]}),
    ],
)
async def test_one_of_an_earlier_spec_does_not_wait_for_its_hosts(kind: GangScheduling, size: dict[str, Any]) -> None:
    api = await left_over(SERVED, kind)

    await Submitter(api).submit(job(kind, hosts=2))

    [gang] = [*api.of("podgroups"), *api.of("workloads")]
    assert gang["spec"].items() >= size.items()


async def test_what_others_fill_in_changes_nothing() -> None:
    api = await left_over(SERVED, GangScheduling.VOLCANO)
    [path] = api.objects
    api.objects[path]["spec"] |= {"queue": "default", "minResources": {"cpu": "4"}}

    await Submitter(api).submit(job(GangScheduling.VOLCANO))

    assert api.writes == [("POST", "podgroups"), ("POST", "jobs"), ("PATCH", "podgroups")]


async def test_one_that_is_not_gone_yet_is_waited_for() -> None:
    api = await left_over(SERVED, GangScheduling.COSCHEDULING)
    [path] = api.objects
    api.objects[path]["metadata"]["finalizers"] = ["scheduling.k8s.io/podgroup-protection"]

    with pytest.raises(KubeError, match="not gone yet"):
        await Submitter(api).submit(job(hosts=2))
    assert api.of("jobs") == []
    del api.objects[path]
    await Submitter(api).submit(job(hosts=2))

    [gang] = api.of("podgroups")
    assert gang["spec"] == {"minMember": 2}


async def test_one_of_an_earlier_release_has_no_annotations() -> None:
    api = await left_over(SERVED, GangScheduling.COSCHEDULING)
    [path] = api.objects
    api.objects[path]["metadata"].pop("annotations")

    await Submitter(api).submit(job())

    assert [one["metadata"]["name"] for one in api.of("jobs")] == [job().name]


async def test_one_that_is_somebody_else_s_is_left() -> None:
    api = MemoryApi(SERVED)
    path = f"/apis/scheduling.x-k8s.io/v1alpha1/namespaces/{OWNER.namespace}/podgroups/{job().name}"
    api.objects[path] = {"metadata": {"name": job().name, "uid": "x"}}

    with pytest.raises(NameConflictError, match=r"PodGroup .* is there already"):
        await Submitter(api).submit(job())

    assert api.writes == []


@pytest.mark.parametrize(
    ("kind", "served", "words"),
    [
        (GangScheduling.COSCHEDULING, {}, r"podgroups.scheduling.x-k8s.io/v1alpha1\. Give queueName"),
        (GangScheduling.VOLCANO, {"/apis/scheduling.volcano.sh/v1beta1": ("queues",)}, r"together by Volcano here"),
        (GangScheduling.KUBERNETES, {}, r"v1beta1 or podgroups.scheduling.k8s.io/v1alpha2 or workloads"),
    ],
)
async def test_an_api_that_is_not_there_is_told(kind: GangScheduling, served: dict[str, Any], words: str) -> None:
    api = MemoryApi(served)

    with pytest.raises(SpecError, match=words):
        await Submitter(api).submit(job(kind))

    assert api.writes == []


async def test_a_job_that_was_made_when_the_api_was_there_is_found() -> None:
    api = MemoryApi(SERVED)
    api.crash_after = 2
    with pytest.raises(CrashError):
        await Submitter(api).submit(job())
    api.served = {}

    await Submitter(api).submit(job())

    assert api.writes == [("POST", "podgroups"), ("POST", "jobs")]


@pytest.mark.parametrize(
    ("kind", "served", "want"),
    [
        (GangScheduling.KUBERNETES, KUBERNETES_1_37, POD_GROUP_1_37),
        (GangScheduling.KUBERNETES, {"/apis/scheduling.k8s.io/v1alpha2": ("podgroups",)}, POD_GROUP_1_36),
        (GangScheduling.KUBERNETES, SERVED, WORKLOAD_1_35),
        (GangScheduling.VOLCANO, SERVED, VOLCANO),
    ],
)
async def test_the_best_api_there_is_is_taken(kind: GangScheduling, served: dict[str, Any], want: GangApi) -> None:
    assert (await Submitter(MemoryApi(served)).submit(job(kind))).gang == want


async def test_what_is_no_gang_asks_nothing() -> None:
    api = MemoryApi()

    await Submitter(api).submit(job(queueName="gpus"))

    assert api.writes == [("POST", "jobs")]


async def test_nothing_is_written_without_the_lease() -> None:
    submitter = Submitter(MemoryApi(SERVED))
    submitter.allowed = False

    with pytest.raises(RuntimeError, match="Lease"):
        await submitter.submit(job())

    assert submitter.api.writes == []


@pytest.mark.parametrize(("status", "error"), [(403, NotAllowedError), (422, SpecError)])
async def test_a_refusal_is_told(monkeypatch: pytest.MonkeyPatch, status: int, error: type[Exception]) -> None:
    api = MemoryApi(SERVED)

    async def refuse(path: str, body: Any) -> Any:
        raise RefusedError(f"{path}: no", status=status)

    monkeypatch.setattr(api, "create", refuse)
    with pytest.raises(error, match="podgroups: no"):
        await Submitter(api).submit(job())
