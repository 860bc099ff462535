"""What a trained job gives to serve: the artifact, and the image that can."""

from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.serving import TrainedModel, trained_model

ARTIFACT = "s3://bucket/models/job/output/model.tar.gz"
ECR = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
SCRIPT = {"entryPoint": "train.py", "s3Uri": "s3://bucket/code/sourcedir.tar.gz"}


def trained(spec: dict[str, Any], image: str, **status: Any) -> TrainedModel:
    shown = {"modelArtifacts": {"s3ModelArtifacts": ARTIFACT}, "image": image, "region": "us-east-1"} | status
    return trained_model(kind="TrainingJob", name="job", spec=spec, status=shown)


def serving(spec: dict[str, Any], image: str, *, instance_type: str | None = "ml.m5.xlarge") -> str:
    model = trained(spec, image)
    field = "spec.transformResources.instanceType"
    return model.serving_image(region="us-east-1", instance_type=instance_type, instance_field=field)


PYTORCH = {"framework": {"name": "pytorch", "version": "2.3"}, "source": SCRIPT}
HUGGING_FACE = {"framework": {"name": "huggingface", "version": "4.26.0"}, "source": SCRIPT}


@pytest.mark.parametrize(
    ("reason", "spec", "image", "want"),
    [
        ("built-ins serve", {"algorithm": {"name": "xgboost"}}, XGBOOST, XGBOOST),
        ("scikit-learn serves", {"framework": {"name": "sklearn"}, "source": SCRIPT}, SKLEARN, SKLEARN),
        ("XGBoost with a script serves", {"framework": {"name": "xgboost"}, "source": SCRIPT}, XGBOOST, XGBOOST),
        ("an own image is expected to", {"algorithmSpecification": {"trainingImage": OWN}}, OWN, OWN),
        (
            "PyTorch has images for serving",
            PYTORCH,
            f"{ECR}/pytorch-training:2.3.0-cpu-py311-ubuntu20.04-sagemaker",
            f"{ECR}/pytorch-inference:2.3.0-cpu-py311",
        ),
        (
            "and those of AWS are known when they are named in full",
            {"algorithmSpecification": {"trainingImage": f"{ECR}/pytorch-training:2.3.0-cpu-py311"}},
            f"{ECR}/pytorch-training:2.3.0-cpu-py311",
            f"{ECR}/pytorch-inference:2.3.0-cpu-py311",
        ),
        (
            "what trained on a GPU serves on a CPU",
            PYTORCH,
            f"{ECR}/pytorch-training:2.3.0-gpu-py311-cu121-ubuntu20.04-sagemaker",
            f"{ECR}/pytorch-inference:2.3.0-cpu-py311",
        ),
        (
            "TensorFlow, whose patches are others for serving",
            {"framework": {"name": "tensorflow", "version": "2.12"}, "source": SCRIPT},
            f"{ECR}/tensorflow-training:2.12.0-cpu-py310",
            f"{ECR}/tensorflow-inference:2.12-cpu",
        ),
        (
            "Hugging Face, on the same base",
            HUGGING_FACE,
            f"{ECR}/huggingface-pytorch-training:1.13.1-transformers4.26.0-gpu-py39-cu117-ubuntu20.04",
            f"{ECR}/huggingface-pytorch-inference:1.13.1-transformers4.26.0-cpu-py39",
        ),
    ],
)
def test_the_image_that_serves(reason: str, spec: dict[str, Any], image: str, want: str) -> None:
    assert serving(spec, image).startswith(want), reason


def test_a_version_without_an_image_that_serves_is_said_and_not_guessed() -> None:
    image = f"{ECR}/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"
    with pytest.raises(SpecError, match=r"does not serve: .*has no version.*name an image that serves"):
        serving(HUGGING_FACE, image)


def test_a_gpu_instance_gets_the_gpu_image() -> None:
    image = f"{ECR}/pytorch-training:2.3.0-gpu-py311-cu121-ubuntu20.04-sagemaker"
    assert ":2.3.0-gpu-" in serving(PYTORCH, image, instance_type="ml.g5.xlarge")


def test_scikit_learn_is_served_by_its_training_script() -> None:
    model = trained({"framework": {"name": "sklearn"}, "source": SCRIPT}, SKLEARN)
    assert (model.entry_point, model.source_uri) == ("train.py", SCRIPT["s3Uri"])
    packed = trained(
        {"framework": {"name": "scikit-learn"}, "source": {"entryPoint": "t.py", "configMap": {"name": "c"}}},
        SKLEARN,
        sourceUri="s3://bucket/sagebridge/a/b/source/1/sourcedir.tar.gz",
    )
    assert packed.source_uri == "s3://bucket/sagebridge/a/b/source/1/sourcedir.tar.gz"
    assert trained(PYTORCH, f"{ECR}/pytorch-training:2.3.0-cpu-py311").entry_point is None


@pytest.mark.parametrize(
    ("spec", "status", "message"),
    [
        (
            {"algorithm": {"name": "xgboost"}, "outputDataConfig": {"compressionType": "NONE"}},
            {"modelArtifacts": {"s3ModelArtifacts": "s3://bucket/models/job/output/model/"}},
            "compressionType: NONE",
        ),
        ({"serverlessJobConfig": {"jobType": "FineTuning"}}, {}, "modelPackageName"),
        ({"algorithmSpecification": {"algorithmName": "bought"}}, {}, "modelPackageName"),
    ],
)
def test_what_can_not_be_served_like_this_says_why(spec: dict[str, Any], status: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        trained(spec, XGBOOST, **status)
    assert caught.value.field == "spec.modelRef"


@pytest.mark.parametrize("status", [{"modelArtifacts": None}, {"modelArtifacts": {}}])
def test_a_job_that_has_left_no_model_is_told_so(status: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="TrainingJob job has completed without a model"):
        trained({}, OWN, **status)
