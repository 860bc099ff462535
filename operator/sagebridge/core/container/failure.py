"""The texts of FailureReason, as SageMaker and the training toolkit write them."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FAILURE_REASON_LIMIT: Final = 1024
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html (FailureReason)."""

TOOLKIT_EXIT_CODE: Final = 1
"""The toolkit's own exit code after a script failed, whatever the script's was: its `trainer` module."""

_EXCEPTION = re.compile(r"\b\w*(?:Error|Exception|KeyboardInterrupt|SystemExit)\b")
_LAST_LINES: Final = 10


def algorithm_error(message: str, *, exit_code: int) -> str:
    """The reason of a job whose container failed; an empty message is what SageMaker has without a failure file.

    The form is seen in https://github.com/aws-samples/amazon-sagemaker-ml-pipeline-deploy-with-terraform/issues/12 and
    https://github.com/huggingface/notebooks/issues/136. The message is cut, not the exit code.
    """
    tail = f", exit code: {exit_code}"
    head = "AlgorithmError: "
    return head + message.strip()[: FAILURE_REASON_LIMIT - len(head) - len(tail)] + tail


def client_error(message: str) -> str:
    """The reason of a job that failed by its request: data, image or permissions."""
    return f"ClientError: {message}"[:FAILURE_REASON_LIMIT]


def internal_server_error(detail: str) -> str:
    """The reason of a job that failed through no fault of its own.

    SageMaker's text is seen in https://github.com/aws/sagemaker-python-sdk/issues/1968 and its like; the detail after
    it is ours.
    """
    text = f"InternalServerError: We encountered an internal error. Please try again. {detail}"
    return text[:FAILURE_REASON_LIMIT]


def execute_user_script_error(*, exit_code: int, error_lines: Iterable[str], command: Sequence[str]) -> str:
    """What the toolkit writes to /opt/ml/output/failure when the script ends with an exit code other than 0."""
    message = error_message(error_lines)
    extra = '\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"' if exit_code in {137, -9} else ""
    head = f'ExecuteUserScriptError:\nExitCode {exit_code}\nErrorMessage "{message}"{extra}'
    return f'{head}\nCommand "{shlex.join(command)}"'


def error_message(error_lines: Iterable[str]) -> str:
    """The part of what a script wrote to stderr that tells why it failed.

    From the first line that names an exception on, each line once, as the toolkit's `process.watch` does; where no line
    does, the last lines.
    """
    lines = [line.strip(" :\n") for line in error_lines]
    first = next(
        (index for index, line in enumerate(lines) if _EXCEPTION.search(line)), max(len(lines) - _LAST_LINES, 0)
    )
    return "\n ".join(dict.fromkeys(line for line in lines[first:] if line))
