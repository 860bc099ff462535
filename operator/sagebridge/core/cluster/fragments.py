"""What the pods of all kinds have in common: who they are, where they go, and what the agent in them may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.placement import Placement

NO_PROXIES: Final = {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}
"""Annotations of pods that end: a proxy that does not would keep them."""

# It reads, opens and signals what belongs to whatever user the other container's image has.
AGENT_SECURITY: Final = {
    "runAsUser": 0,
    "runAsNonRoot": False,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of the agent's containers."""


def scheduling(placement: Placement) -> dict[str, Any]:
    """Where the scheduler puts a pod."""
    return {
        "nodeSelector": dict(placement.node_selector),
        "affinity": placement.affinity,
        "tolerations": [dict(toleration) for toleration in placement.tolerations],
        **({"priorityClassName": placement.priority_class} if placement.priority_class else {}),
    }


def identity(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Whom a pod acts as, and by which Secrets its images are pulled: from ``spec.cluster``."""
    found = {key: cluster.get(key) for key in ("serviceAccountName", "imagePullSecrets")}
    return {key: value for key, value in found.items() if value}
