"""Kubeflow Pipelines components that run machine learning through Sagebridge, on Amazon SageMaker or on the cluster.

    from sagebridge_kfp import EndpointOp, TrainingJobOp

Each component makes one object of Sagebridge's, waits for it, shows its log, and gives on what it has made. `on_gpu`
puts any other step on the cluster's GPU nodes, and `run_on_sagemaker` has any component of yours run as a job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sagebridge_kfp.gpu import on_gpu
    from sagebridge_kfp.ops import (
        BatchTransformOp,
        DeleteOp,
        EndpointOp,
        HPTuningJobOp,
        InvokeEndpointOp,
        ProcessingJobOp,
        TrainingJobOp,
    )
    from sagebridge_kfp.remote.component import run_on_sagemaker

__all__ = [
    "BatchTransformOp",
    "DeleteOp",
    "EndpointOp",
    "HPTuningJobOp",
    "InvokeEndpointOp",
    "ProcessingJobOp",
    "TrainingJobOp",
    "on_gpu",
    "run_on_sagemaker",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for, and no sooner: what runs in a step's pod needs no compiler of pipelines."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "on_gpu":
        from sagebridge_kfp.gpu import on_gpu

        return on_gpu
    if name == "run_on_sagemaker":
        from sagebridge_kfp.remote.component import run_on_sagemaker

        return run_on_sagemaker
    from sagebridge_kfp import ops

    return getattr(ops, name)
