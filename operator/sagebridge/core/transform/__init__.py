"""From the spec of a BatchTransform to the complete request of CreateTransformJob.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

from sagebridge.core.transform.request import ADDED_FIELDS, model_of, resolve

__all__ = ["ADDED_FIELDS", "model_of", "resolve"]
