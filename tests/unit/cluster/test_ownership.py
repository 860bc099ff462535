"""Which Jobs are an attempt's, and which only have its name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.manifests import attempt_manifest
from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_UID, kubernetes_name
from sagebridge.core.names import TAG_CLUSTER, TAG_UID
from sagebridge.targets.cluster.objects import ClusterObjects
from sagebridge.targets.protocol import Handle, NameConflictError
from support.cluster_jobs import OWNER, cluster_job
from support.memory_api import MemoryApi

HANDLE = Handle(owner=OWNER, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))
JOBS = f"/apis/batch/v1/namespaces/{OWNER.namespace}/jobs"
NAME = kubernetes_name(OWNER, 1)
MARKS = {LABEL_UID: OWNER.uid, LABEL_ATTEMPT: "1"}
MANIFEST = attempt_manifest(
    cluster_job(
        {"algorithmSpecification": {"trainingImage": "own:1"}, "resourceConfig": {"instanceType": "ml.g5.xlarge"}}
    )
)
CRON_JOB = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "x", "uid": "x", "controller": True}
JOB_SET = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "name": "x", "uid": "x", "controller": True}


def made_by(**metadata: Any) -> dict[str, Any]:
    known = {"name": NAME, "namespace": OWNER.namespace, "uid": "somebody-s"}
    return {"metadata": known | {"labels": MARKS, "annotations": OWNER.tags()} | metadata}


def objects_of(api: MemoryApi) -> ClusterObjects:
    client: Any = api
    return ClusterObjects(client=client, before_write=lambda: None)


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("it has no mark at all", made_by(labels={}, annotations={})),
        ("a copy of the labels is not enough", made_by(annotations={})),
        ("it is an earlier object's of the same name", made_by(annotations=OWNER.tags() | {TAG_UID: "earlier"})),
        (
            "it is another cluster's, brought here by a backup",
            made_by(annotations=OWNER.tags() | {TAG_CLUSTER: "other"}),
        ),
        ("it is another attempt's", made_by(labels=MARKS | {LABEL_ATTEMPT: "2"})),
        ("something else controls it", made_by(ownerReferences=[CRON_JOB])),
        ("a JobSet of that name as the Job has made it", made_by(ownerReferences=[JOB_SET])),
    ],
)
async def test_what_only_has_the_name_is_a_conflict(reason: str, body: dict[str, Any]) -> None:
    api = MemoryApi()
    api.objects[f"{JOBS}/{NAME}"] = body

    assert await objects_of(api).job(HANDLE) is None, reason
    with pytest.raises(NameConflictError, match=f"A Job {NAME} is there already and is not this object's"):
        await objects_of(api).make_attempt(HANDLE, MANIFEST)
    assert api.writes == [], reason


async def test_what_was_made_before_a_crash_is_found_again() -> None:
    api = MemoryApi()
    made = await objects_of(api).make_attempt(HANDLE, MANIFEST)

    again = await objects_of(api).make_attempt(HANDLE, MANIFEST)

    assert again == made == await objects_of(api).job(HANDLE)
    assert api.writes == [("POST", "jobs")]
