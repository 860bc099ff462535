"""Endpoints' reconciler between a small API server and the local SageMaker in this process, with its clock.

For what two processes can't be made to do at will: a reply that lags, a thing that somebody takes away between two
passes. Replies go through the SDK's own parser, so that the operator sees what it would see of AWS.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import kopf
from aiohttp import web
from botocore.exceptions import ClientError
from botocore.parsers import create_parser
from prometheus_client import CollectorRegistry
from sagebridge.core.job import FINALIZER
from sagebridge.core.tenancy import OperatorDefaults
from sagebridge.engine.endpoint_actions import EndpointActions
from sagebridge.engine.endpoint_inputs import EndpointInputs
from sagebridge.engine.endpoint_reconciler import EndpointReconciler
from sagebridge.engine.failures import Patience
from sagebridge.engine.objects import Objects
from sagebridge.engine.reconciler import ReconcilerSettings
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory, Store
from sagebridge.engine.tenants import Tenants
from sagebridge.kinds import ENDPOINT
from sagebridge.kube.client import KubeClient
from sagebridge.kube.paths import custom
from sagebridge.metrics import Metrics
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.endpoints import SageMakerEndpoints
from sagebridge.targets.sagemaker.repacking import Repacker
from sagebridge.targets.sagemaker.replies import to_aws_error
from sagebridge_local.sagemaker.clock import ManualClock
from sagebridge_local.sagemaker.endpoints.hosting import EndpointScript
from sagebridge_local.sagemaker.service import LocalSageMaker
from sagebridge_local.sagemaker.settings import ServerSettings

from .endpoint_bench import ListeningRecorder
from .endpoints import spec as small_spec
from .workbench import SmallApi

RESOURCE = custom(ENDPOINT.plural)
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/serving"
START = 1_800_000_000.0
_AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=local/20270115/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"
)
_MODEL = botocore.session.get_session().get_service_model("sagemaker")


class LocalGateway:
    """Calls the local SageMaker as the gateway calls AWS, and writes down what was called.

    Attributes:
        calls: operations, in order.
        before: what happens before an operation is answered; it may raise, and what it returns is the reply.
    """

    def __init__(self, service: LocalSageMaker) -> None:
        self.service = service
        self.calls: list[str] = []
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        self.before: dict[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {}
        self.scaling = Scaling()
        self.uploaded: list[str] = []

    async def account_id(self, scope: object, *, namespace: str) -> str:
        """The account."""
        del scope, namespace
        return ACCOUNT

    async def call(
        self, scope: object, operation: str, request: Mapping[str, Any], *, namespace: str, service: str = "sagemaker"
    ) -> dict[str, Any]:
        """One call."""
        del scope, namespace
        self.calls.append(operation)
        self.requests.append((operation, request))
        reply = await self.before[operation](request) if operation in self.before else None
        if reply is not None:
            return dict(reply)
        if service != "sagemaker":
            return self.scaling.answer(operation, request)
        return await self.ask(operation, request)

    async def ask(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The local SageMaker's answer, with nothing done before and nothing written down."""
        body = json.dumps(request).encode()
        answer = await self.service.answer(operation=operation, body=body, authorization=_AUTHORIZATION)
        assert answer.reply is not None
        raw = {"status_code": answer.reply.status, "headers": {}, "body": answer.reply.body}
        parsed = create_parser("json").parse(raw, _MODEL.operation_model(operation).output_shape)
        if answer.reply.status != 200:
            raise to_aws_error(ClientError(parsed, operation), operation=operation)
        parsed.pop("ResponseMetadata")
        return dict(parsed)


class Scaling:
    """As much of Application Auto Scaling as keeps targets and their policies."""

    def __init__(self) -> None:
        self.targets: dict[tuple[str, str], dict[str, Any]] = {}
        self.policies: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One call's reply."""
        if operation == "DescribeScalableTargets":
            return {"ScalableTargets": [each for key, each in self.targets.items() if key[0] in request["ResourceIds"]]}
        key = (request["ResourceId"], request["ScalableDimension"])
        match operation:
            case "DescribeScalingPolicies":
                return {"ScalingPolicies": list(self.policies.get(key, {}).values())}
            case "DescribeScheduledActions":
                return {"ScheduledActions": []}
            case "RegisterScalableTarget":
                self.targets[key] = self.targets.get(key, {}) | dict(request)
            case "DeregisterScalableTarget":
                self.targets.pop(key, None)
                self.policies.pop(key, None)
            case "PutScalingPolicy":
                self.policies.setdefault(key, {})[request["PolicyName"]] = dict(request)
            case _:
                raise AssertionError(operation)
        return {}


