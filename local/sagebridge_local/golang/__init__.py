"""Programs built from Go modules: the control plane and helm, each built once and cached."""

from sagebridge_local.golang.binary import (
    CONTROL_PLANE,
    HELM,
    KWOK,
    GoProgram,
    control_plane_binary,
    helm_binary,
    kubectl,
    kwok_binary,
)
from sagebridge_local.golang.errors import BuildError

__all__ = [
    "CONTROL_PLANE",
    "HELM",
    "KWOK",
    "BuildError",
    "GoProgram",
    "control_plane_binary",
    "helm_binary",
    "kubectl",
    "kwok_binary",
]
