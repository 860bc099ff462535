"""A collection of an API that may come and go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sagebridge.kube.discovery import preferred_version, serves
from sagebridge.kube.errors import KubeError, NotFoundError
from sagebridge.kube.optional_reflector import OptionalReflector
from sagebridge.kube.paths import Resource
from support.waiting import eventually_async


class ApiServer:
    """Has a group, or not."""

    def __init__(self, version: str | None) -> None:
        self.version = version
        self.error: KubeError | None = None
        self.resources = ["workloads", "localqueues"]
        self.looks = 0

    async def get(self, path: str) -> dict[str, Any]:
        self.looks += 1
        if self.error is not None:
            raise self.error
        if self.version is None or path not in ("/apis/kueue.x-k8s.io", f"/apis/kueue.x-k8s.io/{self.version}"):
            raise NotFoundError(path, status=404)
        names = [{"name": name} for name in self.resources]
        return {"preferredVersion": {"version": self.version}, "resources": names}


class Following:
    """Stands for a Reflector."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.is_running = False
        self.error: Exception | None = None
        self.failed = asyncio.Event()
        self.is_forgotten = False

    def forget(self) -> None:
        assert not self.is_running
        self.is_forgotten = True

    async def run(self) -> None:
        self.is_running = True
        try:
            await self.failed.wait()
            raise RuntimeError("broken")
        finally:
            self.is_running = False


class Followed:
    """What was followed, one after the other."""

    def __init__(self) -> None:
        self.made: list[Following] = []
        self.told: list[bool] = []

    def __call__(self, resource: Resource) -> Following:
        self.made.append(Following(resource))
        return self.made[-1]

    @property
    def running(self) -> list[str]:
        return [one.resource.version for one in self.made if one.is_running]

    async def until(self, *versions: str) -> None:
        async def are_running() -> bool:
            return self.running == list(versions)

        await eventually_async(are_running, what=f"{versions} are followed")


async def several_looks(server: ApiServer) -> None:
    before = server.looks

    async def has_looked() -> bool:
        return server.looks > before + 2

    await eventually_async(has_looked, what="it looks again")


def workloads(version: str) -> Resource:
    return Resource(group="kueue.x-k8s.io", version=version, plural="workloads")


@contextlib.asynccontextmanager
async def following(server: ApiServer) -> AsyncIterator[tuple[Followed, asyncio.Task[None]]]:
    followed = Followed()
    reflector = OptionalReflector(
        client=server,  # type: ignore[arg-type]
        group="kueue.x-k8s.io",
        plural="workloads",
        follow=followed,  # type: ignore[arg-type]
        found=followed.told.append,
        every=0.01,
    )
    task = asyncio.create_task(reflector.run())
    yield followed, task
    task.cancel()
    await asyncio.wait({task})
    assert followed.running == []


async def test_what_is_not_there_is_not_followed_until_it_comes() -> None:
    server = ApiServer(None)
    async with following(server) as (followed, _):
        await several_looks(server)
        assert followed.made == []

        server.version = "v1beta2"
        await followed.until("v1beta2")
        assert followed.made[0].resource.collection("a") == "/apis/kueue.x-k8s.io/v1beta2/namespaces/a/workloads"


async def test_what_goes_is_left_and_another_version_followed() -> None:
    server = ApiServer("v1beta1")
    async with following(server) as (followed, _):
        await followed.until("v1beta1")
        server.version = None
        await followed.until()
        server.version = "v1beta2"
        await followed.until("v1beta2")
        assert [one.is_forgotten for one in followed.made] == [True, False], "its objects went with it"


async def test_an_api_server_that_is_away_changes_nothing() -> None:
    server = ApiServer("v1beta2")
    async with following(server) as (followed, _):
        await followed.until("v1beta2")
        server.error = KubeError("away")
        await several_looks(server)
        assert followed.running == ["v1beta2"]
        assert len(followed.made) == 1


async def test_whether_it_is_there_is_told_when_it_is_known() -> None:
    server = ApiServer(None)
    server.error = KubeError("away")
    async with following(server) as (followed, _):
        await several_looks(server)
        assert followed.told == [], "away is not without"
        server.error = None
        await several_looks(server)
        assert set(followed.told) == {False}
        server.version = "v1beta2"
        await followed.until("v1beta2")
        assert followed.told[-1]


async def test_what_breaks_is_heard_of() -> None:
    async with following(ApiServer("v1beta2")) as (followed, task):
        await followed.until("v1beta2")
        followed.made[0].failed.set()
        with pytest.raises(RuntimeError, match="broken"):
            await task


@pytest.mark.parametrize(
    ("version", "asked", "want", "because"),
    [
        (None, "v1beta2", False, "the group is not there"),
        ("v1beta1", "v1beta2", False, "nor is that version"),
        ("v1beta2", "v1beta2", True, "it is"),
    ],
)
async def test_whether_a_resource_is_there(version: str | None, asked: str, want: bool, because: str) -> None:
    server: Any = ApiServer(version)

    assert await serves(server, workloads(asked)) is want, because
    assert await preferred_version(server, "kueue.x-k8s.io") == version


async def test_a_version_without_the_resource_does_not_have_it() -> None:
    server: Any = ApiServer("v1beta2")
    server.resources = ["localqueues"]

    assert not await serves(server, workloads("v1beta2"))
