"""The files in which a container says how it went: why it failed, and a processing job's message."""

from __future__ import annotations

import codecs
import os
import stat
from typing import TYPE_CHECKING, Final

from sagebridge.core.container.failure import FAILURE_REASON_LIMIT
from sagebridge.core.container.processing import EXIT_MESSAGE_BYTES
from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES: Final = 4 * FAILURE_REASON_LIMIT
_MESSAGE_BYTES: Final = 1 << 20
"""What is beyond is not looked at: a file can be larger than its disk."""


def read(path: Path) -> str:
    """Its first 1,024 characters; empty without a file. Links are not followed, for they may lead anywhere. Blocks.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    return _content(path, _READ_BYTES).decode("utf-8", errors="replace")[:FAILURE_REASON_LIMIT]


def message(path: Path) -> str:
    """A host's part of ExitMessage: its first kilobyte, whole characters; empty without a file. As `read` else.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-metadata.html

    Raises:
        RunFailedError: it is no text.
    """
    content = _content(path, _MESSAGE_BYTES)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=len(content) < _MESSAGE_BYTES)
    except UnicodeDecodeError as error:
        raise RunFailedError.client("The content of /opt/ml/output/message is not UTF-8 encoded") from error
    return content[:EXIT_MESSAGE_BYTES].decode(errors="ignore")


def _content(path: Path, limit: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(descriptor, limit) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
