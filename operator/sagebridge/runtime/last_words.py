"""The failure file, in which a container says why it failed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from sagebridge.core.container.failure import FAILURE_REASON_LIMIT

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES: Final = 4 * FAILURE_REASON_LIMIT


def read(path: Path) -> str:
    """Its first 1,024 characters; empty without a file. Links are not followed, for they may lead anywhere. Blocks.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        content = os.read(descriptor, _READ_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
    return content.decode("utf-8", errors="replace")[:FAILURE_REASON_LIMIT]
