"""What each piece of the operator is told of the settings."""

from __future__ import annotations

import os
from datetime import timedelta

import kopf

from sagebridge.core.tenancy import OperatorDefaults
from sagebridge.engine.failures import Patience
from sagebridge.engine.reconciler import ReconcilerSettings
from sagebridge.kinds import ENDPOINT
from sagebridge.kube.lease import LeaseSettings
from sagebridge.settings import Settings
from sagebridge.targets.sagemaker.gateway import GatewaySettings, rates_from
from sagebridge.targets.sagemaker.sessions import SessionSettings
from sagebridge.watch.kopf_storage import NoDiffbase, NoProgress
from sagebridge.watch.pipeline_watcher import Manner


def kopf_settings(settings: Settings) -> kopf.OperatorSettings:
    """How kopf works here: it keeps nothing of its own in objects."""
    configured = kopf.OperatorSettings()
    configured.persistence.diffbase_storage = NoDiffbase()
    configured.persistence.progress_storage = NoProgress()
    configured.posting.enabled = False
    configured.scanning.disabled = bool(settings.watch_namespaces)
    configured.queueing.worker_limit = None
    configured.networking.error_backoffs = (1, 2, 3, 5, 10, 30)
    return configured


def defaults(settings: Settings) -> OperatorDefaults:
    """What holds while there is no TenantPolicy."""
    region = settings.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    return OperatorDefaults(
        region=region,
        role_arn=settings.role_arn or None,
        allowed_roles=settings.allowed_role_arns,
        bucket=settings.bucket or None,
    )


def gateway_settings(settings: Settings) -> GatewaySettings:
    """How AWS is called."""
    session = SessionSettings(
        connect_timeout=settings.aws_connect_timeout_seconds,
        read_timeout=settings.aws_read_timeout_seconds,
        connections=settings.aws_threads,
    )
    rates = {} if settings.aws_unlimited else rates_from(settings.aws_rates)
    return GatewaySettings(threads=settings.aws_threads, rates=rates, session=session)


def lease_settings(settings: Settings) -> LeaseSettings:
    """Where the Lease is, and its times."""
    return LeaseSettings(
        namespace=settings.lease_namespace,
        name=settings.lease_name,
        identity=settings.lease_identity,
        duration=settings.lease_duration_seconds,
        renew_every=settings.lease_duration_seconds / 3,
    )


def reconciler_settings(settings: Settings) -> ReconcilerSettings:
    """How long a reconciler waits for what."""
    return ReconcilerSettings(
        deletion_deadline=timedelta(seconds=settings.deletion_deadline_seconds),
        patience=Patience(
            recheck_seconds=settings.recheck_seconds,
            quota_grace=timedelta(seconds=settings.quota_grace_seconds),
        ),
        stale_after=timedelta(seconds=settings.stale_after_seconds),
    )


def pipeline_manner(settings: Settings) -> Manner | None:
    """How it is looked whether pipelines' steps are there still; None if nobody is to look."""
    if not settings.pipeline_step_grace_seconds:
        return None
    return Manner(
        grace=timedelta(seconds=settings.pipeline_step_grace_seconds),
        interval=settings.poll_interval_seconds,
        stale_after=settings.stale_after_seconds,
        endless=frozenset({ENDPOINT.kind}),
    )
