"""How the operator finds the API server: its service account in a cluster, a kubeconfig elsewhere."""

from __future__ import annotations

import asyncio
import logging

import kopf

logger = logging.getLogger(__name__)


class LoginError(Exception):
    """There is neither a service account nor a usable kubeconfig."""


async def log_in(*, settings: kopf.OperatorSettings) -> kopf.ConnectionInfo:
    """Find the API server and fresh credentials for it.

    A kubeconfig whose user is an exec plugin (EKS) takes the official client, which runs it; in a thread.

    Raises:
        LoginError: with what to do.
    """
    found = kopf.login_with_service_account(settings=settings) or await asyncio.to_thread(_from_kubeconfig, settings)
    if found is None:
        raise LoginError("No service account and no kubeconfig: run in a cluster, or set KUBECONFIG.")
    return found


def _from_kubeconfig(settings: kopf.OperatorSettings) -> kopf.ConnectionInfo | None:
    found = kopf.login_with_kubeconfig(settings=settings)
    if found is None or _has_credentials(found):
        return found
    try:
        return kopf.login_via_client(logger=logger, settings=settings)
    except ImportError as error:
        raise LoginError(
            "This kubeconfig's user needs the official Kubernetes client (an exec plugin?): pip install kubernetes"
        ) from error


def _has_credentials(found: kopf.ConnectionInfo) -> bool:
    has_certificate = found.certificate_path or found.certificate_data
    return bool(found.token or found.username or has_certificate)
