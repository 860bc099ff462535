"""The composition root: every piece is made here, and runs in one TaskGroup, so that none can die unnoticed."""

# ruff: noqa: E402

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sagebridge.imports import import_kopf_alone

import_kopf_alone()

import kopf
import uvloop
from pydantic import ValidationError

from sagebridge import __version__, configuration
from sagebridge.core.job import Place
from sagebridge.engine.actions import Actions
from sagebridge.engine.endpoint_actions import EndpointActions
from sagebridge.engine.endpoint_inputs import EndpointInputs
from sagebridge.engine.endpoint_reconciler import EndpointReconciler
from sagebridge.engine.engine import Engine, Served
from sagebridge.engine.inputs import InputResolver
from sagebridge.engine.objects import Objects
from sagebridge.engine.reconciler import JobReconciler
from sagebridge.engine.routed import RoutedReconciler
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Store
from sagebridge.engine.tenancy_reader import TenancyReader
from sagebridge.engine.tenants import Tenants
from sagebridge.handlers import register_kind, register_tenancy
from sagebridge.health import HealthServer
from sagebridge.kinds import ENDPOINT, JOB_KINDS
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError
from sagebridge.kube.events import EventRecorder
from sagebridge.kube.lease import LeaderLease, LeadershipLostError
from sagebridge.kube.login import log_in
from sagebridge.kube.paths import NAMESPACES, custom
from sagebridge.logs import service as log_service
from sagebridge.metrics import Metrics
from sagebridge.on_cluster.jobs import OnCluster
from sagebridge.on_cluster.serving import Reporting
from sagebridge.own_log import configure_logging
from sagebridge.settings import Settings
from sagebridge.stopping import until_told
from sagebridge.targets.routed import RoutedTarget
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.endpoints import SageMakerEndpoints
from sagebridge.targets.sagemaker.gateway import Gateway
from sagebridge.targets.sagemaker.models import SageMakerModels
from sagebridge.targets.sagemaker.repacking import Repacker
from sagebridge.targets.sagemaker.target import SageMakerTarget
from sagebridge.watch.cluster_watcher import ClusterWatcher
from sagebridge.watch.endpoint_poller import EndpointPoller, Pace
from sagebridge.watch.pipeline_watcher import PipelineWatcher
from sagebridge.watch.poller import Poller, Watched
from sagebridge.watch.step_pods import StepPods

logger = logging.getLogger(__name__)


def now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


