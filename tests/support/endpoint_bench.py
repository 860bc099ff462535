"""One endpoint's reconciler and poller between a small API server and a scripted SageMaker, with a clock of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import kopf
from aiohttp import web
from prometheus_client import CollectorRegistry
from sagebridge.core.job import FINALIZER
from sagebridge.core.tenancy import OperatorDefaults
from sagebridge.engine.endpoint_actions import EndpointActions
from sagebridge.engine.endpoint_inputs import EndpointInputs
from sagebridge.engine.endpoint_reconciler import EndpointReconciler
from sagebridge.engine.engine import Engine, Served
from sagebridge.engine.failures import Patience
from sagebridge.engine.objects import Objects
from sagebridge.engine.reconciler import ReconcilerSettings
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory, Store
from sagebridge.engine.tenants import Tenants
from sagebridge.kinds import ENDPOINT
from sagebridge.kube.client import KubeClient
from sagebridge.kube.events import Event, EventRecorder
from sagebridge.kube.paths import custom
from sagebridge.metrics import Metrics
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.endpoints import SageMakerEndpoints
from sagebridge.targets.sagemaker.gateway import Gateway
from sagebridge.targets.sagemaker.repacking import Repacker
from sagebridge.watch.endpoint_poller import EndpointPoller, Pace

from support.aws import Reply, Request, error, identity, ok
from support.endpoints import spec
from support.workbench import SmallApi

RESOURCE = custom(ENDPOINT.plural)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/serving"
ACCOUNT = "123456789012"
NAME = "scores"


class SmallSageMaker:
    """Keeps one endpoint that is in service at once, and what is registered for it; refuses what the test says."""

    def __init__(self) -> None:
        self.errors: dict[str, Reply] = {}
        self.errors_after: dict[str, dict[str, Reply]] = {}
        self.endpoint: dict[str, Any] | None = None
        self.tags: dict[str, str] = {}
        self.targets: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.asked: list[Request] = []
        self._modified = 1_700_000_000

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        if request.operation == "GetCallerIdentity":
            return identity(ACCOUNT)
        self.asked.append(request)
        refused = self.errors.get(request.operation)
        self.errors |= self.errors_after.pop(request.operation, {})
        return refused or getattr(self, f"_{request.operation}", lambda _: ok())(request.json)

    def names(self, prefix: str = "") -> list[str]:
        """The operations that were asked for, in order."""
        return [request.operation for request in self.asked if request.operation.startswith(prefix)]

    def request(self, operation: str) -> dict[str, Any]:
        """The last request of an operation."""
        found: dict[str, Any] = next(one for one in reversed(self.asked) if one.operation == operation).json
        return found

    def _CreateModel(self, _: dict[str, Any]) -> Reply:  # noqa: N802 - the operation's name
        return ok(ModelArn="arn")

    def _CreateEndpointConfig(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        self.configs[body["EndpointConfigName"]] = body
        return ok(EndpointConfigArn="arn")

    def _DescribeEndpointConfig(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        name = body["EndpointConfigName"]
        if name not in self.configs:
            return error("ValidationException", f'Could not find endpoint configuration "{name}".')
        return ok(EndpointConfigArn="arn", CreationTime=1_700_000_000, **self.configs[name])

    def _CreateEndpoint(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        self.tags = {tag["Key"]: tag["Value"] for tag in body["Tags"]}
        return self.deploy(body)

    def _UpdateEndpoint(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        return self.deploy(body)

    def deploy(self, body: Mapping[str, Any]) -> Reply:
        """Have the endpoint run a config."""
        self._modified += 60
        config = self.configs[body["EndpointConfigName"]]
        self.endpoint = {
            "EndpointName": body["EndpointName"],
            "EndpointArn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/{body['EndpointName']}",
            "EndpointConfigName": body["EndpointConfigName"],
            "EndpointStatus": "InService",
            "CreationTime": 1_700_000_000,
            "LastModifiedTime": self._modified,
            "ProductionVariants": [_running(variant) for variant in config["ProductionVariants"]],
            "ShadowProductionVariants": [_running(one) for one in config.get("ShadowProductionVariants", ())],
        }
        return ok(EndpointArn=self.endpoint["EndpointArn"])

    def _DescribeEndpoint(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        if self.endpoint is None:
            return error("ValidationException", f'Could not find endpoint "{body["EndpointName"]}".')
        return ok(**self.endpoint)

    def _ListEndpoints(self, _: dict[str, Any]) -> Reply:  # noqa: N802
        return ok(Endpoints=[self.endpoint] if self.endpoint else [])

    def _ListTags(self, _: dict[str, Any]) -> Reply:  # noqa: N802
        return ok(Tags=[{"Key": key, "Value": value} for key, value in self.tags.items()])

    def _AddTags(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        self.tags |= {tag["Key"]: tag["Value"] for tag in body["Tags"]}
        return ok(Tags=[])

    def _DeleteEndpoint(self, _: dict[str, Any]) -> Reply:  # noqa: N802
        self.endpoint = None
        return ok()

    def _RegisterScalableTarget(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        self.targets[body["ResourceId"]] = body
        return ok()

    def _DeregisterScalableTarget(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        del self.targets[body["ResourceId"]]
        self.policies.clear()
        return ok()

    def _DescribeScalableTargets(self, _: dict[str, Any]) -> Reply:  # noqa: N802
        return ok(ScalableTargets=list(self.targets.values()))

    def _PutScalingPolicy(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        arn = f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:scalingPolicy:1:{body['PolicyName']}"
        self.policies[body["PolicyName"]] = body | {"PolicyARN": arn, "CreationTime": 1_700_000_000}
        return ok(PolicyARN=arn, Alarms=[])

    def _DescribeScalingPolicies(self, body: dict[str, Any]) -> Reply:  # noqa: N802
        """One on a page."""
        found = list(self.policies.values())
        page = int(body.get("NextToken", 0))
        more = {"NextToken": str(page + 1)} if page + 1 < len(found) else {}
        return ok(ScalingPolicies=found[page : page + 1], **more)

    def _DescribeScheduledActions(self, _: dict[str, Any]) -> Reply:  # noqa: N802
        return ok(ScheduledActions=[])


def _running(variant: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "VariantName": variant["VariantName"],
        "CurrentWeight": variant["InitialVariantWeight"],
        "DesiredWeight": variant["InitialVariantWeight"],
    }
    if "ServerlessConfig" in variant:
        return shown | {"CurrentServerlessConfig": variant["ServerlessConfig"]}
    count = variant["InitialInstanceCount"]
    return shown | {"CurrentInstanceCount": count, "DesiredInstanceCount": count}


class ListeningRecorder(EventRecorder):
    """Keeps what it is told."""

    heard: list[Event]

    def emit(self, event: Event) -> None:
        self.heard = [*getattr(self, "heard", []), event]
        super().emit(event)


class EndpointBench:
    """Everything that works on an endpoint; `now` and `clock` are the test's to set."""

    def __init__(self, *, api: SmallApi, gateway: Gateway, sagemaker: SmallSageMaker) -> None:
        self.api = api
        self.sagemaker = sagemaker
        self.now = NOW
        self.clock = 0.0
        self.metrics = Metrics(CollectorRegistry())
        self.store = Store()
        self.client = KubeClient(login=self._log_in)
        self.recorder = ListeningRecorder(client=self.client, now=lambda: self.now)
        self.engine = Engine(store=self.store, client=self.client, metrics=self.metrics)
        self.tenants = Tenants(defaults=OperatorDefaults(region="us-east-1", role_arn=ROLE, bucket="s3://bucket"))
        caller = Caller(gateway=gateway)
        service = SageMakerEndpoints(caller=caller, repacker=Repacker(caller=caller))
        inputs = EndpointInputs(
            client=self.client,
            store=self.store,
            tenants=self.tenants,
            cluster="c",
            runtime_url=partial(caller.url, service="sagemaker-runtime"),
        )
        actions = EndpointActions(
            resource=RESOURCE,
            service=service,
            inputs=inputs,
            status=StatusWriter(client=self.client, recorder=self.recorder, store=self.store, now=lambda: self.now),
            objects=Objects(client=self.client, store=self.store, resource=RESOURCE),
            metrics=self.metrics,
            now=lambda: self.now,
        )
        settings = ReconcilerSettings(deletion_deadline=timedelta(hours=1), patience=Patience(jitter=lambda: 1.0))
        self.reconciler = EndpointReconciler(actions=actions, settings=settings, now=lambda: self.now)
        self.engine.serve(ENDPOINT.kind, Served(resource=RESOURCE, reconciler=self.reconciler))
        self.poller = EndpointPoller(
            engine=self.engine,
            store=self.store,
            inputs=inputs,
            reconciler=self.reconciler,
            service=service,
            metrics=self.metrics,
            pace=Pace(interval=10.0, sweep_every=300.0, stale_after=60.0),
            clock=lambda: self.clock,
        )

    @property
    def memory(self) -> Memory:
        """What the operator knows of the object."""
        found = self.store.get("uid-1")
        assert found is not None
        return found

    def put(self, wanted: Mapping[str, Any] | None = None, **fields: Any) -> Memory:
        """Apply a manifest, as the watch shows it; `fields` are of its metadata."""
        before = self.api.objects.get(self.path)
        generation = before["metadata"]["generation"] + 1 if before else 1
        metadata = {
            "name": NAME,
            "namespace": "team-a",
            "uid": "uid-1",
            "generation": generation,
            "creationTimestamp": "2026-01-02T03:00:00Z",
            "finalizers": [FINALIZER],
            **fields,
        }
        body = {"metadata": metadata, "spec": wanted or spec(), "status": before["status"] if before else {}}
        return self.store.put(ENDPOINT.kind, self.api.put(self.path, body))

    @property
    def path(self) -> str:
        """Where the API server has the object."""
        return RESOURCE.item(namespace="team-a", name=NAME)

    @property
    def status(self) -> dict[str, Any]:
        """The object's status, as users see it."""
        found: dict[str, Any] = self.api.objects[self.path].get("status", {})
        return found

    def condition(self, kind: str = "Ready") -> dict[str, Any]:
        """A condition; empty if it is not there."""
        return next((dict(one) for one in self.status["conditions"] if one["type"] == kind), {})

    @property
    def verdict(self) -> tuple[str, str]:
        """Status and reason of Ready."""
        return self.condition()["status"], self.condition()["reason"]

    async def reconcile(self, wanted: Mapping[str, Any] | None = None, *, seconds: float = 0.0) -> float | None:
        """One pass, after `wanted` was applied, or time has gone by."""
        self.now += timedelta(seconds=seconds)
        if wanted is not None or self.path not in self.api.objects:
            self.put(wanted)
        return await self.reconciler.reconcile(self.memory)

    async def sweep(self, *, seconds: float = 0.0) -> None:
        """A round of the poller, and the pass that it asks for, if any."""
        self.clock += seconds
        self.now += timedelta(seconds=seconds)
        stale, seen = self.memory.stale_because, self._looked()
        await self.poller.sweep_due()
        if self.memory.stale_because != stale or self._looked() != seen:
            await self.reconcile()

    def _looked(self) -> bool:
        known = self.reconciler.known("uid-1")
        return known is not None and known.observed is not None

    def event(self, reason: str) -> Event | None:
        """The last Event of that reason."""
        return next((one for one in reversed(self.recorder.heard) if one.reason == reason), None)

    async def _log_in(self) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=self.api.url)


@contextlib.asynccontextmanager
async def endpoint_bench(*, gateway: Gateway, sagemaker: SmallSageMaker) -> AsyncIterator[EndpointBench]:
    """A bench whose API server answers on a port of its own."""
    api = SmallApi()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    bench = EndpointBench(api=api, gateway=gateway, sagemaker=sagemaker)
    yield bench
    await bench.client.close()
    await runner.cleanup()
