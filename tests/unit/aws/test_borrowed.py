"""Things in AWS that a manifest names by their name there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.errors import AwsError, NotAllowedError
from sagebridge.core.names import Owner
from sagebridge.core.tenancy import Tenant
from sagebridge.engine.borrowed import check_borrowed
from sagebridge.engine.failures import WaitingError
from sagebridge.engine.inputs import Inputs
from sagebridge.engine.models import ModelInput
from sagebridge.kinds import batch_transform, hp_tuning_job
from sagebridge.kinds.kind import JobKind
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.gateway import Gateway
from sagebridge.targets.sagemaker.models import SageMakerModels
from sagebridge.targets.sagemaker.repacking import Repacker
from sagebridge.targets.sagemaker.target import SageMakerTarget
from support.aws import Reply, Request, ScriptedAws, error, identity, ok

ROLE = "arn:aws:iam::111122223333:role/run"
ABSENT = error("ValidationException", "Could not find what you ask for.")
BROKEN = error("InternalFailure", "Sorry.", status=500)
TENANT = Tenant(
    regions=None,
    default_region="us-east-1",
    default_role=ROLE,
    allowed_roles=(ROLE,),
    default_bucket=None,
    allowed_prefixes=None,
)
BY_POLICY = replace(TENANT, policy_name="team-a")

Run = Callable[..., Any]


@pytest.fixture
def check(aws: ScriptedAws, gateway: Gateway) -> Run:
    async def run(kind: JobKind, reply: Reply, tenant: Tenant = TENANT, **given: Any) -> list[str]:
        def answer(request: Request) -> Reply:
            return identity("111122223333") if request.operation == "GetCallerIdentity" else reply

        aws.script = answer
        caller = Caller(gateway=gateway)
        models = SageMakerModels(caller=caller, repacker=Repacker(caller=caller))
        target = SageMakerTarget(kind=kind, caller=caller, models=models)
        owner = Owner(cluster="c", namespace="team-a", name="j", uid="u")
        handle = Handle(owner=owner, tenant=tenant, region="us-east-1", name="j", since=datetime.now(UTC))
        inputs: dict[str, Any] = {"spec": {"modelName": "m"}, "status": {}, "sources": {}, **given}
        await check_borrowed(target, Inputs(handle=handle, **inputs))
        return [request.operation for request in aws.requests if request.operation != "GetCallerIdentity"]

    return run


def model(role: str | None) -> Reply:
    fields: dict[str, Any] = {"ModelName": "m", "ModelArn": "arn", "CreationTime": 0}
    return ok(**fields | ({"ExecutionRoleArn": role} if role else {}))


async def test_a_model_whose_role_is_listed(check: Run) -> None:
    assert await check(batch_transform.KIND, model(ROLE)) == ["DescribeModel"]


@pytest.mark.parametrize("tenant", [TENANT, BY_POLICY], ids=["settings", "policy"])
async def test_a_model_whose_role_is_not_listed(check: Run, tenant: Tenant) -> None:
    with pytest.raises(NotAllowedError, match=r"spec\.modelName.*role/admin is not allowed"):
        await check(batch_transform.KIND, model("arn:aws:iam::111122223333:role/admin"), tenant)


async def test_a_model_that_is_not_there_is_waited_for(check: Run) -> None:
    with pytest.raises(WaitingError, match=r"spec\.modelName: waiting for the model m"):
        await check(batch_transform.KIND, ABSENT)


async def test_a_model_that_we_make_is_not_asked_for(check: Run) -> None:
    assert await check(batch_transform.KIND, ABSENT, model=ModelInput(name="m")) == []


@dataclass(frozen=True)
class Parent:
    reason: str
    tags: Mapping[str, str] | None
    tenant: Tenant = BY_POLICY
    refused: bool = False
    asked: int = 1


PARENTS = [
    Parent("of this namespace", {"sagebridge.io/namespace": "team-a"}),
    Parent("of another namespace", {"sagebridge.io/namespace": "team-b"}, refused=True),
    Parent("made without Sagebridge", {"team": "b"}),
    Parent("not there: SageMaker says so when it is used", None),
    Parent("no policy: one tenant", {"sagebridge.io/namespace": "team-b"}, tenant=TENANT, asked=0),
]


@pytest.mark.parametrize("case", PARENTS, ids=lambda case: case.reason)
async def test_parents_by_name(check: Run, case: Parent) -> None:
    listed = [{"Key": key, "Value": value} for key, value in (case.tags or {}).items()]
    reply = ABSENT if case.tags is None else ok(Tags=listed)
    parents = [{"name": "own", "uid": "u2", "hyperParameterTuningJobName": "o"}, {"hyperParameterTuningJobName": "p"}]
    status = {"parents": parents}
    if not case.refused:
        asked = await check(hp_tuning_job.KIND, reply, case.tenant, status=status)
        assert asked == ["ListTags"] * case.asked
        return
    with pytest.raises(
        NotAllowedError, match=r"parentHyperParameterTuningJobs\[1\].*p belongs to an object of another"
    ):
        await check(hp_tuning_job.KIND, reply, case.tenant, status=status)


async def test_an_answer_that_says_nothing_is_no_leave(check: Run) -> None:
    status = {"parents": [{"hyperParameterTuningJobName": "p"}]}
    with pytest.raises(AwsError):
        await check(hp_tuning_job.KIND, BROKEN, BY_POLICY, status=status)
