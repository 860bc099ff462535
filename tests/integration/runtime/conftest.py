"""A real S3 and CloudWatch Logs (moto, over HTTP), and a workbench to run jobs against them."""

import asyncio
import io
import itertools
import tarfile
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from sagebridge_local.runtime.run import (
    Outcome,
    Progress,
    RunHandle,
    RuntimeSettings,
    TrainingRun,
    run_training,
    start_training,
)

REGION = "us-west-2"
ACCOUNT = "123456789012"
SKLEARN = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
_BUCKETS = itertools.count(1)


@dataclass
class Workbench:
    """One test's bucket and work directory."""

    endpoint_url: str
    bucket: str
    work_dir: Path
    settings: RuntimeSettings
    progress: list[Progress] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def put(self, key: str, body: bytes | str) -> str:
        content = body.encode() if isinstance(body, str) else body
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str = "") -> list[str]:
        found = self.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in found]

    def archive(self, uri: str) -> dict[str, str]:
        with tarfile.open(fileobj=io.BytesIO(self.get(uri)), mode="r:gz") as tar:
            files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
            return {name: file.read().decode() for name, file in files.items() if file}

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

    def channel(self, name: str, key: str, **more: Any) -> dict[str, Any]:
        s3 = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/{key}", **more.pop("s3", {})}
        return {"ChannelName": name, "DataSource": {"S3DataSource": s3}, **more}

    def request(
        self, *, image: str = SKLEARN, hyperparameters: Mapping[str, str] | None = None, **members: Any
    ) -> dict[str, Any]:
        algorithm = {"TrainingImage": image, "TrainingInputMode": "File", **members.pop("algorithm", {})}
        return {
            "TrainingJobName": "digits-1",
            "AlgorithmSpecification": algorithm,
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/training",
            "HyperParameters": dict(hyperparameters or {}),
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            **members,
        }

    def script(self, text: str, *, files: Mapping[str, str] | None = None, **members: Any) -> dict[str, Any]:
        """A request for script mode with train.py."""
        hyperparameters = {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"{self.source(train__py=text, **(files or {}))}"',
            **members.pop("hyperparameters", {}),
        }
        return self.request(hyperparameters=hyperparameters, **members)

    def training_run(
        self, request: Mapping[str, Any], *, images: Mapping[str, list[str]] | None = None, **settings: Any
    ) -> TrainingRun:
        name = request["TrainingJobName"]
        return TrainingRun(
            name=name,
            arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}",
            request=request,
            region=REGION,
            account=ACCOUNT,
            work_dir=self.work_dir,
            endpoint_url=self.endpoint_url,
            images=images or {},
            credentials={"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
            settings=replace(self.settings, **settings),
        )

    async def run(self, request: Mapping[str, Any], **options: Any) -> Outcome:
        return await run_training(self.training_run(request, **options), report=self.progress.append)

    def start(self, request: Mapping[str, Any], **options: Any) -> RunHandle:
        return start_training(self.training_run(request, **options), report=self.progress.append)

    async def until(self, *, path: Path | None = None, keys: tuple[str, list[str]] | None = None) -> str:
        """Wait until a file below the work directory has content, or a prefix has just these keys."""
        file = self.work_dir / (path or "")
        while not (file.read_text() if path and file.exists() else keys and self.keys(keys[0]) == keys[1]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return file.read_text() if path else ""

    def statuses(self) -> list[str]:
        return [each.secondary_status for each in self.progress]

    def log(self, host: str = "algo-1") -> list[str]:
        """What CloudWatch Logs has of a host."""
        group = {"logGroupName": "/aws/sagemaker/TrainingJobs"}
        logs = self.client("logs")
        streams = logs.describe_log_streams(**group, logStreamNamePrefix=f"digits-1/{host}-")["logStreams"]
        name = max(streams, key=lambda stream: stream["creationTime"])["logStreamName"]
        return [
            event["message"] for event in logs.get_log_events(**group, logStreamName=name, startFromHead=True)["events"]
        ]


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{port}"
    server.stop()


@pytest.fixture
def bench(aws: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    settings = RuntimeSettings(
        cache_dir=tmp_path_factory.mktemp("venvs"),
        use_docker=False,
        log_flush_seconds=0.02,
        checkpoint_sync_seconds=0.05,
    )
    made = Workbench(endpoint_url=aws, bucket=f"bucket-{next(_BUCKETS)}", work_dir=tmp_path / "job", settings=settings)
    made.client("s3").create_bucket(Bucket=made.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    logs = made.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])
    return made
