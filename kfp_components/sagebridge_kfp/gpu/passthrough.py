"""Components that start something of their own and want the settings of their task for it.

Such a component has an input of the type dsl.TaskConfig, and says by task_config_passthroughs what is to be in it;
that is then not set on the step's own pod, unless it says so too.

Source: https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/driver.go (getTaskConfigOptions)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kfp.dsl import PipelineTask, TaskConfigField
from sagebridge.core.placement import Placement

from sagebridge_kfp.gpu.errors import OnGpuError


@dataclass(frozen=True, kw_only=True, slots=True)
class Passthrough:
    """What a component hands on.

    Attributes:
        fields: what is in its TaskConfig, and whether the step's pod has it as well. Empty for most components.
    """

    fields: Mapping[TaskConfigField, bool]

    @property
    def pod_has_resources(self) -> bool:
        """Whether the step's own pod is the one that has the accelerators."""
        return self.fields.get(TaskConfigField.RESOURCES, True)


def of_component(task: PipelineTask) -> Passthrough:
    """Return what the task's component hands on."""
    given = task.component_spec.task_config_passthroughs or ()
    return Passthrough(fields={TaskConfigField(each.field): bool(each.apply_to_task) for each in given})


def check_handed_on(passthrough: Passthrough, placement: Placement, *, component: str, selects_by_input: bool) -> None:
    """Refuse a component that hands on a part of a placement: half of it would be of no use, or lost.

    Raises:
        OnGpuError: the message says what is missing.
    """
    if not passthrough.fields:
        return
    parts = {
        TaskConfigField.RESOURCES: placement.resources,
        TaskConfigField.KUBERNETES_AFFINITY: placement.affinity,
        TaskConfigField.KUBERNETES_TOLERATIONS: placement.tolerations,
        TaskConfigField.KUBERNETES_NODE_SELECTOR: placement.node_selector or selects_by_input,
        TaskConfigField.ENV: placement.environment,
    }
    missing = [field.name for field, part in parts.items() if part and field not in passthrough.fields]
    if missing:
        message = f"{component} hands on only a part of the placement: add {', '.join(missing)} to its "
        raise OnGpuError("task", message + "task_config_passthroughs")
