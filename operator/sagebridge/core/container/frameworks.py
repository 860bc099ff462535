"""Which images run a user's script, and which of their modules does it."""

from __future__ import annotations

import re
from typing import Final

# Repositories of AWS's Deep Learning Containers and of the framework images that came before and beside them:
# https://github.com/aws/deep-learning-containers/blob/master/available_images.md and
# https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/ecr-us-east-1.html
_FRAMEWORKS: Final = (
    (r"(huggingface-)?pytorch(-trcomp)?-training(-neuronx?|-neuron)?", "sagemaker_pytorch_container.training:main"),
    (r"(huggingface-)?tensorflow(-trcomp)?-training(-neuronx?)?", "sagemaker_tensorflow_container.training:main"),
    (r"sagemaker-tensorflow(-scriptmode)?", "sagemaker_tensorflow_container.training:main"),
    (r"sagemaker-pytorch", "sagemaker_pytorch_container.training:main"),
    (r"(sagemaker-)?mxnet(-training)?", "sagemaker_mxnet_container.training:main"),
    (r"autogluon-training", "sagemaker_mxnet_container.training:main"),
    (r"sagemaker-scikit-learn", "sagemaker_sklearn_container.training:main"),
    (r"sagemaker-xgboost", "sagemaker_xgboost_container.training:main"),
    (r"sagemaker-base-python(-\w+)?|sagemaker-data-science(-\w+)?|sagemaker-distribution(-\w+)?", None),
)


def framework_module(image: str) -> str | None:
    """SM_FRAMEWORK_MODULE of a framework image, empty where the image has none; None for every other image."""
    repository = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return next((module or "" for pattern, module in _FRAMEWORKS if re.fullmatch(pattern, repository)), None)
