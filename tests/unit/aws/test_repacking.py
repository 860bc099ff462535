"""Archives that are packed of what lies in S3: what is read from there, and one at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sagebridge.core.errors import AwsError, ErrorClass, SpecError
from sagebridge.core.names import Owner
from sagebridge.core.serving import Repack
from sagebridge.core.tenancy import Tenant
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.gateway import Gateway
from sagebridge.targets.sagemaker.repacking import Repacker
from support.aws import Reply, ScriptedAws

ABSENT = Reply(status=404)
TENANT = Tenant(
    regions=None,
    default_region="us-east-1",
    default_role=None,
    allowed_roles=(),
    default_bucket=None,
    allowed_prefixes=None,
)
HANDLE = Handle(
    owner=Owner(cluster="c", namespace="team-a", name="serve", uid="u"),
    tenant=TENANT,
    region="us-east-1",
    name="serve",
    since=datetime(2026, 1, 1, tzinfo=UTC),
)
REPACK = Repack(
    model_uri="s3://models/model.tar.gz",
    code_uri=None,
    entry_point="inference.py",
    key="k",
    files={"inference.py": b"i"},
)
PACKED = "s3://models/packed.tar.gz"


def repacker(gateway: Gateway) -> Repacker:
    return Repacker(caller=Caller(gateway=gateway))


async def test_a_download_that_breaks_off_is_tried_again(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(ABSENT, Reply(body=bytes(1000), cut=True))
    with pytest.raises(AwsError) as caught:
        await repacker(gateway).repack(HANDLE, REPACK, uri=PACKED)
    assert caught.value.operation == "GetObject"
    assert caught.value.error_class is ErrorClass.FAST_RETRY
    assert [request.operation for request in aws.requests] == ["HEAD", "GET"]


async def test_a_broken_model_is_not_uploaded(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(ABSENT, Reply(body=b"\x1f\x8b no archive"))
    with pytest.raises(SpecError, match="no readable"):
        await repacker(gateway).repack(HANDLE, REPACK, uri=PACKED)
    assert [request.operation for request in aws.requests] == ["HEAD", "GET"]
