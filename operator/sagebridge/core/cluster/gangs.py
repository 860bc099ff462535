"""All hosts of a job at once, or none: the object by which a scheduler knows that pods belong together.

Sources:
    https://github.com/kubernetes-sigs/scheduler-plugins/blob/master/pkg/coscheduling/README.md
    https://volcano.sh/en/docs/podgroup/
    https://kubernetes.io/docs/concepts/scheduling-eviction/gang-scheduling/
    https://kubernetes.io/docs/concepts/workloads/podgroup-api/ (from 1.36 on; Workload held the groups in 1.35)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.engines import JOB_SET_GROUP, Engine

if TYPE_CHECKING:
    from sagebridge.core.cluster.job import AccompaniedWork

_OURS: Final = "sagebridge.io/v1alpha1"
_HOSTS: Final = "hosts"
_COSCHEDULING_LABEL: Final = "scheduling.x-k8s.io/pod-group"
_VOLCANO_ANNOTATION: Final = "scheduling.k8s.io/group-name"


class GangScheduling(StrEnum):
    """Who schedules the hosts of a job together."""

    NONE = ""
    COSCHEDULING = "Coscheduling"
    VOLCANO = "Volcano"
    KUBERNETES = "Kubernetes"


@dataclass(frozen=True, kw_only=True, slots=True)
class GangApi:
    """The API that a gang's object is of."""

    group: str
    version: str
    plural: str
    kind: str

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}/{self.version}"


COSCHEDULING: Final = GangApi(group="scheduling.x-k8s.io", version="v1alpha1", plural="podgroups", kind="PodGroup")
VOLCANO: Final = GangApi(group="scheduling.volcano.sh", version="v1beta1", plural="podgroups", kind="PodGroup")
POD_GROUP_1_37: Final = GangApi(group="scheduling.k8s.io", version="v1beta1", plural="podgroups", kind="PodGroup")
POD_GROUP_1_36: Final = GangApi(group="scheduling.k8s.io", version="v1alpha2", plural="podgroups", kind="PodGroup")
WORKLOAD_1_35: Final = GangApi(group="scheduling.k8s.io", version="v1alpha1", plural="workloads", kind="Workload")

APIS: Final = {
    GangScheduling.COSCHEDULING: (COSCHEDULING,),
    GangScheduling.VOLCANO: (VOLCANO,),
    GangScheduling.KUBERNETES: (POD_GROUP_1_37, POD_GROUP_1_36, WORKLOAD_1_35),
}
"""The APIs that will do, the best first."""

SCHEDULERS: Final = {
    COSCHEDULING: "scheduler-plugins-scheduler",
    VOLCANO: "volcano",
}
"""Their names in the charts of their projects; Kubernetes' own is the one that pods have anyhow."""


def is_gang(job: AccompaniedWork) -> bool:
    """Whether the hosts of a job are to be scheduled together: what has a queue of Kueue's is admitted as a whole."""
    return bool(job.settings.gang_scheduling) and job.size > 1 and not job.cluster.get("queueName")


def missing(job: AccompaniedWork) -> str:
    """What is said where the cluster has none of the APIs."""
    kind = job.settings.gang_scheduling
    names = " or ".join(map(str, APIS[kind]))
    return (
        f"the hosts of a job are scheduled together by {kind} here (the operator's clusterGangScheduling), but this "
        f"cluster does not serve {names}. Give queueName, have one host, or ask whoever runs the cluster"
    )


def gang_manifest(job: AccompaniedWork, api: GangApi) -> dict[str, Any]:
    """The object that says how many pods belong together. It comes before the Job, so its first owner is ours."""
    owner = {"apiVersion": _OURS, "kind": job.kind, "name": job.owner.name, "uid": job.owner.uid}
    return {
        "apiVersion": f"{api.group}/{api.version}",
        "kind": api.kind,
        "metadata": {
            "name": job.name,
            "namespace": job.namespace,
            "labels": job.labels,
            "annotations": job.owner.tags(),
            "ownerReferences": [owner],
        },
        "spec": _spec(job, api),
    }


def _spec(job: AccompaniedWork, api: GangApi) -> dict[str, Any]:
    gang = {"gang": {"minCount": job.size}}
    if api == WORKLOAD_1_35:
        group = JOB_SET_GROUP if job.engine is Engine.JOB_SET else "batch"
        controller = {"apiGroup": group, "kind": job.engine.value, "name": job.name}
        return {"controllerRef": controller, "podGroups": [{"name": _HOSTS, "policy": gang}]}
    if api == COSCHEDULING:
        return {"minMember": job.size}
    size = {"minMember": job.size} if api == VOLCANO else {"schedulingPolicy": gang}
    priority = job.placement.priority_class
    # The group is weighed against others by its own priority.
    return {**size, **({"priorityClassName": priority} if priority else {})}


def member_labels(job: AccompaniedWork) -> dict[str, str]:
    """The labels by which a pod belongs to its gang."""
    return {_COSCHEDULING_LABEL: job.name} if job.gang == COSCHEDULING else {}


def member_annotations(job: AccompaniedWork) -> dict[str, str]:
    """The annotations by which a pod belongs to its gang."""
    return {_VOLCANO_ANNOTATION: job.name} if job.gang == VOLCANO else {}


def member_spec(job: AccompaniedWork) -> dict[str, Any]:
    """What a pod's spec says of its gang, and of who schedules it."""
    if job.gang is None:
        return {}
    scheduler = job.settings.gang_scheduler_name or SCHEDULERS.get(job.gang)
    return {**_reference(job), **({"schedulerName": scheduler} if scheduler else {})}


def _reference(job: AccompaniedWork) -> dict[str, Any]:
    if job.gang in (POD_GROUP_1_37, POD_GROUP_1_36):
        return {"schedulingGroup": {"podGroupName": job.name}}
    return {"workloadRef": {"name": job.name, "podGroup": _HOSTS}} if job.gang == WORKLOAD_1_35 else {}
