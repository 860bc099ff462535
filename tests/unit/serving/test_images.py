"""What an image means for serving."""

from pathlib import Path

import pytest
from sagebridge_local.serving.images import CommandImage, DockerImage, ScriptImage, UnknownImage, meaning
from sagebridge_local.serving.launches import Tree, docker_launch

AWS = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"


@pytest.mark.parametrize(
    ("reason", "image", "facts", "want"),
    [
        ("a framework's inference image with a script", f"{AWS}/pytorch-inference:2.6-cpu-py312", {}, ScriptImage()),
        ("scikit-learn's one image", f"{AWS}/sagemaker-scikit-learn:1.4-2", {}, ScriptImage()),
        ("XGBoost's one image", f"{AWS}/sagemaker-xgboost:1.7-1", {}, ScriptImage()),
        ("Hugging Face", f"{AWS}/huggingface-pytorch-inference:2.6-tf4", {}, ScriptImage()),
        (
            "the user's mapping comes first",
            f"{AWS}/sagemaker-xgboost:1.7-1",
            {"mapping": {"*xgboost*": ["x"]}},
            CommandImage(command=("x", "serve")),
        ),
        ("an own image with Docker", OWN, {"docker": True}, DockerImage(image=OWN)),
        (
            "a framework image without a script, with Docker",
            f"{AWS}/sagemaker-xgboost:1.7-1",
            {"docker": True, "has_script": False},
            DockerImage(image=f"{AWS}/sagemaker-xgboost:1.7-1"),
        ),
    ],
)
def test_what_serves(reason, image, facts, want):
    options = {"mapping": {}, "docker": False, "has_script": True} | facts

    assert meaning(image, **options) == want, reason


@pytest.mark.parametrize(
    ("image", "has_script", "why"),
    [
        (OWN, True, "it is not a framework image"),
        (f"{AWS}/pytorch-training:2.6-cpu-py312", True, "a training image does not serve"),
        (f"{AWS}/sagemaker-xgboost:1.7-1", False, "the model archive has no code/inference.py"),
    ],
)
def test_what_can_not_be_served_says_why_and_what_to_do(image, has_script, why):
    found = meaning(image, mapping={}, docker=False, has_script=has_script)

    assert isinstance(found, UnknownImage)
    assert why in found.reason
    assert f"--image-map '{image}=COMMAND'" in found.reason


def test_a_model_package_has_no_image_here():
    found = meaning("", mapping={}, docker=False, has_script=True)

    assert found == UnknownImage(reason="Local mode needs a container's Image: it can't look model packages up.")


def test_a_containers_port_8080_is_published_on_loopback_and_values_stay_off_the_command_line():
    launch = docker_launch(
        DockerImage(image=OWN),
        name="copy-1",
        port=32100,
        tree=Tree(root=Path("/work")),
        base={"PATH": "/bin"},
        environment={"TOKEN": "secret"},
    )

    assert "--publish 127.0.0.1:32100:8080" in " ".join(launch.command)
    assert launch.command[-2:] == [OWN, "serve"]
    assert "secret" not in " ".join(launch.command)
    assert launch.environment == {"PATH": "/bin", "TOKEN": "secret"}
    assert list(launch.kill_command) == ["docker", "rm", "--force", "copy-1"]
