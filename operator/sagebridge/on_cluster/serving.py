"""The composition of all that serves Endpoints on the cluster's own nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sagebridge.core.cluster.names import LABEL_KIND, LABEL_UID
from sagebridge.core.cluster.serving.endpoint import KIND
from sagebridge.engine.endpoint_inputs import EndpointInputs
from sagebridge.engine.engine import Engine
from sagebridge.engine.objects import Objects
from sagebridge.engine.reconciler import ReconcilerSettings
from sagebridge.engine.serving_actions import ServingActions
from sagebridge.engine.serving_inputs import ServingInputs
from sagebridge.engine.serving_reconciler import ServingReconciler
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Store
from sagebridge.kube.client import KubeClient
from sagebridge.kube.paths import Resource
from sagebridge.kube.reflector import Reflector, Selection
from sagebridge.metrics import Metrics
from sagebridge.on_cluster.settings import cluster_settings, placement_settings
from sagebridge.settings import Settings
from sagebridge.targets.cluster.serving_objects import RESOURCES, ServingObjects, keep
from sagebridge.targets.cluster.serving_view import Part, ServingView
from sagebridge.watch.serving_watcher import ServingWatcher
from sagebridge.watch.sight import Sight

_FOLLOWED: Final = (Part.DEPLOYMENT, Part.SERVICE, Part.BUDGET, Part.HPA)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reporting:
    """What endpoints on the cluster share with those on SageMaker.

    Attributes:
        status: writes their statuses.
        metrics: counts.
        settings: deadlines and pauses.
    """

    status: StatusWriter
    metrics: Metrics
    settings: ReconcilerSettings


class Serving:
    """What is known of Endpoints on the cluster, and what follows it.

    Attributes:
        view: what was seen.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        client: KubeClient,
        before_write: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._client = client
        self._now = now
        self.view = ServingView()
        self._objects = ServingObjects(client=client, view=self.view, before_write=before_write)
        self._watcher: ServingWatcher | None = None

    def reconciler(
        self,
        *,
        engine: Engine,
        store: Store,
        resource: Resource,
        endpoints: EndpointInputs,
        reporting: Reporting,
        pods: Mapping[str | None, Reflector],
    ) -> ServingReconciler:
        """What brings the objects to what they say; `pods` follow those of each namespace, and are run by others."""
        reflectors = self._reflectors()
        watcher = ServingWatcher(
            engine=engine,
            store=store,
            reflectors=[reflector for _, reflector in reflectors],
            sight=Sight([*reflectors, *pods.items()], stale_after=self._settings.stale_after_seconds),
            interval=self._settings.poll_interval_seconds,
        )
        self._watcher = watcher
        self.view.changed = watcher.note
        inputs = ServingInputs(
            client=self._client,
            endpoints=endpoints,
            settings=cluster_settings(self._settings),
            placement=placement_settings(self._settings),
        )
        actions = ServingActions(
            resource=resource,
            objects=self._objects,
            view=self.view,
            inputs=inputs,
            status=reporting.status,
            own=Objects(client=self._client, store=store, resource=resource),
            metrics=reporting.metrics,
            now=self._now,
        )
        return ServingReconciler(
            actions=actions,
            settings=reporting.settings,
            now=self._now,
            # Where there are no such pods, nobody follows them, and no spec is accepted.
            is_seeing=lambda namespace: watcher.is_synced(namespace) or not self._settings.agent_image,
            is_switched_on=bool(self._settings.agent_image),
        )

    async def run(self) -> None:
        """Follow until cancelled."""
        assert self._watcher is not None  # the composition has asked for the reconciler
        await self._watcher.run()

    def _reflectors(self) -> list[tuple[str | None, Reflector]]:
        """What follows all but the pods, by namespace."""
        return [
            (
                namespace,
                Reflector(
                    client=self._client,
                    path=RESOURCES[part].collection(namespace),
                    selection=Selection(labels=f"{LABEL_UID},{LABEL_KIND}={KIND}"),
                    put=partial(self.view.put, part),
                    remove=partial(self.view.remove, part),
                    keep=partial(keep, part),
                ),
            )
            for namespace in self._settings.watch_namespaces or (None,)
            for part in _FOLLOWED
        ]
