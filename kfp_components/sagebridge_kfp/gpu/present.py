"""What a task says of its pod before it is placed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kfp.dsl import PipelineTask
from kfp.dsl.structures import ResourceSpec
from sagebridge.core.placement import extended

from sagebridge_kfp.component import IDENTITY
from sagebridge_kfp.gpu.channels import refuse_channels
from sagebridge_kfp.gpu.errors import OnGpuError

SHARED_MEMORY_PATH: Final = "/dev/shm"  # noqa: S108 - its name in every container

_MOUNTS: Final = ("pvcMount", "secretAsVolume", "configMapAsVolume", "genericEphemeralVolume", "emptyDirMounts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """What the task was given by its own methods and by those of kfp.kubernetes.

    Attributes:
        resources: by requests and limits, the quantity of each resource.
        node_selector: labels and their values.
        selects_by_input: whether the node selector is an input of the pipeline.
        environment: the names of the variables.
    """

    resources: Mapping[str, Mapping[str, str]]
    node_selector: Mapping[str, str]
    selects_by_input: bool
    environment: frozenset[str]


def of_task(task: PipelineTask) -> Present:
    """Return what the task says.

    Raises:
        OnGpuError: it has no container, or has something that a placement would contradict.
    """
    if task.container_spec is None:
        raise OnGpuError("task", f"{task.name} has no container: place the steps of a pipeline, and no importer")
    kubernetes = task.platform_config.get("kubernetes", {})
    if any(each.get("name") in IDENTITY for each in kubernetes.get("fieldPathAsEnv", ())):
        message = (
            f"{task.name} only waits for what it makes, and would keep a GPU from those that need it. Where that runs,"
            ' its own inputs say, or those of run_on_sagemaker: instance_type, target="Cluster", cluster'
        )
        raise OnGpuError("task", message)
    if kubernetes.get("nodeAffinity"):
        message = (
            f"{task.name} has a node affinity already, and a node for which either holds would do: call on_gpu once, "
            "and give a node affinity of your own as affinity"
        )
        raise OnGpuError("affinity", message)
    _check_mounts(kubernetes, task.name)
    selector = kubernetes.get("nodeSelector", {})
    return Present(
        resources=_resources(task.container_spec.resources, task.name),
        node_selector=selector.get("labels", {}),
        selects_by_input="nodeSelectorJson" in selector,
        environment=frozenset(task.container_spec.env or {}),
    )


def _check_mounts(kubernetes: Mapping[str, Any], task: str) -> None:
    if any(each.get("mountPath") == SHARED_MEMORY_PATH for kind in _MOUNTS for each in kubernetes.get(kind, ())):
        message = f"{task} mounts {SHARED_MEMORY_PATH} already: remove that, and give its size here"
        raise OnGpuError("shared_memory", message)


def _resources(spec: ResourceSpec | None, task: str) -> dict[str, dict[str, str]]:
    if spec is None:
        return {}
    said = {
        "requests": {"cpu": spec.cpu_request, "memory": spec.memory_request},
        "limits": {"cpu": spec.cpu_limit, "memory": spec.memory_limit, **_accelerator(spec, task)},
    }
    refuse_channels({f"resources.{part}.{name}": value for part in said for name, value in said[part].items()})
    return {part: {name: value for name, value in values.items() if value} for part, values in said.items()}


def _accelerator(spec: ResourceSpec, task: str) -> dict[str, str]:
    """Return the accelerators of a task, which Kubeflow Pipelines overlooks unless both are given."""
    if not spec.accelerator_type and not spec.accelerator_count:
        return {}
    refuse_channels({"gpu.resourceName": spec.accelerator_type, "gpu.count": spec.accelerator_count})
    if not spec.accelerator_type or not spec.accelerator_count:
        message = f"{task} was given only one of an accelerator's type and its limit: give both, or say it here"
        raise OnGpuError("gpu", message)
    if not extended.is_accelerator(spec.accelerator_type):
        raise OnGpuError("gpu.resourceName", f"{spec.accelerator_type} is no resource: write {extended.GPU}")
    return {spec.accelerator_type: spec.accelerator_count}
