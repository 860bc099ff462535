"""Brings the submitted source of script mode into the code directory, and nothing else anywhere."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sagebridge.core.container.archives import stays_inside
from sagebridge.core.container.entry_point import EntryPointKind, entry_point_kind
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import S3Location, Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MEMBER_LIMIT: Final = 100_000


def unpack(
    archive: Path,
    directory: Path,
    *,
    limit_bytes: int,
    what: str = "source archive",
    check: Callable[[], None] = lambda: None,
) -> None:
    """Extract a .tar.gz: files, directories, and links that stay inside.

    Args:
        archive: The archive.
        directory: Where to; it is made.
        limit_bytes: How much it may hold.
        what: How failures call it.
        check: Called before each member; what it raises ends it.

    Raises:
        RunFailedError: it is no such archive, a member would leave the directory, or it is larger than the limit.
    """
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, mode="r:gz") as tar:
            # Members are checked here; Python before 3.11.4 has no filters, later ones warn when none is chosen.
            tar.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
            for member in _checked(tar, directory, limit_bytes=limit_bytes, what=what):
                check()
                tar.extract(member, directory, set_attrs=True)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RunFailedError.algorithm(f"The {what} can't be unpacked: {error}") from error


def _checked(tar: tarfile.TarFile, directory: Path, *, limit_bytes: int, what: str) -> Iterator[tarfile.TarInfo]:
    total = 0
    # Member by member, so that an archive which unpacks to terabytes is refused before it is read.
    for count, member in enumerate(tar, start=1):
        total += member.size
        if total > limit_bytes or count > _MEMBER_LIMIT:
            raise RunFailedError.algorithm(f"The {what} holds more than {limit_bytes} bytes or {_MEMBER_LIMIT} files")
        if not stays_inside(member, directory):
            raise RunFailedError.algorithm(f"The {what}'s member {member.name!r} leads out of its directory")
        # Owners and the set-user bits of the archive mean nothing here.
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = (member.mode & 0o755) | (0o700 if member.isdir() else 0o600)
        yield member


def fetch(submit_directory: str, *, storage: Storage, scratch: Path) -> Path:
    """Get the submit directory: an s3:// archive is downloaded, a local path (already located) is used as it is.

    Returns:
        A .tar.gz, another file, or a directory.

    Raises:
        RunFailedError: there is none.
    """
    if submit_directory.startswith("s3://"):
        archive = scratch / "sourcedir.tar.gz"
        try:
            storage.download(S3Location.parse(submit_directory), archive)
        except RunFailedError as error:
            # In SageMaker's containers it is the toolkit that fetches the source: its failure is the algorithm's.
            message = f"Framework Error: {error.reason}"
            raise RunFailedError.algorithm(message, is_transient=error.is_transient) from error
        return archive
    path = Path(submit_directory)
    if not path.exists():
        raise RunFailedError.algorithm(f"The submit directory {submit_directory} does not exist in the container")
    return path


def place(source: Path, directory: Path, *, limit_bytes: int) -> None:
    """Fill the code directory from what `fetch` gave.

    Raises:
        RunFailedError: the archive is refused.
    """
    if source.is_dir():
        if source.resolve() != directory.resolve():
            shutil.copytree(source, directory, dirs_exist_ok=True, symlinks=True)
        return
    directory.mkdir(parents=True, exist_ok=True)
    if source.suffix == ".gz" or tarfile.is_tarfile(source):
        unpack(source, directory, limit_bytes=limit_bytes)
    else:
        shutil.copy2(source, directory)


def entry_point(directory: Path, program: str) -> EntryPointKind:
    """What the entry point in a code directory is; a command is made executable. Blocks.

    Raises:
        RunFailedError: it is not there.
    """
    names = [path.name for path in directory.iterdir()]
    kind = entry_point_kind(program, names)
    if kind is not EntryPointKind.PACKAGE and not (directory / program).is_file():
        raise RunFailedError.algorithm(
            f"The entry point {program} is not in the source; there are: {', '.join(sorted(names)[:20])}", exit_code=2
        )
    if kind is EntryPointKind.COMMAND:
        (directory / program).chmod(0o755)
    return kind
