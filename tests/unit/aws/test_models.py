"""Models at SageMaker: made once, found again, and deleted only by whose they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.errors import AwsError, NotAllowedError, SpecError
from sagebridge.core.names import Owner
from sagebridge.core.tenancy import Tenant
from sagebridge.targets.protocol import Handle, NameConflictError, NotOwnedError
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.gateway import Gateway
from sagebridge.targets.sagemaker.models import SageMakerModels
from sagebridge.targets.sagemaker.repacking import Repacker
from support.aws import Reply, Request, ScriptedAws, error, identity, ok

OWNER = Owner(cluster="c", namespace="team-a", name="predict", uid="u-1")
ARN = "arn:aws:sagemaker:us-east-1:111122223333:model/m"
SPEC: dict[str, Any] = {"primaryContainer": {"image": "i"}, "executionRoleArn": "arn:aws:iam::111122223333:role/r"}
TENANT = Tenant(
    regions=None,
    default_region="us-east-1",
    default_role=None,
    allowed_roles=(),
    default_bucket=None,
    allowed_prefixes=None,
)
THERE = error("ValidationException", f'Cannot create already existing model "{ARN}".')
ABSENT = error("ValidationException", f'Could not find model "{ARN}".')
OURS = ok(Tags=[{"Key": key, "Value": value} for key, value in OWNER.tags().items()])
NOBODYS = ok(Tags=[])


def handle(*, account: str = "") -> Handle:
    since = datetime.now(UTC)
    return Handle(owner=OWNER, tenant=TENANT, region="us-east-1", name="j", since=since, account=account)


@pytest.fixture
def models(gateway: Gateway) -> SageMakerModels:
    caller = Caller(gateway=gateway)
    return SageMakerModels(caller=caller, repacker=Repacker(caller=caller))


def script(aws: ScriptedAws, **replies: Reply) -> None:
    def answer(request: Request) -> Reply:
        if request.operation == "GetCallerIdentity":
            return identity("111122223333")
        return replies[request.operation]

    aws.script = answer


def asked(aws: ScriptedAws) -> list[str]:
    return [request.operation for request in aws.requests if request.operation != "GetCallerIdentity"]


async def test_a_model_is_made(aws: ScriptedAws, models: SageMakerModels) -> None:
    script(aws, CreateModel=ok(ModelArn=ARN))
    assert await models.make(handle(), name="m", spec=SPEC) == ARN
    assert aws.requests[-1].json["PrimaryContainer"] == {"Image": "i"}


async def test_our_own_model_is_found_again(aws: ScriptedAws, models: SageMakerModels) -> None:
    script(aws, CreateModel=THERE, ListTags=OURS)
    assert await models.make(handle(), name="m", spec=SPEC) == ARN


async def test_another_s_model_is_not_taken(aws: ScriptedAws, models: SageMakerModels) -> None:
    script(aws, CreateModel=THERE, ListTags=NOBODYS)
    with pytest.raises(NameConflictError, match="is not this object's"):
        await models.make(handle(), name="m", spec=SPEC)


async def test_a_reply_without_its_arn_is_asked_for_again(aws: ScriptedAws, models: SageMakerModels) -> None:
    script(aws, CreateModel=ok())
    with pytest.raises(AwsError, match="ModelArn"):
        await models.make(handle(), name="m", spec=SPEC)


async def test_what_can_not_be_sent_names_its_field(aws: ScriptedAws, models: SageMakerModels) -> None:
    script(aws)
    with pytest.raises(SpecError) as caught:
        await models.make(handle(), name="m", spec={"primaryContainer": {"imag": "i"}})
    assert caught.value.field == "spec.model.primaryContainer.imag"


async def test_only_our_own_model_is_deleted(aws: ScriptedAws, models: SageMakerModels) -> None:
    script(aws, ListTags=OURS, DeleteModel=ok())
    await models.remove(handle(), name="m")
    assert asked(aws) == ["ListTags", "DeleteModel"]
    script(aws, ListTags=NOBODYS)
    with pytest.raises(NotOwnedError, match="left alone"):
        await models.remove(handle(), name="m")


async def test_a_model_that_is_gone_is_left(aws: ScriptedAws, models: SageMakerModels) -> None:
    script(aws, ListTags=ABSENT)
    await models.remove(handle(account="111122223333"), name="m")
    script(aws, ListTags=OURS, DeleteModel=ABSENT)
    await models.remove(handle(), name="m")


async def test_a_model_is_not_gone_because_another_account_does_not_have_it(
    aws: ScriptedAws, models: SageMakerModels
) -> None:
    script(aws, ListTags=ABSENT)
    with pytest.raises(NotAllowedError, match="created in account 444455556666"):
        await models.remove(handle(account="444455556666"), name="m")


async def test_a_model_s_role(aws: ScriptedAws, models: SageMakerModels) -> None:
    script(aws, DescribeModel=ok(ModelName="m", ModelArn=ARN, CreationTime=0, ExecutionRoleArn="role"))
    assert await models.role_of(handle(), name="m") == "role"
    script(aws, DescribeModel=ABSENT)
    assert await models.role_of(handle(), name="m") is None
