"""Paths of the API server's resources."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from sagebridge.schema.kind import GROUP, VERSION

__all__ = [
    "CONFIG_MAPS",
    "CSI_DRIVERS",
    "DEPLOYMENTS",
    "EVENTS",
    "GROUP",
    "HORIZONTAL_POD_AUTOSCALERS",
    "JOBS",
    "JOB_SETS",
    "LEASES",
    "NAMESPACES",
    "PERSISTENT_VOLUMES",
    "PERSISTENT_VOLUME_CLAIMS",
    "PODS",
    "POD_DISRUPTION_BUDGETS",
    "REPLICA_SETS",
    "SCALED_OBJECTS",
    "SECRETS",
    "SERVICES",
    "SUBJECT_ACCESS_REVIEWS",
    "TENANT_POLICIES",
    "TOKEN_REVIEWS",
    "TRAINING_JOBS",
    "TUNING_JOBS",
    "VERSION",
    "Resource",
    "custom",
]


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


CSI_DRIVERS = Resource(group="storage.k8s.io", version="v1", plural="csidrivers")
CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps")
DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments")
REPLICA_SETS = Resource(group="apps", version="v1", plural="replicasets")
HORIZONTAL_POD_AUTOSCALERS = Resource(group="autoscaling", version="v2", plural="horizontalpodautoscalers")
SCALED_OBJECTS = Resource(group="keda.sh", version="v1alpha1", plural="scaledobjects")
EVENTS = Resource(group="", version="v1", plural="events")
JOBS = Resource(group="batch", version="v1", plural="jobs")
JOB_SETS = Resource(group="jobset.x-k8s.io", version="v1alpha2", plural="jobsets")
PERSISTENT_VOLUMES = Resource(group="", version="v1", plural="persistentvolumes")
PERSISTENT_VOLUME_CLAIMS = Resource(group="", version="v1", plural="persistentvolumeclaims")
PODS = Resource(group="", version="v1", plural="pods")
POD_DISRUPTION_BUDGETS = Resource(group="policy", version="v1", plural="poddisruptionbudgets")
SECRETS = Resource(group="", version="v1", plural="secrets")
SERVICES = Resource(group="", version="v1", plural="services")
SUBJECT_ACCESS_REVIEWS = Resource(group="authorization.k8s.io", version="v1", plural="subjectaccessreviews")
TOKEN_REVIEWS = Resource(group="authentication.k8s.io", version="v1", plural="tokenreviews")
NAMESPACES = Resource(group="", version="v1", plural="namespaces")
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases")
TENANT_POLICIES = custom("tenantpolicies")
TRAINING_JOBS = custom("trainingjobs")
TUNING_JOBS = custom("hptuningjobs")
