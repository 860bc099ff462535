"""The processes of a local stack: control plane, local SageMaker, operator."""

from sagebridge_local.stack.controlplane import ControlPlane
from sagebridge_local.stack.errors import KubectlError, NotReadyError, StackError
from sagebridge_local.stack.local import ComponentStatus, LocalStack, Options
from sagebridge_local.stack.operator import OperatorProcess
from sagebridge_local.stack.simulator import Simulator

__all__ = [
    "ComponentStatus",
    "ControlPlane",
    "KubectlError",
    "LocalStack",
    "NotReadyError",
    "OperatorProcess",
    "Options",
    "Simulator",
    "StackError",
]
