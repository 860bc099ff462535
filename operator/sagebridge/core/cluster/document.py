"""job.json: all that the agent has to know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sagebridge.core.cluster.job import AccompaniedWork, ClusterJob

FILE: Final = "job.json"
NETWORK_INTERFACE: Final = "eth0"
_VERSION: Final = 1


def document(job: ClusterJob) -> str:
    """The text of job.json for one attempt at a training job; the same for all its hosts."""
    placement = job.placement
    return text_of(
        job,
        {
            "instanceType": placement.instance_type,
            "machine": {"cpus": placement.cpus, "gpus": placement.gpus, "neurons": placement.neurons},
            "networkInterface": NETWORK_INTERFACE,
            "launch": job.launch.value,
            "mounted": sorted([*job.claims, *(one.channel for one in job.fast_files)]),
            "checkpointSyncSeconds": job.settings.checkpoint_sync_seconds,
        },
    )


def text_of(job: AccompaniedWork, beside: dict[str, Any]) -> str:
    """The text of job.json: what an agent has to know of any job, and `beside` it what those of one kind have to."""
    content = {
        "version": _VERSION,
        "request": job.request,
        "arn": job.arn,
        "region": job.region,
        "hosts": list(job.hosts),
        "serviceAccount": job.cluster.get("serviceAccountName") or "default",
        "stopGraceSeconds": job.settings.stop_grace_seconds,
        "uploadSeconds": job.settings.upload_seconds,
    }
    return json.dumps(content | beside, sort_keys=True)
