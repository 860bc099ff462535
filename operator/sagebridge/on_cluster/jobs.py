"""The composition of all that runs jobs on the cluster's own nodes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from typing import Any

from sagebridge.core.cluster import engines, observation, pods, queueing, telling
from sagebridge.core.cluster.names import LABEL_KIND, LABEL_UID, labels_of
from sagebridge.core.cluster.serving import pods as serving_pods
from sagebridge.core.cluster.serving.endpoint import KIND
from sagebridge.core.cluster.tuning.trials import KIND as TUNING_JOB
from sagebridge.engine.endpoint_inputs import EndpointInputs
from sagebridge.engine.engine import Engine
from sagebridge.engine.inputs import InputResolver
from sagebridge.engine.serving_reconciler import ServingReconciler
from sagebridge.engine.store import Store
from sagebridge.kinds.batch_transform import KIND as BATCH_TRANSFORM
from sagebridge.kinds.kind import JobKind
from sagebridge.kinds.processing_job import KIND as PROCESSING_JOB
from sagebridge.kube.client import KubeClient
from sagebridge.kube.optional_reflector import OptionalReflector
from sagebridge.kube.paths import EVENTS, JOB_SETS, JOBS, PODS, TRAINING_JOBS, Resource
from sagebridge.kube.reflector import Body, Reflector, Selection
from sagebridge.on_cluster.serving import Reporting, Serving
from sagebridge.on_cluster.settings import cluster_settings, placement_settings
from sagebridge.settings import Settings
from sagebridge.targets.cluster.early_stopper import POLLS, EarlyStopper
from sagebridge.targets.cluster.fast_files import FastFiles
from sagebridge.targets.cluster.objects import ClusterObjects
from sagebridge.targets.cluster.serving_view import Part
from sagebridge.targets.cluster.target import ClusterTarget
from sagebridge.targets.cluster.tuner import Tuner
from sagebridge.targets.cluster.tuning_objects import TuningObjects
from sagebridge.targets.cluster.tuning_target import TuningTarget
from sagebridge.targets.cluster.tuning_view import TuningView
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.cluster.words import OthersWords
from sagebridge.targets.cluster.workloads import Planner, Processing, Training, Transform, Workload
from sagebridge.targets.protocol import Target
from sagebridge.watch.cluster_watcher import ClusterWatcher
from sagebridge.watch.sight import Sight
from sagebridge.watch.volume_sweeper import VolumeSweeper


class OnCluster:
    """The targets of jobs on the cluster, and what follows those jobs."""

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
        self._view = ClusterView()
        self._objects = ClusterObjects(client=client, before_write=before_write)
        self._planner = Planner(settings=cluster_settings(settings), placement=placement_settings(settings))
        self._words = OthersWords(view=self._view)
        self._fast_files = FastFiles(
            client=client,
            objects=self._objects,
            environment=settings.cluster_environment,
            is_wanted=settings.cluster_fast_file_volumes,
            before_write=before_write,
        )
        self._sweeper = VolumeSweeper(client=client, before_write=before_write, namespaces=settings.watch_namespaces)
        self._tuning_view = TuningView()
        self._tuning_objects = TuningObjects(client=client, before_write=before_write)
        self._tuner = Tuner(objects=self._tuning_objects, view=self._tuning_view, now=now)
        self._early_stopper = EarlyStopper(
            client=client,
            objects=self._tuning_objects,
            view=self._view,
            tuner=self._tuner,
            now=now,
            pause=POLLS * settings.poll_interval_seconds,
        )
        self.serving = Serving(settings=settings, client=client, before_write=before_write, now=now)
        # Pods of jobs and of endpoints are followed together: what tells them apart is a label, which may be wrong.
        self._pods: dict[str | None, Reflector] = {
            namespace: Reflector(
                client=client,
                path=PODS.collection(namespace),
                selection=Selection(labels=LABEL_UID),
                put=self._put_pod,
                remove=self._remove_pod,
                keep=_keep_pod,
            )
            for namespace in settings.watch_namespaces or (None,)
        }

    def target(self, kind: JobKind, *, storage: Target) -> ClusterTarget | TuningTarget:
        """What runs a kind's jobs; `storage` puts their code on S3."""
        if kind.name == TUNING_JOB:
            return TuningTarget(
                kind=kind,
                objects=self._tuning_objects,
                view=self._tuning_view,
                tuner=self._tuner,
                early_stopper=self._early_stopper,
                placement=placement_settings(self._settings),
                stage=storage.stage_source,
                now=self._now,
            )
        return ClusterTarget(
            kind=kind,
            workload=self._workload(kind),
            client=self._client,
            objects=self._objects,
            view=self._view,
            words=self._words,
            stage=storage.stage_source,
        )

    def _workload(self, kind: JobKind) -> Workload:
        if kind.name == BATCH_TRANSFORM.name:
            return Transform(kind=kind, planner=self._planner, objects=self._objects)
        if kind.name == PROCESSING_JOB.name:
            return Processing(kind=kind, planner=self._planner, objects=self._objects)
        return Training(
            kind=kind,
            planner=self._planner,
            client=self._client,
            objects=self._objects,
            fast_files=self._fast_files,
        )

    def watcher(self, *, engine: Engine, store: Store, inputs: InputResolver) -> ClusterWatcher:
        """What tells the engine how those jobs go."""
        watcher = ClusterWatcher(
            engine=engine,
            store=store,
            inputs=inputs,
            sight=Sight(
                [*self._pods.items(), *self._jobs_and_trials()], stale_after=self._settings.stale_after_seconds
            ),
            interval=self._settings.poll_interval_seconds,
        )
        self._view.changed = self._tuning_view.changed = watcher.note
        return watcher

    def _jobs_and_trials(self) -> Iterator[tuple[str | None, Reflector]]:
        """What follows them, by namespace."""
        for namespace in self._settings.watch_namespaces or (None,):
            for path, put, remove, keep in (
                (JOBS.collection(namespace), self._view.put_job, self._view.remove_job, observation.essence),
                (TRAINING_JOBS.collection(namespace), self._tuning_view.put, self._tuning_view.remove, dict),
            ):
                yield (
                    namespace,
                    Reflector(
                        client=self._client,
                        path=path,
                        selection=Selection(labels=LABEL_UID),
                        put=put,
                        remove=remove,
                        keep=keep,
                    ),
                )

    def serve_endpoints(
        self, *, engine: Engine, store: Store, resource: Resource, endpoints: EndpointInputs, reporting: Reporting
    ) -> ServingReconciler:
        """What brings Endpoints on the cluster to what they say."""
        return self.serving.reconciler(
            engine=engine,
            store=store,
            resource=resource,
            endpoints=endpoints,
            reporting=reporting,
            pods=self._pods,
        )

    def pieces(self, watcher: ClusterWatcher) -> tuple[Coroutine[Any, Any, None], ...]:
        """What has to run."""
        if not self._settings.agent_image:
            return (watcher.run_switched_off(),)
        optional = (
            reflector.run()
            for namespace in self._settings.watch_namespaces or (None,)
            for reflector in (self._queue(namespace), self._job_sets(namespace), self._told(namespace))
        )
        return (
            watcher.run(),
            self._tuner.run(),
            self._early_stopper.run(),
            self._sweeper.run(),
            self.serving.run(),
            *optional,
        )

    def _told(self, namespace: str | None) -> Reflector:
        """What follows Events, of all tellers in one: each watch of them lets the API server decode every one."""
        return Reflector(
            client=self._client,
            path=EVENTS.collection(namespace),
            selection=Selection(fields=telling.SELECTOR, has_bookmarks=False, is_needed=False),
            put=self._words.put,
            remove=self._words.remove,
            keep=telling.essence,
        )

    def _queue(self, namespace: str | None) -> OptionalReflector:
        """What follows Kueue's Workloads."""

        def follow(resource: Resource) -> Reflector:
            return Reflector(
                client=self._client,
                path=resource.collection(namespace),
                selection=Selection(labels=queueing.JOB_UID_LABEL),
                put=self._view.put_workload,
                remove=self._view.remove_workload,
                keep=queueing.essence,
            )

        return OptionalReflector(
            client=self._client,
            group=queueing.GROUP,
            plural="workloads",
            follow=follow,
            found=self._view.found_kueue,
        )

    def _job_sets(self, namespace: str | None) -> OptionalReflector:
        """What follows our JobSets."""

        def follow(resource: Resource) -> Reflector:
            return Reflector(
                client=self._client,
                path=resource.collection(namespace),
                selection=Selection(labels=LABEL_UID),
                put=self._view.put_job_set,
                remove=self._view.remove_job_set,
                keep=engines.as_job,
            )

        return OptionalReflector(client=self._client, group=JOB_SETS.group, plural=JOB_SETS.plural, follow=follow)

    def _put_pod(self, body: Body) -> None:
        if _is_of_endpoint(body):
            self.serving.view.put(Part.POD, body)
        else:
            # It may have been one of an endpoint, until somebody changed its labels.
            self.serving.view.remove(Part.POD, body)
            self._view.put_pod(body)

    def _remove_pod(self, body: Body) -> None:
        if _is_of_endpoint(body):
            self.serving.view.remove(Part.POD, body)
        else:
            self._view.remove_pod(body)


def _is_of_endpoint(body: Body) -> bool:
    return labels_of(body).get(LABEL_KIND) == KIND


def _keep_pod(body: Body) -> Body:
    return serving_pods.essence(body) if _is_of_endpoint(body) else pods.essence(body)
