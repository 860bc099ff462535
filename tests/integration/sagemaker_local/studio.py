"""Makes models that say a word, and endpoints of them."""

import io
import json
import tarfile
from dataclasses import dataclass
from typing import Any

from sagebridge_local.stack import Simulator
from support.waiting import eventually

BUCKET = "serving-bucket"
IMAGE = "246618743249.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ROLE = "arn:aws:iam::123456789012:role/serving"
SAY = """
import time

def model_fn(model_dir):
    return open(model_dir + "/word.txt").read()

def transform_fn(model, body, content_type, accept):
    if body == "break" or model == "broken":
        raise ValueError("no such row")
    if body == "slow":
        time.sleep(1)
    if body == "stream":
        return (piece for piece in (model, "-", "in", "-", "pieces")), "text/plain"
    return f"{model}:{body}", "text/csv"
"""


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass
class Studio:
    """Makes models that say a word, and endpoints of them, with names of the test's own."""

    simulator: Simulator
    prefix: str

    def __post_init__(self) -> None:
        self.sagemaker = self.simulator.client("sagemaker")
        self.runtime = self.simulator.client("sagemaker-runtime")
        self.s3 = self.simulator.client("s3")
        self.endpoint_name = f"{self.prefix}-endpoint"

    def container(self, word: str, **members: Any) -> dict[str, Any]:
        key = f"{self.prefix}/{word}/model.tar.gz"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=archive({"word.txt": word, "code/inference.py": SAY}))
        return {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{key}", **members}

    def model(self, word: str, **request: Any) -> str:
        name = f"{self.prefix}-{word}"
        request = request or {"PrimaryContainer": self.container(word)}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, **request)
        return name

    def variant(self, word: str, **changes: Any) -> dict[str, Any]:
        """A variant whose model was made by `model`."""
        instances = {} if "ServerlessConfig" in changes else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        return {"VariantName": word, "ModelName": f"{self.prefix}-{word}", **instances, **changes}

    def config(self, name: str, *variants: dict[str, Any], **members: Any) -> str:
        full = f"{self.prefix}-{name}"
        self.sagemaker.create_endpoint_config(EndpointConfigName=full, ProductionVariants=list(variants), **members)
        return full

    def deploy(self, config: str, **members: Any) -> dict[str, Any]:
        self.sagemaker.create_endpoint(EndpointName=self.endpoint_name, EndpointConfigName=config, **members)
        return self.settled()

    def update(self, config: str, **members: Any) -> None:
        self.sagemaker.update_endpoint(EndpointName=self.endpoint_name, EndpointConfigName=config, **members)

    def settled(self) -> dict[str, Any]:
        """Wait until nothing is under way."""

        def look() -> dict[str, Any] | None:
            described = self.sagemaker.describe_endpoint(EndpointName=self.endpoint_name)
            return described if described["EndpointStatus"] in {"InService", "Failed"} else None

        return eventually(look, what="an endpoint that is settled")

    def ask(self, body: bytes | str = "x", **options: Any) -> str:
        given = {"ContentType": "text/csv", **options}
        return self.runtime.invoke_endpoint(EndpointName=self.endpoint_name, Body=body, **given)["Body"].read().decode()

    def object(self, uri: str) -> str:
        """An object's content, once it is there."""
        bucket, key = uri.removeprefix("s3://").split("/", 1)

        def look() -> tuple[str] | None:
            try:
                return (self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode(),)
            except self.s3.exceptions.NoSuchKey:
                return None

        return eventually(look, what=uri)[0]

    def capture(self) -> dict[str, Any]:
        """A DataCaptureConfig that captures all requests and replies, for `captured`."""
        return {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/{self.prefix}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        }

    def captured(self, variant: str) -> dict[str, Any]:
        """What was captured of the only request to a variant, once it is there."""
        prefix = f"{self.prefix}/capture/{self.endpoint_name}/{variant}/"
        found = eventually(
            lambda: self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"), what="a captured line"
        )
        line: dict[str, Any] = json.loads(self.object(f"s3://{BUCKET}/{found[0]['Key']}"))
        return line
