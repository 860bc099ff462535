"""Files in a directory that somebody else may change meanwhile, whose links must not lead us anywhere."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def held(path: Path, *, below: Path) -> Iterator[Path]:
    """A regular file, by a name that stays this file's whatever becomes of its own. Blocks.

    Where there is no /proc it is the file's own name.

    Args:
        path: The file.
        below: The directory that it is in, at any depth, without links on the way.

    Raises:
        FileNotFoundError: it is not there any more, or something else is.
        OSError: it can't be opened.
    """
    descriptor = _opened(path)
    try:
        name = Path("/proc/self/fd", str(descriptor))
        known = name.is_symlink()
        is_inside = not known or name.readlink().is_relative_to(below.resolve())
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not is_inside:
            raise FileNotFoundError(path)
        yield name if known else path
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        # Nobody waits for the other end of a pipe.
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise FileNotFoundError(path) from error
        raise
