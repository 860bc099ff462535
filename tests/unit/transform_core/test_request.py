"""The request of CreateTransformJob, and which model it gets."""

import copy
from typing import Any

import pytest
from botocore.validate import ParamValidator
from sagebridge.core.errors import SpecError
from sagebridge.core.names import Owner
from sagebridge.core.resolution import ResolveContext
from sagebridge.core.serving import ModelContext
from sagebridge.core.transform import model_of, resolve
from sagebridge.schema.convert import to_request
from sagebridge.schema.model import input_shape

SPEC: dict[str, Any] = {
    "modelName": "there",
    "transformInput": {"dataSource": {"s3DataSource": {"s3Uri": "s3://bucket/in/"}}},
    "transformOutput": {},
    "transformResources": {"instanceType": "ml.m5.large"},
}
CONTAINER = {"image": "i", "modelDataUrl": "s3://bucket/model.tar.gz"}


def spec(**changes: Any) -> dict[str, Any]:
    merged = copy.deepcopy(SPEC) | changes
    return {key: value for key, value in merged.items() if value is not None}


def context(**changes: Any) -> ResolveContext:
    given = {
        "job_name": "job",
        "region": "us-east-1",
        "role_arn": "arn:aws:iam::123456789012:role/r",
        "output_path": "s3://bucket/ns/name",
        "tags": {"sagebridge.io/uid": "u"},
    }
    return ResolveContext(**(given | changes))


MODEL_CONTEXT = ModelContext(
    region="us-east-1",
    role_arn="arn:aws:iam::123456789012:role/r",
    instance_type="ml.m5.large",
    instance_field="spec.transformResources.instanceType",
    owner=Owner(cluster="c", namespace="n", name="o", uid="u"),
)


def test_what_has_one_sensible_answer_is_filled_in() -> None:
    assert resolve(spec(), context()) == {
        "transformJobName": "job",
        "modelName": "there",
        "transformInput": {"dataSource": {"s3DataSource": {"s3DataType": "S3Prefix", "s3Uri": "s3://bucket/in/"}}},
        "transformOutput": {"s3OutputPath": "s3://bucket/ns/name"},
        "transformResources": {"instanceCount": 1, "instanceType": "ml.m5.large"},
        "tags": [{"key": "sagebridge.io/uid", "value": "u"}],
    }


def test_what_is_given_stays() -> None:
    given = spec(
        transformOutput={"s3OutputPath": "s3://mine/out", "assembleWith": "Line"},
        transformResources={"instanceType": "ml.m5.large", "instanceCount": 3},
        environment={"A": 1, "B": True},
        runPolicy={"suspend": False},
        region="us-east-1",
        batchStrategy=None,
    )
    resolved = resolve(given, context(environment={"A": "0", "C": "c"}))
    assert resolved["transformOutput"] == {"s3OutputPath": "s3://mine/out", "assembleWith": "Line"}
    assert resolved["transformResources"]["instanceCount"] == 3
    assert resolved["environment"] == {"A": "1", "B": "true", "C": "c"}
    assert not {"runPolicy", "region", "batchStrategy"} & resolved.keys()


def test_everything_else_passes_through() -> None:
    fields: dict[str, Any] = {
        "batchStrategy": "SingleRecord",
        "maxConcurrentTransforms": 4,
        "maxPayloadInMB": 6,
        "modelClientConfig": {"invocationsTimeoutInSeconds": 60, "invocationsMaxRetries": 1},
        "dataProcessing": {"inputFilter": "$[1:]", "joinSource": "Input", "outputFilter": "$[0,-1]"},
        "dataCaptureConfig": {"destinationS3Uri": "s3://bucket/captured", "generateInferenceId": True},
        "experimentConfig": {"experimentName": "e"},
    }
    source = {
        "dataSource": {"s3DataSource": {"s3Uri": "s3://bucket/list", "s3DataType": "ManifestFile"}},
        "contentType": "text/csv",
        "compressionType": "Gzip",
        "splitType": "Line",
    }
    resolved = resolve(spec(**fields, transformInput=source), context())
    assert {name: resolved[name] for name in fields} == fields
    assert resolved["transformInput"] == source
    request = to_request("CreateTransformJob", resolved)
    report = ParamValidator().validate(request, input_shape("CreateTransformJob"))
    assert not report.has_errors(), report.generate_report()
    assert request["ModelClientConfig"] == {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 1}
    assert request["DataCaptureConfig"]["GenerateInferenceId"] is True


def test_the_model_that_was_made_is_used() -> None:
    given = spec(modelName=None, model={"primaryContainer": CONTAINER})
    resolved = resolve(given, context(model_name="made"))
    assert resolved["modelName"] == "made"
    assert "model" not in resolved


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"modelName": None}, "spec", "exactly one of modelRef"),
        ({"model": {"primaryContainer": CONTAINER}}, "spec.model", "given together with modelName"),
        ({"source": {"entryPoint": "i.py", "s3Uri": "s3://b/c.tar.gz"}}, "spec.source", "remove it"),
        ({"maxPayloadInMB": 30, "maxConcurrentTransforms": 4}, "spec.maxPayloadInMB", "is 120"),
        ({"environment": {f"V{number}": "" for number in range(17)}}, "spec.environment", "takes 16"),
        ({"tags": [{"key": "sagebridge.io/uid", "value": "x"}]}, "spec.tags[0].key", "choose another key"),
    ],
)
def test_what_can_not_be_is_refused_with_its_field(changes: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        resolve(spec(**changes), context())
    assert caught.value.field == field


def test_a_model_that_is_there_is_not_made() -> None:
    assert model_of(spec(), MODEL_CONTEXT) is None


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (
            {"primaryContainer": {"image": "i", "modelDataSource": {"s3DataSource": {}}}},
            "spec.model.primaryContainer.modelDataSource",
        ),
        ({"containers": [CONTAINER, {**CONTAINER, "mode": "MultiModel"}]}, "spec.model.containers[1].mode"),
    ],
)
def test_models_that_batch_transform_does_not_take(model: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        model_of(spec(modelName=None, model=model), MODEL_CONTEXT)
    assert caught.value.field == field
