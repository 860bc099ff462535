"""Attempts that are JobSets: what is made, whose a Job is, and what speaks for an attempt."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.engines import (
    JOB_SET_API,
    MISSING,
    as_job,
    attempt_name,
    is_job_set,
    member_name,
    owner_uid,
)
from sagebridge.core.cluster.job import ClusterJob
from sagebridge.core.cluster.manifests import attempt_manifest, job_manifest
from sagebridge.core.cluster.names import JOB_NAME_LABEL, job_set_name, kubernetes_name
from sagebridge.core.cluster.observation import observe
from sagebridge.core.errors import SpecError
from sagebridge.core.names import Owner
from sagebridge.core.observation import Phase
from sagebridge.core.reasons import Reason
from sagebridge.targets.cluster.objects import ClusterObjects
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.protocol import Handle, NameConflictError
from support.cluster_jobs import OWNER, cluster_job, pod
from support.memory_api import MemoryApi

HANDLE = Handle(owner=OWNER, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))
SERVED = {"/apis/jobset.x-k8s.io/v1alpha2": ("jobsets",)}
NAME = job_set_name(OWNER, 1)
MEMBER = member_name(NAME)
JOBS = f"/apis/batch/v1/namespaces/{OWNER.namespace}/jobs"
JOB_SETS = f"/apis/jobset.x-k8s.io/v1alpha2/namespaces/{OWNER.namespace}/jobsets"


def job(**cluster: Any) -> ClusterJob:
    resources = {"instanceType": "ml.g5.xlarge", "instanceCount": 2}
    spec = {"algorithmSpecification": {"trainingImage": "own:1"}, "resourceConfig": resources}
    return cluster_job(spec | {"cluster": {"engine": "JobSet", **cluster}})


def job_set(*conditions: dict[str, Any], uid: str = "set", **cluster: Any) -> dict[str, Any]:
    made = attempt_manifest(job(**cluster))
    made["metadata"] |= {"uid": uid, "creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "1"}
    return made | {"status": {"conditions": list(conditions)}}


def member(*, owner: str | None = "set", kind: str = "JobSet", api: str = JOB_SET_API, **spec: Any) -> dict[str, Any]:
    """The Job that JobSet's controller makes."""
    [replicated] = job_set()["spec"]["replicatedJobs"]
    owners = [{"apiVersion": api, "kind": kind, "name": NAME, "uid": owner, "controller": True}] if owner else []
    metadata = replicated["template"]["metadata"] | {
        "name": MEMBER,
        "namespace": OWNER.namespace,
        "uid": "job-uid",
        "creationTimestamp": "2026-01-01T00:00:01Z",
        "ownerReferences": owners,
    }
    return {"metadata": metadata, "spec": {"completions": 2, "suspend": False, **spec}, "status": {}}


def test_it_is_the_same_job_but_for_what_the_set_has_instead() -> None:
    made, alone = attempt_manifest(job(queueName="gpus")), job_manifest(job(queueName="gpus"))
    [replicated] = made["spec"]["replicatedJobs"]

    assert made["metadata"] == alone["metadata"]
    assert "kueue.x-k8s.io/queue-name" not in replicated["template"]["metadata"]["labels"]
    assert made["spec"]["suspend"] is True
    assert replicated["replicas"] == 1
    assert replicated["template"]["spec"] | {"suspend": True, "ttlSecondsAfterFinished": 86_400} == alone["spec"]
    assert made["spec"]["ttlSecondsAfterFinished"] == 86_400
    assert made["spec"]["network"] == {"enableDNSHostnames": False}


def test_hosts_are_called_after_the_job_that_the_set_makes() -> None:
    assert job().hosts == (f"{MEMBER}-0", f"{MEMBER}-1")
    assert job().arn == f"arn:kubernetes:jobset.x-k8s.io:eu-west-1:{OWNER.namespace}:jobset/{NAME}"


