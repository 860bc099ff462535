"""The input channels: the user's, the model to go on from, and the code where the container can't fetch it.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/incremental-training.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.training.resources import given

if TYPE_CHECKING:
    from sagebridge.core.training.section import Section

MOST_CHANNELS: Final = 20
CODE_CHANNEL: Final = "code"
MODEL_CHANNEL: Final = "model"
MODEL_CONTENT_TYPE: Final = "application/x-sagemaker-model"
CODE_DIRECTORY: Final = f"/opt/ml/input/data/{CODE_CHANNEL}"
DATA_SOURCES: Final = ("s3DataSource", "fileSystemDataSource", "datasetSource")


def complete_channels(
    section: Section, *, code_uri: str | None, model_uri: str | None, file_systems_need_vpc: bool = True
) -> list[dict[str, Any]]:
    """Return ``inputDataConfig`` with its defaults and the channels that are added.

    Args:
        section: the job.
        code_uri: the source archive, if it has to come as a channel.
        model_uri: the artifact of ``modelRef``, if there is one.
        file_systems_need_vpc: whether a file system is reached by ``vpcConfig`` only, as on SageMaker.

    Raises:
        SpecError: a channel that SageMaker would refuse, a name that is taken, or too many channels.
    """
    channels = section.sections("inputDataConfig")
    needs_vpc = file_systems_need_vpc and not section.has("vpcConfig")
    complete = [_complete(channel, section, needs_vpc=needs_vpc) for channel in channels]
    names = {channel["channelName"] for channel in complete}
    if len(names) < len(complete):
        _refuse_duplicate(channels)
    if code_uri is not None:
        if CODE_CHANNEL in names:
            message = (
                f'has a channel "{CODE_CHANNEL}", which holds the source code under network isolation: '
                "give yours another name"
            )
            raise SpecError(section.field("inputDataConfig"), message)
        complete.append(_file_channel(CODE_CHANNEL, code_uri))
        names.add(CODE_CHANNEL)
    if model_uri is not None:
        complete.append(_model_channel(section, model_uri, names=names))
    if len(complete) > MOST_CHANNELS:
        message = f"has {len(complete)} channels with those that are added, and SageMaker takes {MOST_CHANNELS}"
        raise SpecError(section.field("inputDataConfig"), message)
    return complete


def _refuse_duplicate(channels: list[Section]) -> None:
    seen: set[str | None] = set()
    for channel in channels:
        name = channel.text("channelName")
        if name in seen:
            raise SpecError(channel.field("channelName"), f'"{name}" is used twice: each channel needs its own name')
        seen.add(name)


def _model_channel(section: Section, model_uri: str, *, names: set[str]) -> dict[str, Any]:
    reference = section.section("modelRef")
    name = reference.text("channelName") or MODEL_CHANNEL
    if name in names:
        message = f'gives the model in the channel "{name}", which inputDataConfig has already: rename or remove one'
        raise SpecError(reference.path, message)
    return {**_file_channel(name, model_uri), "contentType": MODEL_CONTENT_TYPE}


def _file_channel(name: str, uri: str) -> dict[str, Any]:
    source = {"s3DataType": "S3Prefix", "s3Uri": uri, "s3DataDistributionType": "FullyReplicated"}
    return {"channelName": name, "inputMode": "File", "dataSource": {"s3DataSource": source}}


def _complete(channel: Section, section: Section, *, needs_vpc: bool) -> dict[str, Any]:
    name = channel.required_text("channelName", hint="the data is put in /opt/ml/input/data/<channelName>")
    sources = channel.section("dataSource")
    kinds = [key for key in DATA_SOURCES if sources.has(key)]
    if len(kinds) != 1:
        raise SpecError(sources.path, f"must say where the data is by exactly one of {', '.join(DATA_SOURCES)}")
    mode = channel.text("inputMode") or section.section("algorithmSpecification").text("trainingInputMode") or "File"
    source = sources.section(kinds[0])
    if kinds[0] == "s3DataSource":
        data = _complete_s3(source, mode)
    else:
        data = given(source)
        if kinds[0] == "fileSystemDataSource":
            _check_file_system(channel, section, mode, needs_vpc=needs_vpc)
    return {**given(channel), "channelName": name, "dataSource": {kinds[0]: data}}


def _complete_s3(source: Section, mode: str) -> dict[str, Any]:
    source.required_text("s3Uri", hint="give a prefix or a manifest, s3://bucket/prefix")
    data = {"s3DataType": "S3Prefix", "s3DataDistributionType": "FullyReplicated", **given(source)}
    if data["s3DataType"] == "AugmentedManifestFile" and mode != "Pipe":
        message = "AugmentedManifestFile is read in Pipe mode only: set inputMode: Pipe on this channel"
        raise SpecError(source.field("s3DataType"), message)
    return data


def _check_file_system(channel: Section, section: Section, mode: str, *, needs_vpc: bool) -> None:
    if needs_vpc:
        message = "is missing: a file system lies in a VPC, so give its subnets and security groups"
        raise SpecError(section.field("vpcConfig"), message)
    if mode != "File":
        message = f"a file system is mounted and can't be read in {mode} mode: set inputMode: File on this channel"
        raise SpecError(channel.field("inputMode"), message)
