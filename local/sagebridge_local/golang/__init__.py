"""Programs built from Go modules: the control plane and helm, each built once and cached."""

from sagebridge_local.golang.binary import CONTROL_PLANE, HELM, GoProgram, control_plane_binary, helm_binary, kubectl
from sagebridge_local.golang.errors import BuildError

__all__ = ["CONTROL_PLANE", "HELM", "BuildError", "GoProgram", "control_plane_binary", "helm_binary", "kubectl"]
