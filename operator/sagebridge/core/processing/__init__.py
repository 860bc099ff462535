"""From the spec of a ProcessingJob to the complete request of CreateProcessingJob.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
    https://sagemaker.readthedocs.io/en/stable/api/training/processing.html (script mode)
"""

from sagebridge.core.processing.request import ADDED_FIELDS, resolve

__all__ = ["ADDED_FIELDS", "resolve"]
