"""Pipelines whose placed steps are more than one step with arguments: loops, inputs, and what is handed on."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kfp import dsl
from kfp.dsl import TaskConfigField, TaskConfigPassthrough
from sagebridge_kfp import on_gpu

from tests.kfp.gpu.steps import train

G5: Final = "ml.g5.12xlarge"


@dsl.component(
    base_image="python:3.11",
    install_kfp_package=False,
    task_config_passthroughs=[
        TaskConfigField.RESOURCES,
        TaskConfigField.KUBERNETES_AFFINITY,
        TaskConfigField.KUBERNETES_TOLERATIONS,
        TaskConfigField.KUBERNETES_NODE_SELECTOR,
        TaskConfigPassthrough(field=TaskConfigField.ENV, apply_to_task=True),
    ],
)
def launch(task_config: dsl.TaskConfig) -> str:
    """Starts something of its own with what its task was given."""
    return str(task_config.affinity)


def handed_on() -> None:
    """All of a placement goes to what the step starts."""
    on_gpu(launch(), instance_type="ml.p5.48xlarge", spot="Prefer", node_selector={"team": "a"})


def in_loops_and_conditions(rates: list = [0.1, 0.01], is_large: bool = True) -> None:  # type: ignore[type-arg]  # noqa: B006
    """Iterations of a loop, and a branch, each with a place of its own."""
    with dsl.ParallelFor(rates):
        on_gpu(train(), instance_type=G5, queue_name="research")
        with dsl.If(is_large == True):  # noqa: E712
            on_gpu(train(), instance_type="ml.p4d.24xlarge", spot="Require")


def of_inputs(labels: dict, taints: list, secret: str) -> None:  # type: ignore[type-arg]
    """What KFP takes from the pipeline's inputs when it runs."""
    on_gpu(train(), instance_type=G5, node_selector=labels, tolerations=taints, image_pull_secrets=[secret])


def after_its_own_methods() -> None:
    """What the task's own methods said before holds."""
    task = train().set_cpu_limit("8").set_memory_limit("32G").set_env_variable("NCCL_DEBUG", "INFO").set_retry(2)
    on_gpu(task, instance_type=G5, resources={"limits": {"cpu": "8", "memory": "32G"}})


PIPELINES: Final[Mapping[str, Callable[..., Any]]] = {
    "pipeline-after-its-own-methods": after_its_own_methods,
    "pipeline-handed-on": handed_on,
    "pipeline-in-loops-and-conditions": in_loops_and_conditions,
    "pipeline-of-inputs": of_inputs,
}
