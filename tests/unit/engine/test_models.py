"""The model that is made before a job, from what its manifest refers to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.engine.failures import NotReadyError, WaitingError
from sagebridge.engine.models import ModelInput, ModelInputs, ready_model
from sagebridge.engine.store import Store
from sagebridge.kinds.batch_transform import KIND
from sagebridge.kube.client import KubeClient
from support.referring import ARTIFACT, COMPLETE, OWN, body, nobody, place_of

SEARCHED = {"modelArtifacts": {"s3ModelArtifacts": ARTIFACT}, "region": "us-east-1"}
OWN_ALGORITHM = {"algorithmSpecification": {"trainingImage": OWN}}
PYTORCH = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-gpu-py311"


async def model_of(store: Store) -> ModelInput | None:
    spec = {
        "modelRef": {"kind": "HPTuningJob", "name": "search"},
        "transformResources": {"instanceType": "ml.m5.large"},
    }
    job = Job.parse(body("predict", spec, {}))
    place = place_of(job)
    return await ModelInputs(client=KubeClient(login=nobody), store=store).resolve(job, KIND, place)


@pytest.mark.parametrize(
    ("reason", "spec", "status", "image"),
    [
        ("an own image", {"trainingJobDefinition": OWN_ALGORITHM}, {"image": OWN}, OWN),
        (
            "the inference image of the framework that trained",
            {"trainingJobDefinition": {"framework": {"name": "pytorch", "version": "2.3"}}},
            {"image": PYTORCH},
            "pytorch-inference:2.3.0-cpu",
        ),
        (
            "of several definitions the best one's",
            {
                "trainingJobDefinitions": [
                    {"definitionName": "own", **OWN_ALGORITHM},
                    {"definitionName": "built-in", "algorithm": {"name": "xgboost", "version": "1.7-1"}},
                ]
            },
            {"bestTrainingJob": {"trainingJobDefinitionName": "built-in"}},
            "sagemaker-xgboost:1.7-1",
        ),
    ],
)
async def test_the_best_of_a_search(
    reason: str, spec: Mapping[str, Any], status: Mapping[str, Any], image: str
) -> None:
    store = Store()
    store.put("HPTuningJob", body("search", spec, {**SEARCHED, **status, "conditions": COMPLETE}))
    made = await model_of(store)
    assert made is not None
    assert made.reference == {"kind": "HPTuningJob", "name": "search", "uid": "uid-search", "uri": ARTIFACT}, reason
    assert image in str(made.image), reason
    assert made.request["primaryContainer"]["modelDataUrl"] == ARTIFACT, reason


async def test_a_search_that_runs_is_waited_for() -> None:
    store = Store()
    store.put("HPTuningJob", body("search", {"trainingJobDefinition": OWN_ALGORITHM}, {}))
    with pytest.raises(NotReadyError, match="waiting for HPTuningJob search to be Ready"):
        await model_of(store)


async def test_a_search_that_is_not_there_is_to_be_made() -> None:
    with pytest.raises(WaitingError, match="waiting for HPTuningJob search, which is not there") as caught:
        await model_of(Store())
    assert caught.value.reason is Reason.WAITING_FOR_REFERENCE


async def test_a_search_that_has_completed_without_a_model_is_not_waited_for() -> None:
    store = Store()
    store.put("HPTuningJob", body("search", {"trainingJobDefinition": OWN_ALGORITHM}, {"conditions": COMPLETE}))
    with pytest.raises(SpecError, match="HPTuningJob search has completed without a model"):
        await model_of(store)


def test_nothing_goes_on_from_a_job_that_has_completed_without_a_model() -> None:
    store = Store()
    store.put("TrainingJob", body("first", {}, {"conditions": COMPLETE}))
    second = Job.parse(body("second", {"modelRef": {"kind": "TrainingJob", "name": "first"}}, {}))
    with pytest.raises(SpecError, match="TrainingJob first has completed without a model") as caught:
        ready_model(store, second)
    assert caught.value.field == "spec.modelRef"


async def test_a_search_that_has_failed_gives_no_model() -> None:
    store = Store()
    failed = [{"type": "Failed", "status": "True"}]
    store.put("HPTuningJob", body("search", {"trainingJobDefinition": OWN_ALGORITHM}, {"conditions": failed}))
    with pytest.raises(SpecError, match="HPTuningJob search has failed"):
        await model_of(store)
