"""The operator's settings, as those who make pods need them."""

from __future__ import annotations

from sagebridge.core.cluster.gangs import GangScheduling
from sagebridge.core.cluster.job import ClusterSettings
from sagebridge.core.placement import PlacementSettings
from sagebridge.settings import Settings


def cluster_settings(settings: Settings) -> ClusterSettings:
    """What the settings say of all pods."""
    return ClusterSettings(
        agent_image=settings.agent_image,
        domain=settings.cluster_domain,
        environment=settings.cluster_environment,
        ttl_seconds=settings.cluster_job_ttl_seconds,
        upload_seconds=settings.cluster_upload_seconds,
        gang_scheduling=GangScheduling(settings.cluster_gang_scheduling),
        gang_scheduler_name=settings.cluster_gang_scheduler_name,
        pod_start_seconds=settings.cluster_pod_start_seconds,
    )


def placement_settings(settings: Settings) -> PlacementSettings:
    """What the placement of jobs has to know of the settings."""
    return PlacementSettings(
        daemons_millicores=settings.cluster_daemons_millicores,
        daemons_mebibytes=settings.cluster_daemons_mebibytes,
        tolerations=tuple(settings.cluster_tolerations),
    )
