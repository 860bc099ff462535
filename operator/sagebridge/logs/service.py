"""The log service: its pieces, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from sagebridge.engine.inputs import InputResolver
from sagebridge.kinds import JOB_KINDS
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError
from sagebridge.logs.access import Access
from sagebridge.logs.following import Follower
from sagebridge.logs.jobs import Jobs
from sagebridge.logs.keeper import Keeper, Place
from sagebridge.logs.limits import Limits, OpenStreams
from sagebridge.logs.server import LogServer
from sagebridge.logs.story import Pace, Stories
from sagebridge.metrics import Metrics
from sagebridge.settings import Settings
from sagebridge.targets.sagemaker.caller import Caller

_RETRY_SECONDS = 5.0


class LogService:
    """Serves logs, on every replica: it only reads."""

    def __init__(
        self,
        *,
        settings: Settings,
        client: KubeClient,
        caller: Caller,
        inputs: InputResolver,
        metrics: Metrics,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        """Put it together.

        Args:
            settings: The operator's.
            client: For the API server.
            caller: For AWS.
            inputs: Knows what a job is called at AWS, and whose it is.
            metrics: Where streams and lines are counted.
            prepare: Reads the tenant policies: without them the operator's own rights would do for every job.
        """
        self._settings = settings
        self._prepare = prepare
        self._keeper = Keeper(client=client, place=_place(settings), names=_names(settings))
        jobs = Jobs(client=client, kinds=JOB_KINDS, inputs=inputs, caller=caller, namespaces=settings.watch_namespaces)
        pace = Pace()
        limits = _limits(settings)
        self._server = LogServer(
            access=Access(client=client),
            jobs=jobs,
            follower=Follower(jobs=jobs, stories=Stories(pace=pace), pace=pace),
            streams=OpenStreams(limits=limits, metrics=metrics),
            metrics=metrics,
        )

    async def run(self) -> None:
        """Serve until cancelled; at once if no URL is set."""
        if not self._settings.logs_url:
            return
        await self._prepared()
        await self._keeper.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keeper.run())
            group.create_task(
                self._server.run(
                    host=self._settings.logs_host,
                    port=self._settings.logs_port,
                    context=self._keeper.context,
                    most_connections=2 * self._settings.logs_streams,
                )
            )

    async def _prepared(self) -> None:
        while True:
            try:
                await self._prepare()
            except KubeError:
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return


def shown(settings: Settings) -> Mapping[str, str] | None:
    """What a job's status says of the log service; None where there is none."""
    place = _place(settings)
    if not settings.logs_url:
        return None
    return {"url": settings.logs_url, "namespace": place.namespace, "configMap": place.config_map}


def _limits(settings: Settings) -> Limits:
    of_caller = settings.logs_streams_per_caller
    in_all = settings.logs_streams
    return Limits(in_all=in_all, of_namespace=max(of_caller, in_all // 2), of_caller=of_caller)


def _place(settings: Settings) -> Place:
    name = settings.lease_name
    return Place(namespace=settings.lease_namespace, secret=f"{name}-logs-tls", config_map=f"{name}-logs-ca")


def _names(settings: Settings) -> list[str]:
    """The names of the server: the URL's, and of a Service also its long one."""
    host = urlsplit(settings.logs_url).hostname or "localhost"
    return [host, *([f"{host}.{settings.cluster_domain}"] if host.endswith(".svc") else [])]
