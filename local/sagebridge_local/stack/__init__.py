"""The processes of a local stack: control plane, local SageMaker, operator."""

from sagebridge_local.stack.controlplane import ControlPlane
from sagebridge_local.stack.errors import KubectlError, StackError
from sagebridge_local.stack.operator import OperatorProcess
from sagebridge_local.stack.simulator import Simulator

__all__ = ["ControlPlane", "KubectlError", "OperatorProcess", "Simulator", "StackError"]
