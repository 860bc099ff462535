"""What SageMaker's answers mean for a job, where the local SageMaker can't be made to give them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sagebridge.core.errors import AwsError, NotAllowedError
from sagebridge.core.names import Owner
from sagebridge.core.observation import Phase
from sagebridge.core.tenancy import Tenant
from sagebridge.kinds.training_job import KIND
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.gateway import Gateway
from sagebridge.targets.sagemaker.sweep import Sweeper
from sagebridge.targets.sagemaker.target import SageMakerTarget
from support.aws import Reply, Request, ScriptedAws, error, identity, ok

TENANT = Tenant(
    regions=None,
    default_region="us-east-1",
    default_role=None,
    allowed_roles=(),
    default_bucket=None,
    allowed_prefixes=None,
)
ABSENT = error("ValidationException", "Requested resource not found.")


def handle_of(name: str = "x", *, account: str = "") -> Handle:
    owner = Owner(cluster="c", namespace="team-a", name=name, uid=f"uid-{name}")
    return Handle(owner=owner, tenant=TENANT, region="us-east-1", name=name, since=datetime.now(UTC), account=account)


@pytest.fixture
def target(gateway: Gateway) -> SageMakerTarget:
    return SageMakerTarget(kind=KIND, caller=Caller(gateway=gateway))


async def test_a_job_is_not_gone_because_another_account_does_not_have_it(
    aws: ScriptedAws, target: SageMakerTarget
) -> None:
    aws.script = lambda request: identity("444455556666") if request.operation == "GetCallerIdentity" else ABSENT
    handle = handle_of(account="111122223333")
    for look in (target.describe, target.stop, target.delete):
        with pytest.raises(NotAllowedError, match="created in account 111122223333, but the operator's settings now"):
            await look(handle)


@pytest.mark.parametrize("account", ["", "111122223333"], ids=["unknown", "the same"])
async def test_a_job_is_gone_if_its_own_account_does_not_have_it(
    aws: ScriptedAws, target: SageMakerTarget, account: str
) -> None:
    aws.script = lambda request: identity("111122223333") if request.operation == "GetCallerIdentity" else ABSENT
    assert (await target.describe(handle_of(account=account))).phase is Phase.GONE
    await target.delete(handle_of(account=account))


def _job(request: Request, *, refused: dict[str, Reply]) -> Reply:
    if request.operation == "ListTrainingJobs":
        token = {"": "2", "2": "3"}.get(request.json.get("NextToken", ""))
        return ok(TrainingJobSummaries=[], **({"NextToken": token} if token else {}))
    name = request.json["TrainingJobName"]
    return refused.get(name) or ok(
        TrainingJobName=name,
        TrainingJobArn="arn",
        ModelArtifacts={"S3ModelArtifacts": "s3://b/k"},
        TrainingJobStatus="InProgress",
        SecondaryStatus="Training",
        AlgorithmSpecification={"TrainingInputMode": "File"},
        ResourceConfig={"VolumeSizeInGB": 1},
        StoppingCondition={},
        CreationTime=0,
    )


@pytest.mark.parametrize(
    ("refused", "found"),
    [
        ({}, ["a", "b"]),
        ({"a": error("AccessDeniedException")}, ["b"]),
        ({"b": error("ThrottlingException", "Rate exceeded")}, ["a"]),
        ({"a": error("AccessDeniedException"), "b": error("AccessDeniedException")}, None),
        ({"a": error("ThrottlingException", "Rate exceeded")}, None),
    ],
    ids=["all are seen", "one is denied", "throttled on the way", "all are denied", "throttled at once"],
)
async def test_a_sweep_by_describes_gives_what_it_found(
    aws: ScriptedAws, gateway: Gateway, target: SageMakerTarget, refused: dict[str, Reply], found: list[str] | None
) -> None:
    """After two pages without the two jobs, describing them is cheaper, and in the next sweep from the start."""
    aws.script = lambda request: _job(request, refused=refused)
    sweeper = Sweeper(kind=KIND, caller=Caller(gateway=gateway), describe=target.describe)
    handles = [handle_of("a"), handle_of("b")]
    for lists in (2, 0):
        aws.requests.clear()
        if found is None:
            with pytest.raises(AwsError):
                await sweeper.sweep(handles)
        else:
            assert sorted(await sweeper.sweep(handles)) == [f"uid-{name}" for name in found]
        assert [request.operation for request in aws.requests].count("ListTrainingJobs") == lists
