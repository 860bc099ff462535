"""What was seen of a pod, and is told of it no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge.core.cluster.pods import DELETION, STATES

if TYPE_CHECKING:
    from collections.abc import Mapping


def recall(body: Mapping[str, Any], before: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A pod as it is now, with what it was seen to be `before`.

    Its first deletion: the kubelet deletes a pod again, with a grace of 0, once all of it has ended, which overwrites
    the times. And how a container ended before it was started again: the kubelet tells of the records that it has, and
    once the container has ended for good that is the last one alone.
    Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/pod_container_deletor.go

    Args:
        body: the pod.
        before: a pod of that name, of which nothing is taken if it was another; None if there was none.
    """
    if before is None or before["metadata"].get("uid") != body["metadata"].get("uid"):
        return body
    first = {key: before["metadata"][key] for key in DELETION if key in before["metadata"]}
    status, was = body.get("status") or {}, before.get("status") or {}
    ends = {key: _recall_ends(status[key] or (), was.get(key) or ()) for key in STATES if key in status}
    return {**body, "metadata": {**body["metadata"], **first}, "status": {**status, **ends}}


def _recall_ends(containers: Any, before: Any) -> list[Mapping[str, Any]]:
    known = {one["name"]: one for one in before}
    return [_recall_end(one, known.get(one["name"]) or {}) for one in containers]


def _recall_end(container: Mapping[str, Any], before: Mapping[str, Any]) -> Mapping[str, Any]:
    if container.get("lastState") or not container.get("restartCount"):
        return container
    state = before.get("state") or {}
    was_seen_to_end = "terminated" in state and container["restartCount"] > (before.get("restartCount") or 0)
    last = state if was_seen_to_end else before.get("lastState")
    return {**container, "lastState": last} if last else container
