"""Files that the user of any image can work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY_MODE: Final = 0o777
_FILE_MODE: Final = 0o666


def open_to_all(directory: Path) -> None:
    """Let any user change what is there."""
    directory.chmod(DIRECTORY_MODE)
    for path in directory.rglob("*"):
        if not path.is_symlink():
            path.chmod(DIRECTORY_MODE if path.is_dir() else path.stat().st_mode | _FILE_MODE)
