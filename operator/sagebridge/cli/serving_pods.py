"""The pods that serve a model: what of their logs is to be read beside that of the container that serves now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sagebridge.cli.pod_logs import FEW, LogRequest
from sagebridge.core.cluster.names import FETCH_MODEL, SERVE
from sagebridge.core.cluster.pods import STATES

if TYPE_CHECKING:
    from sagebridge.cli.pod_logs import Kubectl


class ServingPods:
    """The pods of an endpoint or a batch transform, looked at again and again.

    What a container printed before it was started anew is read once for each new start. What the download of the model
    prints is read until the model is there; of many pods that download, some at each look, in turn.
    """

    def __init__(self, kubectl: Kubectl, *, selector: str) -> None:
        self._kubectl = kubectl
        self._selector = selector
        self._restarts: dict[tuple[str, str], int] = {}
        self._unread: dict[str, int] = {}
        """Pods whose download was not read to its end, and at which look it was read last."""
        self._looks = 0

    def requests(self) -> list[LogRequest]:
        """What to read at this look, in the order in which it was printed.

        Raises:
            ObjectError: kubectl is not there or is refused.
        """
        pods = json.loads(self._kubectl("get", "pods", f"--selector={self._selector}", "--output=json"))["items"]
        restarted = {name: self._restarted(pods, name) for name in (FETCH_MODEL, SERVE)}
        fetching = frozenset(_name(pod) for pod in pods if _is_fetching(pod))
        unread = self._still_unread(pods, fetching)
        found = [
            LogRequest(container=FETCH_MODEL, previous=True, pods=restarted[FETCH_MODEL] & unread),
            LogRequest(container=FETCH_MODEL, pods=self._in_turn(fetching)),
            LogRequest(container=SERVE, previous=True, pods=restarted[SERVE]),
            LogRequest(container=SERVE),
        ]
        return [one for one in found if one.pods is None or one.pods]

    def _still_unread(self, pods: list[Mapping[str, Any]], fetching: frozenset[str]) -> frozenset[str]:
        """The pods whose download goes on, or has ended since it was read."""
        there = [_name(pod) for pod in pods]
        self._unread = {name: self._unread.get(name, 0) for name in there if name in self._unread or name in fetching}
        return frozenset(self._unread)

    def _in_turn(self, fetching: frozenset[str]) -> frozenset[str]:
        """The pods whose download is read now: at first all, then those that were read longest ago."""
        most = FEW if self._looks else len(self._unread)
        self._looks += 1
        turn = sorted(self._unread, key=lambda name: (self._unread[name], name))[:most]
        for name in turn:
            self._unread[name] = self._looks
            if name not in fetching:  # these were its last words
                del self._unread[name]
        return frozenset(turn)

    def _restarted(self, pods: list[Mapping[str, Any]], container: str) -> frozenset[str]:
        """The pods whose container was started anew since the last look, or ever at the first."""
        found = set()
        for pod in pods:
            key = (_name(pod), container)
            count = max((int(one.get("restartCount") or 0) for one in _statuses(pod, container)), default=0)
            if count > self._restarts.get(key, 0):
                found.add(_name(pod))
            self._restarts[key] = count
        return frozenset(found)


def _name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def _statuses(pod: Mapping[str, Any], container: str) -> Iterator[Mapping[str, Any]]:
    status = pod.get("status") or {}
    return (one for key in STATES for one in status.get(key) or () if one.get("name") == container)


def _is_fetching(pod: Mapping[str, Any]) -> bool:
    """Whether the model is not there yet, or is not to be had."""
    states = [one.get("state") or {} for one in _statuses(pod, FETCH_MODEL)]
    return not any((state.get("terminated") or {}).get("exitCode") == 0 for state in states)
