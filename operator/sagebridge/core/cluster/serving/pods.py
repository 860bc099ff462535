"""The pods of an endpoint as the API server shows them, and why one of them does not serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster import pods, writing
from sagebridge.core.cluster.names import FETCH_MODEL, SERVE, annotations_of
from sagebridge.core.cluster.serving.deployment import looked_at
from sagebridge.core.cluster.serving.endpoint import ANNOTATION_REVISION
from sagebridge.core.cluster.waiting import waiting
from sagebridge.core.container.failure import FAILURE_REASON_LIMIT, internal_server_error
from sagebridge.core.words import sentence, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sagebridge.core.cluster.serving.deployment import Deployment
    from sagebridge.core.conditions import Verdict

_CRASHES: Final = 2
"""So often a container is started anew until nobody thinks any more that it will get better."""
_KILLED: Final = (137, 143)


def essence(body: Mapping[str, Any]) -> dict[str, Any]:
    """What `ServingPod` reads of a pod, and what tells which it is."""
    found = pods.essence(body)
    found["metadata"]["annotations"] |= looked_at(body["metadata"])
    status = body.get("status") or {}
    for key in pods.STATES:
        if key in status:
            found["status"][key] = [_of(one) for one in status[key] or ()]
    return found


def _of(status: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("name", "state", "lastState", "restartCount", "ready")
    return {key: status[key] for key in keys if key in status}


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointPod:
    """One pod of an endpoint."""

    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.body["metadata"]["name"])

    @property
    def revision(self) -> str:
        """The revision that it is of."""
        return annotations_of(self.body).get(ANNOTATION_REVISION, "")

    @property
    def is_being_deleted(self) -> bool:
        """Whether it has been told to end."""
        return "deletionTimestamp" in self.body["metadata"]

    @property
    def is_over(self) -> bool:
        """Whether its node has ended it, or did not take it: it stays to be looked at, and another was made for it."""
        return (self.body.get("status") or {}).get("phase") in ("Succeeded", "Failed")

    @property
    def last_of_node(self) -> str:
        """Why its node has ended it, or did not take it, such as one that filled its volume; empty if nothing tells."""
        status = self.body.get("status") or {}
        if not self.is_over or not status.get("reason"):
            return ""
        said = " ".join(str(status.get("message") or "").split())
        return sentence(f"Pod {self.name}: {status['reason']}{f': {said}' if said else ''}")

    @property
    def is_ready(self) -> bool:
        """Whether it is sent requests."""
        conditions = (self.body.get("status") or {}).get("conditions") or ()
        return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)

    @property
    def crashes(self) -> int:
        """How often a container of it was started anew."""
        return max((int(one.get("restartCount") or 0) for one in self._statuses()), default=0)

    @property
    def last_words(self) -> str:
        """Why a container of it ended last, in SageMaker's words; empty while none has."""
        for status in self._statuses():
            ended = _ended(status)
            if ended:
                return _reason(status["name"], ended, pod=self.name)
        return ""

    def _statuses(self) -> list[Mapping[str, Any]]:
        status = self.body.get("status") or {}
        found = [one for key in pods.STATES for one in status.get(key) or ()]
        return [one for one in found if one.get("name") in (FETCH_MODEL, SERVE)]


def of_deployment(deployment: Deployment, bodies: Iterable[Mapping[str, Any]]) -> list[EndpointPod]:
    """The pods that ReplicaSets of a Deployment have made: labels are anybody's to set."""
    name = f"{deployment.body['metadata']['name']}-"
    return [EndpointPod(body=body) for body in bodies if _controller(body).startswith(name)]


def _controller(body: Mapping[str, Any]) -> str:
    for owner in body["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") == "ReplicaSet":
            return str(owner.get("name") or "")
    return ""


def has_crashed(found: Sequence[EndpointPod]) -> bool:
    """Whether a pod does not get ready because its containers end again and again."""
    return any(pod.crashes >= _CRASHES and not pod.is_ready for pod in found)


def waits_for(deployment: Deployment, found: Sequence[EndpointPod]) -> Verdict | None:
    """What pods that do not serve wait for, None if for nothing that is worth a word."""
    plain = [pods.Pod(body=pod.body) for pod in found if not pod.is_ready and not pod.is_being_deleted]
    return waiting(deployment.body, plain, can_change=True)


def trouble(deployment: Deployment, found: Sequence[EndpointPod]) -> str:
    """Why pods do not get ready, at most 1,024 characters; empty if nothing tells."""
    failing = [pod for pod in found if not pod.is_ready and not pod.is_being_deleted]
    said = next((pod.last_words for pod in sorted(failing, key=lambda pod: -pod.crashes) if pod.last_words), "")
    if not said and deployment.refusal:
        said = f"The pods can't be made: {deployment.refusal}"
    if not said and (verdict := waits_for(deployment, failing)) is not None:
        said = verdict.message
    if not said and failing:
        said = f"The primary container of pod {failing[0].name} did not pass the ping health check."
    return shortened(" ".join(said.split()), FAILURE_REASON_LIMIT)


def _ended(status: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("state", "lastState"):
        ended: Mapping[str, Any] = (status.get(key) or {}).get("terminated") or {}
        if ended.get("exitCode"):
            return ended
    return {}


def _reason(container: str, ended: Mapping[str, Any], *, pod: str) -> str:
    said = str(ended.get("message") or "").strip()
    if container == FETCH_MODEL:
        return _told(said) or internal_server_error(f"The container {container} of pod {pod} {_how(ended)}.")
    # https://github.com/aws/sagemaker-python-sdk/issues/155
    ping = " It did not pass the ping health check." if ended.get("exitCode") in _KILLED else ""
    words = f" Its last words: {_tail(said)}" if said else ""
    return f"The primary container of pod {pod} {_how(ended)}.{ping}{words}"


def _told(said: str) -> str:
    found = writing.read(said)
    return str(found.get("failureReason") or "") if isinstance(found, dict) else ""


def _how(ended: Mapping[str, Any]) -> str:
    if ended.get("reason") == "OOMKilled":
        return "was ended by the kernel at its memory limit"
    if ended.get("reason") in ("StartError", "ContainerCannotRun"):
        return "can't be started"
    return f"ended with exit code {ended.get('exitCode')}"


def _tail(said: str) -> str:
    words = " ".join(said.split())
    most = FAILURE_REASON_LIMIT // 2
    return words if len(words) <= most else f"…{words[-most:]}"
