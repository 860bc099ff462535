"""Script mode of processing: how an archive of code comes into the container, and what starts it there.

The SageMaker Python SDK's FrameworkProcessor does it with two inputs, the archive and a shell script that unpacks it,
installs requirements.txt and starts the entry point. Here the shell script is part of the entrypoint itself: one input
less, and nothing else to upload. A word of ContainerEntrypoint has at most 256 characters and one line.

Sources:
    https://sagemaker.readthedocs.io/en/stable/api/training/processing.html (ScriptProcessor, FrameworkProcessor)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AppSpecification.html
"""

from __future__ import annotations

from typing import Any, Final

INPUTS: Final = "/opt/ml/processing/input"
CODE_INPUT: Final = "code"
CODE_PATH: Final = f"{INPUTS}/{CODE_INPUT}"

_INTERPRETERS: Final = {".py": "python3", ".sh": "/bin/bash"}
_UNPACK: Final = f"cd {CODE_PATH} && tar -xzf *.tar.gz && "
_INSTALL: Final = "if [ -f requirements.txt ]; then python3 -m pip install -r requirements.txt; fi && "

ENDINGS: Final = tuple(_INTERPRETERS)
"""What an entry point's name must end with."""


def entrypoint(entry_point: str) -> list[str]:
    """Return ContainerEntrypoint for a script inside the archive; ContainerArguments become the script's.

    Args:
        entry_point: its path inside the archive, ending as one of `ENDINGS`.
    """
    interpreter = next(program for ending, program in _INTERPRETERS.items() if entry_point.endswith(ending))
    return ["/bin/sh", "-c", f'{_UNPACK}{_INSTALL}exec {interpreter} "$0" "$@"', entry_point]


def code_input(uri: str) -> dict[str, Any]:
    """Return the processing input that brings the archive."""
    return {
        "inputName": CODE_INPUT,
        "s3Input": {
            "s3Uri": uri,
            "localPath": CODE_PATH,
            "s3DataType": "S3Prefix",
            "s3InputMode": "File",
            "s3DataDistributionType": "FullyReplicated",
            "s3CompressionType": "None",
        },
    }
