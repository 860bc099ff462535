"""A kubelet by hand: a test says what becomes of the pods of a Job, where there is an API server and no node."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import kubernetes

from support.jobs import PATIENCE_SECONDS

NODE = "by-hand"
_NOT_FOUND = 404

Json = dict[str, Any]


class Kubelet:
    """Places the pods of one namespace's Jobs on a node that is not there, and writes their statuses.

    Attributes:
        work: the user's container in them.
    """

    work = "train"

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self._core = kubernetes.client.CoreV1Api(client)
        self._batch = kubernetes.client.BatchV1Api(client)
        self._namespace = namespace

    def jobs(self) -> list[Any]:
        """The Jobs there are."""
        return self._batch.list_namespaced_job(self._namespace).items

    def job(self, name: str) -> Any:
        """A Job as it is now."""
        return self._batch.read_namespaced_job(name, self._namespace)

    def pods(self, count: int) -> list[Any]:
        """The pods, once there are so many, by rank."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = [pod for pod in self._core.list_namespaced_pod(self._namespace).items if not _is_finished(pod)]
            if len(found) == count:
                return sorted(found, key=lambda pod: int(pod.metadata.labels[_INDEX]))
            time.sleep(0.1)
        raise AssertionError(f"there are {len(found)} pods, not {count}")

    def all_pods(self) -> list[Any]:
        """The pods there are, also those that have ended."""
        return list(self._core.list_namespaced_pod(self._namespace).items)

    def read(self, pod: Any) -> Any:
        """The pod as it is now."""
        return self._core.read_namespaced_pod(pod.metadata.name, self._namespace)

    def place(self, pod: Any) -> None:
        """Put it on the node."""
        target = kubernetes.client.V1ObjectReference(api_version="v1", kind="Node", name=NODE)
        body = kubernetes.client.V1Binding(
            metadata=kubernetes.client.V1ObjectMeta(name=pod.metadata.name), target=target
        )
        # The client can't read the reply.
        reply = self._core.create_namespaced_pod_binding(
            pod.metadata.name, self._namespace, body, _preload_content=False
        )
        assert json.loads(reply.data)["status"] == "Success"

    def download(self, pod: Any) -> None:
        """The agent brings the data."""
        self._write(pod, phase="Pending", prepare=running_state())

    def train(self, pod: Any) -> None:
        """The user's container goes on."""
        self._write(pod, phase="Running", prepare=ended_state(0), work=running_state(), agent=running_state())

    def upload(self, pod: Any, *, code: int = 0) -> None:
        """The user's container has ended, and the agent uploads."""
        self._write(pod, phase="Running", prepare=ended_state(0), work=ended_state(code), agent=running_state())

    def end(self, pod: Any, *, code: int = 0, agent: int = 0, said: Mapping[str, Any] | None = None) -> None:
        """All containers have ended; `said` is the agent's message."""
        phase = "Failed" if code or agent else "Succeeded"
        self._write(pod, phase=phase, prepare=ended_state(0), work=ended_state(code), agent=ended_state(agent, said))

    def remove(self, pod: Any) -> None:
        """Let a pod go that was told to end and has."""
        self._core.delete_namespaced_pod(pod.metadata.name, self._namespace, grace_period_seconds=0)

    def remove_all(self) -> None:
        """Let all pods go: on a node that is not there, none ends by itself. Some may be going just now."""
        for pod in self._core.list_namespaced_pod(self._namespace).items:
            try:
                self.remove(pod)
            except kubernetes.client.ApiException as error:
                if error.status != _NOT_FOUND:
                    raise

    def fail_download(self, pod: Any, *, said: Mapping[str, Any]) -> None:
        """The data is not to be had."""
        self._write(pod, phase="Failed", prepare=ended_state(1, said))

    def refuse_image(self, pod: Any, message: str) -> None:
        """The user's image can't be pulled."""
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
        self._write(pod, phase="Pending", prepare=ended_state(0), work=waiting)

    def reclaim(self, pod: Any, message: str) -> None:
        """The node is taken away: the pod is marked and ends."""
        condition = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": message}
        self._write(
            pod,
            phase="Failed",
            prepare=ended_state(0),
            work=ended_state(143),
            agent=ended_state(0),
            conditions=[condition],
        )

    def tell(self, pod: Any, *, source: str, reason: str, message: str) -> None:
        """Have an Event about it, by somebody else."""
        about = {"kind": "Pod", "name": pod.metadata.name, "namespace": self._namespace, "uid": pod.metadata.uid}
        event = {
            "metadata": {"generateName": f"{pod.metadata.name}."},
            "involvedObject": about,
            "source": {"component": source},
            "lastTimestamp": _now(),
            "reason": reason,
            "message": message,
            "type": "Warning",
        }
        self._core.create_namespaced_event(self._namespace, event)

    def _write(self, pod: Any, *, phase: str, conditions: list[Json] | None = None, **states: Json) -> None:
        status = {
            "phase": phase,
            "conditions": conditions or [],
            "initContainerStatuses": [container_status("prepare", states["prepare"])],
            "containerStatuses": [
                container_status(name, states.get(state, {"waiting": {"reason": "PodInitializing"}}))
                for name, state in ((self.work, "work"), ("agent", "agent"))
            ],
        }
        self._core.patch_namespaced_pod_status(pod.metadata.name, self._namespace, {"status": status})


_INDEX = "batch.kubernetes.io/job-completion-index"


def _is_finished(pod: Any) -> bool:
    return pod.status.phase in ("Succeeded", "Failed") or pod.metadata.deletion_timestamp is not None


def container_status(name: str, state: Json) -> Json:
    """A container's status."""
    image = {"image": "x", "imageID": "x", "restartCount": 0, "ready": "running" in state}
    return {"name": name, "state": state, **image}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def running_state() -> Json:
    """Of a container that began a moment ago."""
    return {"running": {"startedAt": _now()}}


def ended_state(code: int, said: Mapping[str, Any] | None = None) -> Json:
    """Of a container that ended a moment ago; `said` is its message."""
    message = {"message": json.dumps(said)} if said is not None else {}
    return {"terminated": {"exitCode": code, "startedAt": _now(), "finishedAt": _now(), "reason": "Error", **message}}
