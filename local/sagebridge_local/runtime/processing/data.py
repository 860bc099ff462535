"""Brings the inputs of a processing job to a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.runtime import processing
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.inputs import Share

from sagebridge_local.runtime.channels import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagebridge.runtime.s3 import Storage

    from sagebridge_local.runtime.pipe import PipeFeeder
    from sagebridge_local.runtime.processing.host import ProcessingHost
    from sagebridge_local.runtime.records import ProcessingRun


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
    index, count = share
    for item in processing.inputs(run.request):
        if "S3Input" not in item:
            raise RunFailedError.client(
                f"Input {item['InputName']}: local mode has no Athena or Redshift to ask for a DatasetDefinition. Give "
                "the data as an S3Input here."
            )
        source = processing.source(
            item["S3Input"],
            layout=host.layout,
            share=Share(index=index, count=count, sharded=processing.is_sharded(item["S3Input"])),
            storage=storage,
            acts_as=f'role "{run.request["RoleArn"]}"',
            region=run.region,
        )
        feeder = load(source, file_systems={}, on_error=on_error)
        feeders += [feeder] if feeder else []
    return feeders
