"""What is special to the jobs of each kind that run as an Indexed Job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sagebridge.core.cluster import manifests, observation
from sagebridge.core.cluster.engines import reference
from sagebridge.core.cluster.fast_file import fast_files, mounted_by
from sagebridge.core.cluster.job import ClusterJob, ClusterSettings, ClusterWork
from sagebridge.core.cluster.names import ANNOTATION_STOP
from sagebridge.core.cluster.placing import wish
from sagebridge.core.cluster.pods import Pod
from sagebridge.core.cluster.processing import manifests as processing_manifests
from sagebridge.core.cluster.processing import observation as processing_observation
from sagebridge.core.cluster.processing.job import ProcessingWork
from sagebridge.core.cluster.request import with_processes
from sagebridge.core.cluster.transform import manifests as transform_manifests
from sagebridge.core.cluster.transform import observation as transform_observation
from sagebridge.core.cluster.transform.job import TransformWork
from sagebridge.core.cluster.transform.request import SERVED
from sagebridge.core.observation import Observation
from sagebridge.core.placement import PlacementSettings, place
from sagebridge.kinds.kind import JobKind
from sagebridge.kube.client import KubeClient
from sagebridge.targets.cluster.claims import claims_of
from sagebridge.targets.cluster.fast_files import FastFiles
from sagebridge.targets.cluster.gangs import Gangs
from sagebridge.targets.cluster.objects import ClusterObjects
from sagebridge.targets.protocol import Handle

Body = Mapping[str, Any]


class Workload(Protocol):
    """The jobs of one kind.

    Attributes:
        is_told: whether a running job is told to stop, so that it can save what it has; else it is taken away.
        has_metrics: whether its logs have metrics.
    """

    is_told: bool
    has_metrics: bool

    async def make(self, handle: Handle, request: Body, cluster: Body) -> tuple[ClusterWork, Body]:
        """Make all that an attempt consists of, or find it; the attempt, and what the rest of it goes with.

        Args:
            handle: the attempt.
            request: of the kind's Create operation, PascalCase and complete.
            cluster: ``spec.cluster``, as the kind's `resolve` completes it.

        Raises as `ClusterObjects.make_own` does.
        """

    def observe(self, job: Body | None, pods: Sequence[Body], *, metrics: Sequence[Body] = ()) -> Observation:
        """Look at one attempt."""

    def is_to_be_given_up(self, job: Body, pods: Sequence[Pod]) -> bool:
        """Whether a Job will fail and does not know it: nothing in its pods is there to say so."""

    def stopped_fields(self, mark: Mapping[str, str]) -> dict[str, Any]:
        """The status of a job that was taken away before it began; `mark` is its stop annotation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planner:
    """What is the same for the attempts of all kinds.

    Attributes:
        settings: what the operator says of all pods.
        placement: and of where they go.
    """

    settings: ClusterSettings
    placement: PlacementSettings

    def plan(self, kind: JobKind, handle: Handle, request: Body, cluster: Body) -> dict[str, Any]:
        """The fields of a `ClusterWork`.

        Raises:
            SpecError: no node could ever run its pods.
        """
        asked = wish(
            request,
            cluster,
            owner=handle.owner,
            attempt=handle.attempt,
            kind=kind.name,
            settings=self.placement,
            resources=kind.resources,
        )
        return {
            "owner": handle.owner,
            "attempt": handle.attempt,
            "kind": kind.name,
            "job_name": handle.name,
            "region": handle.region,
            "request": request,
            "cluster": cluster,
            "placement": place(asked),
            "settings": self.settings,
        }


