"""Pods and Jobs of the tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from node.node import Node


def pod(name: str, *, image: str, command: Sequence[str] = (), arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Return a pod of one container that is not started again."""
    container = {"name": "main", "image": image, "command": list(command), "args": list(arguments)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]},
    }


def rendezvous(name: str) -> dict[str, Any]:
    """Return a headless Service that gives the pods of a Job their names in DNS, ready or not."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": name},
        },
    }


def indexed_job(name: str, *, pods: int, container: dict[str, Any], searches: Sequence[str]) -> dict[str, Any]:
    """Return a Job whose pods find each other as NAME-INDEX."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "completions": pods,
            "parallelism": pods,
            "completionMode": "Indexed",
            "backoffLimit": 0,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "subdomain": name,
                    "dnsConfig": {"searches": list(searches)},
                    "containers": [{"name": "main", **container}],
                }
            },
        },
    }


def phase(node: Node, name: str, *, namespace: str) -> str:
    """Return a pod's phase."""
    return str(node.get("pod", name, namespace=namespace)["status"].get("phase", ""))


def condition(node: Node, kind: str, name: str, *, namespace: str, of: str) -> dict[str, str]:
    """Return an object's condition of a type, or an empty one."""
    conditions = node.get(kind, name, namespace=namespace).get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == of), {})
