"""A local SageMaker that really transforms, with models of a few lines."""

import io
import json
import secrets
import tarfile
from typing import Any

import pytest
from sagebridge_local.stack import Simulator
from support.waiting import eventually

ROLE = "arn:aws:iam::123456789012:role/serving"
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"

# A model for rows of CSV: the sum of each, on a line of its own. What begins with "bad" is too much for it.
INFERENCE = """
import os


def model_fn(model_dir):
    with open(os.path.join(model_dir, "factor.txt")) as file:
        return float(file.read())


def input_fn(body, content_type):
    text = body.decode() if isinstance(body, bytes) else body
    if text.startswith("bad"):
        raise ValueError("these are no numbers")
    return [[float(cell) for cell in line.split(",")] for line in text.splitlines()]


def predict_fn(rows, factor):
    return [factor * sum(row) for row in rows]


def output_fn(sums, accept):
    return "\\n".join(str(each) for each in sums), accept or "text/csv"
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory, forked_simulator):
    """The server, with a bucket and the images `broken:*`, whose containers end at once."""
    directory = tmp_path_factory.mktemp("transform")
    images = directory / "images.json"
    images.write_text(json.dumps({"broken:*": ["/bin/sh", "-c", "echo 'no such model' >&2; exit 3", "sh"]}))
    arguments = ("--images", str(images), "--stop-grace", "1")
    simulator = Simulator.start(directory / "simulator", arguments=arguments, spawn=forked_simulator)
    simulator.make_bucket("bucket")
    yield simulator
    simulator.stop(grace=5)


@pytest.fixture
def name() -> str:
    return f"t-{secrets.token_hex(4)}"


@pytest.fixture
def client(running) -> Any:
    return running.client("sagemaker")


def archive(**files: str) -> bytes:
    """A .tar.gz of texts."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


class Transforms:
    """The objects and the jobs of one test."""

    def __init__(self, running: Simulator, name: str) -> None:
        self.name = name
        self._sagemaker = running.client("sagemaker")
        self._s3 = running.client("s3")
        self._logs = running.client("logs")

    def put(self, **objects: bytes) -> None:
        for key, body in objects.items():
            self._s3.put_object(Bucket="bucket", Key=f"{self.name}/in/{key}", Body=body)

    def make_model(self, *, image: str = SKLEARN, inference: str = INFERENCE) -> None:
        body = archive(**{"factor.txt": "2", "code/inference.py": inference})
        self._s3.put_object(Bucket="bucket", Key=f"{self.name}/model.tar.gz", Body=body)
        container = {
            "Image": image,
            "ModelDataUrl": f"s3://bucket/{self.name}/model.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
        }
        self._sagemaker.create_model(ModelName=self.name, PrimaryContainer=container, ExecutionRoleArn=ROLE)

    def start(self, *, source: dict[str, Any] | None = None, target: dict[str, Any] | None = None, **more: Any) -> None:
        where = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/{self.name}/in/"}}
        self._sagemaker.create_transform_job(
            TransformJobName=self.name,
            ModelName=self.name,
            TransformInput={"DataSource": where, "ContentType": "text/csv", "SplitType": "Line"} | (source or {}),
            TransformOutput={"S3OutputPath": f"s3://bucket/{self.name}/out", "AssembleWith": "Line"} | (target or {}),
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **more,
        )

    def ended(self) -> dict[str, Any]:
        """The job, once it has ended."""

        def look() -> dict[str, Any] | None:
            described = self._sagemaker.describe_transform_job(TransformJobName=self.name)
            return described if described["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

        return eventually(look, what="the end of the job")

    def run(self, **request: Any) -> dict[str, Any]:
        self.start(**request)
        return self.ended()

    def objects(self, prefix: str = "out/") -> dict[str, bytes]:
        """What lies below a prefix of the test's own."""
        whole = f"{self.name}/{prefix}"
        listed = self._s3.list_objects_v2(Bucket="bucket", Prefix=whole).get("Contents", ())
        return {
            item["Key"].removeprefix(whole): self._s3.get_object(Bucket="bucket", Key=item["Key"])["Body"].read()
            for item in listed
        }

    def logs(self) -> dict[str, str]:
        """The job's log streams, by what follows its name."""
        group = "/aws/sagemaker/TransformJobs"
        streams = self._logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=self.name)["logStreams"]
        return {
            stream["logStreamName"].removeprefix(f"{self.name}/"): "\n".join(
                event["message"]
                for event in self._logs.get_log_events(
                    logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
                )["events"]
            )
            for stream in streams
        }


@pytest.fixture
def transforms(running, name) -> Transforms:
    return Transforms(running, name)
