"""Files that only their owner may read, written whole or not at all."""

import os
import tempfile
from pathlib import Path

from sagebridge_local.stack.errors import StackError


def private_directory(path: Path) -> Path:
    """Make a folder, mode 0700, and return it.

    Raises:
        StackError: It can't be made or written.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"The folder {path} can't be made: {error.strerror}. Choose another with --work-dir."
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise StackError(f"The folder {path} can't be written. Choose another with --work-dir, or change its owner.")
    return path


def write_private(path: Path, content: str | bytes) -> Path:
    """Write a file of mode 0600; a reader sees the old content or the new, never a part."""
    data = content.encode() if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
