"""Pipelines on this machine: kfp.local, with steps that reach the cluster of this shell.

`local.init()` comes before a pipeline is called: `my_pipeline(data="s3://sagebridge-local/data/")`.
"""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from kfp import local as kfp_local

from sagebridge_kfp.specs.values import whole

try:
    from kfp.local import executor_input_utils
except ImportError:  # it is kfp's own, and need not be in every version
    executor_input_utils = None

RUNNER_VARIABLE: Final = "SAGEBRIDGE_KFP_RUNNER"
"""The environment variable that says what runs the steps where nothing else does: `subprocess` or `docker`."""

SUBPROCESS, DOCKER = "subprocess", "docker"
_KUBECONFIG: Final = "/tmp/kubeconfig"  # noqa: S108 - in the container, where it is mounted


def init(*, runner: str = "", pipeline_root: str = "local_outputs", raise_on_error: bool = True) -> None:
    """Let pipelines and components that are called run here; the objects that their steps make are in the cluster.

    Args:
        runner: `subprocess`, for processes of this Python, or `docker`, for containers of the steps' images; by default
            what `SAGEBRIDGE_KFP_RUNNER` says, else `subprocess`.
        pipeline_root: the folder for the steps' outputs.
        raise_on_error: whether a task that fails is an exception.

    Raises:
        ValueError: there is no such runner.
        ImportError: `docker` is asked for, and the package of that name is not installed.
    """
    wanted = runner or os.environ.get(RUNNER_VARIABLE) or SUBPROCESS
    if wanted not in (SUBPROCESS, DOCKER):
        raise ValueError(f"the runner is {SUBPROCESS} or {DOCKER}, not {wanted!r}")
    _write_whole_numbers()
    made = kfp_local.DockerRunner(**container(os.environ)) if wanted == DOCKER else _subprocesses()
    kfp_local.init(runner=made, pipeline_root=pipeline_root, raise_on_error=raise_on_error)


def container(environment: Mapping[str, str]) -> dict[str, Any]:
    """How steps run in Docker: in this machine's network, as this user, with the kubeconfig and AWS of this shell.

    Args:
        environment: the shell's variables.

    Returns:
        Arguments of https://docker-py.readthedocs.io/en/stable/containers.html
    """
    kubeconfig = environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    passed_on = {name: value for name, value in environment.items() if name.startswith(("AWS_", "SAGEBRIDGE_"))}
    return {
        "network_mode": "host",
        "user": f"{os.getuid()}:{os.getgid()}",
        "environment": {**passed_on, "HOME": "/tmp", "KUBECONFIG": _KUBECONFIG},  # noqa: S108
        "mounts": [{"Type": "bind", "Source": kubeconfig, "Target": _KUBECONFIG, "ReadOnly": True}],
    }


def _write_whole_numbers() -> None:
    """Let a whole number within a dictionary or a text be 7, as Kubeflow Pipelines writes it, where kfp.local has 7.0.

    It makes integers of inputs that a component declares as such, not of what comes into another input.

    Source: https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/metadata/converter.go (PbValueToText)
    """
    as_kfp_has_it = getattr(executor_input_utils, "executor_input_to_dict", None)
    if as_kfp_has_it is None or not _can_be_wrapped(as_kfp_has_it):
        return

    @functools.wraps(as_kfp_has_it)
    def to_dict(executor_input: Any, component_spec: Any) -> dict[str, Any]:
        found: dict[str, Any] = as_kfp_has_it(executor_input=executor_input, component_spec=component_spec)
        values = found.get("inputs", {}).get("parameterValues", {})
        declared = component_spec.input_definitions.parameters
        values.update({name: whole(value) for name, value in values.items() if name not in declared})
        return found

    executor_input_utils.executor_input_to_dict = to_dict


def _can_be_wrapped(function: Callable[..., Any]) -> bool:
    """Whether it is the one that is known here, and was not wrapped yet: a kfp without it runs as well."""
    if hasattr(function, "__wrapped__"):
        return False
    return tuple(inspect.signature(function).parameters) == ("executor_input", "component_spec")


def _subprocesses() -> kfp_local.SubprocessRunner:
    # It warns of each image that has no "python" in its name, as the steps' has not.
    warnings.filterwarnings("ignore", message=".*custom or non-Python base image", category=RuntimeWarning)
    # A virtual environment for each step would be without this package.
    return kfp_local.SubprocessRunner(use_venv=False)
