"""One job's reconciler between a small API server and a scripted target: for what the real ones can't be made to do.

Races between two lines, a reply that comes late, a process that ends: here the test says what happens between which
calls. What the real API server and the local SageMaker can show is tested with them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf
from aiohttp import web
from prometheus_client import CollectorRegistry
from sagebridge.core.job import FINALIZER
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.tenancy import OperatorDefaults
from sagebridge.engine.actions import Actions
from sagebridge.engine.engine import Engine, Served
from sagebridge.engine.failures import Patience
from sagebridge.engine.inputs import InputResolver
from sagebridge.engine.objects import Objects
from sagebridge.engine.reconciler import JobReconciler, ReconcilerSettings
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory, Store
from sagebridge.engine.tenants import Tenants
from sagebridge.kinds.kind import JobKind
from sagebridge.kinds.training_job import KIND
from sagebridge.kube.client import KubeClient
from sagebridge.kube.events import EventRecorder
from sagebridge.kube.paths import custom
from sagebridge.metrics import Metrics
from sagebridge.targets.protocol import Handle, Submission
from sagebridge.watch.poller import Poller, Watched

from support.merge_patch import merged

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/training"
_COLLECTIONS = ("namespaces", "tenantpolicies")
SPEC = {
    "algorithmSpecification": {"trainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"},
    "resourceConfig": {"instanceType": "ml.m5.large"},
}


class SmallApi:
    """Keeps objects by path, counts their versions, and merges patches as the API server does."""

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[str, dict[str, Any]] = {}
        self.refused: dict[str, int] = {}
        self._version = 100

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Store an object under a new version."""
        self._version += 1
        stored: dict[str, Any] = json.loads(json.dumps(body))
        stored["metadata"]["resourceVersion"] = str(self._version)
        self.objects[path] = stored
        return stored

    async def answer(self, request: web.Request) -> web.Response:
        """One request."""
        path = request.path.removesuffix("/status")
        if request.path in self.refused:
            return web.json_response({"message": "refused"}, status=self.refused[request.path])
        if request.method == "POST":
            return web.json_response(await request.json(), status=201)
        if request.method == "GET" and path.rpartition("/")[2] in _COLLECTIONS:
            items = [body for key, body in self.objects.items() if key.startswith(f"{path}/")]
            return web.json_response({"metadata": {}, "items": items})
        if path not in self.objects:
            return web.json_response({"message": "not found"}, status=404)
        if request.method in ("PATCH", "PUT"):
            change = self._patch if request.method == "PATCH" else self._put_status
            return change(path, await request.json())
        return web.json_response(self.objects[path])

    def _patch(self, path: str, patch: dict[str, Any]) -> web.Response:
        wanted = patch["metadata"].pop("resourceVersion", None)
        if wanted not in (None, self.objects[path]["metadata"]["resourceVersion"]):
            return web.json_response({"message": "changed"}, status=409)
        return web.json_response(self.put(path, merged(self.objects[path], patch)))

    def _put_status(self, path: str, body: dict[str, Any]) -> web.Response:
        if body["metadata"]["resourceVersion"] != self.objects[path]["metadata"]["resourceVersion"]:
            return web.json_response({"message": "changed"}, status=409)
        return web.json_response(self.put(path, {**self.objects[path], "status": body["status"]}))