@pytest.mark.parametrize("name", ["a", "a" * 63, "9" * 63])
def test_names_have_the_room_that_the_webhook_wants(name: str) -> None:
    owner = Owner(cluster="c", namespace="n" * 63, name=name, uid="u")

    pod_name = f"{member_name(job_set_name(owner, 1))}-9999-abcde"
    assert len(pod_name) <= 63
    assert pod_name[0].isalpha()


@pytest.mark.parametrize(
    ("found", "uid", "because"),
    [
        (member(), "set", "its controller has made it"),
        (member(owner=None), "", "somebody has made it"),
        (member(kind="Workflow"), "", "something else has"),
        (member(api="example.com/v1"), "", "another JobSet has"),
    ],
)
def test_whose_a_job_is(found: dict[str, Any], uid: str, because: str) -> None:
    assert owner_uid(found) == uid, because
    assert attempt_name(found) == (NAME if uid else MEMBER)


def seen(*bodies: dict[str, Any]) -> Any:
    view = ClusterView()
    for body in bodies:
        if is_job_set(body):
            view.put_job_set(as_job(body))
        else:
            view.put_job(body)
    return view.of(HANDLE)


@pytest.mark.parametrize(
    "spec", [None, {}, {"replicatedJobs": []}, {"replicatedJobs": [{"name": "a", "template": {"spec": {}}}]}]
)
def test_a_job_set_of_anybody_s_is_read_whatever_is_in_it(spec: dict[str, Any] | None) -> None:
    """Its labels may be ours: what it can't be read for ends the operator, which follows them all."""
    found = as_job({"kind": "JobSet", "metadata": {"name": "forged", "uid": "x"}, **({"spec": spec} if spec else {})})

    assert found["spec"]["completions"] == 1
    assert as_job(found) == found


@pytest.mark.parametrize(
    ("bodies", "uid", "because"),
    [
        ((), None, "there is nothing"),
        ((member(),), None, "whose JobSet is not there"),
        ((job_set(),), "set", "it has no Job yet"),
        ((job_set(), member()), "job-uid", "the Job knows more"),
        ((member(), job_set()), "job-uid", "in whatever order they were seen"),
        ((job_set(), member(owner=None)), "set", "anybody may make a Job of that name"),
        ((job_set(uid="anew"), member()), "anew", "it is that of a JobSet of that name that is gone"),
    ],
)
def test_what_speaks_for_the_attempt(bodies: tuple[dict[str, Any], ...], uid: str | None, because: str) -> None:
    found = seen(*bodies)

    assert (found.job["metadata"]["uid"] if found.job else None) == uid, because


def test_pods_are_those_of_its_job() -> None:
    view = ClusterView()
    view.put_job_set(as_job(job_set()))
    view.put_job(member())
    body = pod()
    body["metadata"] |= {"namespace": OWNER.namespace, "labels": {JOB_NAME_LABEL: MEMBER}}
    view.put_pod(body)

    assert list(view.of(HANDLE).pods) == [body["metadata"]["name"]]


@pytest.mark.parametrize(
    ("bodies", "phase", "secondary", "reason"),
    [
        ((job_set(),), Phase.OPEN, "Starting", None),
        ((job_set(queueName="gpus"),), Phase.OPEN, "Pending", Reason.QUEUED),
        ((job_set(queueName="gpus"), member(suspend=True)), Phase.OPEN, "Pending", Reason.QUEUED),
        ((job_set(), member()), Phase.OPEN, "Starting", None),
        (
            (job_set({"type": "Failed", "status": "True", "reason": "FailedJobs", "message": "jobset failed"}),),
            Phase.FAILED,
            "Failed",
            None,
        ),
        ((job_set({"type": "Completed", "status": "True"}),), Phase.SUCCEEDED, "Completed", None),
        ((job_set({"type": "Suspended", "status": "False"}),), Phase.OPEN, "Starting", None),
    ],
)
def test_what_is_seen(bodies: Any, phase: Phase, secondary: str, reason: Reason | None) -> None:
    found = observe(seen(*bodies).job, [])

    assert (found.phase, found.fields["secondaryStatus"]) == (phase, secondary)
    assert (found.waiting.reason if found.waiting else None) == reason
    if reason:
        assert "in the queue gpus" in found.waiting.message  # type: ignore[union-attr]


