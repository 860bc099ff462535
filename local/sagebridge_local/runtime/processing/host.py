"""One host of a processing job: its /opt/ml tree, and what is started in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sagebridge.core.container.layout import OPT_ML, Layout
from sagebridge.core.container.processing import config_files, hosts
from sagebridge.runtime import last_words

from sagebridge_local.runtime import docker
from sagebridge_local.runtime.host import Launch
from sagebridge_local.runtime.processing import view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge_local.runtime.images import DockerImage
    from sagebridge_local.runtime.records import ProcessingRun


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingHost:
    """A host and its directory, below which `ml` stands for /opt/ml."""

    name: str
    root: Path

    @property
    def layout(self) -> Layout:
        """The contract's paths on this machine."""
        return Layout(base=str(self.root / "ml"))

    @property
    def log_file(self) -> Path:
        """All that the host wrote."""
        return self.root / "output.log"

    @property
    def scratch(self) -> Path:
        """Temporary files, and where commands run."""
        return self.root / "tmp"

    @property
    def shadow(self) -> Path:
        """What may stand for /opt."""
        return self.root / "opt"

    def prepare(self, run: ProcessingRun) -> None:
        """Make the tree and write the configuration. Blocks."""
        layout = self.layout
        for directory in (layout.processing_config, layout.processing, layout.output, self.scratch, self.shadow):
            Path(directory).mkdir(parents=True, exist_ok=True)
        files = config_files(run.request, arn=run.arn, host=self.name, hosts=hosts(run.request))
        for name, content in files.items():
            Path(layout.processing_config, name).write_text(content, encoding="utf-8")

    def message(self) -> str:
        """What the container left for ExitMessage. Blocks.

        Raises:
            RunFailedError: it is no text.
        """
        return last_words.message(Path(self.layout.message))


def local_launch(
    host: ProcessingHost, words: Sequence[str], *, environment: Mapping[str, str], isolated: bool
) -> Launch:
    """A command on this machine, which sees the host's tree as /opt/ml; `view.way` must have found one."""
    way = view.way()
    assert way is not None  # images.meaning has seen to it
    seen = view.command(words, way=way, ml=Path(host.layout.base), shadow=host.shadow, isolated=isolated)
    return Launch(command=seen, directory=host.scratch, environment=environment)


def docker_launch(
    host: ProcessingHost,
    image: DockerImage,
    *,
    run: ProcessingRun,
    base: Mapping[str, str],
    inside: Mapping[str, str],
    gpus: bool,
    isolated: bool,
) -> Launch:
    """The image itself.

    Args:
        host: The host.
        image: The image.
        run: The job.
        base: Variables of the docker client.
        inside: Variables of the container.
        gpus: Whether this machine has any.
        isolated: EnableNetworkIsolation.
    """
    container = docker.Container(
        name=f"{run.name}-{host.name}",
        image=image.image,
        entrypoint=image.entrypoint,
        arguments=image.arguments,
        mounts={f"{OPT_ML}/{name}": Path(host.layout.base, name) for name in ("config", "processing", "output")},
        environment=inside,
        hosts=hosts(run.request),
        gpus=gpus,
        isolated=isolated,
    )
    return Launch(
        command=[shutil.which("docker") or "docker", *docker.run_command(container)[1:]],
        directory=host.root,
        environment={**base, **inside},
        kill_command=docker.kill_command(container.name),
    )
