"""Source code as one archive: the same files always give the same archive, under the same key.

The digest is taken over names and contents, not over the archive's bytes, since builds of zlib compress differently.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from sagebridge.core.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ARCHIVE_NAME: Final = "sourcedir.tar.gz"
# What a ConfigMap can hold; more can only be a mistake. https://kubernetes.io/docs/concepts/configuration/configmap/
MOST_CONFIG_MAP_BYTES: Final = 4 * 1024 * 1024
LONGEST_NAME: Final = 255

_DIGEST_LENGTH: Final = 32
_FILE: Final = 0o644
_EXECUTABLE: Final = 0o755


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """One file of an archive.

    Attributes:
        name: its path in the archive, with forward slashes.
        body: its content.
        executable: whether its owner may run it.
    """

    name: str
    body: bytes
    executable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedSource:
    """An archive, and what its content is known by.

    Attributes:
        body: a .tar.gz.
        digest: 32 hexadecimal digits of the SHA-256 over names and contents.
    """

    body: bytes
    digest: str


class SourceDigest:
    """The digest of files that are given one after the other, in the order of their names."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, file: SourceFile) -> None:
        """Take one more file in."""
        name = file.name.encode()
        # Lengths before contents, so that no two different sets of files are written alike.
        self._hash.update(f"{len(name)} {int(file.executable)} {len(file.body)} ".encode())
        self._hash.update(name)
        self._hash.update(file.body)

    def text(self) -> str:
        """Return the digest of what was added so far."""
        return self._hash.hexdigest()[:_DIGEST_LENGTH]


def pack_files(
    files: Mapping[str, bytes], *, entry_point: str | None = None, path: str = "spec.source"
) -> PackedSource:
    """Pack the files of a ConfigMap.

    Args:
        files: content by name.
        entry_point: must be one of them, if it is given.
        path: of the source in the manifest, for messages.

    Raises:
        SpecError: no files, too many bytes, a name that would leave the archive, or no such entry point.
    """
    config_map = f"{path}.configMap"
    if not files:
        raise SpecError(config_map, "the ConfigMap is empty: give each file as a key of data")
    size = sum(len(body) for body in files.values())
    if size > MOST_CONFIG_MAP_BYTES:
        message = f"has {size} bytes, and at most {MOST_CONFIG_MAP_BYTES} are packed: use `sagebridge source push`"
        raise SpecError(config_map, message)
    for name in files:
        problem = name_problem(name)
        if problem:
            raise SpecError(config_map, problem)
    check_entry_point(entry_point, files, field=f"{path}.entryPoint")
    entries = [SourceFile(name=name, body=files[name]) for name in sorted(files)]
    stream = io.BytesIO()
    digest = write_archive(stream, entries)
    return PackedSource(body=stream.getvalue(), digest=digest)


def check_entry_point(entry_point: str | None, names: Iterable[str], *, field: str) -> None:
    """Check that the script to run is among the files; None is no script.

    Raises:
        SpecError: it is not.
    """
    known = sorted(names)
    if entry_point is not None and entry_point not in known:
        shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        raise SpecError(field, f'"{entry_point}" is not in the source, which has {shown}')


def name_problem(name: str) -> str | None:
    """Say why a file name can't go into an archive, None if it can."""
    parts = name.split("/")
    if not name or name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        return f'"{name}" is no path inside the archive: it must be relative, without empty parts, "." and ".."'
    if "\\" in name or any(ord(character) < 32 or ord(character) == 127 for character in name):
        return f"{name!r} holds a backslash or a control character: rename the file"
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        return f'"{name[:60]}..." is longer than {LONGEST_NAME} bytes: rename the file'
    return None


def write_archive(stream: IO[bytes], files: Iterable[SourceFile]) -> str:
    """Write a .tar.gz whose bytes depend on the files only, and return the files' digest.

    Args:
        stream: where to write.
        files: sorted by name, with names that have no ``name_problem``; read one at a time.
    """
    digest = SourceDigest()
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=stream, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for file in files:
            digest.add(file)
            archive.addfile(_header(file), io.BytesIO(file.body))
    return digest.text()


def _header(file: SourceFile) -> tarfile.TarInfo:
    """Return the entry's header: a plain file of nobody in particular, from 1970."""
    header = tarfile.TarInfo(file.name)
    header.size = len(file.body)
    header.mode = _EXECUTABLE if file.executable else _FILE
    return header


def source_key(*, namespace: str, name: str, digest: str) -> str:
    """Return the S3 key of an object's packed source, below the bucket's or the prefix's root."""
    return f"sagebridge/{namespace}/{name}/source/{digest}/{ARCHIVE_NAME}"
