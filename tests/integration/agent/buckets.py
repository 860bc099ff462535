"""A real S3 (moto, over HTTP), as a test has it."""

import io
import tarfile
import textwrap
from dataclasses import dataclass
from typing import Any

import boto3

REGION = "us-west-2"


@dataclass
class Bucket:
    """One test's bucket."""

    endpoint_url: str
    name: str

    @property
    def s3(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def create(self) -> None:
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": REGION})

    def put(self, key: str, body: bytes | str) -> str:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body.encode() if isinstance(body, str) else body)
        return f"s3://{self.name}/{key}"

    def get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str = "") -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in found]

    def archive(self, uri: str) -> dict[str, str]:
        content = io.BytesIO(self.get(uri.removeprefix(f"s3://{self.name}/")))
        with tarfile.open(fileobj=content, mode="r:gz") as tar:
            return {each.name: tar.extractfile(each).read().decode() for each in tar if each.isfile()}  # type: ignore[union-attr]

    def source(self, **files: str) -> str:
        """Upload sourcedir.tar.gz; a file's name is written with `__` for the dot."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name, text in files.items():
                content = textwrap.dedent(text).encode()
                member = tarfile.TarInfo(name.replace("__", "."))
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return self.put("code/sourcedir.tar.gz", buffer.getvalue())

    def request(self, **members: Any) -> dict[str, Any]:
        algorithm = {"TrainingImage": "registry/own:1", "TrainingInputMode": "File", **members.pop("algorithm", {})}
        return {
            "TrainingJobName": "digits-1",
            "AlgorithmSpecification": algorithm,
            "RoleArn": "arn:aws:iam::123456789012:role/training",
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.name}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
            **members,
        }
