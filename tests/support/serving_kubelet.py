"""A kubelet by hand for the pods of Endpoints: a test says what becomes of them, where there is no node."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import kubernetes

from support.jobs import PATIENCE_SECONDS

REVISION = "sagebridge.io/revision"
_NODE = "by-hand"

Json = dict[str, Any]


class ServingKubelet:
    """Places the pods of one namespace on a node that is not there, and writes their statuses."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self._core = kubernetes.client.CoreV1Api(client)
        self._namespace = namespace

    def pods(self, count: int | None = None, *, revision: str | None = None) -> list[Any]:
        """The pods that nobody deletes, once there are so many; of one revision, if it is given."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = [pod for pod in self._listed() if pod.metadata.deletion_timestamp is None]
            found = [pod for pod in found if revision in (None, pod.metadata.annotations.get(REVISION))]
            if count is None or len(found) == count:
                return found
            time.sleep(0.1)
        raise AssertionError(f"there are {len(found)} pods, not {count}")

    def serve(self, pod: Any) -> None:
        """It is ready."""
        self._place(pod)
        state = {"running": {"startedAt": _now()}}
        self._write(pod, phase="Running", fetch=_ended(0), serve=_status("serve", state, ready=True), ready=True)

    def fetch(self, pod: Any) -> None:
        """The model is being downloaded."""
        self._place(pod)
        fetch = {"state": {"running": {"startedAt": _now()}}}
        self._write(pod, phase="Pending", fetch=fetch, serve=_status("serve", _held("PodInitializing")))

    def serve_all(self, count: int, *, revision: str | None = None) -> None:
        """All of so many are ready."""
        for pod in self.pods(count, revision=revision):
            self.serve(pod)

    def crash(self, pod: Any, *, said: str, code: int = 1, times: int = 2) -> None:
        """The container that serves has ended so often."""
        self._place(pod)
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
        status = _status("serve", waiting, restarts=times) | {"lastState": _terminated(code, said)}
        self._write(pod, phase="Running", fetch=_ended(0), serve=status)

    def refuse_model(self, pod: Any, reason: str, *, times: int = 2) -> None:
        """The model is not to be had."""
        self._place(pod)
        fetch = {"state": _terminated(1, json.dumps({"failureReason": reason})), "restartCount": times}
        self._write(pod, phase="Pending", fetch=fetch, serve=_status("serve", _held("PodInitializing")))

    def refuse_image(self, pod: Any, message: str) -> None:
        """The image can't be pulled."""
        self._place(pod)
        self._write(pod, phase="Pending", fetch=_ended(0), serve=_status("serve", _held("ImagePullBackOff", message)))

    def refuse_start(self, pod: Any, message: str) -> None:
        """The container that serves can't be made."""
        self._place(pod)
        held = _held("CreateContainerConfigError", message)
        self._write(pod, phase="Pending", fetch=_ended(0), serve=_status("serve", held))

    def end_deleted(self) -> None:
        """Let the pods go that were told to end."""
        for pod in self._listed():
            if pod.metadata.deletion_timestamp is not None:
                self._remove(pod)

    def remove_all(self) -> None:
        """Let all pods go."""
        for pod in self._listed():
            self._remove(pod)

    def _listed(self) -> list[Any]:
        found: list[Any] = self._core.list_namespaced_pod(self._namespace).items
        return found

    def _remove(self, pod: Any) -> None:
        try:
            self._core.delete_namespaced_pod(pod.metadata.name, self._namespace, grace_period_seconds=0)
        except kubernetes.client.ApiException as error:
            if error.status != 404:
                raise

    def _place(self, pod: Any) -> None:
        if self._core.read_namespaced_pod(pod.metadata.name, self._namespace).spec.node_name:
            return
        target = kubernetes.client.V1ObjectReference(api_version="v1", kind="Node", name=_NODE)
        body = kubernetes.client.V1Binding(
            metadata=kubernetes.client.V1ObjectMeta(name=pod.metadata.name), target=target
        )
        # The client can't read the reply.
        self._core.create_namespaced_pod_binding(pod.metadata.name, self._namespace, body, _preload_content=False)

    def _write(self, pod: Any, *, phase: str, fetch: Json, serve: Json, ready: bool = False) -> None:
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": _now()}
        base = {"image": "x", "imageID": "x", "restartCount": 0, "ready": False}
        status = {
            "phase": phase,
            "conditions": [condition],
            "initContainerStatuses": [base | {"name": "fetch-model"} | fetch],
            "containerStatuses": [base | serve],
        }
        self._core.patch_namespaced_pod_status(pod.metadata.name, self._namespace, {"status": status})


def _status(name: str, state: Mapping[str, Any], *, ready: bool = False, restarts: int = 0) -> Json:
    return {"name": name, "state": state, "ready": ready, "restartCount": restarts}


def _ended(code: int) -> Json:
    return {"state": _terminated(code, ""), "restartCount": 0}


def _terminated(code: int, said: str) -> Json:
    times = {"startedAt": _now(), "finishedAt": _now()}
    return {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "message": said, **times}}


def _held(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, "message": message}}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
