"""How script mode reads hyperparameters: which are the user's, what their values are, how they become arguments.

The rules are the training toolkit's, as its `environment`, `params` and `mapping` modules have them:
https://github.com/aws/sagemaker-training-toolkit/tree/master/src/sagemaker_training
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

PROGRAM: Final = "sagemaker_program"
SUBMIT_DIRECTORY: Final = "sagemaker_submit_directory"
REGION: Final = "sagemaker_region"
JOB_NAME: Final = "sagemaker_job_name"
LOG_LEVEL: Final = "sagemaker_container_log_level"
TORCH_DISTRIBUTED: Final = "sagemaker_torch_distributed_enabled"
DISTRIBUTION_INSTANCE_GROUPS: Final = "sagemaker_distribution_instance_groups"

DEFAULT_LOG_LEVEL: Final = 20

_TOOLKIT_PREFIX: Final = "sagemaker_"
_TOOLKIT_SETTINGS: Final = frozenset(
    {
        PROGRAM,
        SUBMIT_DIRECTORY,
        REGION,
        JOB_NAME,
        LOG_LEVEL,
        "sagemaker_enable_cloudwatch_metrics",
        "sagemaker_s3_output",
        "default_user_module_name",
        "_tuning_objective_metric",
    }
)
_DISTRIBUTIONS: Final = (
    "sagemaker_mpi_enabled",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled",
    TORCH_DISTRIBUTED,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hyperparameters:
    """Hyperparameters with their values decoded, sorted out by who reads them.

    Attributes:
        user: What the script gets.
        toolkit: What steers the toolkit: `sagemaker_program` and its like.
        framework: Every other `sagemaker_*`: settings of a framework's own container.
    """

    user: Mapping[str, Any]
    toolkit: Mapping[str, Any]
    framework: Mapping[str, Any]

    @property
    def distributions(self) -> tuple[str, ...]:
        """The ways of distributed training that are switched on, by the name of their hyperparameter."""
        return tuple(name for name in _DISTRIBUTIONS if self.framework.get(name))


def read(raw: Mapping[str, str]) -> Hyperparameters:
    """Decode each value as JSON where it is JSON, and sort the names out."""
    decoded = {name: _decode(value) for name, value in raw.items()}
    toolkit = {name: value for name, value in decoded.items() if name in _TOOLKIT_SETTINGS}
    framework = {
        name: value for name, value in decoded.items() if name.startswith(_TOOLKIT_PREFIX) and name not in toolkit
    }
    user = {name: value for name, value in decoded.items() if name not in toolkit and name not in framework}
    return Hyperparameters(user=user, toolkit=toolkit, framework=framework)


def arguments(user: Mapping[str, Any]) -> list[str]:
    """The script's command line: `--name value`, sorted by name; `-n value` for a name of one letter.

    Values are written as Python's `str` does (True, [1, 2]), null as an empty text, and a nested object as
    `key=value` pairs with commas between.
    """
    words: list[str] = []
    for name in sorted(user):
        words += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(user[name])]
    return words


def _decode(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return value


def _argument(value: object) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)