def test_a_word_of_kueue_about_the_set_is_heard() -> None:
    view = ClusterView()
    heard: list[tuple[str, int]] = []
    view.put_job_set(as_job(job_set()))
    view.put_job(member(suspend=True))
    view.changed = lambda uid, attempt: heard.append((uid, attempt))
    metadata = {"name": "w", "namespace": OWNER.namespace, "uid": "w1"}
    view.put_workload({"metadata": metadata, "owner": {"name": NAME, "uid": "set"}, "said": "no quota"})

    assert heard == [(OWNER.uid, 1)]
    assert view.said_of(view.of(HANDLE).job or {}) == "no quota"


class Deletions(MemoryApi):
    """Also deletes, by name and UID."""

    async def delete(self, path: str, *, uid: str) -> None:
        if self.objects.get(path, {}).get("metadata", {}).get("uid") == uid:
            del self.objects[path]


def objects_of(api: MemoryApi) -> ClusterObjects:
    return ClusterObjects(client=api, before_write=lambda: None)  # type: ignore[arg-type]


async def test_without_job_sets_it_is_refused() -> None:
    api = MemoryApi()

    with pytest.raises(SpecError, match="install JobSet") as refused:
        await objects_of(api).make_attempt(HANDLE, attempt_manifest(job()))

    assert MISSING in str(refused.value)
    assert api.writes == []


async def test_it_is_made_once() -> None:
    api = MemoryApi(SERVED)

    first = await objects_of(api).make_attempt(HANDLE, attempt_manifest(job()))
    again = await objects_of(api).make_attempt(HANDLE, attempt_manifest(job()))

    assert first["metadata"]["uid"] == again["metadata"]["uid"]
    assert api.writes == [("POST", "jobsets")]


async def test_one_of_that_name_that_is_another_s_is_left() -> None:
    api = MemoryApi(SERVED)
    api.objects[f"{JOB_SETS}/{NAME}"] = {"metadata": {"name": NAME, "uid": "x"}}

    with pytest.raises(NameConflictError, match=f"A JobSet {NAME} is there already"):
        await objects_of(api).make_attempt(HANDLE, attempt_manifest(job()))
    assert await objects_of(api).job(HANDLE) is None


@pytest.mark.parametrize("with_job", [False, True])
async def test_what_is_found_is_deleted_as_a_whole(with_job: bool) -> None:
    api = Deletions(SERVED)
    api.objects[f"{JOB_SETS}/{NAME}"] = job_set()
    if with_job:
        api.objects[f"{JOBS}/{MEMBER}"] = member()

    found = await objects_of(api).job(HANDLE)
    assert found is not None
    assert found["metadata"]["uid"] == ("job-uid" if with_job else "set")
    await objects_of(api).delete_job(HANDLE, found)

    assert f"{JOB_SETS}/{NAME}" not in api.objects, "else its controller would make the Job anew"


async def test_a_job_of_its_own_is_found_without_job_sets() -> None:
    api = Deletions()
    plain = replace(job(), cluster={})
    await objects_of(api).make_attempt(HANDLE, attempt_manifest(plain))

    found = await objects_of(api).job(HANDLE)
    assert found is not None
    assert found["metadata"]["name"] == kubernetes_name(OWNER, 1)
    await objects_of(api).delete_job(HANDLE, found)

    assert api.objects == {}


@pytest.mark.parametrize(("with_job", "path"), [(True, f"{JOBS}/{MEMBER}"), (False, f"{JOB_SETS}/{NAME}")])
async def test_what_is_noted_is_noted_where_it_is_read(with_job: bool, path: str) -> None:
    api = MemoryApi(SERVED)
    api.objects[f"{JOB_SETS}/{NAME}"] = job_set()
    if with_job:
        api.objects[f"{JOBS}/{MEMBER}"] = member()
    found = await objects_of(api).job(HANDLE)
    assert found is not None

    await objects_of(api).patch_job(HANDLE, found, {"metadata": {"annotations": {"a": "b"}}})

    assert api.objects[path]["metadata"]["annotations"]["a"] == "b"
