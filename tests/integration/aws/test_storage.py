"""Packed source in S3, against moto's S3."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from prometheus_client import CollectorRegistry
from sagebridge.core.errors import AwsError, ErrorClass
from sagebridge.metrics import Metrics
from sagebridge.targets.sagemaker.gateway import AwsScope, Gateway, GatewaySettings

BUCKET = "sources"
BODY = b"print('hello')"
KEY = f"code/{hashlib.sha256(BODY).hexdigest()}/sourcedir.tar.gz"
SCOPE = AwsScope(region="us-east-1")
ACCOUNT = "123456789012"  # moto's


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    client: Any = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    client.delete_object(Bucket=BUCKET, Key=KEY)
    return client


@pytest.fixture
async def gateway(s3: Any) -> AsyncIterator[Gateway]:
    gateway = Gateway(settings=GatewaySettings(threads=4, rates={}), metrics=Metrics(CollectorRegistry()))
    yield gateway
    await gateway.close()


def calls(gateway: Gateway, operation: str, code: str = "OK") -> float:
    labels = {"operation": operation, "code": code}
    return gateway._metrics.registry.get_sample_value("sagebridge_aws_calls_total", labels) or 0.0


async def upload(gateway: Gateway, **options: Any) -> None:
    options = {"bucket": BUCKET, "key": KEY, "body": BODY, "namespace": "team-a", **options}
    await gateway.upload(SCOPE, **options)


def content(s3: Any) -> bytes:
    body: bytes = s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    return body


async def test_new_content_is_put(gateway: Gateway, s3: Any) -> None:
    await upload(gateway)
    assert content(s3) == BODY


async def test_content_that_is_there_is_not_put_again(gateway: Gateway) -> None:
    await upload(gateway)
    await upload(gateway)
    assert calls(gateway, "PutObject") == 1


async def test_other_content_under_that_key_is_replaced(gateway: Gateway, s3: Any) -> None:
    """Somebody who may write to the bucket must not choose what another object's job runs."""
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"print('evil!')", ChecksumAlgorithm="SHA256")
    await upload(gateway)
    assert content(s3) == BODY


async def test_content_of_another_length_is_replaced(gateway: Gateway, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"")
    await upload(gateway)
    assert content(s3) == BODY


async def test_it_is_encrypted_with_the_key_asked_for(gateway: Gateway, s3: Any) -> None:
    await upload(gateway, kms_key_id="alias/team-a")
    head = s3.head_object(Bucket=BUCKET, Key=KEY)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/team-a")


async def test_a_bucket_that_does_not_exist_is_for_the_user_to_correct(gateway: Gateway) -> None:
    with pytest.raises(AwsError) as caught:
        await upload(gateway, bucket="nobody-made-it")
    assert caught.value.code == "NoSuchBucket"
    assert caught.value.error_class is ErrorClass.USER_ACTION


async def test_whether_an_object_exists(gateway: Gateway, s3: Any) -> None:
    assert not await gateway.object_exists(SCOPE, bucket=BUCKET, key=KEY, namespace="team-a")
    await upload(gateway)
    assert await gateway.object_exists(SCOPE, bucket=BUCKET, key=KEY, namespace="team-a")


async def test_the_account_of_the_credentials(gateway: Gateway) -> None:
    assert await gateway.account_id(SCOPE, namespace="team-a") == ACCOUNT
