"""Archives that come from elsewhere."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tarfile


def stays_inside(member: tarfile.TarInfo, directory: Path) -> bool:
    """Whether a member of an archive, unpacked into a directory, is a file, a directory or a link within it.

    Python has filters for that only from 3.11.4: https://docs.python.org/3/library/tarfile.html#extraction-filters
    """
    root = directory.resolve()
    target = (root / member.name).resolve()
    if not target.is_relative_to(root):
        return False
    if member.issym():
        return not PurePosixPath(member.linkname).is_absolute() and (
            target.parent / member.linkname
        ).resolve().is_relative_to(root)
    if member.islnk():
        return (root / member.linkname).resolve().is_relative_to(root)
    return member.isfile() or member.isdir()
