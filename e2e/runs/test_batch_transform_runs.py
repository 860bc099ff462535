"""BatchTransforms that really run: from the manifest, through a model that a TrainingJob has trained, to the files."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from sagebridge_local.stack import OperatorProcess, Simulator
from support.batch_transforms import BatchTransforms
from support.jobs import Jobs, ready

ROOT = Path(__file__).parents[2]
BUCKET = "my-bucket"
IMAGES = {"*/sagemaker-xgboost:*": [sys.executable, str(ROOT / "tests/support/sum_image.py")]}

TRAIN = """
import os


def model_fn(model_dir):
    return open(os.path.join(model_dir, "factor.txt")).read()


def input_fn(body, content_type):
    return (body.decode() if isinstance(body, bytes) else body).splitlines()


def predict_fn(lines, model):
    return [f"{model}:{line}" for line in lines]


def output_fn(answers, accept):
    return "\\n".join(answers), accept or "text/csv"


if __name__ == "__main__":
    open(os.path.join(os.environ["SM_MODEL_DIR"], "factor.txt"), "w").write("trained")
"""


class Stage:
    """A local SageMaker that runs jobs, with an operator before it."""

    def __init__(self, local: Simulator, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self.local = local
        self.trainings = Jobs(client, namespace)
        self.transforms = BatchTransforms(client, namespace)
        self._core = kubernetes.client.CoreV1Api(client)

    def put(self, key: str, body: bytes) -> None:
        self.local.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.local.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def put_code(self, name: str, **files: str) -> dict[str, str]:
        body = {"metadata": {"name": name}, "data": {f"{key}.py": text for key, text in files.items()}}
        self._core.create_namespaced_config_map(self.trainings.namespace, body)
        return {"name": name}

    def models(self) -> list[str]:
        return [model["ModelName"] for model in self.local.client("sagemaker").list_models()["Models"]]


@pytest.fixture
def stage(
    simulator: Callable[..., Simulator],
    operator: Callable[..., OperatorProcess],
    kube: kubernetes.client.ApiClient,
    namespace: str,
    tmp_path: Path,
) -> Stage:
    images = tmp_path / "images.json"
    images.write_text(json.dumps(IMAGES))
    local = simulator("--images", str(images), "--stop-grace", "1")
    local.make_bucket(BUCKET)
    operator(endpoint_url=local.url, environment={"SAGEBRIDGE_POLL_INTERVAL_SECONDS": "0.3"})
    return Stage(local, kube, namespace)


def manifest(path: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "examples" / path).read_text()))


def ended(job: dict[str, Any]) -> bool:
    return ready(job).get("reason") in ("Completed", "JobFailed") and "models" not in job["status"]


def test_the_examples_join_a_csv_with_its_predictions(stage: Stage) -> None:
    for channel in ("train", "validation"):
        stage.put(f"digits/{channel}/rows.csv", b"1,2,3\n0,4,5\n")
    stage.put("digits/unseen/a.csv", b"id-1,1,2\nid-2,3,4\n")
    stage.put("digits/unseen/more/b.csv", b"id-3,5,6\n")
    for jobs, path in (
        (stage.transforms, "batchtransform/csv-join.yaml"),
        (stage.trainings, "trainingjob/builtin-xgboost.yaml"),
    ):
        applied = manifest(path)
        jobs.create(applied["metadata"]["name"], applied["spec"])

    done = stage.transforms.wait("csv-join", ended)

    assert ready(done)["reason"] == "Completed", ready(done)
    assert stage.get("s3://my-bucket/digits/predictions/a.csv.out") == b"id-1,3\nid-2,7\n"
    assert stage.get("s3://my-bucket/digits/predictions/more/b.csv.out") == b"id-3,11\n"
    assert done["status"]["image"].endswith("/sagemaker-xgboost:1.7-1")
    assert stage.models() == []


def train_script(stage: Stage) -> None:
    fields = {
        "framework": {"name": "sklearn", "version": "1.2-1"},
        "source": {"entryPoint": "train.py", "configMap": stage.put_code("training", train=TRAIN)},
        "resourceConfig": {"instanceType": "ml.m5.large"},
    }
    stage.trainings.create("trained", fields)


def transform(stage: Stage, **changes: Any) -> dict[str, Any]:
    where = {"dataSource": {"s3DataSource": {"s3Uri": "s3://my-bucket/rows/"}}, "contentType": "text/csv"}
    reference = {"kind": "TrainingJob", "name": "trained"}
    stage.transforms.make(model=None, modelRef=reference, transformInput={**where, "splitType": "Line"}, **changes)
    done = stage.transforms.wait("predict", ended)
    assert ready(done)["reason"] == "Completed", ready(done)
    return done


def test_a_model_trained_by_a_script_is_served_by_it(stage: Stage) -> None:
    stage.put("rows/a.csv", b"1\n2\n")
    train_script(stage)
    status = transform(stage)["status"]
    assert stage.get(f"{status['outputPath']}/a.csv.out") == b"trained:1\ntrained:2"


def test_inference_code_is_packed_into_the_model(stage: Stage) -> None:
    stage.put("rows/a.csv", b"1\n2\n")
    train_script(stage)
    other = TRAIN.replace('f"{model}:{line}"', 'f"{model}, served: {line}"')
    code = stage.put_code("serving", inference=other, helpers="x = 1")
    status = transform(stage, source={"entryPoint": "inference.py", "configMap": code})["status"]
    assert stage.get(f"{status['outputPath']}/a.csv.out") == b"trained, served: 1\ntrained, served: 2"
    packed = [
        item["Key"]
        for item in stage.local.client("s3").list_objects_v2(Bucket="sagebridge-local")["Contents"]
        if item["Key"].endswith("/model.tar.gz") and "/predict/model/" in item["Key"]
    ]
    [key] = packed
    assert key.startswith(f"sagebridge/{stage.transforms.namespace}/predict/model/")
    with tarfile.open(fileobj=io.BytesIO(stage.get(f"s3://sagebridge-local/{key}"))) as archive:
        assert sorted(archive.getnames()) == ["code/helpers.py", "code/inference.py", "factor.txt"]


def test_a_row_that_the_model_refuses_is_shown_and_the_rest_is_there(stage: Stage) -> None:
    for channel in ("train", "validation"):
        stage.put(f"digits/{channel}/rows.csv", b"1,2,3\n")
    stage.put("digits/unseen/a.csv", b"id-1,1,2\n")
    stage.put("digits/unseen/b.csv", b"id-2,no,4\n")
    for jobs, path in (
        (stage.trainings, "trainingjob/builtin-xgboost.yaml"),
        (stage.transforms, "batchtransform/csv-join.yaml"),
    ):
        applied = manifest(path)
        jobs.create(applied["metadata"]["name"], applied["spec"])

    failed = stage.transforms.wait("csv-join", ended)

    assert ready(failed)["reason"] == "JobFailed"
    assert "my-bucket/digits/unseen/b.csv: Bad HTTP status received from algorithm: 400" in ready(failed)["message"]
    assert stage.get("s3://my-bucket/digits/predictions/a.csv.out") == b"id-1,3\n"
    assert stage.models() == []
    stage.transforms.wait_event("csv-join", "JobFailed")
