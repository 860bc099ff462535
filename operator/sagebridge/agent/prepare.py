"""The container before training: all that the training container finds when it starts."""

from __future__ import annotations

import contextlib
import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagebridge.agent import processes, script
from sagebridge.agent.notes import Notes
from sagebridge.agent.permissions import DIRECTORY_MODE, open_to_all
from sagebridge.agent.results import Results
from sagebridge.agent.retries import Retries
from sagebridge.agent.termination import Termination
from sagebridge.core.container import config
from sagebridge.core.container.layout import Layout
from sagebridge.runtime import channels
from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.host import Host, WorkHost

_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def preparing(
    host: WorkHost[Any], *, clock: Clock, cgroup: Callable[[Path, int | str], str] = processes.read_cgroup
) -> Iterator[Retries]:
    """Note when a host begins and, after all that is brought meanwhile, what runs in its pod already.

    Returns:
        How long what S3 does not give is tried again: it may be away for a while, what it refuses stays refused, and
        SIGTERM ends this container as it is.
    """
    notes, document = Notes(host.places.run), host.document
    notes.write_start(clock.now())
    name = document.arn.rpartition("/")[2]
    _logger.info("%s is host %d of %d of the job %s", host.name, host.rank, len(document.hosts), name)
    yield Retries(
        clock=clock,
        termination=Termination(clock),
        seconds=document.upload_seconds,
        grace_seconds=0,
        transient_only=True,
    )
    # The user's container is not there yet: whatever else runs in the pod is not it.
    notes.write_sidecars(each.cgroup for each in processes.others(host.places.proc, cgroup=cgroup))


def prepare(host: Host, *, clock: Clock, cgroup: Callable[[Path, int | str], str] = processes.read_cgroup) -> None:
    """Bring configuration, data, checkpoints and source to a host of a training job. Blocks.

    Raises:
        RunFailedError: something is not to be had.
        OSError: the disk is full.
    """
    with preparing(host, clock=clock, cgroup=cgroup) as retries:
        _make_tree(host)
        results = Results(host, retries=retries, clock=clock)
        retries.call(results.check_writable, what="The first touch of S3OutputPath")
        _bring_channels(host, retries)
        retries.call(lambda: _restore_checkpoints(host), what="The download of checkpoints")
        retries.call(results.forget_part, what="Looking for an earlier part")
        if host.document.script:
            retries.call(lambda: script.bring(host), what="The download of the script")
            open_to_all(Path(host.layout.code))
            _logger.info("The script is in place")


def _make_tree(host: Host) -> None:
    layout = host.layout
    for directory in (Path(layout.config), Path(layout.data)):
        directory.mkdir(parents=True, exist_ok=True)
    # The training container's user may be anybody.
    for directory in (host.model, Path(layout.output), host.output_data, host.places.checkpoints):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(DIRECTORY_MODE)
    # The training container has its volumes where SageMaker has them, wherever they are here.
    for name, content in config.config_files(host.job, host=host.name, layout=Layout()).items():
        Path(layout.config, name).write_text(content, encoding="utf-8")


def _bring_channels(host: Host, retries: Retries) -> None:
    directory = Path(host.layout.data)
    for source in channels.channel_sources(
        host.document.request,
        job=host.job,
        host=host.name,
        directory=directory,
        storage=host.storage,
        acts_as=host.document.acts_as,
    ):
        if source.name in host.document.mounted:
            _logger.info("Channel %s is a volume", source.name)
            continue
        _refuse_unless_files(source)
        _logger.info("Downloading channel %s", source.name)
        retries.call(functools.partial(channels.download, source), what=f"The download of channel {source.name}")


def _refuse_unless_files(source: channels.ChannelSource) -> None:
    if source.s3 is None:
        raise RunFailedError.client(f"Channel {source.name}: its file system is not a volume of the pod")
    if source.input_mode not in {"File", "FastFile"}:
        raise RunFailedError.client(
            f"Channel {source.name}: the input mode {source.input_mode} is not available on the cluster; "
            "File and FastFile are"
        )


def _restore_checkpoints(host: Host) -> None:
    sync = host.checkpoints()
    if sync is None:
        return
    # Training that can't keep what it learns had better not begin.
    sync.check_writable()
    _logger.info("Restoring checkpoints from %s", host.document.checkpoint_uri)
    sync.restore()
    open_to_all(host.places.checkpoints)
    Notes(host.places.run).write_checkpoints(sync.known)
