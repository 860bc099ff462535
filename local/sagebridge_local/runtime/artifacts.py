"""What a job leaves in S3: model.tar.gz and output.tar.gz, or the same uncompressed.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagebridge_local.runtime.s3 import S3Location, Storage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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


def upload(
    name: str, directories: Sequence[Path], *, place: OutputPlace, storage: Storage, scratch: Path
) -> str | None:
    """Upload what all hosts left in a directory: as one archive, or file by file. Blocks.

    Args:
        name: `model` or `output`: the archive's name, or the last part of the prefix.
        directories: The same directory of each host; of files with the same name, the first host's is taken.
        place: Where to.
        storage: S3.
        scratch: Where the archive may be made.

    Returns:
        The URI of the archive or the prefix; None when there was nothing to upload.

    Raises:
        RunFailedError: S3 refused.
    """
    files = merged(directories)
    if not files:
        return None
    if not place.compressed:
        prefix = place.location.join("data" if name == "output" else name)
        for relative, path in files.items():
            if path.is_file():
                storage.upload(path, prefix.join(relative), kms_key_id=place.kms_key_id)
        return f"{prefix.uri}/"
    archive = scratch / f"{name}.tar.gz"
    with tarfile.open(archive, mode="w:gz", compresslevel=6) as tar:
        for relative, path in files.items():
            tar.add(path, arcname=relative, recursive=False)
    target = place.location.join(archive.name)
    storage.upload(archive, target, kms_key_id=place.kms_key_id)
    archive.unlink()
    return target.uri


def merged(directories: Sequence[Path]) -> dict[str, Path]:
    """Relative path -> path, over several directories, sorted; pipes and sockets are left out."""
    found: dict[str, Path] = {}
    for directory in directories:
        for path in sorted(directory.rglob("*")):
            if path.is_file() or path.is_dir() or path.is_symlink():
                found.setdefault(path.relative_to(directory).as_posix(), path)
    return dict(sorted(found.items()))
