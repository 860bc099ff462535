"""Ten edits of an endpoint whose models are processes that really answer, under a constant stream of invocations."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from integration.operator.serving import Serving
from integration.operator.stream import Stream
from support.jobs import Job, ready

BUCKET = "sagebridge-local"
IMAGE = "246618743249.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
SAYS_ITS_WORD = """
def model_fn(model_dir):
    return open(model_dir + "/word.txt").read()

def transform_fn(model, body, content_type, accept):
    return model, "text/csv"
"""
HALF = {"type": "CAPACITY_PERCENT", "value": 50}


@pytest.fixture
def serving(really_serving: Serving) -> Serving:
    """With the models of six words."""
    for word in ("one", "two", "three", "four", "five", "six"):
        archive = {"Bucket": BUCKET, "Key": f"{word}/model.tar.gz", "Body": packed(word)}
        really_serving.client("s3").put_object(**archive)
    return really_serving


def packed(word: str) -> bytes:
    """A model's archive, with code that answers with this word."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as opened:
        for name, text in (("word.txt", word), ("code/inference.py", SAYS_ITS_WORD)):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            opened.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


def variant(name: str, word: str, **fields: Any) -> dict[str, Any]:
    """A variant that answers with this word."""
    return {"variantName": name, "modelName": word, "instanceType": "ml.m5.large", **fields}


def spec(*variants: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Variants, each with its model. What a merge patch is to remove is None."""
    words = dict.fromkeys(one["modelName"] for one in variants)
    models = [{"name": word, "image": IMAGE, "modelDataUrl": f"s3://{BUCKET}/{word}/model.tar.gz"} for word in words]
    return {"models": models, "productionVariants": [*variants], "deploymentConfig": None, **fields}


def shifting(kind: str, **fields: Any) -> dict[str, Any]:
    """Blue/green, by steps of half the fleet."""
    routing = {"type": kind, "waitIntervalInSeconds": 1, **fields}
    return {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": routing}}


def weights(serving: Serving) -> dict[str, float]:
    return {one["VariantName"]: one["CurrentWeight"] for one in serving.described()["ProductionVariants"]}


def counts(serving: Serving) -> dict[str, int]:
    return {one["VariantName"]: one["CurrentInstanceCount"] for one in serving.described()["ProductionVariants"]}


def routed(serving: Serving) -> Sequence[str]:
    """How the last update was rolled out."""
    config = serving.described().get("LastDeploymentConfig", {})
    policy = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    return [*config, *([policy["Type"]] if policy else [])]


def captured(serving: Serving) -> int:
    """How many captured files there are."""
    return int(serving.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="captured/")["KeyCount"])


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit, and what shows that it is in force.

    Attributes:
        says: what it is.
        wanted: fields of the spec.
        answers: all that the endpoint answers then.
        shows: what else holds then.
        reason: of Ready.
        updates: how many deployments it takes.
    """

    says: str
    wanted: Mapping[str, Any]
    answers: tuple[str, ...]
    shows: Callable[[Serving], bool] = lambda _: True
    reason: str = "InService"
    updates: int = 1


_CANARY = shifting("CANARY", canarySize=HALF)
# Merge patches: what was there before is taken out.
_LINEAR = shifting("LINEAR", linearStepSize=HALF, canarySize=None)
_ROLLING = {
    "rollingUpdatePolicy": {"maximumBatchSize": HALF, "waitIntervalInSeconds": 1},
    "blueGreenUpdatePolicy": None,
}
_FOUR = spec(variant("a", "four", initialInstanceCount=2), deploymentConfig=_CANARY)
_MOVED = variant("a", "six", initialInstanceCount=2, instanceType="ml.m5.xlarge")
_CAPTURE = {
    "enableCapture": True,
    "initialSamplingPercentage": 100,
    "destinationS3Uri": f"s3://{BUCKET}/captured",
    "captureOptions": [{"captureMode": "Input"}, {"captureMode": "Output"}],
}
_LIGHT, _HEAVY = variant("b", "three"), variant("b", "three", initialVariantWeight=3)
_MORE = {**_MOVED, "initialInstanceCount": 3}
# Guardrails want the variants that there were: so variants come and go without.
EDITS = (
    Edit(says="another model, all at once", wanted=spec(variant("a", "two")), answers=("two",)),
    Edit(
        says="by canary",
        wanted=_FOUR,
        answers=("four",),
        shows=lambda serving: routed(serving) == ["BlueGreenUpdatePolicy", "CANARY"],
    ),
    Edit(
        says="one that fails",
        wanted=spec(variant("a", "nowhere", initialInstanceCount=2), deploymentConfig=_CANARY),
        answers=("four",),
        shows=lambda serving: "Failed to download model data" in ready(serving.objects.get("scores"))["message"],
        reason="UpdateFailed",
    ),
    Edit(says="taken back", wanted=_FOUR, answers=("four",), updates=0),
    Edit(
        says="in linear steps",
        wanted=spec(variant("a", "five", initialInstanceCount=2), deploymentConfig=_LINEAR),
        answers=("five",),
        shows=lambda serving: routed(serving) == ["BlueGreenUpdatePolicy", "LINEAR"],
    ),
    Edit(
        says="rolling, to other instances",
        wanted=spec(_MOVED, deploymentConfig=_ROLLING),
        answers=("six",),
        shows=lambda serving: routed(serving) == ["RollingUpdatePolicy"],
    ),
    Edit(says="a second variant", wanted=spec(_MOVED, _LIGHT), answers=("six", "three")),
    Edit(
        says="weights alone",
        wanted=spec(_MOVED, _HEAVY),
        answers=("six", "three"),
        shows=lambda serving: weights(serving) == {"a": 1, "b": 3},
        updates=0,
    ),
    Edit(
        says="counts alone",
        wanted=spec(_MORE, _HEAVY),
        answers=("six", "three"),
        shows=lambda serving: counts(serving) == {"a": 3, "b": 1},
        updates=0,
    ),
    Edit(
        says="to one variant, with what it is asked captured",
        wanted=spec(_MORE, dataCaptureConfig=_CAPTURE),
        answers=("six",),
        shows=lambda serving: captured(serving) > 0,
    ),
)


def test_ten_edits_of_every_sort_fail_no_invocation(serving: Serving) -> None:
    first = {key: value for key, value in spec(variant("a", "one")).items() if value}
    serving.objects.create("scores", first)
    name = serving.at_rest()["status"]["endpointName"]
    runtimes = [serving.client("sagemaker-runtime") for _ in range(2)]
    with Stream(*runtimes, name=name) as stream:
        stream.await_only("one")
        for edit in EDITS:
            before = serving.world.count("UpdateEndpoint")
            generation = serving.objects.patch("scores", {"spec": edit.wanted})["metadata"]["generation"]
            serving.objects.wait("scores", stands(edit.reason, generation), what=edit.says)
            stream.await_only(*edit.answers)
            serving.world.eventually(lambda edit=edit: edit.shows(serving), edit.says)
            assert serving.world.count("UpdateEndpoint") - before == edit.updates, edit.says
    assert stream.failures == []
    assert serving.world.count("CreateEndpoint") == 1
    assert serving.world.count("DeleteEndpoint") == 0


def stands(reason: str, generation: int) -> Callable[[Job], bool]:
    """Ready has this reason, for this generation of the spec."""

    def holds(job: Job) -> bool:
        return (ready(job).get("reason"), ready(job).get("observedGeneration")) == (reason, generation)

    return holds