class EndpointBench:
    """Everything that works on endpoints, with a clock that the test moves."""

    def __init__(self, api: SmallApi) -> None:
        self.api = api
        self.local = LocalSageMaker(ServerSettings(lifecycle_only=True), clock=ManualClock(START))
        self.local.endpoint_scripts.set("*", EndpointScript(seconds=60, delete_seconds=5))
        self.aws = LocalGateway(self.local)
        self.metrics = Metrics(CollectorRegistry())
        self.store = Store()
        self.client = KubeClient(login=self._log_in)
        self.tenants = Tenants(defaults=OperatorDefaults(region="us-east-1", role_arn=ROLE, bucket="s3://bucket"))
        self.inputs = EndpointInputs(
            client=self.client,
            store=self.store,
            tenants=self.tenants,
            cluster="c",
            runtime_url=self._runtime_url,
        )
        self.restart()

    async def _runtime_url(self, _: object) -> str:
        return "http://localhost"

    def restart(self) -> None:
        """Another process of the operator: all that is not in status is lost."""
        caller = Caller(gateway=self.aws)  # type: ignore[arg-type]
        self.service = service = SageMakerEndpoints(caller=caller, repacker=Repacker(caller=caller))
        self.recorder = recorder = ListeningRecorder(client=self.client, now=self.now)
        actions = EndpointActions(
            resource=RESOURCE,
            service=service,
            inputs=self.inputs,
            status=StatusWriter(client=self.client, recorder=recorder, store=self.store, now=self.now),
            objects=Objects(client=self.client, store=self.store, resource=RESOURCE),
            metrics=self.metrics,
            now=self.now,
        )
        settings = ReconcilerSettings(deletion_deadline=timedelta(hours=1), patience=Patience(jitter=lambda: 1.0))
        self.reconciler = EndpointReconciler(actions=actions, settings=settings, now=self.now)

    def now(self) -> datetime:
        """The time, of both sides."""
        return datetime.fromtimestamp(self.local.clock.now(), UTC)

    def put(self, name: str = "scores", *, namespace: str = "team-a", **parts: Any) -> Memory:
        """Have an object, as the watch shows it; `parts` are spec, status and metadata."""
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "generation": 1,
            "creationTimestamp": "2026-01-02T03:00:00Z",
            "finalizers": [FINALIZER],
        } | parts.get("metadata", {})
        path = RESOURCE.item(namespace=namespace, name=name)
        status = parts.get("status", self.api.objects.get(path, {}).get("status", {}))
        body = {"metadata": metadata, "spec": parts.get("spec", small_spec()), "status": status}
        return self.store.put(ENDPOINT.kind, self.api.put(path, body))

    async def reconcile(self, memory: Memory) -> list[str]:
        """One pass; the operations that it called."""
        before = len(self.aws.calls)
        await self.reconciler.reconcile(memory)
        return self.aws.calls[before:]

    async def serve(self, memory: Memory) -> None:
        """Passes until the endpoint is served."""
        for _ in range(6):
            await self.reconcile(memory)
            self.advance(61)
            if ready(memory)["status"] == "True":
                return
        raise AssertionError(ready(memory))

    def pretend_to_repack(self) -> None:
        """Have every archive that is to be packed."""
        done = self.aws.uploaded

        async def repack(handle: object, repack: object, *, uri: str) -> None:
            del handle, repack
            done.append(uri)

        self.service.repack = repack  # type: ignore[method-assign, assignment]

    def fail_next(self, name: str, *, reason: str) -> None:
        """Let the deployments of one endpoint fail from now on."""
        self.local.endpoint_scripts.set(name, EndpointScript(seconds=60, outcome="Failed", failure_reason=reason))

    def succeed(self) -> None:
        """Let all deployments succeed again."""
        self.local.endpoint_scripts.clear()
        self.local.endpoint_scripts.set("*", EndpointScript(seconds=60, delete_seconds=5))

    def advance(self, seconds: float) -> None:
        """Let time pass at AWS."""
        self.local.scheduler.advance(seconds)

    async def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """Ask the local SageMaker, beside the operator."""
        return await self.aws.ask(operation, request)

    async def endpoints(self) -> dict[str, str]:
        """Statuses by name."""
        found = (await self.ask("ListEndpoints"))["Endpoints"]
        return {one["EndpointName"]: one["EndpointStatus"] for one in found}

    async def _log_in(self) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=self.api.url)


def ready(memory: Memory) -> dict[str, Any]:
    """The condition Ready; empty before the first."""
    return next((dict(one) for one in memory.job.conditions if one["type"] == "Ready"), {})


@contextlib.asynccontextmanager
async def endpoint_bench() -> AsyncIterator[EndpointBench]:
    """A bench whose API server answers on a port of its own."""
    api = SmallApi()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    bench = EndpointBench(api)
    yield bench
    await bench.client.close()
    await runner.cleanup()
