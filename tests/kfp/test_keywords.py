"""Unknown keyword arguments are told with what was meant."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from sagebridge_kfp import on_gpu, run_on_sagemaker


@pytest.mark.parametrize(
    ("function", "name", "hint"),
    [
        (on_gpu, "gpus", "is gpu meant?"),
        (on_gpu, "instancetype", "is instance_type meant?"),
        (on_gpu, "queue", "is queue_name meant?"),
        (on_gpu, "env", r"variables are the task's own: task\.set_env_variable"),
        (on_gpu, "image", "the component says its image"),
        (on_gpu, "xyz", "it has task, instance_type, gpu, spot, "),
        (run_on_sagemaker, "env", "is environment meant?"),
        (run_on_sagemaker, "role", "is role_arn meant?"),
        (run_on_sagemaker, "use_spot_instances", "is spot meant?"),
        (run_on_sagemaker, "gpus", "instance_type says which GPUs there are"),
    ],
)
def test_what_was_meant(function: Callable[..., Any], name: str, hint: str) -> None:
    with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) has no argument {name}: {hint}"):
        function(None, **{name: 1})


@pytest.mark.parametrize("function", [on_gpu, run_on_sagemaker])
def test_help_and_editors_see_the_function_itself(function: Callable[..., Any]) -> None:
    assert "instance_type" in inspect.signature(function).parameters
    assert "Args:" in (inspect.getdoc(function) or "")
