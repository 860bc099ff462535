"""Nodes that are not there, for a scheduler that is."""

from __future__ import annotations

from datetime import UTC, datetime

import kubernetes

_ROOM = {"cpu": "2", "memory": "8Gi", "pods": "110", "ephemeral-storage": "200Gi"}


def make_node(core: kubernetes.client.CoreV1Api, name: str, *, instance_type: str) -> None:
    """Have a node that is ready and has two processors and 8 GiB; nothing runs on it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {"node.kubernetes.io/instance-type": instance_type, "kubernetes.io/hostname": name}
    core.create_node({"metadata": {"name": name, "labels": labels}})
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "ByHand",
        "message": "",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    core.patch_node_status(name, {"status": {"capacity": _ROOM, "allocatable": _ROOM, "conditions": [condition]}})
