"""Paths of the API server's resources."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from sagebridge.schema.kind import GROUP, VERSION

__all__ = ["CONFIG_MAPS", "EVENTS", "GROUP", "LEASES", "NAMESPACES", "TENANT_POLICIES", "VERSION", "Resource", "custom"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A collection of the API: group, version and plural; the core group is empty."""

    group: str
    version: str
    plural: str

    def collection(self, namespace: str | None = None) -> str:
        """Path of all objects, of one namespace if given."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"

    def item(self, *, namespace: str | None, name: str) -> str:
        """Path of one object; whatever the name is, it leads nowhere else."""
        return f"{self.collection(namespace)}/{quote(name, safe='')}"

    def status(self, *, namespace: str | None, name: str) -> str:
        """Path of one object's status subresource."""
        return f"{self.item(namespace=namespace, name=name)}/status"


def custom(plural: str) -> Resource:
    """A resource of Sagebridge's own group."""
    return Resource(group=GROUP, version=VERSION, plural=plural)


CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps")
EVENTS = Resource(group="", version="v1", plural="events")
NAMESPACES = Resource(group="", version="v1", plural="namespaces")
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases")
TENANT_POLICIES = custom("tenantpolicies")
