"""Steps of any kind on the cluster's GPU nodes, placed as the operator places the pods of its jobs."""

from sagebridge_kfp.gpu.errors import OnGpuError
from sagebridge_kfp.gpu.scheduling import on_gpu

__all__ = ["OnGpuError", "on_gpu"]
