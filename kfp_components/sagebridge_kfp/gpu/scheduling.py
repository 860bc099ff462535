"""`on_gpu`: an ordinary step of a pipeline on the cluster's GPU nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfp.dsl import PipelineTask
from kfp.dsl.pipeline_channel import PipelineParameterChannel
from sagebridge.core.errors import SpecError

from sagebridge_kfp.gpu.block import block, pull_secrets
from sagebridge_kfp.gpu.channels import input_of_type, is_channel, refuse_channels
from sagebridge_kfp.gpu.errors import OnGpuError, from_placement
from sagebridge_kfp.gpu.plan import Wish, plan
from sagebridge_kfp.gpu.present import of_task
from sagebridge_kfp.gpu.task import apply
from sagebridge_kfp.gpu.words import ELSEWHERE
from sagebridge_kfp.keywords import with_hints


@with_hints(ELSEWHERE)
def on_gpu(  # noqa: PLR0913 - what can be said of a pod's place
    task: PipelineTask,
    *,
    instance_type: str | Sequence[str] = "",
    gpu: int | str | Mapping[str, Any] | None = None,
    spot: str = "",
    queue_name: str = "",
    queue_priority: str = "",
    shared_memory: str = "",
    timeout_seconds: int = 0,
    node_selector: Mapping[str, str] | PipelineParameterChannel | None = None,
    tolerations: Sequence[Mapping[str, Any]] | PipelineParameterChannel = (),
    affinity: Mapping[str, Any] | None = None,
    resources: Mapping[str, Mapping[str, Any]] | None = None,
    image_pull_secrets: Sequence[str | PipelineParameterChannel] = (),
    cluster: Mapping[str, Any] | None = None,
) -> PipelineTask:
    """Schedule a step on the cluster's GPU nodes, as the operator would schedule a job of one instance.

    Its pod asks for the accelerators of the instance type, for the processors and the memory that go with them, and
    for a node of that type by the labels of managed node groups, Karpenter, EKS Auto Mode, HyperPod and others; it
    tolerates their taints and has a /dev/shm in memory. See docs/pipelines-gpu.md.

        train = on_gpu(train_model(data=prepare.output), instance_type="ml.g5.12xlarge", spot="Prefer")

    Args:
        task: a step that runs a container. What its own methods have said of processors, memory, accelerators and
            labels of nodes holds, and must not contradict what is said here.
        instance_type: of the nodes, with or without ``ml.``; several mean any of them. With a ``product`` that it
            does not have it only says how large a part of such a node the step is to have.
        gpu: how many accelerators, or the resource (``nvidia.com/mig-1g.5gb``), or the product's label
            (``NVIDIA-L4``), or several of these: ``count``, ``resourceName``, ``product``, ``allowShared``. Default:
            all that the type has.
        spot: ``Avoid``, the default, ``Prefer`` or ``Require``.
        queue_name: Kueue's LocalQueue, in which the pod waits until it is admitted.
        queue_priority: Kueue's WorkloadPriorityClass.
        shared_memory: size of /dev/shm, such as ``64Gi``; default: half of the memory limit.
        timeout_seconds: after which Kubernetes ends the pod; 0 for never.
        node_selector: labels that the node must have. It may be an input of the pipeline.
        tolerations: further taints that are tolerated, as in a Pod. It may be an input of the pipeline.
        affinity: a nodeAffinity as in a Pod, which holds beside that of the instance type.
        resources: requests and limits that replace those that follow from the type.
        image_pull_secrets: names of Secrets; each may be an input of the pipeline.
        cluster: ``spec.cluster`` of a manifest, for what the other arguments leave out.

    Returns:
        The task.

    Raises:
        OnGpuError: no node could ever take the pod, or Kubeflow Pipelines can't write such a pod. Nothing is set.
        TypeError: ``task`` is no step of a pipeline, or an argument is unknown.
    """
    if not isinstance(task, PipelineTask):
        raise TypeError(f"on_gpu takes a step of a pipeline, not {type(task).__name__}: call the component first")
    # As the jobs of other components have it.
    if str(spot) in {"True", "False"}:
        raise OnGpuError("spot", f"must be Avoid, Prefer or Require, and is {spot}")
    types = _types(instance_type)
    own = {"queue_priority": queue_priority, "shared_memory": shared_memory, "timeout_seconds": timeout_seconds}
    refuse_channels(own)
    arguments = {
        "instanceTypes": types,
        "gpu": gpu,
        "spot": spot,
        "queueName": queue_name,
        "nodeSelector": None if is_channel(node_selector) else node_selector,
        "tolerations": None if is_channel(tolerations) else tolerations,
        "affinity": affinity,
        "resources": resources,
    }
    try:
        said = of_task(task)
        wanted = block(arguments, cluster, said)
        wish = Wish(
            instance_types=wanted.pop("instanceTypes") if types else (),
            cluster=wanted,
            present=said,
            queue_priority=queue_priority,
            shared_memory=shared_memory,
            timeout_seconds=timeout_seconds,
            image_pull_secrets=pull_secrets(image_pull_secrets, wanted),
            node_selector_input=input_of_type(node_selector, "node_selector", ("Dict",)),
            tolerations_input=input_of_type(tolerations, "tolerations", ("Dict", "List")),
        )
        apply(plan(wish, task), task)
    except SpecError as error:
        raise from_placement(error) from None
    return task


def _types(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of instance types."""
    refuse_channels({"instance_type": given})
    names = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) for name in names):
        raise OnGpuError("instance_type", "must be the name of an instance type, or a list of names")
    return tuple(name for name in names if name)
