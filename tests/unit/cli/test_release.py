"""What `release-finalizers` meets while an installation is being removed."""

from __future__ import annotations

import kopf
import pytest
from aiohttp import web
from sagebridge.cli.release import Released, describe, release_all, summary
from sagebridge.core.job import Attempt, Place
from sagebridge.kube.client import KubeClient


async def test_a_kind_that_vanishes_after_discovery_has_nothing_to_release() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/apis/sagebridge.io/v1alpha1":
            return web.json_response(
                {"resources": [{"kind": "TrainingJob", "name": "trainingjobs", "namespaced": True}]}
            )
        return web.json_response({"message": "the server could not find the requested resource"}, status=404)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def log_in() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=f"http://127.0.0.1:{runner.addresses[0][1]}/", token="t")

    client = KubeClient(login=log_in)
    try:
        assert [released async for released in release_all(client, namespaces=())] == []
    finally:
        await client.close()
        await runner.cleanup()


AT_AWS = "1 of them have jobs that may run on, and cost, at AWS"


def left(place: Place, *, runs: bool = True) -> Released:
    attempt = Attempt.parse({"number": 1, "name": "team-digits", "arn": "arn:digits"})
    return Released(name="TrainingJob team/digits", place=place, open_attempts=(attempt,) if runs else ())


@pytest.mark.parametrize(
    ("released", "want"),
    [
        (left(Place.SAGEMAKER), "released. STILL AT AWS, nobody has seen it end: arn:digits"),
        (left(Place.CLUSTER), "released. STILL ON THE CLUSTER, nobody has seen it end: arn:digits"),
        (left(Place.CLUSTER, runs=False), "released."),
    ],
)
def test_what_is_left_of_one_object(released: Released, want: str) -> None:
    assert describe(released) == f"TrainingJob team/digits: {want}"


@pytest.mark.parametrize(
    ("released", "want"),
    [
        ([], "0 objects released. None of them has a job that may still run."),
        ([left(Place.CLUSTER, runs=False)], "1 objects released. None of them has a job that may still run."),
        (
            [left(Place.CLUSTER), left(Place.CLUSTER)],
            "2 objects released. 2 of them have jobs that may run on in this cluster; see above.",
        ),
        (
            [left(Place.SAGEMAKER), left(Place.CLUSTER)],
            f"2 objects released. {AT_AWS}; 1 of them have jobs that may run on in this cluster; see above.",
        ),
    ],
)
def test_what_is_left_of_all(released: list[Released], want: str) -> None:
    assert summary(released) == want
