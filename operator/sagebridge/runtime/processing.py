"""The inputs of a processing job, and its outputs.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Output.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-input-and-output.html (symbolic links are not followed)
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from sagebridge.core.container.layout import Layout
from sagebridge.runtime import file_names
from sagebridge.runtime.channels import ChannelSource
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.held_files import held
from sagebridge.runtime.s3 import S3Location, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sagebridge.runtime.inputs import Share

_CONTINUOUS: Final = "Continuous"
_SHARDED: Final = "ShardedByS3Key"

_logger = logging.getLogger(__name__)


def local(path: str, layout: Layout) -> Path:
    """Where a LocalPath of the request is in a layout.

    Raises:
        RunFailedError: it is not below /opt/ml/processing.
    """
    inside = Layout().processing
    if (not path.startswith(f"{inside}/") and path != inside) or ".." in path.split("/"):
        raise RunFailedError.client(f"{path} is not below {inside}")
    return Path(layout.locate(path))


def inputs(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The ProcessingInputs that the container does not fetch itself."""
    return [item for item in request.get("ProcessingInputs", ()) if not item.get("AppManaged")]


def is_sharded(s3: Mapping[str, Any]) -> bool:
    """Whether the hosts share an S3Input, instead of each getting all of it."""
    return s3.get("S3DataDistributionType") == _SHARDED


def source(
    s3: Mapping[str, Any], *, layout: Layout, share: Share, storage: Storage, acts_as: str, region: str
) -> ChannelSource:
    """An S3Input, as a channel that lies where LocalPath says.

    Args:
        s3: The S3Input.
        layout: Where the host's /opt/ml is.
        share: The host's part of it.
        storage: S3.
        acts_as: Who asks for the data, for the messages.
        region: The job's region, for the messages.

    Raises:
        RunFailedError: LocalPath is not below /opt/ml/processing.
    """
    place = local(s3["LocalPath"].rstrip("/"), layout)
    channel = {
        "ChannelName": place.name,
        "DataSource": {"S3DataSource": {"S3Uri": s3["S3Uri"], "S3DataType": s3["S3DataType"]}},
        "CompressionType": s3.get("S3CompressionType", "None"),
    }
    return ChannelSource(
        channel=channel,
        input_mode=s3.get("S3InputMode", "File"),
        directory=place.parent,
        share=share,
        storage=storage,
        acts_as=acts_as,
        region=region,
    )


class Output:
    """An output of one host, and what of it is in S3 already. All methods block."""

    def __init__(
        self, output: Mapping[str, Any], *, layout: Layout, storage: Storage, kms_key_id: str | None = None
    ) -> None:
        """Prepare; nothing happens yet.

        Args:
            output: The ProcessingOutput, which has an S3Output.
            layout: Where the host's /opt/ml is.
            storage: S3.
            kms_key_id: The key that encrypts it.
        """
        self.name = cast("str", output["OutputName"])
        self._s3: Mapping[str, Any] = output["S3Output"]
        self._layout = layout
        self._storage = storage
        self._kms_key_id = kms_key_id
        self._seen: dict[Path, tuple[int, int]] = {}
        self._lock = threading.Lock()

    @property
    def is_continuous(self) -> bool:
        """Whether it is uploaded while the job runs."""
        return bool(self._s3["S3UploadMode"] == _CONTINUOUS)

    @property
    def directory(self) -> Path:
        """Where the container leaves it.

        Raises:
            RunFailedError: LocalPath is not below /opt/ml/processing.
        """
        return local(self._s3["LocalPath"], self._layout)

    @property
    def location(self) -> S3Location:
        """Where it goes.

        Raises:
            RunFailedError: S3Uri is no s3:// URI.
        """
        return S3Location.parse(self._s3["S3Uri"])

    def check_writable(self) -> None:
        """See whether it can be written to S3.

        Raises:
            RunFailedError: S3 refused.
        """
        self._storage.check_writable(self.location.join(""), kms_key_id=self._kms_key_id)

    def upload(self) -> None:
        """Upload all that is not there yet. Passes never overlap, so that no old upload ends last.

        Raises:
            RunFailedError: S3 refused.
            OSError: a file can't be read.
        """
        with self._lock:
            directory, target = self.directory, self.location
            for path in self._files(directory):
                self._upload_file(path, target.join(path.relative_to(directory).as_posix()))

    def try_upload(self) -> None:
        """As `upload`, for the passes while the container runs: the next one makes good what failed."""
        try:
            self.upload()
        except (RunFailedError, OSError) as error:
            _logger.warning("the output %s is not in S3 yet: %s", self.name, error)

    def _upload_file(self, path: Path, location: S3Location) -> None:
        # The script may remove what it has written, or put a link in its place.
        with contextlib.suppress(FileNotFoundError), held(path, below=Path(self._layout.processing)) as file:
            facts = file.stat()
            state = (facts.st_mtime_ns, facts.st_size)
            if self._seen.get(path) != state:
                self._storage.upload(file, location, kms_key_id=self._kms_key_id)
                self._seen[path] = state

    def _files(self, directory: Path) -> Iterator[Path]:
        # A script may have put a link in the place of a directory: what it leads to is nobody's output.
        if self._is_behind_a_link(directory):
            return
        found = [Path(top, name) for top, _, names in os.walk(directory) for name in names]
        for path in sorted(found):
            if path.is_file() and not path.is_symlink() and file_names.can_be_key(path):
                yield path

    def _is_behind_a_link(self, directory: Path) -> bool:
        root = Path(self._layout.processing)
        return any(each.is_symlink() for each in (directory, *directory.parents) if each.is_relative_to(root))


def outputs(request: Mapping[str, Any], *, layout: Layout, storage: Storage) -> list[Output]:
    """The outputs of one host that the container does not upload itself."""
    config = request.get("ProcessingOutputConfig", {})
    return [
        Output(output, layout=layout, storage=storage, kms_key_id=config.get("KmsKeyId") or None)
        for output in config.get("Outputs", ())
        if "S3Output" in output and not output.get("AppManaged")
    ]
