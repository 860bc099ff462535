"""Brings models from S3 to where a container looks for them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sagebridge.runtime import models
from sagebridge.runtime.failures import RunFailedError, TransferCancelledError
from sagebridge.runtime.s3 import S3Location, Storage
from sagebridge.runtime.source import place

from sagebridge_local.serving.records import ServingError

if TYPE_CHECKING:
    from sagebridge_local.serving.records import ModelData


def bring(data: ModelData, directory: Path, *, storage: Storage, container: str) -> None:
    """Fill a directory with a model. Blocks.

    Raises:
        ServingError: it is not in S3, or is no archive; in the words that users see on an endpoint.
    """
    try:
        models.bring(data.uri, directory, storage=storage, is_prefix=data.is_prefix, is_archive=data.is_archive)
    except TransferCancelledError as error:
        raise ServingError(f'The container "{container}" was stopped while its model was brought') from error
    except RunFailedError as error:
        raise ServingError(_not_there(data.uri, error.reason, container=container)) from error


def bring_source(submit_directory: str, directory: Path, *, model_dir: Path, storage: Storage, limit: int) -> Path:
    """The directory of the user's module, from SAGEMAKER_SUBMIT_DIRECTORY. Blocks.

    Raises:
        ServingError: it can't be had.
    """
    if not submit_directory.startswith("s3://"):
        # A path in the container: the model's own code, whatever stands for /opt/ml/model here.
        given = submit_directory.removeprefix("file://")
        return (
            model_dir / Path(given).relative_to("/opt/ml/model") if given.startswith("/opt/ml/model") else Path(given)
        )
    try:
        archive = directory.parent / "sourcedir.tar.gz"
        storage.download(S3Location.parse(submit_directory), archive)
        place(archive, directory, limit_bytes=limit)
    except RunFailedError as error:
        raise ServingError(f"The code can't be had from {submit_directory}: {error.reason}") from error
    return directory


def remove(directory: Path) -> None:
    """Delete a model's files. Blocks."""
    shutil.rmtree(directory, ignore_errors=True)


def _not_there(uri: str, reason: str, *, container: str) -> str:
    # https://github.com/aws-solutions-library-samples/fraud-detection-using-machine-learning/issues/9
    return (
        f'Failed to download model data for container "{container}" from URL: "{uri}". Please ensure that there is an '
        "object located at the URL and that the role passed to CreateModel has permissions to download the object. "
        f"{reason}"
    )
