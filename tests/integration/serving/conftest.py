"""A real S3 and CloudWatch Logs (moto, over HTTP), and models that are packed and served from there."""

import io
import itertools
import tarfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from sagebridge.runtime.s3 import Connection
from sagebridge_local.runtime.records import RuntimeSettings
from sagebridge_local.serving import ModelServer, Workplace, containers_of

REGION = "us-west-2"
SKLEARN = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
GROUP = "/aws/sagemaker/Endpoints/digits"
_BUCKETS = itertools.count(1)


def archive(files: dict[str, str | bytes]) -> bytes:
    """A model.tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            body = textwrap.dedent(content).encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


@dataclass
class Kitchen:
    """One test's bucket, and the servers that it started."""

    endpoint_url: str
    bucket: str
    work_dir: Path
    settings: RuntimeSettings
    started: list[ModelServer] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def put(self, key: str, body: bytes) -> str:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def model(self, inference: str, *, key: str = "model.tar.gz", files: dict[str, str] | None = None) -> str:
        """Upload a model.tar.gz with code/inference.py."""
        return self.put(key, archive({"code/inference.py": inference, **(files or {})}))

    def archive_of(self, name: str, text: str) -> bytes:
        return archive({name: text})

    def archive_of_files(self, files: dict[str, str]) -> bytes:
        return archive({**files})

    def definition(self, url: str | None = None, *, image: str = SKLEARN, **members: Any) -> dict[str, Any]:
        return {"Image": image, **({"ModelDataUrl": url} if url else {}), **members}

    async def serve(self, *definitions: dict[str, Any], **place: Any) -> ModelServer:
        """Start a model and keep it until the test's end."""
        members = {"PrimaryContainer": definitions[0]} if len(definitions) == 1 else {"Containers": list(definitions)}
        connection = Connection.of(endpoint_url=self.endpoint_url, region=REGION, credentials={})
        options = {
            "work_dir": self.work_dir / str(len(self.started)),
            "connection": connection,
            "log_group": GROUP,
            "log_stream": "AllTraffic/i-1",
            "settings": self.settings,
            "startup_seconds": 60.0,
        } | place
        server = await ModelServer.start(containers_of(members), Workplace(**options))
        self.started.append(server)
        return server

    def log(self, stream: str) -> list[str]:
        events = self.client("logs").get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)
        return [event["message"] for event in events["events"]]


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{port}"
    server.stop()


@pytest.fixture
async def kitchen(aws: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory):
    settings = RuntimeSettings(cache_dir=tmp_path_factory.mktemp("venvs"), use_docker=False, log_flush_seconds=0.02)
    made = Kitchen(
        endpoint_url=aws, bucket=f"serving-{next(_BUCKETS)}", work_dir=tmp_path / "serving", settings=settings
    )
    made.client("s3").create_bucket(Bucket=made.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    logs = made.client("logs")
    if logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        logs.delete_log_group(logGroupName=GROUP)
    yield made
    for server in made.started:
        await server.stop()
