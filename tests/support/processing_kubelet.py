"""A kubelet by hand for the pods of ProcessingJobs."""

from __future__ import annotations

from support.kubelet import Kubelet


class ProcessingKubelet(Kubelet):
    """Writes the statuses of pods in which the container `process` stands beside the agent."""

    work = "process"
