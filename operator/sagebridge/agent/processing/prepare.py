"""The container before that of a processing job: all that this one finds when it starts."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagebridge.agent import processes
from sagebridge.agent.permissions import DIRECTORY_MODE, open_to_all
from sagebridge.agent.prepare import preparing
from sagebridge.core.container.processing import config_files, local_paths
from sagebridge.runtime import channels, processing
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.inputs import Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.processing.host import ProcessingHost
    from sagebridge.agent.retries import Retries

_logger = logging.getLogger(__name__)


def prepare(
    host: ProcessingHost, *, clock: Clock, cgroup: Callable[[Path, int | str], str] = processes.read_cgroup
) -> None:
    """Bring configuration and inputs to a host, and make the places of its outputs. Blocks.

    Raises:
        RunFailedError: something is not to be had, or an output could not be written to S3.
        OSError: the disk is full.
    """
    with preparing(host, clock=clock, cgroup=cgroup) as retries:
        _make_tree(host)
        # Before they cost hours, not after.
        for output in host.outputs():
            retries.call(output.check_writable, what=f"The first touch of the output {output.name}")
        for item in processing.inputs(host.document.request):
            _bring(host, item, retries=retries)


def _make_tree(host: ProcessingHost) -> None:
    document, layout = host.document, host.layout
    configuration = Path(layout.processing_config)
    places = [processing.local(path, layout) for path in local_paths(document.request)]
    for directory in (configuration, Path(layout.output), Path(layout.processing), *places):
        directory.mkdir(parents=True, exist_ok=True)
    # The container's user may be anybody.
    open_to_all(Path(layout.processing))
    Path(layout.output).chmod(DIRECTORY_MODE)
    files = config_files(document.request, arn=document.arn, host=host.name, hosts=document.hosts)
    for name, content in files.items():
        (configuration / name).write_text(content, encoding="utf-8")


def _bring(host: ProcessingHost, item: Mapping[str, Any], *, retries: Retries) -> None:
    name, s3 = item["InputName"], item.get("S3Input")
    if s3 is None:
        raise RunFailedError.client(
            f"Input {name}: the cluster has no Athena or Redshift to ask for a DatasetDefinition. Give the data as an "
            "S3Input here."
        )
    share = Share(index=host.rank, count=len(host.document.hosts), sharded=processing.is_sharded(s3))
    source = processing.source(
        s3,
        layout=host.layout,
        share=share,
        storage=host.storage,
        acts_as=host.document.acts_as,
        region=host.document.region,
    )
    if source.input_mode != "File":
        raise RunFailedError.client(
            f"Input {name}: the input mode {source.input_mode} is not available on the cluster; File is"
        )
    _logger.info("Downloading the input %s", name)
    retries.call(functools.partial(channels.download, source), what=f"The download of the input {name}")
    open_to_all(source.directory / source.name)
