"""One host of a job: its /opt/ml tree, and what is started in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sagebridge.core.container import config, environment
from sagebridge.core.container.layout import OPT_ML, Layout
from sagebridge.core.container.script import script_command

from sagebridge_local.runtime import docker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.container.entry_point import EntryPointKind
    from sagebridge.core.container.job import ContainerJob, Machine

    from sagebridge_local.runtime.images import CommandImage, DockerImage
    from sagebridge_local.runtime.records import RuntimeSettings

# Every host is this machine: their names lead nowhere.
_MASTER_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """What is started on a host.

    Attributes:
        command: Program and arguments.
        directory: Where it runs.
        environment: All of its variables.
        kill_command: What ends it for certain, where signals may not.
        script: Whether it is a user's script without the toolkit around it, so that we report its failure as the
            toolkit would.
    """

    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    kill_command: Sequence[str] = ()
    script: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """A host and its directory, below which `ml` stands for /opt/ml."""

    name: str
    root: Path
    job: ContainerJob

    @property
    def layout(self) -> Layout:
        """The contract's paths on this machine."""
        return Layout(base=str(self.root / "ml"))

    @property
    def log_file(self) -> Path:
        """All that the host wrote."""
        return self.root / "output.log"

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return Path(self.layout.model)

    @property
    def output_data(self) -> Path:
        """What becomes output.tar.gz."""
        return Path(self.layout.output_data)

    @property
    def code(self) -> Path:
        """Where the submitted source is unpacked."""
        return Path(self.layout.code)

    @property
    def scratch(self) -> Path:
        """Temporary files."""
        return self.root / "tmp"

    def prepare(self) -> None:
        """Make the tree and write the configuration. Blocks."""
        layout = self.layout
        for directory in (
            Path(layout.config),
            Path(layout.data),
            self.model,
            self.output_data,
            self.code,
            self.scratch,
        ):
            directory.mkdir(parents=True, exist_ok=True)
        for name, content in config.config_files(self.job, host=self.name, layout=layout).items():
            Path(layout.config, name).write_text(content, encoding="utf-8")

    def contract_environment(self, machine: Machine, framework_module: str | None) -> dict[str, str]:
        """The variables of the contract, with this machine's paths in them."""
        # SAGEMAKER_BASE_DIR makes the real training toolkit, where a command uses it, find the same tree.
        return {
            "SAGEMAKER_BASE_DIR": self.layout.base,
            **environment.script_environment(
                self.job, host=self.name, layout=self.layout, machine=machine, framework_module=framework_module
            ),
            **environment.container_environment(self.job, layout=self.layout),
        }


def script_launch(
    host: Host, *, base: Mapping[str, str], machine: Machine, python: str, kind: EntryPointKind, module: str | None
) -> Launch:
    """Script mode: the user's entry point on the local Python."""
    words = script_command(
        host.job,
        host=host.name,
        layout=host.layout,
        machine=machine,
        kind=kind,
        python=python,
        master_address=_MASTER_ADDRESS,
    )
    variables = {**base, **host.contract_environment(machine, module), "PYTHONPATH": str(host.code)}
    return Launch(command=words, directory=host.code, environment=variables, script=True)


def command_launch(host: Host, image: CommandImage, *, base: Mapping[str, str], machine: Machine) -> Launch:
    """A command that stands for the image, run in what stands for /opt/ml."""
    words = [host.layout.locate(word) for word in image.command]
    variables = {**base, **host.contract_environment(machine, None)}
    return Launch(command=words, directory=Path(host.layout.base), environment=variables)


def docker_launch(
    host: Host,
    image: DockerImage,
    *,
    base: Mapping[str, str],
    aws: Mapping[str, str],
    machine: Machine,
    checkpoints: tuple[str, Path] | None,
    isolated: bool,
) -> Launch:
    """The image itself.

    Args:
        host: The host.
        image: The image.
        base: Variables of the docker client.
        aws: AWS_* variables of the container.
        machine: This machine.
        checkpoints: Path in the container and directory of the checkpoints.
        isolated: EnableNetworkIsolation.
    """
    inside = environment.container_environment(host.job, layout=Layout()) | {"CURRENT_HOST": host.name, **aws}
    container = docker.Container(
        name=f"{host.job.name}-{host.name}",
        image=image.image,
        entrypoint=image.entrypoint,
        arguments=image.arguments,
        mounts=docker_mounts(host, checkpoints),
        environment=inside,
        hosts=host.job.cluster.hosts,
        gpus=machine.gpus > 0,
        isolated=isolated,
    )
    return Launch(
        command=[shutil.which("docker") or "docker", *docker.run_command(container)[1:]],
        directory=host.root,
        environment={**base, **inside},
        kill_command=docker.kill_command(container.name),
    )


def docker_mounts(host: Host, checkpoints: tuple[str, Path] | None) -> dict[str, Path]:
    """Path in the container -> directory on this machine."""
    parts = {f"{OPT_ML}/{name}": Path(host.layout.base, name) for name in ("input", "model", "output")}
    return parts | ({checkpoints[0].rstrip("/"): checkpoints[1]} if checkpoints else {})


def base_python(settings: RuntimeSettings) -> str:
    """The interpreter's absolute path.

    Raises:
        FileNotFoundError: there is no such program.
    """
    found = shutil.which(settings.interpreter)
    if found is None:
        raise FileNotFoundError(f"the Python interpreter {settings.interpreter} is not there")
    return str(Path(found).absolute())
