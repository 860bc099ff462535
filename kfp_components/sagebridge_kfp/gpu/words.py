"""How the fields of ``spec.cluster`` are called among the arguments of `on_gpu`, and those that a step can't have.

Kubeflow Pipelines writes the pod of a step itself, from the executor's resources and from KubernetesExecutorConfig.
What neither has, nobody can ask for.

Sources:
    https://github.com/kubeflow/pipelines/blob/master/kubernetes_platform/proto/kubernetes_executor_config.proto
    https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/k8s.go
    https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/driver.go (initPodSpecPatch)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ARGUMENTS: Final[Mapping[str, str]] = {
    "instanceTypes": "instance_type",
    "gpu": "gpu",
    "spot": "spot",
    "queueName": "queue_name",
    "nodeSelector": "node_selector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "resources": "resources",
    "imagePullSecrets": "image_pull_secrets",
}

IMPOSSIBLE: Final[Mapping[str, str]] = {
    "topologyKey": (
        "a step is one pod, and Kubeflow Pipelines sets no affinity between pods: several pods that share a zone are "
        "a TrainingJob with target: Cluster"
    ),
    "priorityClassName": (
        "Kubeflow Pipelines can't set the PriorityClass of a step: with queue_name, queue_priority names a "
        "WorkloadPriorityClass of Kueue's"
    ),
    "runtimeClassName": (
        "Kubeflow Pipelines can't set the RuntimeClass of a step: make NVIDIA's the default runtime of the nodes"
    ),
    "serviceAccountName": (
        "all steps of a run have the run's service account: give it where the run is created (service_account)"
    ),
    "image": "the component says its image: give it there as base_image, or by task.set_container_image",
    "engine": "the pod of a step is made by Kubeflow Pipelines, not by a Job or a JobSet",
}

_VARIABLES: Final = "variables are the task's own: task.set_env_variable(name, value)"
_AMOUNTS: Final = "give resources, or set it on the task before"
ELSEWHERE: Final[Mapping[str, str]] = {
    "env": _VARIABLES,
    "environment": _VARIABLES,
    "cpu": _AMOUNTS,
    "memory": _AMOUNTS,
    "image": IMPOSSIBLE["image"],
    "service_account": IMPOSSIBLE["serviceAccountName"],
    "priority_class": IMPOSSIBLE["priorityClassName"],
}
"""What one might ask `on_gpu` for, by a name that it does not have, and how it is said."""
