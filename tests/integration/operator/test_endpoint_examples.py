"""Every example comes into service on the local SageMaker, as it stands."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support import jobs
from support.jobs import ready

from .serving import Serving
from .world import World

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "endpoint").glob("*.yaml"))
BUCKET = "my-bucket"


@pytest.fixture
def serving(world: World) -> Iterator[Serving]:
    found = Serving.of(world)
    yield found
    for one in found.objects.list():
        found.objects.delete(one["metadata"]["name"])


def archive(**files: str) -> bytes:
    """A .tar.gz; underscores in names are dots."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content.encode()))
    return stream.getvalue()


def train_digits(serving: Serving) -> None:
    """A job that runs nothing, the model that it would have left, and the ConfigMap of its code."""
    serving.world.put_config_map("digits-code", {"inference.py": "def model_fn(path): ..."})
    serving.world.script(seconds=0)
    serving.world.jobs.create("digits", jobs.spec())
    status = serving.world.jobs.wait_reason("digits", "Completed")["status"]
    bucket, _, key = status["modelArtifacts"]["s3ModelArtifacts"].removeprefix("s3://").partition("/")
    storage = serving.client("s3")
    storage.create_bucket(Bucket=bucket)
    storage.put_object(Bucket=bucket, Key=key, Body=archive(model_txt="a model"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_comes_into_service_and_goes(serving: Serving, path: Path) -> None:
    manifest = yaml.safe_load(path.read_text())
    name, spec = manifest["metadata"]["name"], manifest["spec"]
    storage = serving.client("s3")
    storage.create_bucket(Bucket=BUCKET)
    storage.put_object(Bucket=BUCKET, Key="documents/model.tar.gz", Body=archive(model_txt="a model"))
    storage.put_object(Bucket=BUCKET, Key="code/documents.tar.gz", Body=archive(inference_py="def model_fn(x): ..."))
    serving.world.aws.endpoint_outcome("documents", seconds=0.2, delete_seconds=0.2)
    if any("modelRef" in model for model in spec.get("models", ())):
        train_digits(serving)
    serving.objects.create(name, spec)
    status = serving.at_rest(name)["status"]
    assert status["endpointStatus"] == "InService"
    scaled = {one["variantName"] for one in spec["productionVariants"] if "autoscaling" in one}
    assert {one["variantName"] for one in status.get("scalableTargets", ())} == scaled
    serving.objects.delete(name)
    serving.objects.wait_gone(name)
    assert (serving.configs(), serving.models()) == (set(), set())


def test_inference_code_is_packed_into_the_models_archive(serving: Serving) -> None:
    storage = serving.client("s3")
    storage.create_bucket(Bucket=BUCKET)
    storage.put_object(Bucket=BUCKET, Key="plain/model.tar.gz", Body=archive(model_txt="a model"))
    serving.world.put_config_map("code", {"inference.py": "def model_fn(path): ..."})
    model = {
        "name": "m",
        "framework": {"name": "pytorch", "version": "2.3"},
        "modelDataUrl": f"s3://{BUCKET}/plain/model.tar.gz",
        "source": {"entryPoint": "inference.py", "configMap": {"name": "code"}},
    }
    variant = {"variantName": "a", "modelName": "m", "instanceType": "ml.m5.large"}
    serving.objects.create("scores", {"models": [model], "productionVariants": [variant]})
    status = serving.at_rest()["status"]
    container = serving.client().describe_model(ModelName=status["servedModels"][0]["modelName"])["PrimaryContainer"]
    assert container["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    packed = storage.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as opened:
        assert sorted(opened.getnames()) == ["code/inference.py", "model.txt"]


def test_code_that_is_not_there_is_told_by_its_place_in_the_manifest(serving: Serving) -> None:
    model = {
        "name": "m",
        "framework": {"name": "pytorch", "version": "2.3"},
        "modelDataUrl": f"s3://{BUCKET}/plain/model.tar.gz",
        "source": {"entryPoint": "inference.py", "configMap": {"name": "code"}},
    }
    variant = {"variantName": "a", "modelName": "m", "instanceType": "ml.m5.large"}
    serving.objects.create("scores", {"models": [model], "productionVariants": [variant]})
    waiting = serving.objects.wait_reason("scores", "WaitingForReference")
    assert ready(waiting)["message"].startswith("spec.models[0].source.configMap: waiting for ConfigMap code")
    serving.world.put_config_map("code", {"predict.py": "def model_fn(path): ..."})
    refused = serving.objects.wait_reason("scores", "InvalidSpec")
    assert ready(refused)["message"].startswith('spec.models[0].source.entryPoint: "inference.py" is not in the source')
