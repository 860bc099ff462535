"""Hyperparameters as each level's container reads them.

Built-in algorithms and own images get plain text. The training toolkit of the framework images ``json.loads``es every
value, so script mode gets JSON: a bare ``1.10`` would become 1.1.

Sources:
    https://github.com/aws/sagemaker-training-toolkit/blob/master/src/sagemaker_training/params.py
    https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html#distributed-pytorch-training
    https://sagemaker.readthedocs.io/en/stable/api/training/estimators.html (what the SDK sends)
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.container import hyperparameters as toolkit
from sagebridge.core.errors import SpecError
from sagebridge.core.training.instances import gpus_of
from sagebridge.core.training.limits import plain_text

if TYPE_CHECKING:
    from sagebridge.core.images import ResolvedImage
    from sagebridge.core.training.resources import Instances
    from sagebridge.core.training.section import Section

MOST_HYPERPARAMETERS: Final = 100
LONGEST_KEY: Final = 256
LONGEST_VALUE: Final = 2500

TORCHRUN: Final = "torchrun"
MPI: Final = "mpi"
INSTANCE_TYPE: Final = "sagemaker_instance_type"
MPI_ENABLED: Final = "sagemaker_mpi_enabled"
MPI_PROCESSES_PER_HOST: Final = "sagemaker_mpi_num_of_processes_per_host"
MPI_OPTIONS: Final = "sagemaker_mpi_custom_mpi_options"

_SET_BY_SOURCE: Final = (toolkit.PROGRAM, toolkit.SUBMIT_DIRECTORY, toolkit.REGION, toolkit.JOB_NAME)
_LAUNCHERS: Final = {
    TORCHRUN: ("pytorch", "huggingface"),
    MPI: ("pytorch", "huggingface", "tensorflow", "mxnet"),
}
# The first images whose toolkit starts torchrun, on GPUs and on Trainium.
_FIRST_WITH_TORCHRUN: Final = (1, 13)
_FIRST_WITH_TORCHRUN_ON_TRAINIUM: Final = (1, 11)


def plain_hyperparameters(section: Section) -> dict[str, str]:
    """Return hyperparameters for a built-in algorithm, an own image without source, or a marketplace algorithm.

    Lists and objects become JSON, which is how these containers take them inside a text.

    Raises:
        SpecError: a value that is no value, or more than SageMaker takes.
    """
    own = section.section("hyperParameters")
    texts = {key: _plain(value, own.field(key)) for key, value in own.values.items()}
    return _within_limits(texts, own.path)


def _plain(value: object, field: str) -> str:
    return _json(value, field) if isinstance(value, Mapping | list | tuple) else plain_text(value, field)


def script_hyperparameters(section: Section, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return hyperparameters for script mode: the user's and the toolkit's settings, each as JSON.

    Args:
        section: the job.
        settings: from ``script_settings`` and ``launcher_settings``; of the launcher's, the user's own value wins.

    Raises:
        SpecError: a name that the operator sets, a value that is no value, or more than SageMaker takes.
    """
    own = section.section("hyperParameters")
    for key in _SET_BY_SOURCE:
        if own.has(key):
            raise SpecError(own.field(key), "is set from source and the job's name: remove it")
    values = {**settings, **own.values}
    return _within_limits({key: _json(value, own.field(key)) for key, value in values.items()}, own.path)


def script_settings(*, entry_point: str, submit_directory: str, region: str, job_name: str) -> dict[str, Any]:
    """Return the settings by which the toolkit finds the script."""
    return {
        toolkit.PROGRAM: entry_point,
        toolkit.SUBMIT_DIRECTORY: submit_directory,
        toolkit.REGION: region,
        toolkit.JOB_NAME: job_name,
        toolkit.LOG_LEVEL: toolkit.DEFAULT_LOG_LEVEL,
    }


def launcher_settings(section: Section, *, image: ResolvedImage, instances: Instances) -> dict[str, Any]:
    """Return the settings that make the toolkit start one process for each GPU, instead of one for each instance.

    Raises:
        SpecError: the framework or its version does not have that launcher.
    """
    framework = section.section("framework")
    launcher = framework.text("distribution")
    if launcher is None:
        return {}
    field = framework.field("distribution")
    _check_launcher(launcher, field=field, image=image, instances=instances)
    settings: dict[str, Any]
    if launcher == TORCHRUN:
        settings = {toolkit.TORCH_DISTRIBUTED: True, INSTANCE_TYPE: instances.instance_type}
    else:
        settings = {MPI_ENABLED: True, MPI_PROCESSES_PER_HOST: _processes(section, instances), MPI_OPTIONS: ""}
    if instances.groups:
        settings[toolkit.DISTRIBUTION_INSTANCE_GROUPS] = list(instances.groups)
    return settings


def _processes(section: Section, instances: Instances) -> int:
    gpus = gpus_of(instances.instance_type)
    if gpus is None and not section.section("hyperParameters").has(MPI_PROCESSES_PER_HOST):
        message = f"is missing: how many processes an {instances.instance_type} takes is not known"
        raise SpecError(section.field(f"hyperParameters.{MPI_PROCESSES_PER_HOST}"), message)
    return gpus or 1


def _check_launcher(launcher: str, *, field: str, image: ResolvedImage, instances: Instances) -> None:
    if launcher not in _LAUNCHERS:
        raise SpecError(field, f'"{launcher}" is not known: use {" or ".join(_LAUNCHERS)}, or remove it')
    if not image.name.startswith(_LAUNCHERS[launcher]):
        names = ", ".join(_LAUNCHERS[launcher])
        raise SpecError(field, f"{launcher} is not in the images of {image.name}, only in those of {names}: remove it")
    if launcher != TORCHRUN:
        return
    base = image.base_framework or f"pytorch{image.version}"
    if not base.startswith("pytorch"):
        raise SpecError(field, f"torchrun needs PyTorch, and this image has {base}: use mpi")
    trainium = instances.instance_type.startswith("ml.trn")
    first = _FIRST_WITH_TORCHRUN_ON_TRAINIUM if trainium else _FIRST_WITH_TORCHRUN
    if tuple(int(number) for number in re.findall(r"\d+", base)[:2]) < first:
        message = f"torchrun needs PyTorch {'.'.join(map(str, first))} or newer, and this image has {base}: use mpi"
        raise SpecError(field, message)


def _json(value: object, field: str) -> str:
    if value is None:
        raise SpecError(field, 'has no value: give one, "" for an empty text, or remove it')
    if isinstance(value, float) and not math.isfinite(value):
        raise SpecError(field, "must be a finite number")
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SpecError(field, f"can't be written as JSON: {error}") from error


def _within_limits(hyperparameters: dict[str, str], path: str) -> dict[str, str]:
    if len(hyperparameters) > MOST_HYPERPARAMETERS:
        message = (
            f"has {len(hyperparameters)} entries with those of script mode, and SageMaker takes "
            f"{MOST_HYPERPARAMETERS}: put the rest in a file in an input channel"
        )
        raise SpecError(path, message)
    for key, value in hyperparameters.items():
        if len(key) > LONGEST_KEY:
            raise SpecError(path, f'has the name "{key[:40]}...", and SageMaker takes {LONGEST_KEY} characters')
        if len(value) > LONGEST_VALUE:
            message = f"has {len(value)} characters, and SageMaker takes {LONGEST_VALUE}: put it in an input channel"
            raise SpecError(f"{path}.{key}", message)
    return hyperparameters
