"""Which PersistentVolumeClaim stands for the file system of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.errors import SpecError
from sagebridge.kube.client import KubeClient
from sagebridge.kube.paths import PERSISTENT_VOLUME_CLAIMS

LABEL_FILE_SYSTEM = "sagebridge.io/file-system-id"


async def claims_of(client: KubeClient, request: Mapping[str, Any], *, namespace: str) -> dict[str, str]:
    """The claims by channel: of this namespace, with the file system's id as their label.

    Raises:
        SpecError: a channel's file system has none.
    """
    return {
        channel["ChannelName"]: await _claim(client, source["FileSystemId"], namespace=namespace, index=index)
        for index, channel in enumerate(request.get("InputDataConfig", ()))
        if (source := channel["DataSource"].get("FileSystemDataSource"))
    }


async def _claim(client: KubeClient, file_system: str, *, namespace: str, index: int) -> str:
    path = PERSISTENT_VOLUME_CLAIMS.collection(namespace)
    selector = f"{LABEL_FILE_SYSTEM}={file_system}"
    names = sorted([claim["metadata"]["name"] async for claim in client.list(path, selector=selector)])
    if names:
        return str(names[0])
    field = f"spec.inputDataConfig[{index}].dataSource.fileSystemDataSource.fileSystemId"
    message = (
        f"no PersistentVolumeClaim of this namespace stands for {file_system}: make one of the file system, and label "
        f"it {selector}"
    )
    raise SpecError(field, message)
