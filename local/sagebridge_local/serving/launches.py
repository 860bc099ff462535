"""How the process of a serving container is started: command, directory and variables."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sagebridge.core.container.layout import Layout

from sagebridge_local.runtime import docker
from sagebridge_local.runtime.host import Launch
from sagebridge_local.serving.images import SERVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.serving.images import CommandImage, DockerImage

CONTAINER_PORT: Final = 8080
TOOLKIT: Final = "sagebridge_toolkit"
_TOOLKIT_DIRECTORY: Final = Path(__file__).parent / "toolkit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """A container's directories on this machine."""

    root: Path

    @property
    def base(self) -> Path:
        """What stands for /opt/ml."""
        return self.root / "ml"

    @property
    def model(self) -> Path:
        """/opt/ml/model."""
        return self.base / "model"

    @property
    def models(self) -> Path:
        """/opt/ml/models, where a multi-model container finds each model."""
        return self.base / "models"

    @property
    def code(self) -> Path:
        """/opt/ml/code."""
        return self.base / "code"

    @property
    def additional(self) -> Path:
        """/opt/ml/additional-model-data-sources."""
        return self.base / "additional-model-data-sources"

    @property
    def library(self) -> Path:
        """Where the toolkit is found under its own name."""
        return self.root / "lib"

    @property
    def scratch(self) -> Path:
        """Temporary files."""
        return self.root / "tmp"

    def prepare(self) -> None:
        """Make the directories. Blocks."""
        for directory in (self.model, self.models, self.additional, self.library, self.scratch):
            directory.mkdir(parents=True, exist_ok=True)
        link = self.library / TOOLKIT
        if not link.exists():
            link.symlink_to(_TOOLKIT_DIRECTORY, target_is_directory=True)


def script_launch(*, python: str, tree: Tree, code: Path, environment: Mapping[str, str]) -> Launch:
    """The toolkit, with the user's module."""
    variables = {**environment, "PYTHONPATH": f"{tree.library}:{code}", "PYTHONDONTWRITEBYTECODE": "1"}
    directory = code if code.is_dir() else tree.model
    return Launch(command=[python, "-m", TOOLKIT], directory=directory, environment=variables)


def command_launch(image: CommandImage, *, tree: Tree, environment: Mapping[str, str]) -> Launch:
    """A command that stands for the image."""
    layout = Layout(base=str(tree.base))
    words = [layout.locate(word) for word in image.command]
    return Launch(command=words, directory=tree.base, environment=environment)


def docker_launch(
    image: DockerImage,
    *,
    name: str,
    port: int,
    tree: Tree,
    base: Mapping[str, str],
    environment: Mapping[str, str],
) -> Launch:
    """The image itself: its port 8080 is published on loopback, so that any number of copies can run.

    Args:
        image: The image.
        name: The container's name, unique on the machine.
        port: The loopback port.
        tree: Its directories.
        base: Variables of the docker client.
        environment: Variables of the container.
    """
    container = docker.Container(
        name=name,
        image=image.image,
        entrypoint=(),
        arguments=(SERVE,),
        mounts={f"/opt/ml/{part}": tree.base / part for part in ("model", "models", "additional-model-data-sources")},
        environment=environment,
        hosts=(),
        gpus=False,
        isolated=False,
        ports={CONTAINER_PORT: port},
    )
    return Launch(
        command=[shutil.which("docker") or "docker", *docker.run_command(container)[1:]],
        directory=tree.root,
        environment={**base, **environment},
        kill_command=docker.kill_command(name),
    )