class Training:
    """TrainingJobs: hosts that know each other, and an agent that saves what they have."""

    is_told: bool = True
    has_metrics: bool = True

    def __init__(
        self, *, kind: JobKind, planner: Planner, client: KubeClient, objects: ClusterObjects, fast_files: FastFiles
    ) -> None:
        self._kind = kind
        self._planner = planner
        self._client = client
        self._objects = objects
        self._gangs = Gangs(objects=objects)
        self._fast_files = fast_files

    async def make(self, handle: Handle, request: Body, cluster: Body) -> tuple[ClusterWork, Body]:
        """See `Workload.make`."""
        planned = await self._job(handle, request, cluster)
        job, made = await self._gangs.make_attempt(handle, planned, manifests.attempt_manifest)
        job = replace(job, fast_files=mounted_by(made, fast_files(job.request, owner=job.owner, attempt=job.attempt)))
        for plural, manifest in manifests.belongings(job, owner=reference(made)).items():
            await self._objects.make(handle, plural, manifest)
        await self._fast_files.make(handle, job, owner=reference(made))
        return job, made

    async def _job(self, handle: Handle, request: Body, cluster: Body) -> ClusterJob:
        planned = self._planner.plan(self._kind, handle, request, cluster)
        processes = planned["placement"].processes_per_node
        return ClusterJob(
            **{**planned, "request": with_processes(request, cluster, count=processes)},
            claims=await claims_of(self._client, request, namespace=handle.owner.namespace),
            fast_files=await self._fast_files.of(handle, request),
        )

    def observe(self, job: Body | None, pods: Sequence[Body], *, metrics: Sequence[Body] = ()) -> Observation:
        """See `Workload.observe`."""
        return observation.observe(job, pods, metrics=metrics)

    def is_to_be_given_up(self, job: Body, pods: Sequence[Pod]) -> bool:
        """See `Workload.is_to_be_given_up`. What trains is started once."""
        del job, pods
        return False

    def stopped_fields(self, mark: Mapping[str, str]) -> dict[str, Any]:
        """See `Workload.stopped_fields`."""
        return {"trainingJobStatus": "Stopped", "secondaryStatus": mark[ANNOTATION_STOP]}


class Processing:
    """ProcessingJobs: hosts that know each other, and an agent that saves what they have made."""

    is_told: bool = True
    has_metrics: bool = False

    def __init__(self, *, kind: JobKind, planner: Planner, objects: ClusterObjects) -> None:
        self._kind = kind
        self._planner = planner
        self._objects = objects
        self._gangs = Gangs(objects=objects)

    async def make(self, handle: Handle, request: Body, cluster: Body) -> tuple[ClusterWork, Body]:
        """See `Workload.make`."""
        planned = ProcessingWork(**self._planner.plan(self._kind, handle, request, cluster))
        job, made = await self._gangs.make_attempt(handle, planned, processing_manifests.job_manifest)
        for plural, manifest in processing_manifests.belongings(job, owner=reference(made)).items():
            await self._objects.make(handle, plural, manifest)
        return job, made

    def observe(self, job: Body | None, pods: Sequence[Body], *, metrics: Sequence[Body] = ()) -> Observation:
        """See `Workload.observe`."""
        del metrics
        return processing_observation.observe(job, pods)

    def is_to_be_given_up(self, job: Body, pods: Sequence[Pod]) -> bool:
        """See `Workload.is_to_be_given_up`. What processes is started once."""
        del job, pods
        return False

    def stopped_fields(self, mark: Mapping[str, str]) -> dict[str, Any]:
        """See `Workload.stopped_fields`."""
        del mark
        return {processing_observation.STATUS: "Stopped"}


class Transform:
    """BatchTransforms: pods that share the input objects, and have nothing to save when they are stopped."""

    is_told: bool = False
    has_metrics: bool = False

    def __init__(self, *, kind: JobKind, planner: Planner, objects: ClusterObjects) -> None:
        self._kind = kind
        self._planner = planner
        self._objects = objects

    async def make(self, handle: Handle, request: Body, cluster: Body) -> tuple[ClusterWork, Body]:
        """See `Workload.make`."""
        planned = self._planner.plan(self._kind, handle, request, cluster)
        job = TransformWork(**planned, served=cluster[SERVED])
        made = await self._objects.make_attempt(handle, transform_manifests.job_manifest(job))
        for plural, manifest in transform_manifests.belongings(
            job, owner=reference(made), created=made["metadata"]["creationTimestamp"]
        ).items():
            await self._objects.make(handle, plural, manifest)
        return job, made

    def observe(self, job: Body | None, pods: Sequence[Body], *, metrics: Sequence[Body] = ()) -> Observation:
        """See `Workload.observe`."""
        del metrics
        return transform_observation.observe(job, pods)

    def is_to_be_given_up(self, job: Body, pods: Sequence[Pod]) -> bool:
        """See `Workload.is_to_be_given_up`."""
        return transform_observation.is_to_be_given_up(job, pods)

    def stopped_fields(self, mark: Mapping[str, str]) -> dict[str, Any]:
        """See `Workload.stopped_fields`."""
        del mark
        return {transform_observation.STATUS: "Stopped"}
