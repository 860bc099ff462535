"""What endpoints read and write elsewhere."""

import pytest
from sagebridge_local.sagemaker.endpoints.outbox import AwsOutbox

REGION = "us-west-2"


@pytest.mark.parametrize("account", ["123456789012", "210987654321"])
async def test_the_users_own_configuration_means_nothing(kitchen, monkeypatch, account):
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-is-not-there")
    outbox, where = AwsOutbox(kitchen.endpoint_url), {"account": account, "region": REGION}
    uri = f"s3://{kitchen.bucket}/result"

    await outbox.write(uri, b"done", content_type="text/plain", **where)

    assert await outbox.read(uri, **where) == (b"done", "text/plain")
