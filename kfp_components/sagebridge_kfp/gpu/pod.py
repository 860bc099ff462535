"""What a step's pod is told beside its resources and its nodes."""

from __future__ import annotations

import re
from typing import Final

from sagebridge.core.cluster.names import QUEUE_LABEL
from sagebridge.core.placement import Placement
from sagebridge.core.placement.quantity import parse

from sagebridge_kfp.gpu.errors import OnGpuError

QUEUE_PRIORITY_LABEL: Final = "kueue.x-k8s.io/priority-class"
"""Names a WorkloadPriorityClass: https://kueue.sigs.k8s.io/docs/concepts/workload_priority_class/."""

_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def shared_memory(placement: Placement, size: str, *, pod_has_resources: bool) -> str | None:
    """Return how large /dev/shm is to be.

    Args:
        placement: the step's, whose memory it is a part of.
        size: what is asked for; empty for what the operator would give.
        pod_has_resources: whether the accelerators are the step's own.

    Raises:
        OnGpuError: it can't be so large, or there is nowhere to mount it.
        SpecError: it is no quantity.
    """
    if not size:
        return placement.shared_memory if pod_has_resources else None
    if not pod_has_resources:
        message = "Kubeflow Pipelines hands on no emptyDir: mount it in what the component starts"
        raise OnGpuError("shared_memory", message)
    most = placement.resources["limits"]["memory"]
    if not 0 < parse(size, "shared_memory") <= parse(most, "resources.limits.memory"):
        message = f"{size} must be more than 0 and at most {most}, the memory limit, which it counts against"
        raise OnGpuError("shared_memory", message)
    return size


def queue_labels(queue_name: str, queue_priority: str, *, pod_has_resources: bool) -> dict[str, str]:
    """Return the labels by which Kueue finds the pod's queue and priority.

    Source: https://kueue.sigs.k8s.io/docs/tasks/run/plain_pods/

    Raises:
        OnGpuError: a name can't be a label's value, or the pod has nothing to wait for.
    """
    if queue_priority and not queue_name:
        raise OnGpuError("queue_priority", "needs queue_name: without a queue nobody reads it")
    if queue_name and not pod_has_resources:
        message = "the step's own pod asks for no accelerators: label what the component starts with the queue"
        raise OnGpuError("queue_name", message)
    named = {"queue_name": (QUEUE_LABEL, queue_name), "queue_priority": (QUEUE_PRIORITY_LABEL, queue_priority)}
    given = {argument: pair for argument, pair in named.items() if pair[1]}
    for argument, (_, value) in given.items():
        if not _LABEL_VALUE.fullmatch(value):
            message = f"{value} is no label's value: letters, digits, '-', '_' and '.', at most 63 of them"
            raise OnGpuError(argument, message)
    return dict(given.values())


def check_timeout(seconds: object) -> None:
    """Refuse what is no whole number of seconds.

    Raises:
        OnGpuError: it is none.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise OnGpuError("timeout_seconds", f"{seconds} is no number of seconds: give a whole number, 0 for no limit")
