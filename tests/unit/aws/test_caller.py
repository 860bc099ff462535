"""Calls for one handle: as whom, and in which account."""

from datetime import UTC, datetime

import pytest
from sagebridge.core.errors import NotAllowedError
from sagebridge.core.names import Owner
from sagebridge.core.tenancy import Tenant
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.gateway import Gateway
from support.aws import ScriptedAws, create_request, created, identity, ok


def handle_of(account_id: str | None) -> Handle:
    tenant = Tenant(
        regions=None,
        default_region="us-east-1",
        default_role=None,
        allowed_roles=(),
        default_bucket=None,
        allowed_prefixes=None,
        account_id=account_id,
        policy_name="team-a",
    )
    owner = Owner(cluster="c", namespace="team-a", name="x", uid="u")
    return Handle(owner=owner, tenant=tenant, region="us-east-1", name="x", since=datetime.now(UTC))


async def test_nothing_is_made_in_another_account_than_the_policy_says(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(identity("111122223333"))
    caller = Caller(gateway=gateway)
    with pytest.raises(NotAllowedError, match="lead to account 111122223333, but tenant policy team-a"):
        await caller.call(handle_of("444455556666"), "CreateTrainingJob", create_request())
    with pytest.raises(NotAllowedError):
        await caller.upload(handle_of("444455556666"), uri="s3://bucket/key", content=b"x")
    assert [request.operation for request in aws.requests] == ["GetCallerIdentity"]


async def test_in_the_right_account_it_is_asked_once(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(identity("444455556666"), created())
    caller = Caller(gateway=gateway)
    for _ in range(2):
        await caller.call(handle_of("444455556666"), "CreateTrainingJob", create_request())
    operations = [request.operation for request in aws.requests]
    assert operations == ["GetCallerIdentity", "CreateTrainingJob", "CreateTrainingJob"]


async def test_what_is_there_can_be_stopped_from_anywhere(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(ok())
    await Caller(gateway=gateway).call(handle_of("444455556666"), "StopTrainingJob", {"TrainingJobName": "x"})
    assert [request.operation for request in aws.requests] == ["StopTrainingJob"]
