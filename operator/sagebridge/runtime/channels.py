"""Which objects a channel has on one host, and their download below its input/data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from sagebridge.runtime import inputs
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.inputs import Share
from sagebridge.runtime.s3 import S3Location, Storage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sagebridge.core.container.job import ContainerJob
    from sagebridge.runtime.inputs import InputObject

_PARALLEL_DOWNLOADS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelSource:
    """A Channel of the request, and where its data comes from and goes to.

    Attributes:
        channel: The Channel, PascalCase.
        input_mode: Its InputMode, or the job's TrainingInputMode.
        directory: input/data of the host.
        share: The host's part of it.
        storage: S3.
        acts_as: Who asks for the data, such as `role "arn:…"`, for the messages.
        region: The job's region, for the messages.
    """

    channel: Mapping[str, Any]
    input_mode: str
    directory: Path
    share: Share
    storage: Storage
    acts_as: str
    region: str

    @property
    def name(self) -> str:
        """ChannelName."""
        return cast("str", self.channel["ChannelName"])

    @property
    def s3(self) -> Mapping[str, Any] | None:
        """S3DataSource, if it is one."""
        return cast("Mapping[str, Any] | None", self.channel["DataSource"].get("S3DataSource"))

    @property
    def seed(self) -> int | None:
        """ShuffleConfig.Seed."""
        return cast("int | None", self.channel.get("ShuffleConfig", {}).get("Seed"))


def channel_sources(
    request: Mapping[str, Any],
    *,
    job: ContainerJob,
    host: str,
    directory: Path,
    storage: Storage,
    acts_as: str = "",
) -> list[ChannelSource]:
    """The channels that one host gets.

    Args:
        request: CreateTrainingJob.
        job: The same, as its containers see it.
        host: The host.
        directory: Its input/data.
        storage: S3.
        acts_as: Who asks for the data, if it is not the request's role.
    """
    modes = {each.name: each.input_mode for each in job.channels_of(host)}
    return [
        ChannelSource(
            channel=channel,
            input_mode=modes[channel["ChannelName"]],
            directory=directory,
            share=_share(job, host=host, channel=channel),
            storage=storage,
            acts_as=acts_as or f'role "{request.get("RoleArn", "")}"',
            region=job.region,
        )
        for channel in request.get("InputDataConfig", ())
        if channel["ChannelName"] in modes
    ]


def _share(job: ContainerJob, *, host: str, channel: Mapping[str, Any]) -> Share:
    name = channel["ChannelName"]
    hosts = [each for each in job.cluster.hosts if name in {one.name for one in job.channels_of(each)}]
    s3 = channel["DataSource"].get("S3DataSource", {})
    sharded = s3.get("S3DataDistributionType") == "ShardedByS3Key"
    return Share(index=hosts.index(host), count=len(hosts), sharded=sharded)


def download(source: ChannelSource) -> None:
    """Download a channel's files for one host. Blocks.

    Raises:
        RunFailedError: they can't be had; the reason says which and why.
    """
    directory = source.directory / source.name
    directory.mkdir(parents=True, exist_ok=True)
    own = inputs.shuffled(source.share.of(objects(source)), seed=source.seed, epoch=0)
    try:
        with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as executor:
            list(executor.map(lambda each: source.storage.download(each.location, directory / each.path), own))
    except OSError as error:
        raise RunFailedError.client(f"Data download failed: channel {source.name}: {error}") from error


def objects(source: ChannelSource) -> list[InputObject]:
    """The objects of an S3 channel, of all hosts together, in S3's or the manifest's order. Blocks.

    Raises:
        RunFailedError: there are none, or S3 refused.
    """
    assert source.s3 is not None  # callers have seen to it
    location = S3Location.parse(source.s3["S3Uri"])
    match source.s3.get("S3DataType", "S3Prefix"):
        case "S3Prefix":
            found = inputs.prefix_objects(location, source.storage.keys(location))
        case "ManifestFile":
            found = inputs.manifest_objects(source.storage.read(location), uri=location.uri)
        case "AugmentedManifestFile":
            raise RunFailedError.client(f"Channel {source.name}: AugmentedManifestFile needs the input mode Pipe")
        case unknown:
            raise RunFailedError.client(f"Channel {source.name}: the S3DataType {unknown} is not known")
    if not found:
        raise RunFailedError.client(_no_objects(source, location))
    return found


def _no_objects(source: ChannelSource, location: S3Location) -> str:
    # AWS's text, seen in https://github.com/aws/amazon-sagemaker-examples/issues/2489
    return (
        f'Data download failed: No S3 objects found under S3 URL "{location.uri}" given in input data source. Please '
        f"ensure that the bucket exists in the selected region ({source.region}), that objects exist under that S3 "
        f'prefix, and that the {source.acts_as} has "s3:ListBucket" permissions on bucket "{location.bucket}".'
    )
