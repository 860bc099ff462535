"""The Kubernetes objects of tuning jobs: their records, and the TrainingJobs that are their trials."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from sagebridge.core.cluster.names import kubernetes_name, selector
from sagebridge.core.names import Owner
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import ConflictError, NotFoundError, RefusedError
from sagebridge.kube.paths import CONFIG_MAPS, TRAINING_JOBS, TUNING_JOBS
from sagebridge.targets.cluster.objects import is_labelled, is_of, make_or_find, refusal
from sagebridge.targets.protocol import Handle

Body = Mapping[str, Any]


class TuningObjects:
    """What tuning jobs on the cluster read and write.

    `before_write` is asked before each write, and raises when this replica may no longer lead.
    """

    def __init__(self, *, client: KubeClient, before_write: Callable[[], None]) -> None:
        self._client = client
        self._before_write = before_write

    async def record(self, handle: Handle) -> dict[str, Any] | None:
        """The handle's record; None if there is none, or one of that name is another's."""
        found = await self.record_of(handle.owner, handle.attempt)
        return found if found is not None and is_of(found, handle) else None

    async def record_of(self, owner: Owner, attempt: int) -> dict[str, Any] | None:
        """The record of an attempt at a tuning job; None if there is none."""
        name = kubernetes_name(owner, attempt)
        try:
            return await self._client.get(CONFIG_MAPS.item(namespace=owner.namespace, name=name))
        except NotFoundError:
            return None

    async def tuning_jobs(self, namespace: str) -> list[dict[str, Any]]:
        """The HPTuningJobs of a namespace."""
        return [job async for job in self._client.list(TUNING_JOBS.collection(namespace))]

    async def make_record(self, handle: Handle, manifest: Body) -> dict[str, Any]:
        """Create the record, or find the one that is the handle's.

        Raises:
            NameConflictError: one of that name is somebody else's.
            SpecError: the API server does not accept it.
            NotAllowedError: the operator may not make it.
        """
        self._before_write()
        try:
            return await make_or_find(self._client, CONFIG_MAPS, handle, manifest)
        except RefusedError as error:
            raise refusal(error) from error

    async def annotate_record(self, handle: Handle, record: Body, annotations: Mapping[str, str]) -> dict[str, Any]:
        """Set annotations of a record."""
        self._before_write()
        metadata = {"uid": record["metadata"]["uid"], "annotations": dict(annotations)}
        return await self._client.patch(_record_path(handle), {"metadata": metadata})

    async def delete_record(self, handle: Handle, record: Body) -> None:
        """Delete a record."""
        self._before_write()
        await self._client.delete(_record_path(handle), uid=record["metadata"]["uid"])

    async def trials(self, owner: Owner, attempt: int) -> list[dict[str, Any]]:
        """The TrainingJobs of an attempt at a tuning job."""
        path = TRAINING_JOBS.collection(owner.namespace)
        found = self._client.list(path, selector=selector(owner, attempt))
        return [trial async for trial in found]

    async def make_trial(self, handle: Handle, manifest: Body) -> dict[str, Any]:
        """Create a trial, or find the one that was created before.

        Raises:
            NameConflictError: one of that name is somebody else's.
            RefusedError: the API server does not accept it.
        """
        self._before_write()
        return await make_or_find(self._client, TRAINING_JOBS, handle, manifest, is_ours=is_labelled)

    async def change_trial(
        self, trial: Body, run_policy: Mapping[str, Any], *, annotations: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """Change a trial's runPolicy and its annotations at once; None if it is gone."""
        self._before_write()
        metadata: dict[str, Any] = {"uid": trial["metadata"]["uid"]}
        body: dict[str, Any] = {"metadata": metadata | ({"annotations": dict(annotations)} if annotations else {})}
        if run_policy:
            body["spec"] = {"runPolicy": dict(run_policy)}
        with contextlib.suppress(NotFoundError, ConflictError):
            return await self._client.patch(_trial_path(trial), body)
        return None

    async def delete_trial(self, trial: Body) -> None:
        """Delete a trial; what becomes of its Job is for its own deletionPolicy to say."""
        self._before_write()
        await self._client.delete(_trial_path(trial), uid=trial["metadata"]["uid"])


def _record_path(handle: Handle) -> str:
    name = kubernetes_name(handle.owner, handle.attempt)
    return CONFIG_MAPS.item(namespace=handle.owner.namespace, name=name)


def _trial_path(trial: Body) -> str:
    metadata = trial["metadata"]
    return TRAINING_JOBS.item(namespace=metadata["namespace"], name=metadata["name"])
