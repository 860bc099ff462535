"""Which APIs the API server has, of those that not every cluster has."""

from __future__ import annotations

from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import NotFoundError
from sagebridge.kube.paths import Resource


async def preferred_version(client: KubeClient, group: str) -> str | None:
    """The version of a group that the API server prefers; None if it does not have the group.

    Raises:
        KubeError: it can't be told now.
    """
    try:
        found = await client.get(f"/apis/{group}")
    except NotFoundError:
        return None
    return str(found["preferredVersion"]["version"])


async def serves(client: KubeClient, resource: Resource) -> bool:
    """Whether the API server has a resource.

    Raises:
        KubeError: it can't be told now.
    """
    try:
        found = await client.get(f"/apis/{resource.group}/{resource.version}")
    except NotFoundError:
        return False
    return any(one.get("name") == resource.plural for one in found.get("resources") or ())
