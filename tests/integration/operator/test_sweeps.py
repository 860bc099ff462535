"""What a sweep costs in calls, in an account with tens of thousands of other people's jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sagebridge.core.names import Owner
from sagebridge.core.observation import Phase
from sagebridge.core.tenancy import Tenant
from sagebridge.kinds.training_job import KIND
from sagebridge.metrics import Metrics
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.gateway import Gateway, GatewaySettings
from sagebridge.targets.sagemaker.target import SageMakerTarget
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import Simulator
from support.aws import create_request
from support.forking import ForkServer

TENANT = Tenant(
    regions=None,
    default_region="us-east-1",
    default_role=None,
    allowed_roles=(),
    default_bucket=None,
    allowed_prefixes=None,
)
Make = Callable[..., list[Handle]]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, forked_simulator: ForkServer) -> Iterator[Simulator]:
    with Simulator.start(
        tmp_path_factory.mktemp("sagemaker"), arguments=("--lifecycle-only",), spawn=forked_simulator
    ) as started:
        yield started


@pytest.fixture
def aws(local: Simulator) -> AdminClient:
    admin = AdminClient(local.url)
    admin.reset()
    admin.outcome("*", seconds=86_400)
    return admin


@pytest.fixture
async def target(local: Simulator, aws: AdminClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SageMakerTarget]:
    for name, value in local.aws_environment.items():
        monkeypatch.setenv(name, value)
    gateway = Gateway(settings=GatewaySettings(threads=4, rates={}), metrics=Metrics(CollectorRegistry()))
    yield SageMakerTarget(kind=KIND, caller=Caller(gateway=gateway))
    await gateway.close()


@pytest.fixture
def make(local: Simulator, aws: AdminClient) -> Make:
    """Make open jobs of ours, `age` ago by what their handles say."""

    def make(count: int, *, prefix: str = "ours", age: timedelta = timedelta()) -> list[Handle]:
        client = local.client("sagemaker")
        since = datetime.fromtimestamp(aws.health()["now"], tz=UTC) - age
        handles = []
        for number in range(count):
            name = f"{prefix}-{number}"
            client.create_training_job(**create_request(TrainingJobName=name))
            owner = Owner(cluster="c", namespace="n", name=name, uid=f"uid-{name}")
            handles.append(Handle(owner=owner, tenant=TENANT, region="us-east-1", name=name, since=since))
        return handles

    return make


def costs(aws: AdminClient) -> tuple[int, int]:
    """The Lists and Describes since this was last asked."""
    counted = aws.count("ListTrainingJobs"), aws.count("DescribeTrainingJob")
    aws.clear_calls()
    return counted


def seed_newer(aws: AdminClient, count: int) -> None:
    """Put other people's jobs after ours, a tenth of a second apart."""
    aws.advance(count / 10 + 600)
    aws.seed(count, spacing_seconds=0.1, ended_seconds_ago=0)


async def seen(target: SageMakerTarget, handles: list[Handle]) -> dict[str, Any]:
    return dict(await target.observe(handles))


async def test_history_costs_nothing(target: SageMakerTarget, aws: AdminClient, make: Make) -> None:
    """What is older than our oldest open job is not gone through, however much it is."""
    aws.seed(50_000)
    handles = make(30)
    costs(aws)
    found = await seen(target, handles)
    assert {observation.phase for observation in found.values()} == {Phase.OPEN}
    assert len(found) == 30
    assert costs(aws) == (1, 0)


async def test_nothing_open_costs_nothing(target: SageMakerTarget, aws: AdminClient) -> None:
    aws.seed(1_000)
    assert await seen(target, []) == {}
    assert costs(aws) == (0, 0)


async def test_it_stops_when_all_are_accounted_for(target: SageMakerTarget, aws: AdminClient, make: Make) -> None:
    """Three pages of ours, and no fourth though there is one: what came before them does not matter."""
    make(150, prefix="done")
    handles = make(250, age=timedelta(hours=1))
    costs(aws)
    assert len(await seen(target, handles)) == 250
    assert costs(aws) == (3, 0)


async def test_one_job_behind_many_is_described(target: SageMakerTarget, aws: AdminClient, make: Make) -> None:
    """20,000 newer jobs of others would be 200 pages."""
    handles = make(1)
    seed_newer(aws, 20_000)
    costs(aws)
    assert len(await seen(target, handles)) == 1
    assert costs(aws) == (1, 1)
    for _ in range(10):
        assert len(await seen(target, handles)) == 1
    assert costs(aws) == (0, 10)


async def test_many_jobs_behind_many_cost_no_more_than_twice_the_cheaper_way(
    target: SageMakerTarget, aws: AdminClient, make: Make
) -> None:
    handles = make(40)
    seed_newer(aws, 20_000)
    costs(aws)
    assert len(await seen(target, handles)) == 40
    lists, describes = costs(aws)
    assert lists + describes <= 80
    assert len(await seen(target, handles)) == 40
    assert costs(aws) == (0, 40)


async def test_it_lists_again_when_that_may_be_cheaper(target: SageMakerTarget, aws: AdminClient, make: Make) -> None:
    handles = make(2)
    seed_newer(aws, 1_000)
    await seen(target, handles)
    for _ in range(10):
        await seen(target, handles)
    costs(aws)
    await seen(target, handles)
    lists, _ = costs(aws)
    assert lists > 0
    more = make(30, prefix="more")
    for _ in range(11):
        assert len(await seen(target, [*handles, *more])) == 32
    costs(aws)
    assert len(await seen(target, [*handles, *more])) == 32
    lists, describes = costs(aws)
    assert lists + describes < 20


async def test_what_is_not_shown_yet_is_left_out(target: SageMakerTarget, aws: AdminClient, make: Make) -> None:
    aws.settings(list_lag_seconds=600.0)
    try:
        handles = make(2)
        assert await seen(target, handles) == {}
    finally:
        aws.settings(list_lag_seconds=0.0)


async def test_jobs_of_others_are_never_taken_for_ours(target: SageMakerTarget, aws: AdminClient, make: Make) -> None:
    [ours] = make(1)
    others = make(3, prefix="others")
    found = await seen(target, [ours])
    assert found.keys() == {ours.owner.uid}
    assert all(other.owner.uid not in found for other in others)


async def test_each_region_is_asked_for_itself(target: SageMakerTarget, aws: AdminClient, make: Make) -> None:
    [handle] = make(1)
    assert await seen(target, [replace(handle, region="eu-west-1")]) == {}
    assert (await seen(target, [handle])).keys() == {handle.owner.uid}
