"""What runs the pods of an attempt: a Job of its own, or the one Job of a JobSet.

Sources:
    https://jobset.sigs.k8s.io/docs/concepts/
    https://github.com/kubernetes-sigs/jobset/blob/main/pkg/controllers/jobset_controller.go (constructJob, resumeJob)
    https://github.com/kubernetes-sigs/jobset/blob/main/pkg/webhooks/jobset_webhook.go (lengths of names)
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.names import QUEUE_LABEL, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

JOB_SET_API: Final = "jobset.x-k8s.io/v1alpha2"
JOB_SET_GROUP, JOB_SET_VERSION = JOB_SET_API.split("/")
JOB_SET_KIND: Final = "JobSet"
JOB_API: Final = "batch/v1"
MEMBER: Final = "h"
"""The name of a JobSet's one replicated Job, short as names of hosts have to be."""

_SPEC: Final = ("suspend",)


class Engine(StrEnum):
    """The kinds of objects that an attempt can be."""

    JOB = "Job"
    JOB_SET = "JobSet"


MISSING: Final = (
    f"the cluster does not serve jobsets.{JOB_SET_API}: install JobSet, or leave engine out, for a Job of its own"
)


def job_set_manifest(job: Mapping[str, Any], *, name: str) -> dict[str, Any]:
    """The JobSet that makes one Job of this manifest, and nothing else: hosts are found by our own Service."""
    metadata, spec = job["metadata"], dict(job["spec"])
    ttl, suspend = spec.pop("ttlSecondsAfterFinished"), spec.pop("suspend")
    queue = {key: value for key, value in metadata["labels"].items() if key == QUEUE_LABEL}
    labels = {key: value for key, value in metadata["labels"].items() if key != QUEUE_LABEL}
    template = {"metadata": {"labels": labels, "annotations": metadata["annotations"]}, "spec": spec}
    return {
        "apiVersion": JOB_SET_API,
        "kind": JOB_SET_KIND,
        "metadata": {**metadata, "name": name, "labels": {**labels, **queue}},
        "spec": {
            "network": {"enableDNSHostnames": False},
            "replicatedJobs": [{"name": MEMBER, "replicas": 1, "template": template}],
            "suspend": suspend,
            "ttlSecondsAfterFinished": ttl,
        },
    }


def member_name(name: str) -> str:
    """The name of the one Job of a JobSet."""
    return f"{name}-{MEMBER}-0"


def reference(body: Mapping[str, Any]) -> dict[str, str]:
    """An owner reference to a Job or a JobSet."""
    metadata = body["metadata"]
    api, kind = body.get("apiVersion", JOB_API), body.get("kind", "Job")
    return {"apiVersion": api, "kind": kind, "name": metadata["name"], "uid": metadata["uid"]}


def pod_spec(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The spec of the pods of a Job or a JobSet."""
    spec = body["spec"]["replicatedJobs"][0]["template"]["spec"] if is_job_set(body) else body["spec"]
    found: Mapping[str, Any] = spec["template"]["spec"]
    return found


def is_job_set(body: Mapping[str, Any]) -> bool:
    """Whether this is a JobSet, or `as_job` of one."""
    return body.get("kind") == JOB_SET_KIND


def as_job(job_set: Mapping[str, Any]) -> dict[str, Any]:
    """What a JobSet says by itself, in the form of a Job: all there is while it has no Job."""
    spec = job_set.get("spec") or {}
    if "completions" in spec:
        return dict(job_set)  # it is that already
    kept = {key: spec[key] for key in _SPEC if key in spec}
    metadata = {key: value for key, value in job_set["metadata"].items() if key != "managedFields"}
    return {
        "apiVersion": JOB_SET_API,
        "kind": JOB_SET_KIND,
        "metadata": metadata,
        "spec": {**kept, "completions": _completions(spec)},
        "status": {"conditions": _conditions(job_set)},
    }


def _completions(spec: Mapping[str, Any]) -> int:
    """How many pods it has; of a JobSet that somebody else has made, with our labels and without a Job, one."""
    for member in spec.get("replicatedJobs") or ():
        return int((member.get("template") or {}).get("spec", {}).get("completions") or 1)
    return 1


def owner_uid(job: Mapping[str, Any]) -> str:
    """The UID of the JobSet that a Job says it belongs to; empty if it says none."""
    return _owner(job).get("uid", "")


def attempt_name(job: Mapping[str, Any]) -> str:
    """The name of what goes with a Job: its own, or that of the JobSet that it is of."""
    return _owner(job).get("name") or str(job["metadata"]["name"])


def _owner(job: Mapping[str, Any]) -> dict[str, str]:
    for owner in job["metadata"].get("ownerReferences") or ():
        is_set = owner.get("kind") == JOB_SET_KIND and str(owner.get("apiVersion")).startswith(f"{JOB_SET_GROUP}/")
        if owner.get("controller") and is_set:
            return {"name": str(owner["name"]), "uid": str(owner["uid"])}
    return {}


def member_of(job_set: Mapping[str, Any], job: Mapping[str, Any] | None) -> dict[str, Any]:
    """What speaks for an attempt that is a JobSet: its Job, with the queue that the JobSet waits in, or the JobSet.

    Anybody may make a Job of that name: only one that the JobSet's controller has made is the JobSet's.
    """
    if job is None or owner_uid(job) != job_set["metadata"]["uid"]:
        return as_job(job_set)
    queue = {key: value for key, value in labels_of(job_set).items() if key == QUEUE_LABEL}
    return {**job, "metadata": {**job["metadata"], "labels": {**labels_of(job), **queue}}}


def _conditions(job_set: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A JobSet's conditions as a Job has them."""
    found = (job_set.get("status") or {}).get("conditions") or ()
    return [{**one, "type": "Complete" if one.get("type") == "Completed" else one.get("type")} for one in found]
