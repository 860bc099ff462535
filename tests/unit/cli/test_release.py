"""What `release-finalizers` meets while an installation is being removed."""

from __future__ import annotations

import kopf
from aiohttp import web
from sagebridge.cli.release import release_all
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
