"""What status repeats of a spec before anything has begun: people look at it just then."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.resolution import ResolveContext, instance_count
from sagebridge.kinds import batch_transform, processing_job
from sagebridge.kinds.kind import JobKind
from sagebridge.targets.protocol import NameConflictError
from support.batch_transforms import transform_spec
from support.workbench import KIND, ROLE, SPEC, Workbench, workbench

SOMEBODYS = "arn:aws:iam::123456789012:role/somebodys"
REFERENCE = {"modelRef": {"kind": "TrainingJob", "name": "digits"}, "model": None}
PROCESSING = {
    "appSpecification": {"imageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"},
    "processingResources": {"clusterConfig": {"instanceType": "ml.m5.large"}},
}
CONTEXT = ResolveContext(job_name="job", region="us-east-1", role_arn=ROLE, output_path="s3://bucket/out")


def on(count: int) -> dict[str, Any]:
    return {"resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": count}}


def version(bench: Workbench) -> int:
    """Of the object, whose every write counts one up."""
    return int(bench.api.objects[bench.path()]["metadata"]["resourceVersion"])


@pytest.mark.parametrize(
    ("reason", "spec", "ready"),
    [
        ("a role that is not allowed", {"roleArn": SOMEBODYS}, "NotAllowed"),
        ("no image", {"algorithmSpecification": {}}, "InvalidSpec"),
        ("a model to start from", {"modelRef": {"kind": "TrainingJob", "name": "base"}}, "WaitingForReference"),
        ("suspended", {"runPolicy": {"suspend": True}}, "Suspended"),
    ],
)
async def test_the_count_comes_with_the_first_verdict(
    bench: Workbench, reason: str, spec: dict[str, Any], ready: str
) -> None:
    memory = bench.put(spec=SPEC | on(3) | spec)
    made = version(bench)
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == ready, reason
    assert bench.status()["instanceCount"] == 3, reason
    assert "attempts" not in bench.status(), reason
    assert version(bench) == made + 1, "both in one write"
    await bench.reconcile(memory)
    assert version(bench) == made + 1, "and only once"


async def test_the_count_follows_a_spec_that_is_mended(bench: Workbench) -> None:
    refused = SPEC | {"roleArn": SOMEBODYS}
    await bench.reconcile(bench.put(spec=refused))
    assert bench.status()["instanceCount"] == 1, "the default"
    memory = bench.put(spec=refused | on(5), status=bench.status(), metadata={"generation": 2})
    await bench.reconcile(memory)
    assert bench.status()["instanceCount"] == 5
    memory = bench.put(spec=SPEC | on(2), status=bench.status(), metadata={"generation": 3})
    await bench.reconcile(memory)
    assert (len(bench.status()["attempts"]), bench.status()["instanceCount"]) == (1, 2)


async def test_the_count_stays_where_the_name_is_taken(bench: Workbench) -> None:
    memory = bench.put(spec=SPEC | on(3))
    bench.target.errors["submit"] = NameConflictError("is there already")
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "NameConflict"
    assert (bench.status()["attempts"], bench.status()["instanceCount"]) == ([], 3)


@pytest.mark.parametrize(
    ("reason", "resources", "count"),
    [
        ("none", None, None),
        ("no object", "ml.m5.large", None),
        ("a list", ["ml.m5.large"], None),
        ("words for a number", {"instanceType": "ml.m5.large", "instanceCount": "two"}, 1),
        ("groups of nothing", {"instanceGroups": [{}, None]}, 0),
    ],
)
async def test_odd_resources_are_told_as_they_are(
    bench: Workbench, reason: str, resources: Any, count: int | None
) -> None:
    memory = bench.put(spec=SPEC | {"roleArn": SOMEBODYS, "resourceConfig": resources})
    await bench.reconcile(memory)
    assert bench.ready()["reason"] == "NotAllowed", reason
    assert bench.status().get("instanceCount") == count, reason


@pytest.mark.parametrize(
    ("reason", "spec", "ready", "source"),
    [
        ("it waits for the very model", REFERENCE, "WaitingForReference", "TrainingJob/digits"),
        ("refused", {"roleArn": SOMEBODYS}, "NotAllowed", "s3://sagebridge-local/models/model.tar.gz"),
        ("no model at all", {"model": None}, "InvalidSpec", None),
        ("half a model", {"model": {"primaryContainer": {}}, "roleArn": SOMEBODYS}, "NotAllowed", None),
    ],
)
async def test_a_batch_transform_says_at_once_which_model_and_how_many_instances(
    reason: str, spec: dict[str, Any], ready: str, source: str | None
) -> None:
    async with workbench(kind=batch_transform.KIND) as bench:
        await bench.reconcile(bench.put("predict", spec=transform_spec(**spec)))
        status = bench.status("predict")
        assert bench.ready("predict")["reason"] == ready, reason
        assert (status.get("modelSource"), status["instanceCount"]) == (source, 1), reason
        assert "attempts" not in status, reason


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        (KIND, SPEC),
        (processing_job.KIND, PROCESSING),
        (batch_transform.KIND, transform_spec(model=None, modelName="m")),
    ],
    ids=lambda value: value.name if isinstance(value, JobKind) else "",
)
def test_the_default_that_is_told_is_the_one_that_is_asked_for(kind: JobKind, spec: dict[str, Any]) -> None:
    told = instance_count(spec, kind.resources)
    assert told == instance_count(kind.resolve(spec, CONTEXT), kind.resources) == 1
