"""The objects by which a scheduler takes the hosts of a job together: made before the Job, and gone with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sagebridge.core.cluster.drift import holds
from sagebridge.core.cluster.engines import reference
from sagebridge.core.cluster.gangs import APIS, GangApi, gang_manifest, is_gang, missing
from sagebridge.core.cluster.job import AccompaniedWork
from sagebridge.core.errors import SpecError
from sagebridge.kube.errors import KubeError
from sagebridge.kube.paths import Resource
from sagebridge.targets.cluster.objects import ClusterObjects, is_labelled
from sagebridge.targets.protocol import Handle

Body = Mapping[str, Any]
Work = TypeVar("Work", bound=AccompaniedWork)


class Gangs:
    """What is written of gangs."""

    def __init__(self, *, objects: ClusterObjects) -> None:
        self._objects = objects

    async def make_attempt(
        self, handle: Handle, job: Work, manifest: Callable[[Work], Body]
    ) -> tuple[Work, dict[str, Any]]:
        """Make the Job or JobSet of an attempt, or find it; where a scheduler takes its hosts together, with its gang.

        The job comes back with the API that the gang is of. Raises as `ClusterObjects.make_own` does, and

        Raises:
            SpecError: the cluster has no such API.
        """
        job, gang = await self._gang(handle, job)
        made = await self._objects.make_attempt(handle, manifest(job))
        await self._hand_over(handle, job, gang=gang, made=made)
        return job, made

    async def _gang(self, handle: Handle, job: Work) -> tuple[Work, Body | None]:
        """Make, or find, the object of a job whose hosts are scheduled together; None of another."""
        if not is_gang(job):
            return job, None
        api = await self._api(job)
        if api is None:
            # An earlier try may have made the Job, when the API was there: it can be stopped only once it is known.
            if await self._objects.job(handle) is None:
                raise SpecError("spec.cluster", missing(job))
            return job, None
        return replace(job, gang=api), await self._make(handle, _resource(api), gang_manifest(job, api))

    async def _make(self, handle: Handle, resource: Resource, manifest: Body) -> Body:
        """One of an earlier spec may be left, whose Job was refused: it would wait for as many hosts as that had."""
        for _ in range(2):
            gang = await self._objects.make_own(handle, resource, manifest, is_ours=is_labelled)
            if "deletionTimestamp" not in gang["metadata"] and holds(manifest["spec"], gang["spec"]):
                return gang
            await self._objects.delete_own(handle, resource, gang)
        raise KubeError(f"the {manifest['kind']} {manifest['metadata']['name']} of an earlier spec is not gone yet")

    async def _hand_over(self, handle: Handle, job: AccompaniedWork, *, gang: Body | None, made: Body) -> None:
        """Let the object go when the Job that was made goes; until then it belongs to the object whose job it is."""
        if gang is None or job.gang is None:
            return
        owner = reference(made)
        if gang["metadata"].get("ownerReferences") != [owner]:
            changes = {"metadata": {"ownerReferences": [owner]}}
            await self._objects.patch_own(handle, _resource(job.gang), gang, changes)

    async def _api(self, job: AccompaniedWork) -> GangApi | None:
        for api in APIS[job.settings.gang_scheduling]:
            if await self._objects.serves(_resource(api)):
                return api
        return None


def _resource(api: GangApi) -> Resource:
    return Resource(group=api.group, version=api.version, plural=api.plural)
