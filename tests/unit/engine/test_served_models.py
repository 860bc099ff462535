"""What pods serve, from what a manifest refers to, and what a tenant may have them serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.core.job import Job
from sagebridge.core.tenancy import Tenant
from sagebridge.engine.served_models import ServedInput, ServedModels
from sagebridge.engine.store import Store
from sagebridge.kinds.batch_transform import KIND
from sagebridge.kinds.training_job import KIND as TRAINING_JOB
from sagebridge.kube.client import KubeClient
from support.referring import ARTIFACT, COMPLETE, OWN, TENANT, body, nobody, place_of

ON_CLUSTER = "registry.example/python-numpy:1"
SERVING = "registry.example/serve:1"
SCRIPT = {
    "target": "Cluster",
    "cluster": {"image": ON_CLUSTER},
    "framework": {"name": "pytorch", "version": "2.3"},
    "source": {"entryPoint": "train.py", "s3Uri": "s3://code/train.tar.gz"},
}
XGBOOST = {"framework": {"name": "xgboost", "version": "1.7-1"}, "source": SCRIPT["source"]}
XGBOOST_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
CODE = {"source": {"entryPoint": "inference.py", "s3Uri": "s3://code/inference.tar.gz"}}
REFERENCE = {"modelRef": {"kind": "TrainingJob", "name": "digits"}}
INLINE = {"model": {"primaryContainer": {"image": OWN, "modelDataUrl": ARTIFACT}}}


async def served(
    *parts: Mapping[str, Any],
    trained: Mapping[str, Any] | None = None,
    image: str = OWN,
    tenant: Tenant = TENANT,
    status: Mapping[str, Any] | None = None,
) -> ServedInput:
    """What a BatchTransform's pods serve, whose spec is made of parts, after a TrainingJob with this spec and image."""
    store = Store()
    found = {"modelArtifacts": {"s3ModelArtifacts": ARTIFACT}, "region": "us-east-1", "image": image}
    store.put("TrainingJob", body("digits", trained or {}, {**found, "conditions": COMPLETE}))
    spec: dict[str, Any] = {"target": "Cluster", "transformResources": {"instanceType": "ml.m5.large"}}
    for part in parts:
        spec |= part
    job = Job.parse(body("predict", spec, status or {}))
    place = place_of(job, tenant=tenant)
    answer = await ServedModels(client=KubeClient(login=nobody), store=store).resolve(job, KIND, place)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("reason", "parts", "trained", "image", "want"),
    [
        ("the manifest's own", [INLINE], {}, OWN, OWN),
        ("what stands for it on the cluster", [INLINE, {"cluster": {"image": SERVING}}], {}, OWN, SERVING),
        ("the image that trained it, which is expected to serve", [REFERENCE], {}, OWN, OWN),
        (
            "one that serves, where the image that trained does not",
            [REFERENCE, {"cluster": {"image": SERVING}}],
            SCRIPT,
            ON_CLUSTER,
            SERVING,
        ),
        ("the framework's, which trains and serves", [REFERENCE], XGBOOST, XGBOOST_IMAGE, XGBOOST_IMAGE),
    ],
)
async def test_the_image(
    reason: str, parts: list[dict[str, Any]], trained: dict[str, Any], image: str, want: str
) -> None:
    found = await served(*parts, trained=trained, image=image)
    assert found.model.image == want, reason
    assert [files.uri for files in found.model.files] == [ARTIFACT], reason


@pytest.mark.parametrize(
    ("reason", "parts", "trained", "want"),
    [
        ("none", [INLINE], {}, None),
        ("the manifest's", [INLINE, CODE], {}, ("inference.py", "s3://code/inference.tar.gz")),
        ("the training script, which serves as well", [REFERENCE], XGBOOST, ("train.py", "s3://code/train.tar.gz")),
        (
            "the manifest's goes before the training script",
            [REFERENCE, CODE],
            XGBOOST,
            ("inference.py", "s3://code/inference.tar.gz"),
        ),
    ],
)
async def test_the_code(
    reason: str, parts: list[dict[str, Any]], trained: dict[str, Any], want: tuple[str, str] | None
) -> None:
    model = (await served(*parts, trained=trained, image=XGBOOST_IMAGE)).model
    if want is None:
        assert model.code is None, reason
        return
    assert model.code is not None, reason
    assert (model.code.entry_point, model.code.uri) == want, reason
    assert model.environment["SAGEMAKER_PROGRAM"] == want[0], reason
    assert model.environment["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code", reason


async def test_the_image_of_the_first_attempt_holds() -> None:
    attempts = [{"number": 1, "recordedAt": "2026-01-01T00:00:00Z"}]
    before = {"attempts": attempts, "image": "registry.example/earlier:1"}
    assert (await served(REFERENCE, status=before)).model.image == "registry.example/earlier:1"


@pytest.mark.parametrize(
    ("reason", "parts", "field"),
    [
        (
            "no image",
            [{"model": {"primaryContainer": {"modelDataUrl": ARTIFACT}}}],
            "spec.model.primaryContainer.image",
        ),
        ("a model in SageMaker", [{"modelName": "own"}], "spec.modelName"),
    ],
)
async def test_what_can_not_be_served(reason: str, parts: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        await served(*parts)
    assert caught.value.field == field, reason


@pytest.mark.parametrize(
    ("reason", "parts", "field"),
    [
        ("another's model", [INLINE], "spec.model.primaryContainer.modelDataUrl"),
        (
            "another's code",
            [{"model": {"primaryContainer": {"image": OWN, "modelDataUrl": "s3://team/m.tar.gz"}}}, CODE],
            "spec.source.s3Uri",
        ),
    ],
)
async def test_what_a_tenant_may_not_have_served(reason: str, parts: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(NotAllowedError) as caught:
        await served(*parts, tenant=replace(TENANT, allowed_prefixes=("s3://team/",)))
    assert caught.value.field == field, reason


async def test_a_kind_that_serves_nothing() -> None:
    job = Job.parse(body("train", {"target": "Cluster"}, {}))
    place = place_of(job)
    assert await ServedModels(client=KubeClient(login=nobody), store=Store()).resolve(job, TRAINING_JOB, place) is None
