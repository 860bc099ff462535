"""How a framework's container is told which script serves, and where it lies."""

from __future__ import annotations

from typing import Final

from sagebridge.core.images.script import DIRECTORY, PROGRAM

CODE_IN_MODEL: Final = "/opt/ml/model/code"
"""Where a container finds the inference code that was packed into its model.tar.gz under code/."""

_LOG_LEVEL_INFO: Final = "20"


def script_variables(entry_point: str, directory: str, *, region: str) -> dict[str, str]:
    """The environment variables of a container that serves with a script, as the SageMaker SDK sets them.

    Args:
        entry_point: the script, in `directory`.
        directory: a path in the container, or the s3:// URI of an archive.
        region: where it serves.

    Source: https://github.com/aws/sagemaker-inference-toolkit (SAGEMAKER_PROGRAM, SAGEMAKER_SUBMIT_DIRECTORY)
    """
    return {
        PROGRAM: entry_point,
        DIRECTORY: directory,
        "SAGEMAKER_CONTAINER_LOG_LEVEL": _LOG_LEVEL_INFO,
        "SAGEMAKER_REGION": region,
    }