class Operator:
    """All the pieces of one operator process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.kopf_settings = configuration.kopf_settings(settings)
        self.registry = kopf.OperatorRegistry()
        self.client = KubeClient(login=self._log_in)
        self.recorder = EventRecorder(client=self.client, now=now)
        self.store = Store()
        self.tenants = Tenants(defaults=configuration.defaults(settings))
        self.engine = Engine(store=self.store, client=self.client, metrics=self.metrics)
        # Its own connection: renewing must not wait behind a thousand status writes.
        self.lease_client = KubeClient(login=self._log_in, connections=1)
        self.lease = LeaderLease(client=self.lease_client, settings=configuration.lease_settings(settings))
        self.gateway = Gateway(settings=configuration.gateway_settings(settings), metrics=self.metrics)
        self.gateway.before_write = self._check_leadership
        self.caller = Caller(gateway=self.gateway)
        self.repacker = Repacker(caller=self.caller)
        self.on_cluster = OnCluster(settings=settings, client=self.client, before_write=self._check_leadership, now=now)

    async def run(self) -> None:
        """Work until told to stop.

        Raises:
            LeadershipLostError: another replica may have taken over.
            Exception: any piece has failed; the process should end with a non-zero exit.
        """
        kopf.on.login(registry=self.registry)(self._kopf_login)
        cluster = self.settings.cluster_name or await self._cluster_uid()
        inputs = self._inputs(cluster)
        poller = self._poller(inputs)
        watcher = self.on_cluster.watcher(engine=self.engine, store=self.store, inputs=inputs)
        self._serve_kinds(inputs, poller, watcher)
        endpoint_poller = self._serve_endpoints(cluster)
        register_tenancy(self.registry, tenants=self.tenants, changed=self.engine.policies_changed)
        tenancy = TenancyReader(
            client=self.client,
            tenants=self.tenants,
            changed=self.engine.policies_changed,
            every=self.settings.recheck_seconds,
        )
        health, logs = self._health(poller, endpoint_poller), self._logs(inputs, tenancy)
        try:
            async with asyncio.TaskGroup() as group:
                serving = [group.create_task(piece) for piece in (health.run(), tenancy.run(), logs.run())]
                await self.lease.acquire()
                # Without any policy the operator's own defaults would hold: so they come before the first reconcile.
                await tenancy.read()
                pieces = (
                    self.lease.renew(),
                    self.recorder.run(),
                    self.engine.run(),
                    poller.run(),
                    endpoint_poller.run(),
                    *self.on_cluster.pieces(watcher),
                    *self._pipelines(),
                )
                tasks = [*serving, *(group.create_task(piece) for piece in pieces)]
                await self._run_kopf(until_told=partial(_end, tasks))
        finally:
            await self._close()

    async def _run_kopf(self, *, until_told: Callable[[], Awaitable[None]]) -> None:
        """Run kopf until it fails, or the process is told to stop; then end the other pieces first.

        kopf takes the process's signals, and on its way out waits for every task of the loop: so the signals are taken
        back once it runs, and it is stopped last.
        """
        ready, stop, told = asyncio.Event(), asyncio.Event(), asyncio.Event()
        namespaces = self.settings.watch_namespaces
        running = asyncio.create_task(
            kopf.operator(
                registry=self.registry,
                settings=self.kopf_settings,
                # kopf's own asks for the user's name, and the image's user has none.
                identity=self.settings.lease_identity,  # type: ignore[arg-type]
                standalone=True,
                clusterwide=not namespaces,
                namespaces=namespaces,
                ready_flag=ready,
                stop_flag=stop,
            )
        )
        try:
            await _first(running, ready.wait())
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, told.set)
            await _first(running, told.wait())
            await until_told()
            stop.set()
            await running
        finally:
            running.cancel()
            await asyncio.wait({running})

    def _serve_kinds(self, inputs: InputResolver, poller: Poller, watcher: ClusterWatcher) -> None:
        models = SageMakerModels(caller=self.caller, repacker=self.repacker)
        status = StatusWriter(client=self.client, recorder=self.recorder, store=self.store, now=now)
        for kind in JOB_KINDS:
            resource = custom(kind.schema.plural)
            on_sagemaker = SageMakerTarget(kind=kind, caller=self.caller, models=models)
            poller.watch(Watched(kind=kind, target=on_sagemaker))
            on_cluster = self.on_cluster.target(kind, storage=on_sagemaker)
            watcher.watch(kind, on_cluster)
            actions = Actions(
                kind=kind,
                resource=resource,
                target=RoutedTarget({Place.SAGEMAKER: on_sagemaker, Place.CLUSTER: on_cluster}),
                inputs=inputs,
                status=status,
                objects=Objects(client=self.client, store=self.store, resource=resource),
                metrics=self.metrics,
                now=now,
            )
            reconciler = JobReconciler(
                kind=kind, actions=actions, settings=configuration.reconciler_settings(self.settings), now=now
            )
            self.engine.serve(kind.name, Served(resource=resource, reconciler=reconciler))
            register_kind(self.registry, kind=kind.name, resource=resource, engine=self.engine)

    def _serve_endpoints(self, cluster: str) -> EndpointPoller:
        resource = custom(ENDPOINT.plural)
        service = SageMakerEndpoints(caller=self.caller, repacker=self.repacker)
        inputs = EndpointInputs(
            client=self.client,
            store=self.store,
            tenants=self.tenants,
            cluster=cluster,
            runtime_url=partial(self.caller.url, service="sagemaker-runtime"),
        )
        status = StatusWriter(client=self.client, recorder=self.recorder, store=self.store, now=now)
        actions = EndpointActions(
            resource=resource,
            service=service,
            inputs=inputs,
            status=status,
            objects=Objects(client=self.client, store=self.store, resource=resource),
            metrics=self.metrics,
            now=now,
        )
        settings = configuration.reconciler_settings(self.settings)
        reconciler = EndpointReconciler(actions=actions, settings=settings, now=now)
        on_cluster = self.on_cluster.serve_endpoints(
            engine=self.engine,
            store=self.store,
            resource=resource,
            endpoints=inputs,
            reporting=Reporting(status=status, metrics=self.metrics, settings=settings),
        )
        routed = RoutedReconciler({Place.SAGEMAKER: reconciler, Place.CLUSTER: on_cluster})
        self.engine.serve(ENDPOINT.kind, Served(resource=resource, reconciler=routed))
        register_kind(self.registry, kind=ENDPOINT.kind, resource=resource, engine=self.engine)
        return EndpointPoller(
            engine=self.engine,
            store=self.store,
            inputs=inputs,
            reconciler=reconciler,
            service=service,
            metrics=self.metrics,
            pace=Pace(
                interval=self.settings.poll_interval_seconds,
                sweep_every=self.settings.endpoint_sweep_seconds,
                stale_after=self.settings.stale_after_seconds,
            ),
        )

    def _inputs(self, cluster: str) -> InputResolver:
        return InputResolver(
            client=self.client,
            store=self.store,
            tenants=self.tenants,
            cluster=cluster,
            now=now,
            runs_on_cluster=bool(self.settings.agent_image),
            log_service=log_service.shown(self.settings),
        )

    def _health(self, poller: Poller, endpoint_poller: EndpointPoller) -> HealthServer:
        return HealthServer(
            settings=self.settings,
            lease=self.lease,
            rounds=(poller.rounds, endpoint_poller.rounds),
            store=self.store,
            metrics=self.metrics,
        )

    def _logs(self, inputs: InputResolver, tenancy: TenancyReader) -> log_service.LogService:
        return log_service.LogService(
            settings=self.settings,
            client=self.client,
            caller=self.caller,
            inputs=inputs,
            metrics=self.metrics,
            prepare=tenancy.read,
        )

    def _pipelines(self) -> tuple[Coroutine[Any, Any, None], ...]:
        manner = configuration.pipeline_manner(self.settings)
        if manner is None:
            return ()
        watcher = PipelineWatcher(
            engine=self.engine,
            store=self.store,
            pods=StepPods(client=self.client, namespaces=self.settings.watch_namespaces),
            status=StatusWriter(client=self.client, recorder=self.recorder, store=self.store, now=now),
            manner=manner,
            now=now,
        )
        return (watcher.run(),)

    def _poller(self, inputs: InputResolver) -> Poller:
        return Poller(
            engine=self.engine,
            store=self.store,
            inputs=inputs,
            metrics=self.metrics,
            interval=self.settings.poll_interval_seconds,
            stale_after=self.settings.stale_after_seconds,
        )

    async def _cluster_uid(self) -> str:
        namespace = await self.client.get(NAMESPACES.item(namespace=None, name="kube-system"))
        return str(namespace["metadata"]["uid"])

    async def _log_in(self) -> kopf.ConnectionInfo:
        return await log_in(settings=self.kopf_settings)

    async def _kopf_login(self, **_: object) -> kopf.ConnectionInfo:
        return await self._log_in()

    def _check_leadership(self) -> None:
        if not self.lease.is_held:
            raise LeadershipLostError("The Lease is not held: nothing is written to AWS")

    async def _close(self) -> None:
        await self.lease.release()
        await self.gateway.close()
        await self.client.close()
        await self.lease_client.close()


async def _first(running: asyncio.Task[None], event: Coroutine[Any, Any, Any]) -> None:
    """Wait until `event` comes, or `running` ends before."""
    waiting = asyncio.ensure_future(event)
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def main() -> int:
    """Run the operator; the process's exit status: 1 for trouble that a restart may end, 2 for wrong settings."""
    try:
        settings = Settings()
    except ValidationError as error:
        for line in _explained(error):
            print(line, file=sys.stderr)
        return 2
    configure_logging(level=settings.log_level, style=settings.log_format)
    logger.info("Sagebridge %s", __version__)
    status = 0
    try:
        _collect_garbage_rarely()
        uvloop.run(_operate(settings))
    except* (LeadershipLostError, KubeError) as group:
        logger.error("%s", group.exceptions[0])  # noqa: TRY400
        status = 1
    return status


def _collect_garbage_rarely() -> None:
    """Leave what the imports made out of every collection, and collect after more than 700 new objects.

    A status as JSON has hundreds of them, none in a cycle: by default an eighth of the operator's time went there.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _explained(error: ValidationError) -> list[str]:
    """One line for each wrong setting, by the name of its environment variable."""
    return [f"SAGEBRIDGE_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]


async def _operate(settings: Settings) -> None:
    await until_told(Operator(settings).run())


if __name__ == "__main__":
    sys.exit(main())
