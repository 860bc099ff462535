"""The Kubernetes objects of one attempt at a processing job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge.core.cluster.manifests import hosts_belongings, hosts_job
from sagebridge.core.cluster.processing.document import document
from sagebridge.core.cluster.processing.pod import pod_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.cluster.processing.job import ProcessingWork


def job_manifest(job: ProcessingWork) -> dict[str, Any]:
    """The Indexed Job."""
    return hosts_job(job, template=pod_template(job))


def belongings(job: ProcessingWork, *, owner: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What goes with the Job and when it goes, by plural: its hosts' Service and the agent's document."""
    return hosts_belongings(job, owner=owner, document=document(job))
