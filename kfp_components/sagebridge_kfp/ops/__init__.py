"""The components, as pipelines call them."""

from sagebridge_kfp.ops.batch_transform import BatchTransformOp
from sagebridge_kfp.ops.delete import DeleteOp
from sagebridge_kfp.ops.endpoint import EndpointOp
from sagebridge_kfp.ops.invoke_endpoint import InvokeEndpointOp
from sagebridge_kfp.ops.processing_job import ProcessingJobOp
from sagebridge_kfp.ops.training_job import TrainingJobOp
from sagebridge_kfp.ops.tuning_job import HPTuningJobOp

__all__ = [
    "BatchTransformOp",
    "DeleteOp",
    "EndpointOp",
    "HPTuningJobOp",
    "InvokeEndpointOp",
    "ProcessingJobOp",
    "TrainingJobOp",
]
