"""The container images that AWS publishes for SageMaker: which one serves an algorithm or a framework, and where.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
    https://aws.github.io/deep-learning-containers/reference/available_images/
    the image_uri_config of https://github.com/aws/sagemaker-python-sdk, from which the table is generated
"""

from sagebridge.core.images.lookup import (
    AlgorithmRef,
    FrameworkRef,
    ResolvedImage,
    inference_image,
    resolve_image,
    training_image,
)

__all__ = [
    "AlgorithmRef",
    "FrameworkRef",
    "ResolvedImage",
    "inference_image",
    "resolve_image",
    "training_image",
]