class ScriptedTarget:
    """Does as the test says; by default there is no job until one is submitted."""

    models = None

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.settled: list[int] = []
        self.seen = Observation(phase=Phase.GONE, whole=True)
        self.before: dict[str, Callable[[], Awaitable[None]]] = {}
        self.errors: dict[str, Exception] = {}
        self.listed: dict[str, Observation] | None = None

    async def submit(self, handle: Handle, spec: Mapping[str, Any], *, adopt: bool) -> Submission:
        del spec, adopt
        await self._called("submit")
        self.seen = Observation(phase=Phase.OPEN, fields=KIND.fresh_fields, whole=True)
        return Submission(arn=f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{handle.name}")

    async def observe(self, handles: Sequence[Handle]) -> Mapping[str, Observation]:
        await self._called("observe")
        return self.listed if self.listed is not None else {handle.owner.uid: self.seen for handle in handles}

    async def describe(self, handle: Handle) -> Observation:
        await self._called("describe", of=handle.owner.name)
        return self.seen

    async def stop(self, handle: Handle) -> Observation:
        del handle
        await self._called("stop")
        self.seen = Observation(phase=Phase.STOPPING, fields=KIND.stopping_fields, whole=True)
        return self.seen

    async def delete(self, handle: Handle) -> None:
        del handle
        await self._called("delete")

    async def settle(self, handle: Handle) -> None:
        self.settled.append(handle.attempt)
        await self._called("settle")

    async def tag(self, handle: Handle, *, tags: Mapping[str, str], remove: Sequence[str]) -> None:
        del handle, tags, remove
        await self._called("tag")

    async def tags_of(self, handle: Handle) -> Mapping[str, str]:
        await self._called("tags_of")
        return handle.owner.tags()

    async def stage_source(self, handle: Handle, *, uri: str, content: bytes) -> str:
        del handle, content
        await self._called("stage_source")
        return uri

    async def _called(self, name: str, *, of: str = "") -> None:
        self.calls.append(name)
        if name in self.before:
            await self.before[name]()
        for key in (name, f"{name} {of}"):
            if key in self.errors:
                raise self.errors[key]


class Workbench:
    """Everything that works on jobs, with a clock that the test sets."""

    def __init__(self, api: SmallApi, *, kind: JobKind = KIND) -> None:
        self.api = api
        self.kind = kind
        self.resource = custom(kind.schema.plural)
        self.now = NOW
        self.target = ScriptedTarget()
        self.metrics = Metrics(CollectorRegistry())
        self.store = Store()
        self.client = KubeClient(login=self._log_in)
        self.recorder = EventRecorder(client=self.client, now=lambda: self.now)
        self.tenants = Tenants(defaults=OperatorDefaults(region="us-east-1", role_arn=ROLE, bucket="s3://bucket"))
        self.engine = Engine(store=self.store, client=self.client, metrics=self.metrics)
        inputs = InputResolver(
            client=self.client, store=self.store, tenants=self.tenants, cluster="c", now=lambda: self.now
        )
        self.reconciler = self._reconciler(inputs)
        self.engine.serve(kind.name, Served(resource=self.resource, reconciler=self.reconciler))
        self.clock = 0.0
        self.poller = Poller(
            engine=self.engine,
            store=self.store,
            inputs=inputs,
            metrics=self.metrics,
            interval=10.0,
            stale_after=60.0,
            clock=lambda: self.clock,
        )
        self.poller.watch(Watched(kind=kind, target=self.target))

    def put(self, name: str = "digits", *, spec: Mapping[str, Any] = SPEC, **parts: Any) -> Memory:
        """Have an object, as the watch shows it; `parts` are status and metadata."""
        metadata = {
            "name": name,
            "namespace": "team-a",
            "uid": f"uid-{name}",
            "generation": 1,
            "creationTimestamp": "2026-01-02T03:00:00Z",
            "finalizers": [FINALIZER],
        }
        body = {"metadata": metadata | parts.get("metadata", {}), "spec": spec, "status": parts.get("status", {})}
        return self.store.put(self.kind.name, self.api.put(self.path(name), body))

    def path(self, name: str = "digits") -> str:
        """Where the API server has the object."""
        return self.resource.item(namespace="team-a", name=name)

    def status(self, name: str = "digits") -> dict[str, Any]:
        """The object's status, as users see it."""
        found: dict[str, Any] = self.api.objects[self.path(name)].get("status", {})
        return found

    def ready(self, name: str = "digits") -> dict[str, Any]:
        """The condition Ready."""
        [found] = [one for one in self.status(name)["conditions"] if one["type"] == "Ready"]
        return dict(found)

    async def reconcile(self, memory: Memory) -> float | None:
        """One pass."""
        return await self.reconciler.reconcile(memory)

    def _reconciler(self, inputs: InputResolver) -> JobReconciler:
        actions = Actions(
            kind=self.kind,
            resource=self.resource,
            target=self.target,
            inputs=inputs,
            status=StatusWriter(client=self.client, recorder=self.recorder, store=self.store, now=lambda: self.now),
            objects=Objects(client=self.client, store=self.store, resource=self.resource),
            metrics=self.metrics,
            now=lambda: self.now,
        )
        settings = ReconcilerSettings(deletion_deadline=timedelta(hours=1), patience=Patience(jitter=lambda: 1.0))
        return JobReconciler(kind=self.kind, actions=actions, settings=settings, now=lambda: self.now)

    async def _log_in(self) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=self.api.url)


@contextlib.asynccontextmanager
async def workbench(*, kind: JobKind = KIND) -> AsyncIterator[Workbench]:
    """A workbench of one kind whose API server answers on a port of its own."""
    api = SmallApi()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    bench = Workbench(api, kind=kind)
    yield bench
    await bench.client.close()
    await runner.cleanup()
