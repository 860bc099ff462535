"""What happens before a container starts: data, checkpoints, source, packages, and the command itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagebridge.core.container import config
from sagebridge.core.container import hyperparameters as hps
from sagebridge.core.container.layout import OPT_ML
from sagebridge.core.container.script import unknown_distribution
from sagebridge.runtime import source
from sagebridge.runtime.channels import channel_sources
from sagebridge.runtime.checkpoints import CheckpointSync
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import Connection, S3Location, Storage

from sagebridge_local.runtime import channels, docker, machine
from sagebridge_local.runtime.host import (
    Host,
    Launch,
    base_python,
    command_launch,
    docker_launch,
    script_launch,
)
from sagebridge_local.runtime.images import (
    CommandImage,
    DockerImage,
    Meaning,
    ScriptImage,
    UnknownImage,
    meaning,
)
from sagebridge_local.runtime.packages import Installer
from sagebridge_local.runtime.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sagebridge.core.container.entry_point import EntryPointKind
    from sagebridge.core.container.job import Machine
    from sagebridge.runtime.channels import ChannelSource

    from sagebridge_local.runtime.hostlog import HostLog
    from sagebridge_local.runtime.pipe import PipeFeeder
    from sagebridge_local.runtime.records import TrainingRun


class Preparation:
    """Gets every host of a job ready."""

    def __init__(
        self,
        run: TrainingRun,
        *,
        hosts: Sequence[Host],
        logs: Mapping[str, HostLog],
        storage: Storage,
        connection: Connection,
    ) -> None:
        self._run = run
        self._hosts = hosts
        self._logs = logs
        self._storage = storage
        self._connection = connection
        self._feeders: list[PipeFeeder] = []
        self._meaning: Meaning = UnknownImage(reason="not looked at")
        self.checkpoints: list[CheckpointSync] = []

    @property
    def _isolated(self) -> bool:
        return bool(self._run.request.get("EnableNetworkIsolation", False))

    async def load(self, on_data_error: Callable[[Exception], None]) -> None:
        """Decide what the image means, make the trees, and bring data and checkpoints.

        Args:
            on_data_error: Called in another thread when a Pipe channel breaks later on.

        Raises:
            RunFailedError: something is not to be had.
        """
        self._meaning = await self._decide()
        if isinstance(self._meaning, UnknownImage):
            raise RunFailedError.client(self._meaning.reason)
        for host in self._hosts:
            await in_thread(host.prepare)
            for channel in self._channels(host):
                feeder = await in_thread(
                    channels.load, channel, file_systems=self._run.settings.file_systems, on_error=on_data_error
                )
                self._feeders += [feeder] if feeder else []
            await self._restore_checkpoints(host)

    async def launches(self) -> dict[str, Launch]:
        """Open the logs, bring the source and its packages, and say what starts on each host.

        Raises:
            RunFailedError: the source or a package is not to be had.
        """
        for log in self._logs.values():
            await log.open()
        hardware = await in_thread(machine.detect)
        try:
            python = base_python(self._run.settings)
        except FileNotFoundError as error:
            raise RunFailedError.client(f"Local mode: {error}") from error
        match self._meaning:
            case ScriptImage(framework_module=module):
                kind, python = await self._script(python)
                return {
                    host.name: script_launch(
                        host, base=self._base(host, python), machine=hardware, python=python, kind=kind, module=module
                    )
                    for host in self._hosts
                }
            case CommandImage() as image:
                return {
                    host.name: command_launch(host, image, base=self._base(host, python), machine=hardware)
                    for host in self._hosts
                }
            case DockerImage() as image:
                return {host.name: self._docker(host, image, python, hardware) for host in self._hosts}
            case UnknownImage(reason=reason):
                raise RunFailedError.client(reason)

    def close(self) -> None:
        """Let the pipes go."""
        for feeder in self._feeders:
            feeder.close()

    async def _decide(self) -> Meaning:
        found = meaning(self._run.request, mapping=self._run.images, docker=False)
        if isinstance(found, UnknownImage) and self._run.settings.use_docker:
            answers = await in_thread(docker.daemon_answers)
            found = meaning(self._run.request, mapping=self._run.images, docker=answers)
        return found

    def _base(self, host: Host, python: str) -> dict[str, str]:
        """What a process gets from this machine; under network isolation without a way to AWS, as there."""
        base = machine.base_environment(interpreter=python, scratch=host.scratch)
        return base if self._isolated else base | self._connection.variables()

    def _docker(self, host: Host, image: DockerImage, python: str, hardware: Machine) -> Launch:
        return docker_launch(
            host,
            image,
            base=machine.base_environment(interpreter=python, scratch=host.scratch) | docker.client_environment(),
            aws={} if self._isolated else self._connection.variables(),
            machine=hardware,
            checkpoints=self._checkpoint_mount(host),
            isolated=self._isolated,
        )

    def _channels(self, host: Host) -> list[ChannelSource]:
        return channel_sources(
            self._run.request, job=host.job, host=host.name, directory=Path(host.layout.data), storage=self._storage
        )

    async def _restore_checkpoints(self, host: Host) -> None:
        settings = self._run.request.get("CheckpointConfig")
        mount = self._checkpoint_mount(host)
        if settings is None or mount is None:
            return
        sync = CheckpointSync(storage=self._storage, location=S3Location.parse(settings["S3Uri"]), directory=mount[1])
        await in_thread(sync.restore)
        self.checkpoints.append(sync)

    def _checkpoint_mount(self, host: Host) -> tuple[str, Path] | None:
        settings = self._run.request.get("CheckpointConfig")
        if settings is None:
            return None
        path = settings.get("LocalPath") or f"{OPT_ML}/checkpoints"
        located = host.layout.locate(path)
        if located != path:
            return path, Path(located)
        if not isinstance(self._meaning, DockerImage):
            raise RunFailedError.client(
                f"Local mode: CheckpointConfig.LocalPath {path} is outside {OPT_ML}, which only Docker can provide"
            )
        return path, host.root / "checkpoints"

    async def _script(self, python: str) -> tuple[EntryPointKind, str]:
        """Bring the source to every host, and its packages; returns what the entry point is, and its Python."""
        head = self._hosts[0]
        parameters = hps.read(config.hyperparameters(head.job, layout=head.layout))
        _refuse_unsupported(parameters)
        fetched = await self._fetch(parameters.toolkit.get(hps.SUBMIT_DIRECTORY))
        for host in self._hosts:
            await in_thread(source.place, fetched, host.code, limit_bytes=self._run.settings.source_limit_bytes)
        program = str(parameters.toolkit[hps.PROGRAM])
        kinds = [await in_thread(source.entry_point, host.code, program) for host in self._hosts]
        kind = kinds[0]
        return kind, await self._installer(python).prepare(head.code, kind)

    async def _fetch(self, submit_directory: Any) -> Path:
        if not isinstance(submit_directory, str):
            raise RunFailedError.algorithm(
                "There is no sagemaker_submit_directory, and local mode has no code that is part of an image"
            )
        if self._isolated and submit_directory.startswith("s3://"):
            raise RunFailedError.algorithm(
                f"Under network isolation the container can't fetch {submit_directory}: pass the code as the channel "
                "`code` and sagemaker_submit_directory as /opt/ml/input/data/code/sourcedir.tar.gz"
            )
        scratch = self._run.work_dir / "source"
        return await in_thread(source.fetch, submit_directory, storage=self._storage, scratch=scratch)

    def _installer(self, python: str) -> Installer:
        head = self._hosts[0]
        return Installer(
            interpreter=python,
            cache_dir=self._run.settings.cache_dir,
            environment=machine.installer_environment(self._base(head, python)),
            sink=self._logs[head.name].feed,
            offline=self._isolated,
        )


def _refuse_unsupported(parameters: hps.Hyperparameters) -> None:
    unknown = unknown_distribution(parameters)
    if unknown:
        raise RunFailedError.client(
            f"Local mode can't start the distribution that {unknown} asks for: "
            f"it knows {hps.TORCH_DISTRIBUTED}, and scripts that start their own processes"
        )
