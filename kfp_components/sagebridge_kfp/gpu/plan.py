"""All that is set on a task so that its pod runs where it should, decided before any of it is set."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfp.dsl import PipelineTask
from sagebridge.core.placement import Placement, PlacementRequest, place

from sagebridge_kfp.gpu import devices, passthrough, pod
from sagebridge_kfp.gpu.errors import OnGpuError
from sagebridge_kfp.gpu.present import Present
from sagebridge_kfp.gpu.settings import placement_settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        instance_types: of the nodes; empty where ``cluster`` names them.
        cluster: ``spec.cluster`` of a job that is placed in the same way.
        present: what the task says already.
        queue_priority: Kueue's WorkloadPriorityClass; may be empty.
        shared_memory: size of /dev/shm; empty for what the operator would give.
        timeout_seconds: how long the pod may run; 0 for as long as it takes.
        image_pull_secrets: names, or inputs of the pipeline that have them.
        node_selector_input: the input of the pipeline that has the node selector; None for none.
        tolerations_input: the input of the pipeline that has further tolerations; None for none.
    """

    instance_types: tuple[str, ...]
    cluster: Mapping[str, Any]
    present: Present
    queue_priority: str
    shared_memory: str
    timeout_seconds: int
    image_pull_secrets: Sequence[Any]
    node_selector_input: Any
    tolerations_input: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be set.

    Attributes:
        placement: as the operator would place such a pod.
        shared_memory: size of /dev/shm; None for none.
        labels: of the pod.
        wish: what else is asked for, as it is.
    """

    placement: Placement
    shared_memory: str | None
    labels: Mapping[str, str]
    wish: Wish

    @property
    def device(self) -> tuple[str, str] | None:
        """The extended resource that the pod asks for, and how many."""
        return next(iter(devices.devices(self.placement).items()), None)


def plan(wish: Wish, task: PipelineTask) -> Plan:
    """Return what is to be set on a task.

    Raises:
        OnGpuError: Kubeflow Pipelines can't write such a pod.
        SpecError: no node could ever take it.
    """
    _check_selectors(wish)
    placement = place(_request(wish))
    devices.check_resources(placement, asked_for_none=wish.cluster.get("gpu", {}).get("count") == 0)
    handed_on = passthrough.of_component(task)
    by_input = wish.node_selector_input is not None or wish.present.selects_by_input
    passthrough.check_handed_on(handed_on, placement, component=task.component_spec.name, selects_by_input=by_input)
    own = handed_on.pod_has_resources
    pod.check_timeout(wish.timeout_seconds)
    return Plan(
        placement=placement,
        shared_memory=pod.shared_memory(placement, wish.shared_memory, pod_has_resources=own),
        labels=pod.queue_labels(wish.cluster.get("queueName", ""), wish.queue_priority, pod_has_resources=own),
        wish=wish,
    )


def _check_selectors(wish: Wish) -> None:
    """Kubeflow Pipelines overlooks all labels of a task that has a selector from an input of the pipeline."""
    given = [wish.node_selector_input is not None, wish.present.selects_by_input, bool(wish.cluster["nodeSelector"])]
    if sum(given) > 1:
        message = "comes from an input of the pipeline, and Kubeflow Pipelines takes no other beside it: keep one"
        raise OnGpuError("node_selector", message)


def _request(wish: Wish) -> PlacementRequest:
    return PlacementRequest(
        instance_types=wish.instance_types,
        instance_count=1,
        cluster=wish.cluster,
        spot=False,
        namespace="",
        labels={},
        settings=placement_settings(os.environ),
        types_field="instance_type",
    )
