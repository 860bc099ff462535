"""A control plane that keeps up: the real programs, without the pace that they set themselves for a cluster's sake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sagebridge_local.stack import ControlPlane
from sagebridge_local.stack.controlplane import API_SERVER
from sagebridge_local.stack.credentials import CONTROLLER_MANAGER, SCHEDULER
from sagebridge_local.stack.processes import Component

_PACE = ("--kube-api-qps=2000", "--kube-api-burst=4000")
# Those that pods of jobs need, and what they need; others would follow each change of each pod for nothing.
_CONTROLLERS = (
    "job-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "garbage-collector-controller",
    "pod-garbage-collector-controller",
)
_FLAGS = {
    # Nodes are ready from the first to the last moment, and nobody says so every ten seconds: a thousand heartbeats and
    # what they are followed by would be most of what there is to see.
    API_SERVER: ("--disable-admission-plugins=TaintNodesByCondition",),
    CONTROLLER_MANAGER: (*_PACE, f"--controllers={','.join(_CONTROLLERS)}", "--concurrent-job-syncs=20"),
    SCHEDULER: (*_PACE, "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics"),
}


class FastControlPlane(ControlPlane):
    """As `ControlPlane`, with limits on requests that one machine needs not."""

    def components(self, program: Path) -> list[Component]:
        """See `ControlPlane.components`."""
        return [
            replace(component, command=(*component.command, *_FLAGS.get(component.name, ())))
            for component in super().components(program)
        ]

    @property
    def scheduler_url(self) -> str:
        """Where the scheduler says how it fares."""
        return f"https://127.0.0.1:{self.supervisor.state.ports[SCHEDULER]}"
