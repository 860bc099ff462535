"""Who we are in AWS, and what of it may be seen."""

import pytest
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from sagebridge.runtime import s3
from sagebridge.runtime.aws_errors import as_failures
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import Connection, Credentials

GIVEN = Connection.of(
    endpoint_url="http://127.0.0.1:1",
    region="us-west-2",
    credentials={"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"},
)


def test_keys_are_not_shown() -> None:
    shown = repr(GIVEN)
    assert "secret" not in shown
    assert "token" not in shown


def test_the_variables_of_a_connection() -> None:
    places = {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-2"}
    assert Connection(region="us-west-2").variables() == places
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    rest = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED": "true"}
    assert GIVEN.variables() == places | keys | rest


def test_given_keys_are_used_and_others_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "found")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "found")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    given = s3.client(GIVEN, "s3")
    found = s3.client(Connection(region="eu-south-1"), "s3")
    assert given._request_signer._credentials.access_key == "key"
    assert found._request_signer._credentials.access_key == "found"
    assert (given.meta.endpoint_url, found.meta.endpoint_url) == ("http://127.0.0.1:1", "http://127.0.0.1:2")
    assert (given.meta.region_name, found.meta.region_name) == ("us-west-2", "eu-south-1")


@pytest.mark.parametrize(
    ("endpoint_url", "want"),
    [
        (None, "https://bucket.s3."),
        ("http://minio.storage:9000", "http://minio.storage:9000/bucket/key?"),
    ],
)
def test_buckets_have_host_names_only_where_aws_is(endpoint_url: str | None, want: str) -> None:
    keys = Credentials(access_key_id="key", secret_access_key="secret")
    connection = Connection(region="eu-south-1", endpoint_url=endpoint_url, credentials=keys)
    url = s3.client(connection, "s3").generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
    assert url.startswith(want)


def _failed_upload() -> Exception:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, "PutObject")
    try:
        try:
            raise refused
        except ClientError:
            raise S3UploadFailedError("Failed to upload /a/local/path") from None
    except S3UploadFailedError as error:
        return error


@pytest.mark.parametrize(
    ("error", "want"),
    [
        (_failed_upload(), "ClientError: Data upload failed: AccessDenied: No. (s3://b/k)"),
        (S3UploadFailedError("odd"), "ClientError: Data upload failed: odd (s3://b/k)"),
        (NoCredentialsError(), "ClientError: Data upload failed: Unable to locate credentials (s3://b/k)"),
    ],
)
def test_failures_say_what_s3_said(error: Exception, want: str) -> None:
    with pytest.raises(RunFailedError) as caught, as_failures("s3://b/k", doing="upload"):
        raise error
    assert caught.value.reason == want


def _answer(status: int, code: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "GetObject",
    )


@pytest.mark.parametrize(
    ("reason", "error", "want"),
    [
        ("S3 asks to slow down", _answer(503, "SlowDown"), True),
        ("too many requests", _answer(429, "TooManyRequests"), True),
        ("access denied", _answer(403, "AccessDenied"), False),
        ("no such bucket", _answer(404, "NoSuchBucket"), False),
        ("nobody answers", EndpointConnectionError(endpoint_url="http://x"), True),
        ("an answer breaks off", ReadTimeoutError(endpoint_url="http://x"), True),
        ("a download broke off too often", RetriesExceededError(OSError("broken")), True),
        ("no keys yet", CredentialRetrievalError(provider="container-role", error_msg="refused"), True),
        ("no keys", NoCredentialsError(), False),
    ],
)
def test_what_may_work_a_little_later(reason: str, error: Exception, want: bool) -> None:
    with pytest.raises(RunFailedError) as caught, as_failures("s3://b/k"):
        raise error
    assert caught.value.is_transient is want, reason


@pytest.mark.parametrize(
    ("reason", "size", "part"),
    [
        ("small content goes in the usual parts", 0, 8 << 20),
        ("large content has few enough of them", 1 << 40, -(-(1 << 40) // 9_000)),
    ],
)
def test_the_size_of_parts(reason: str, size: int, part: int) -> None:
    config = s3._in_parts(size)
    assert (config.multipart_chunksize, config.max_in_memory_upload_chunks) == (part, 4), reason
    assert size / config.multipart_chunksize < 10_000
