"""How a Deployment replaces its pods.

Sources:
    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge.core.endpoint.deployment_sizes import PERCENT

if TYPE_CHECKING:
    from collections.abc import Mapping


def strategy(deployment: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    """The Deployment's strategy: what serves goes only when what follows is ready, unless the manifest says otherwise.

    Args:
        deployment: ``spec.deploymentConfig``; a batch of its rollingUpdatePolicy is what comes on top of the old pods.
        cluster: ``spec.cluster``, whose rollingUpdate wins.
    """
    size = (deployment.get("rollingUpdatePolicy") or {}).get("maximumBatchSize")
    batch = {"maxSurge": _size(size)} if size else {}
    given = cluster.get("rollingUpdate") or {}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0, **batch, **given}}


def ready_seconds(deployment: Mapping[str, Any]) -> int:
    """How long a new pod has to be ready before the next step."""
    return int((deployment.get("rollingUpdatePolicy") or {}).get("waitIntervalInSeconds") or 0)


def longest_seconds(deployment: Mapping[str, Any]) -> int | None:
    """How long an update may take; None for as long as it gets on."""
    found = (deployment.get("rollingUpdatePolicy") or {}).get("maximumExecutionTimeoutInSeconds")
    return None if found is None else int(found)


def _size(size: Mapping[str, Any]) -> int | str:
    return f"{size['value']}%" if size["type"] == PERCENT else int(size["value"])
