"""One running container of a model: its files, its process, its log, and its port."""

from __future__ import annotations

import asyncio
import socket
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sagebridge.core.container.entry_point import EntryPointKind
from sagebridge.core.container.layout import Layout

from sagebridge_local.runtime import docker, machine
from sagebridge_local.runtime.failures import RunFailedError
from sagebridge_local.runtime.host import base_python
from sagebridge_local.runtime.hostlog import HostLog
from sagebridge_local.runtime.logs import LogStream
from sagebridge_local.runtime.metrics import MetricScanner
from sagebridge_local.runtime.packages import Installer
from sagebridge_local.runtime.process import ContainerProcess
from sagebridge_local.runtime.records import RuntimeSettings
from sagebridge_local.runtime.s3 import Connection, Storage, logs_client
from sagebridge_local.runtime.threads import CancelToken, in_thread
from sagebridge_local.serving import artifacts, images
from sagebridge_local.serving.http import ContainerClient
from sagebridge_local.serving.launches import Tree, bound_to_us, command_launch, docker_launch, script_launch
from sagebridge_local.serving.records import PRIMARY, ServingContainer, ServingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sagebridge_local.runtime.host import Launch

STARTUP_SECONDS: Final = 480.0
# Chosen here: how often a container that serves is asked for its health, and what makes it unhealthy.
HEALTH_SECONDS: Final = 5.0
_UNHEALTHY_PINGS: Final = 6
_POLL_SECONDS: Final = 0.05
_RESTART_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 2.0
# On an instance a container is started again and again until the time is over; here nobody should wait for that.
_STARTUP_EXITS: Final = 3
_PROGRAM: Final = "SAGEMAKER_PROGRAM"
_SUBMIT_DIRECTORY: Final = "SAGEMAKER_SUBMIT_DIRECTORY"
_DEFAULT_PROGRAM: Final = "inference.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """What every container of a copy shares.

    Attributes:
        work_dir: A directory of this copy's own.
        connection: Where AWS is, for us and for the container.
        images: Image, or glob over images, -> the command that stands for it.
        settings: What this machine offers.
        log_group: The log group.
        log_stream: The log stream; in a pipeline, `/<container>` is added.
        isolated: EnableNetworkIsolation: the container gets no way to AWS.
        environment: Further variables of every container.
        startup_seconds: How long a container may take until /ping answers 200.
        health_seconds: How often a container that serves is asked for its health.
        subject: How failures call what is served, such as `production variant AllTraffic`.
    """

    work_dir: Path
    connection: Connection
    log_group: str
    log_stream: str
    images: Mapping[str, Sequence[str]] = field(default_factory=dict)
    settings: RuntimeSettings = field(default_factory=RuntimeSettings)
    isolated: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    startup_seconds: float = STARTUP_SECONDS
    health_seconds: float = HEALTH_SECONDS
    subject: str = "the model"


class RunningContainer:
    """A container that is started, restarted when it exits, and stopped."""

    def __init__(self, container: ServingContainer, *, place: Workplace, port: int) -> None:
        self.container = container
        self.name = container.hostname or PRIMARY
        self.tree = Tree(root=place.work_dir / self.name)
        self.storage = Storage(place.connection, token=CancelToken())
        self.client = ContainerClient(port, name=self.name)
        self.in_docker = False
        self._place = place
        self._port = port
        self._launch: Launch | None = None
        self._process: ContainerProcess | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._doctor: asyncio.Task[None] | None = None
        self._exits = 0
        suffix = f"/{container.hostname}" if container.hostname else ""
        stream = LogStream(logs_client(place.connection), name=f"{place.log_stream}{suffix}", group=place.log_group)
        self._log = HostLog(
            stream=stream,
            path=self.tree.root / "output.log",
            scanner=MetricScanner(()),
            flush_seconds=place.settings.log_flush_seconds,
        )

    async def start(self) -> None:
        """Bring the model, start the process, and wait until /ping answers 200.

        Raises:
            ServingError: one of them fails.
        """
        await in_thread(self.tree.prepare)
        await self._log.open()
        await self._bring_models()
        self._launch = await self._decide()
        await self._spawn()
        self._watcher = asyncio.create_task(self._keep_running())
        await self._wait_for_ping()
        self._doctor = asyncio.create_task(self._keep_healthy())

    async def stop(self) -> None:
        """SIGTERM, two seconds, SIGKILL; then close the log."""
        for task in (self._doctor, self._watcher):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._process is not None:
            self._process.terminate()
            waiting = asyncio.create_task(self._process.wait())
            await asyncio.wait([waiting], timeout=_STOP_SECONDS)
            await self._process.kill()
            await waiting
        await self.client.close()
        await self._log.close()

    def model_url(self, directory: Path) -> str:
        """A directory below ours as the container sees it."""
        return f"/opt/ml/{directory.relative_to(self.tree.base)}" if self.in_docker else str(directory)

    async def _bring_models(self) -> None:
        data = self.container.model_data
        if data is not None and not self.container.is_multi_model:
            await in_thread(artifacts.bring, data, self.tree.model, storage=self.storage, container=self.name)
        for channel, more in self.container.additional.items():
            await in_thread(
                artifacts.bring, more, self.tree.additional / channel, storage=self.storage, container=self.name
            )

    async def _decide(self) -> Launch:
        """What the image means, as a launch.

        Raises:
            ServingError: nothing here can serve it.
        """
        code = await self._code()
        image, mapping = self.container.image, self._place.images
        has_script = self.container.is_multi_model or self._has_script(code)
        found = images.meaning(image, mapping=mapping, docker=False, has_script=has_script)
        if isinstance(found, images.UnknownImage) and self._place.settings.use_docker:
            answers = await in_thread(docker.daemon_answers)
            found = images.meaning(image, mapping=mapping, docker=answers, has_script=has_script)
        match found:
            case images.ScriptImage():
                return await self._script(code)
            case images.CommandImage():
                return command_launch(found, tree=self.tree, environment=self._variables(self._python()))
            case images.DockerImage():
                return self._docker(found)
            case images.UnknownImage(reason=reason):
                raise ServingError(reason)

    async def _code(self) -> Path:
        given = self.container.environment.get(_SUBMIT_DIRECTORY, "")
        if not given:
            return self.tree.model / "code"
        return await in_thread(
            artifacts.bring_source,
            given,
            self.tree.code,
            model_dir=self.tree.model,
            storage=self.storage,
            limit=self._place.settings.source_limit_bytes,
        )

    def _has_script(self, code: Path) -> bool:
        program = self.container.environment.get(_PROGRAM) or _DEFAULT_PROGRAM
        torch_script = [path for path in self.tree.model.glob("*.pt*") if path.suffix in {".pt", ".pth"}]
        return (code / program).is_file() or ("pytorch" in self.container.image and len(torch_script) == 1)

    async def _script(self, code: Path) -> Launch:
        python = self._python()
        base = machine.base_environment(interpreter=python, scratch=self.tree.scratch)
        installer = Installer(
            interpreter=python,
            cache_dir=self._place.settings.cache_dir,
            environment=machine.installer_environment(base),
            sink=self._log.feed,
            offline=self._place.isolated,
        )
        try:
            python = await installer.prepare(code, EntryPointKind.PROGRAM)
        except RunFailedError as error:
            raise ServingError(error.reason) from error
        variables = self._variables(python)
        if _SUBMIT_DIRECTORY in self.container.environment:
            variables["SM_MODULE_DIR"] = str(code)
        return script_launch(python=python, tree=self.tree, code=code, environment=variables)

    def _python(self) -> str:
        try:
            return base_python(self._place.settings)
        except FileNotFoundError as error:
            raise ServingError(f"Local mode: {error}") from error

    def _variables(self, python: str) -> dict[str, str]:
        base = machine.base_environment(interpreter=python, scratch=self.tree.scratch)
        aws = {} if self._place.isolated else self._place.connection.variables()
        contract = {
            "SAGEMAKER_BASE_DIR": str(self.tree.base),
            "SAGEMAKER_BIND_TO_PORT": str(self._port),
            "SAGEMAKER_SAFE_PORT_RANGE": f"{self._port}-{self._port}",
            "SM_MODEL_DIR": str(self.tree.model),
        }
        # Paths of the container lead to where its tree is here.
        layout = Layout(base=str(self.tree.base))
        users = {name: layout.locate(value) for name, value in self._users_variables().items()}
        return {**base, **aws, **users, **contract}

    def _users_variables(self) -> dict[str, str]:
        several = {"SAGEMAKER_MULTI_MODEL": "true"} if self.container.is_multi_model else {}
        return {**self.container.environment, **self._place.environment, **several}

    def _docker(self, image: images.DockerImage) -> Launch:
        self.in_docker = True
        base = machine.base_environment(interpreter=self._python(), scratch=self.tree.scratch)
        return docker_launch(
            image,
            name=f"sagebridge-serving-{uuid.uuid4().hex[:12]}",
            port=self._port,
            tree=self.tree,
            base=base | docker.client_environment(),
            environment=self._users_variables() | {"AWS_REGION": self._place.connection.region},
        )

    async def _spawn(self) -> None:
        assert self._launch is not None
        launch = self._launch
        try:
            self._process = await ContainerProcess.start(
                bound_to_us(launch.command, path=launch.environment.get("PATH")),
                directory=launch.directory,
                environment=launch.environment,
                sink=self._log.feed,
                kill_command=launch.kill_command,
            )
        except OSError as error:
            raise ServingError(f"{launch.command[0]} can't be started: {error}") from error

    async def _keep_running(self) -> None:
        """A container that exits is started again, as on an instance."""
        while self._process is not None:
            code = await self._process.wait()
            self._exits += 1
            self._log.note(f"Local mode: the container {self.name} exited with code {code}; it is started again")
            await asyncio.sleep(_RESTART_SECONDS)
            await self._spawn()

    async def _keep_healthy(self) -> None:
        """A container that does not answer /ping any more is ended, and so started again."""
        failed = 0
        while self._process is not None:
            await asyncio.sleep(self._place.health_seconds)
            # A server of one thread can't answer while it works.
            failed = 0 if self.client.in_flight or await self.client.ping() else failed + 1
            if failed >= _UNHEALTHY_PINGS:
                self._log.note(f"Local mode: the container {self.name} does not answer /ping any more; it is ended")
                await self._process.kill()
                failed = 0

    async def _wait_for_ping(self) -> None:
        """Wait for the first 200.

        Raises:
            ServingError: it did not come in time, or the container exited again and again.
        """
        try:
            async with asyncio.timeout(self._place.startup_seconds):
                while not await self.client.ping():
                    self._check_watcher()
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            raise self._unhealthy() from error

    def _check_watcher(self) -> None:
        if self._exits >= _STARTUP_EXITS:
            raise self._unhealthy()
        if self._watcher is not None and self._watcher.done() and not self._watcher.cancelled():
            error = self._watcher.exception()
            if error is not None:
                raise error

    def _unhealthy(self) -> ServingError:
        # https://github.com/aws/sagemaker-python-sdk/issues/155
        words = " ".join(self._log.error_lines[-3:])
        return ServingError(
            f"The {self.name} container for {self._place.subject} did not pass the ping health check. Please check "
            f"CloudWatch logs for this endpoint.{' Its last words: ' + words if words else ''}"
        )


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
