"""Volumes whose claims are gone are deleted, once each, and again if that failed."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.cluster.fast_file import fast_files, volume
from sagebridge.kube.errors import KubeError
from sagebridge.watch.volume_sweeper import VolumeSweeper
from support.cluster_jobs import cluster_job
from support.training_jobs import OWN_IMAGE, changed
from support.waiting import eventually_async

CHANNEL = {
    "channelName": "digits",
    "inputMode": "FastFile",
    "dataSource": {"s3DataSource": {"s3DataType": "S3Prefix", "s3Uri": "s3://bucket/digits/"}},
}
JOB = cluster_job(changed(OWN_IMAGE, {"inputDataConfig": [CHANNEL]}))
[ONE] = fast_files(JOB.request, owner=JOB.owner, attempt=JOB.attempt)


class ApiServer:
    """One list, and a watch on which nothing happens."""

    def __init__(self, **phases: str) -> None:
        self.bodies = [body(name, phase) for name, phase in phases.items()]
        self.deleted: list[tuple[str, str]] = []
        self.selectors: list[str] = []
        self.failures = 0

    async def pages(self, path: str, *, selector: str, **_others: Any) -> Any:
        self.selectors.append(f"{path}?{selector}")
        yield {"metadata": {"resourceVersion": "1"}, "items": self.bodies}

    async def watch(self, path: str, *, selector: str, resource_version: str, **_others: Any) -> Any:
        await asyncio.Event().wait()
        yield {}

    async def delete(self, path: str, *, uid: str) -> None:
        if self.failures:
            self.failures -= 1
            raise KubeError("away")
        self.deleted.append((path.rpartition("/")[2], uid))


def body(name: str, phase: str) -> dict[str, Any]:
    made = volume(JOB, replace(ONE, volume=f"{ONE.volume}{name}"), claim_uid="claim")
    made["metadata"] |= {"uid": f"uid-of-{name}", "resourceVersion": "1"}
    return made | {"status": {"phase": phase}}


def deleted(*names: str) -> list[tuple[str, str]]:
    return [(f"{ONE.volume}{name}", f"uid-of-{name}") for name in names]


async def run(server: ApiServer, *, until: Any, **options: Any) -> VolumeSweeper:
    sweeper = VolumeSweeper(client=server, before_write=lambda: None, **options)
    task = asyncio.create_task(sweeper.run())
    try:
        await until(sweeper)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return sweeper


async def test_what_was_released_while_nobody_looked_goes_and_nothing_else() -> None:
    server = ApiServer(a="Released", b="Bound", c="Available", d="Failed")

    async def both_are_gone(_: VolumeSweeper) -> None:
        await eventually_async(lambda: asyncio.sleep(0, len(server.deleted) == 2), what="two are deleted")

    await run(server, until=both_are_gone)

    assert server.deleted == deleted("a", "d")
    assert server.selectors == ["/api/v1/persistentvolumes?sagebridge.io/volume"]


@pytest.mark.parametrize(
    ("served", "gone"),
    [((), True), (("team-b", JOB.namespace), True), (("team-b",), False)],
    ids=["every namespace", "its own among others", "only others"],
)
def test_it_goes_by_the_operator_of_its_namespace(served: tuple[str, ...], gone: bool) -> None:
    sweeper = VolumeSweeper(client=ApiServer(), before_write=lambda: None, namespaces=served)

    assert sweeper.essence(body("a", "Released"))["isUsedUp"] is gone


async def test_one_that_is_released_later_goes_then() -> None:
    server = ApiServer(a="Bound")

    async def it_is_gone(sweeper: VolumeSweeper) -> None:
        await eventually_async(lambda: asyncio.sleep(0, bool(server.selectors)), what="they are listed")
        sweeper.put(sweeper.essence(body("a", "Released")))
        await eventually_async(lambda: asyncio.sleep(0, bool(server.deleted)), what="it is deleted")

    await run(server, until=it_is_gone)

    assert server.deleted == deleted("a")


async def test_a_deletion_that_failed_is_tried_again_after_a_pause() -> None:
    server, pauses = ApiServer(a="Released"), []
    server.failures = 2

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def it_is_gone(_: VolumeSweeper) -> None:
        await eventually_async(lambda: asyncio.sleep(0, bool(server.deleted)), what="it is deleted")

    await run(server, until=it_is_gone, sleep=sleep)

    assert server.deleted == deleted("a")
    assert len(pauses) == 2


async def test_a_replica_that_leads_no_longer_deletes_nothing() -> None:
    server = ApiServer()

    def not_any_more() -> None:
        raise PermissionError("another replica leads")

    sweeper = VolumeSweeper(client=server, before_write=not_any_more)
    sweeper.put(sweeper.essence(body("a", "Released")))

    with pytest.raises(ExceptionGroup):
        await sweeper.run()

    assert server.deleted == []


def test_of_each_only_what_is_asked_of_it_is_kept() -> None:
    kept = VolumeSweeper(client=ApiServer(), before_write=lambda: None).essence(body("a", "Bound"))

    assert kept == {
        "metadata": {"uid": "uid-of-a", "name": f"{ONE.volume}a", "resourceVersion": "1"},
        "isUsedUp": False,
    }


async def test_one_that_is_given_to_another_claim_meanwhile_stays() -> None:
    server, sweepers = ApiServer(a="Released", b="Released"), []
    server.failures = 2

    async def sleep(_: float) -> None:
        sweepers[0].put(sweepers[0].essence(body("a", "Available")))

    async def the_other_is_gone(sweeper: VolumeSweeper) -> None:
        sweepers.append(sweeper)
        await eventually_async(lambda: asyncio.sleep(0, bool(server.deleted)), what="one is deleted")

    await run(server, until=the_other_is_gone, sleep=sleep)

    assert server.deleted == deleted("b")
