"""The inputs of a processing job, and its outputs.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Output.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-input-and-output.html (symbolic links are not followed)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.runtime.channels import ChannelSource
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.inputs import Share
from sagebridge.runtime.s3 import S3Location, Storage

from sagebridge_local.runtime.channels import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sagebridge_local.runtime.pipe import PipeFeeder
    from sagebridge_local.runtime.processing.host import ProcessingHost
    from sagebridge_local.runtime.records import ProcessingRun

CONTINUOUS: Final = "Continuous"


def bring(
    run: ProcessingRun,
    host: ProcessingHost,
    *,
    share: tuple[int, int],
    storage: Storage,
    on_error: Callable[[Exception], None],
) -> list[PipeFeeder]:
    """Bring all inputs to a host. Blocks.

    Args:
        run: The job.
        host: Where to.
        share: The host's index, and the count of hosts.
        storage: S3.
        on_error: Called from a pipe's thread when its data can't be had.

    Returns:
        The feeders of inputs in Pipe mode, which must be closed in the end.

    Raises:
        RunFailedError: an input can't be had.
    """
    feeders: list[PipeFeeder] = []
    for item in run.request.get("ProcessingInputs", ()):
        if item.get("AppManaged"):
            continue  # the container fetches it
        if "S3Input" not in item:
            raise RunFailedError.client(
                f"Input {item['InputName']}: local mode has no Athena or Redshift to ask for a DatasetDefinition. Give "
                "the data as an S3Input here."
            )
        source = _source(run, item, host=host, share=share, storage=storage)
        feeder = load(source, file_systems={}, on_error=on_error)
        feeders += [feeder] if feeder else []
    return feeders


def _source(
    run: ProcessingRun, item: Mapping[str, Any], *, host: ProcessingHost, share: tuple[int, int], storage: Storage
) -> ChannelSource:
    """A processing input, as a channel that lies where LocalPath says."""
    s3 = item["S3Input"]
    place = host.local(s3["LocalPath"].rstrip("/"))
    channel = {
        "ChannelName": place.name,
        "DataSource": {"S3DataSource": {"S3Uri": s3["S3Uri"], "S3DataType": s3["S3DataType"]}},
        "CompressionType": s3.get("S3CompressionType", "None"),
    }
    index, count = share
    sharded = s3.get("S3DataDistributionType") == "ShardedByS3Key"
    return ChannelSource(
        channel=channel,
        input_mode=s3.get("S3InputMode", "File"),
        directory=place.parent,
        share=Share(index=index, count=count, sharded=sharded),
        storage=storage,
        acts_as=f'role "{run.request["RoleArn"]}"',
        region=run.region,
    )


class Outputs:
    """The outputs of one host, and what of them is in S3 already."""

    def __init__(self, run: ProcessingRun, host: ProcessingHost, *, storage: Storage) -> None:
        config = run.request.get("ProcessingOutputConfig", {})
        self._kms_key_id: str | None = config.get("KmsKeyId") or None
        self._outputs: Sequence[Mapping[str, Any]] = [
            output["S3Output"]
            for output in config.get("Outputs", ())
            if "S3Output" in output and not output.get("AppManaged")
        ]
        self._host = host
        self._storage = storage
        self._seen: dict[Path, tuple[int, int]] = {}

    def prepare(self) -> None:
        """Make the directories, which the container finds there. Blocks."""
        for output in self._outputs:
            self._host.local(output["LocalPath"]).mkdir(parents=True, exist_ok=True)

    def sync(self) -> None:
        """Upload what is new or changed of the Continuous outputs. Blocks.

        Raises:
            RunFailedError: S3 refused.
        """
        self._upload(mode=CONTINUOUS)

    def upload(self) -> None:
        """Upload all that is not there yet, of every output. Blocks.

        Raises:
            RunFailedError: S3 refused.
        """
        self._upload(mode=None)

    def _upload(self, *, mode: str | None) -> None:
        for output in self._outputs:
            if mode in (None, output["S3UploadMode"]):
                directory = self._host.local(output["LocalPath"])
                target = S3Location.parse(output["S3Uri"])
                for path in _files(directory):
                    self._upload_file(path, target.join(path.relative_to(directory).as_posix()))

    def _upload_file(self, path: Path, location: S3Location) -> None:
        try:
            facts = path.stat()
        except FileNotFoundError:
            return  # the script may remove what it has written
        state = (facts.st_mtime_ns, facts.st_size)
        if self._seen.get(path) == state:
            return
        self._storage.upload(path, location, kms_key_id=self._kms_key_id)
        self._seen[path] = state


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path
