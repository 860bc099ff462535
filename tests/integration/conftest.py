"""A real API server, the local SageMaker and the operator for the tests."""

from support.control_plane import control_plane
from support.processes import forked_operator, forked_simulator, kube, namespace, operator, simulator, spawns

__all__ = [
    "control_plane",
    "forked_operator",
    "forked_simulator",
    "kube",
    "namespace",
    "operator",
    "simulator",
    "spawns",
]
