"""A kubelet by hand for the pods of BatchTransforms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.kubelet import Json, Kubelet, container_status, ended_state, running_state


class TransformKubelet(Kubelet):
    """Writes the statuses of pods in which a model server stands beside the agent."""

    def fetch(self, pod: Any) -> None:
        """The agent brings the model."""
        self._show(pod, phase="Pending", fetch=running_state())

    def serve(self, pod: Any) -> None:
        """The model serves."""
        self._show(pod, phase="Running", fetch=ended_state(0), serve=running_state(), agent=running_state())

    def finish(self, pod: Any, *, code: int = 0, said: Mapping[str, Any] | None = None, server_said: str = "") -> None:
        """All is over; `said` is the agent's message, and `server_said` that of a server that was started again."""
        last = {"terminated": {**ended_state(1)["terminated"], "message": server_said}} if server_said else None
        phase = "Failed" if code else "Succeeded"
        agent = ended_state(code, said)
        self._show(pod, phase=phase, fetch=ended_state(0), serve=ended_state(143), agent=agent, last=last)

    def crash(self, pod: Any, *, server_said: str) -> None:
        """The server has ended at once, again and again: the agent is not begun with."""
        last = {"terminated": {**ended_state(1)["terminated"], "message": server_said}}
        held = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}}
        self._show(pod, phase="Pending", fetch=ended_state(0), serve=held, last=last)

    def fail_fetch(self, pod: Any, *, said: Mapping[str, Any]) -> None:
        """The model is not to be had."""
        self._show(pod, phase="Failed", fetch=ended_state(1, said))

    def take_node(self, pod: Any, message: str) -> None:
        """The node is taken away: the pod is marked and ends."""
        condition = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": message}
        said = {"stopped": "Terminated"}
        self._show(pod, phase="Failed", fetch=ended_state(0), agent=ended_state(143, said), conditions=[condition])

    def reject(self, pod: Any) -> None:
        """The node does not take it: none of its containers ever begins."""
        status = {"phase": "Failed", "reason": "TaintToleration", "message": "Predicate TaintToleration failed"}
        self._core.patch_namespaced_pod_status(pod.metadata.name, self._namespace, {"status": status})

    def _show(self, pod: Any, *, phase: str, fetch: Json, **more: Any) -> None:
        waiting = {"waiting": {"reason": "PodInitializing"}}
        serve = container_status("serve", more.get("serve") or waiting)
        if more.get("last"):
            serve |= {"lastState": more["last"], "restartCount": 3}
        status = {
            "phase": phase,
            "conditions": more.get("conditions") or [],
            "initContainerStatuses": [container_status("fetch-model", fetch), serve],
            "containerStatuses": [container_status("agent", more.get("agent") or waiting)],
        }
        self._core.patch_namespaced_pod_status(pod.metadata.name, self._namespace, {"status": status})
