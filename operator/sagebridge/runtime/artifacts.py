"""What a job leaves in S3: model.tar.gz and output.tar.gz, or the same uncompressed.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
"""

from __future__ import annotations

import contextlib
import gzip
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from sagebridge.runtime import file_names
from sagebridge.runtime.s3 import S3Location, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputPlace:
    """Where a job's output goes.

    Attributes:
        location: <S3OutputPath>/<job>/output.
        compressed: Whether it is made into archives (CompressionType GZIP, the default).
        kms_key_id: KmsKeyId.
    """

    location: S3Location
    compressed: bool
    kms_key_id: str | None

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> OutputPlace:
        """From a CreateTrainingJob request.

        Raises:
            RunFailedError: S3OutputPath is no s3:// URI.
        """
        config = request["OutputDataConfig"]
        base = S3Location.parse(config["S3OutputPath"])
        return cls(
            location=base.join(f"{request['TrainingJobName']}/output"),
            compressed=config.get("CompressionType", "GZIP") != "NONE",
            kms_key_id=config.get("KmsKeyId") or None,
        )


def upload(name: str, directories: Sequence[Path], *, place: OutputPlace, storage: Storage) -> str | None:
    """Upload what all hosts left in a directory: as one archive, or file by file. Blocks.

    An archive is sent while it is made, so that a disk which the files fill needs no room for it.

    Args:
        name: `model` or `output`: the archive's name, or the last part of the prefix.
        directories: The same directory of each host; of files with the same name, the first host's is taken.
        place: Where to.
        storage: S3.

    Returns:
        The URI of the archive or the prefix; None when there was nothing to upload.

    Raises:
        RunFailedError: S3 refused.
        OSError: a file can't be read.
    """
    files = merged(directories)
    if not files:
        return None
    if not place.compressed:
        return _upload_files(name, files, directories=directories, place=place, storage=storage)
    target = place.location.join(f"{name}.tar.gz")
    upload_archive(files, target, storage=storage, kms_key_id=place.kms_key_id)
    return target.uri


def upload_archive(
    files: Mapping[str, Path], target: S3Location, *, storage: Storage, kms_key_id: str | None = None
) -> None:
    """Upload files as one .tar.gz. Blocks.

    Raises:
        RunFailedError: S3 refused.
        OSError: a file can't be read.
    """

    def write(stream: BinaryIO) -> None:
        with archive(stream) as tar:
            pack(files, tar)

    storage.upload_produced(write, target, size_hint=size(files), kms_key_id=kms_key_id)


@contextlib.contextmanager
def archive(stream: BinaryIO) -> Iterator[tarfile.TarFile]:
    """A .tar.gz that is written to a stream, which is left open."""
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=6) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        yield tar


def pack(files: Mapping[str, Path], tar: tarfile.TarFile) -> None:
    """Add files under the names given. Links are kept as they are; each hard link is a file of its own.

    Raises:
        OSError: a file can't be read.
    """
    for name, path in files.items():
        member = tar.gettarinfo(path, arcname=name)
        if member.islnk():
            # The other name of the same file may not be in the archive that this one is merged into.
            member.type, member.linkname, member.size = tarfile.REGTYPE, "", path.stat().st_size
        if member.isreg():
            with path.open("rb") as content:
                tar.addfile(member, content)
        else:
            tar.addfile(member)


def size(files: Mapping[str, Path]) -> int:
    """All bytes of the files."""
    return sum(path.lstat().st_size for path in files.values())


def merged(directories: Sequence[Path]) -> dict[str, Path]:
    """Relative path -> path, over several directories, sorted; pipes and sockets are left out."""
    found: dict[str, Path] = {}
    for directory in directories:
        # A script may have put a link in the place of a directory: what it leads to is nobody's output.
        for path in () if directory.is_symlink() else sorted(directory.rglob("*")):
            if path.is_file() or path.is_dir() or path.is_symlink():
                found.setdefault(path.relative_to(directory).as_posix(), path)
    return dict(sorted(found.items()))


def _upload_files(
    name: str, files: Mapping[str, Path], *, directories: Sequence[Path], place: OutputPlace, storage: Storage
) -> str:
    prefix = place.location.join("data" if name == "output" else name)
    for relative, path in files.items():
        if path.is_file() and _is_within(path, directories) and file_names.can_be_key(path):
            storage.upload(path, prefix.join(relative), kms_key_id=place.kms_key_id)
    return f"{prefix.uri}/"


def _is_within(path: Path, directories: Sequence[Path]) -> bool:
    """Whether a file, or what a link leads to, is the job's own."""
    target = path.resolve()
    return any(target.is_relative_to(directory.resolve()) for directory in directories)
