"""What is different about each kind, declared."""

from sagebridge.kinds.batch_transform import KIND as BATCH_TRANSFORM
from sagebridge.kinds.endpoint import SCHEMA as ENDPOINT
from sagebridge.kinds.hp_tuning_job import KIND as HP_TUNING_JOB
from sagebridge.kinds.kind import JobKind
from sagebridge.kinds.processing_job import KIND as PROCESSING_JOB
from sagebridge.kinds.training_job import KIND as TRAINING_JOB

JOB_KINDS: tuple[JobKind, ...] = (TRAINING_JOB, PROCESSING_JOB, HP_TUNING_JOB, BATCH_TRANSFORM)
"""Every kind that the operator reconciles as a job."""

__all__ = ["ENDPOINT", "JOB_KINDS", "JobKind"]
