"""The accelerators of a step: Kubeflow Pipelines can ask for one kind of device.

The driver takes processors, memory, and one resource as the accelerator, whatever its name.

Source: https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/driver.go (initPodSpecPatch)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sagebridge.core.placement import Placement, extended, fitting_types

from sagebridge_kfp.gpu.errors import OnGpuError

_DIVISIBLE: Final = ("cpu", "memory")


def devices(placement: Placement) -> dict[str, str]:
    """Return the extended resources that the pod asks for, and how many of each."""
    return {name: amount for name, amount in placement.resources["limits"].items() if name not in _DIVISIBLE}


def check_resources(placement: Placement, *, asked_for_none: bool) -> None:
    """Refuse resources that Kubeflow Pipelines can't ask for, and a step without any accelerator.

    Args:
        placement: the step's.
        asked_for_none: whether 0 accelerators were asked for.

    Raises:
        OnGpuError: the message says what to do instead.
    """
    parts = placement.resources["requests"] | placement.resources["limits"]
    wrong = next((name for name in parts if name not in _DIVISIBLE and "/" not in name), None)
    if wrong is not None:
        message = "Kubeflow Pipelines can ask for processors, memory and one kind of device only: remove it"
        raise OnGpuError(f"resources.{wrong}", message)
    found = devices(placement)
    if len(found) > 1:
        _refuse_second(found)
    if not found and not asked_for_none:
        some = ", ".join(fitting_types(gpus=1)[:3])
        message = f"{placement.instance_type} has no accelerators: name a type that has some, such as {some}, or say 0"
        raise OnGpuError("gpu", message)


def _refuse_second(found: Mapping[str, str]) -> None:
    second = next((name for name in found if not extended.is_accelerator(name)), list(found)[-1])
    others = " and ".join(name for name in found if name != second)
    message = f"Kubeflow Pipelines gives a step one kind of device, and it has {others}: remove it"
    if second == extended.EFA:
        message += ", or make it a TrainingJob with target: Cluster, whose pods have EFA"
    raise OnGpuError(f"resources.{second}", message)
