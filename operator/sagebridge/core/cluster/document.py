"""job.json: all that the agent has to know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sagebridge.core.cluster.job import ClusterJob

FILE: Final = "job.json"
NETWORK_INTERFACE: Final = "eth0"
_VERSION: Final = 1


def document(job: ClusterJob) -> str:
    """The text of job.json for one attempt; the same for all its hosts."""
    placement, settings = job.placement, job.settings
    content = {
        "version": _VERSION,
        "request": job.request,
        "arn": job.arn,
        "region": job.region,
        "hosts": list(job.hosts),
        "instanceType": placement.instance_type,
        "machine": {"cpus": placement.cpus, "gpus": placement.gpus, "neurons": placement.neurons},
        "networkInterface": NETWORK_INTERFACE,
        "serviceAccount": job.cluster.get("serviceAccountName") or "default",
        "launch": job.launch.value,
        "mounted": sorted([*job.claims, *(one.channel for one in job.fast_files)]),
        "stopGraceSeconds": settings.stop_grace_seconds,
        "checkpointSyncSeconds": settings.checkpoint_sync_seconds,
        "uploadSeconds": settings.upload_seconds,
    }
    return json.dumps(content, sort_keys=True)
