"""Models that serve: from a trained job, or as the manifest has them, to the whole request of CreateModel. Pure.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html (model.tar.gz with code/)
    https://github.com/aws/sagemaker-inference-toolkit (SAGEMAKER_PROGRAM, SAGEMAKER_SUBMIT_DIRECTORY)
"""

from sagebridge.core.serving.model import ModelContext, Repack, build_model, model_name, model_source, repack_of
from sagebridge.core.serving.trained import TrainedModel, artifact_of, trained_model
from sagebridge.core.serving.tuned import Place, looked_up_image, training_of_tuning

__all__ = [
    "ModelContext",
    "Place",
    "Repack",
    "TrainedModel",
    "artifact_of",
    "build_model",
    "looked_up_image",
    "model_name",
    "model_source",
    "repack_of",
    "trained_model",
    "training_of_tuning",
]
