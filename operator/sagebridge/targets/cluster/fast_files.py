"""FastFile channels as volumes, where the cluster has the Mountpoint for Amazon S3 CSI driver."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from sagebridge.core.cluster.fast_file import DRIVER, FastFile, claim, fast_files, volume
from sagebridge.core.cluster.job import ClusterJob
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.kube.paths import CSI_DRIVERS, PERSISTENT_VOLUMES
from sagebridge.targets.cluster.objects import ClusterObjects, refusal
from sagebridge.targets.protocol import Handle

logger = logging.getLogger(__name__)

_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


class FastFiles:
    """Makes the volumes of FastFile channels.

    Args:
        client: the API server.
        objects: what makes what belongs to a Job.
        environment: of all pods. With an endpoint of S3's in it nothing is mounted: the driver knows nothing of it.
        is_wanted: False to download such channels also where the driver is.
        before_write: raises when this replica may no longer lead.
    """

    def __init__(
        self,
        *,
        client: KubeClient,
        objects: ClusterObjects,
        environment: Mapping[str, str],
        is_wanted: bool,
        before_write: Callable[[], None],
    ) -> None:
        self._client = client
        self._objects = objects
        self._is_wanted = is_wanted and not any(environment.get(name) for name in _ENDPOINTS)
        self._before_write = before_write

    async def of(self, handle: Handle, request: Mapping[str, Any]) -> tuple[FastFile, ...]:
        """The channels of a new Job that are to be volumes."""
        found = fast_files(request, owner=handle.owner, attempt=handle.attempt)
        return found if found and self._is_wanted and await self._has_driver() else ()

    async def make(self, handle: Handle, job: ClusterJob, *, owner: Mapping[str, str]) -> None:
        """Make what the channels of a job need, or find it: claims, which go with their owner, and their volumes."""
        for one in job.fast_files:
            made = await self._objects.make(handle, "persistentvolumeclaims", claim(job, one, owner=owner))
            await self._make_volume(volume(job, one, claim_uid=made["metadata"]["uid"]))

    async def _has_driver(self) -> bool:
        try:
            await self._client.get(CSI_DRIVERS.item(namespace=None, name=DRIVER))
        except NotFoundError:
            return False
        except RefusedError as error:
            logger.warning("FastFile channels are downloaded: %s", error)
            return False
        return True

    async def _make_volume(self, manifest: Mapping[str, Any]) -> None:
        self._before_write()
        try:
            await self._client.create(PERSISTENT_VOLUMES.collection(), manifest)
        except ConflictError:
            await self._check(manifest)
        except RefusedError as error:
            raise refusal(error) from error

    async def _check(self, manifest: Mapping[str, Any]) -> None:
        """What is there must be the claim's; an earlier claim's goes once it is Released."""
        name = manifest["metadata"]["name"]
        found = await self._client.get(PERSISTENT_VOLUMES.item(namespace=None, name=name))
        if found["spec"].get("claimRef", {}).get("uid") != manifest["spec"]["claimRef"]["uid"]:
            raise KubeError(f"the PersistentVolume {name} is another claim's")
