"""One running container of a model: its files, its process, its log, and its port."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from sagebridge.core.container import last_words
from sagebridge.core.container.entry_point import EntryPointKind
from sagebridge.core.container.layout import Layout
from sagebridge.runtime.cancellation import CancelToken
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.metrics import MetricScanner
from sagebridge.runtime.s3 import Connection, Storage

from sagebridge_local.runtime import docker, machine
from sagebridge_local.runtime.host import base_python
from sagebridge_local.runtime.hostlog import HostLog
from sagebridge_local.runtime.logs import LogStream, logs_client
from sagebridge_local.runtime.packages import Installer
from sagebridge_local.runtime.process import ContainerProcess
from sagebridge_local.runtime.records import RuntimeSettings
from sagebridge_local.runtime.threads import in_thread
from sagebridge_local.serving import artifacts, images
from sagebridge_local.serving.http import ContainerClient
from sagebridge_local.serving.launches import Tree, command_launch, docker_launch, script_launch
from sagebridge_local.serving.ports import PORTS
from sagebridge_local.serving.records import PRIMARY, ServingContainer, ServingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sagebridge_local.runtime.host import Launch

P = ParamSpec("P")
T = TypeVar("T")

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

    def __init__(self, container: ServingContainer, *, place: Workplace) -> None:
        self.container = container
        self.name = container.hostname or PRIMARY
        self.tree = Tree(root=place.work_dir / self.name)
        self.client = ContainerClient(name=self.name)
        self.in_docker = False
        self._token = CancelToken()
        self.storage = Storage(place.connection, token=self._token)
        self._place = place
        self._transfers: set[asyncio.Task[Any]] = set()
        self._launch_on: Callable[[int], Launch] | None = None
        self._process: ContainerProcess | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._doctor: asyncio.Task[None] | None = None
        self._exits = 0
        self._has_answered = False
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
        await self.in_thread(self.tree.prepare)
        await self._log.open()
        await self._bring_models()
        self._launch_on = await self._decide()
        await self._spawn()
        self._watcher = asyncio.create_task(self._keep_running())
        await self._wait_for_ping()
        self._doctor = asyncio.create_task(self._keep_healthy())

    async def stop(self) -> None:
        """Break transfers off; SIGTERM, two seconds, SIGKILL; then close the log."""
        self._token.cancel()
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
        await asyncio.gather(*self._transfers, return_exceptions=True)
        await self.client.close()
        PORTS.give_back(self.client.port)
        await self._log.close()

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in a thread, which `stop` waits for."""
        work = asyncio.ensure_future(in_thread(function, *args, **kwargs))
        self._transfers.add(work)
        work.add_done_callback(self._transfers.discard)
        return await asyncio.shield(work)

    async def ping(self) -> bool:
        """Whether /ping answers 200 now; what answers while no process of ours runs does not count."""
        process = self._process
        if process is None or not await self.client.ping():
            return False
        if process is not self._process or not process.is_running:
            return False
        self._has_answered = True
        return True

    def model_url(self, directory: Path) -> str:
        """A directory below ours as the container sees it."""
        return f"/opt/ml/{directory.relative_to(self.tree.base)}" if self.in_docker else str(directory)

    async def _bring_models(self) -> None:
        data = self.container.model_data
        if data is not None and not self.container.is_multi_model:
            await self.in_thread(artifacts.bring, data, self.tree.model, storage=self.storage, container=self.name)
        for channel, more in self.container.additional.items():
            await self.in_thread(
                artifacts.bring, more, self.tree.additional / channel, storage=self.storage, container=self.name
            )

    async def _decide(self) -> Callable[[int], Launch]:
        """What the image means, as a launch on a port.

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
                return partial(self._command, found)
            case images.DockerImage():
                return partial(self._docker, found)
            case images.UnknownImage(reason=reason):
                raise ServingError(reason)

    async def _code(self) -> Path:
        given = self.container.environment.get(_SUBMIT_DIRECTORY, "")
        if not given:
            return self.tree.model / "code"
        return await self.in_thread(
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

    def _command(self, image: images.CommandImage, port: int) -> Launch:
        return command_launch(image, tree=self.tree, environment=self._variables(self._python(), port))

    async def _script(self, code: Path) -> Callable[[int], Launch]:
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
        more = {"SM_MODULE_DIR": str(code)} if _SUBMIT_DIRECTORY in self.container.environment else {}

        def launch(port: int) -> Launch:
            variables = self._variables(python, port) | more
            return script_launch(python=python, tree=self.tree, code=code, environment=variables)

        return launch

    def _python(self) -> str:
        try:
            return base_python(self._place.settings)
        except FileNotFoundError as error:
            raise ServingError(f"Local mode: {error}") from error

    def _variables(self, python: str, port: int) -> dict[str, str]:
        base = machine.base_environment(interpreter=python, scratch=self.tree.scratch)
        aws = {} if self._place.isolated else self._place.connection.variables()
        contract = {
            "SAGEMAKER_BASE_DIR": str(self.tree.base),
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "SAGEMAKER_SAFE_PORT_RANGE": f"{port}-{port}",
            "SM_MODEL_DIR": str(self.tree.model),
        }
        # Paths of the container lead to where its tree is here.
        layout = Layout(base=str(self.tree.base))
        users = {name: layout.locate(value) for name, value in self._users_variables().items()}
        return {**base, **aws, **users, **contract}

    def _users_variables(self) -> dict[str, str]:
        several = {"SAGEMAKER_MULTI_MODEL": "true"} if self.container.is_multi_model else {}
        return {**self.container.environment, **self._place.environment, **several}

    def _docker(self, image: images.DockerImage, port: int) -> Launch:
        self.in_docker = True
        base = machine.base_environment(interpreter=self._python(), scratch=self.tree.scratch)
        return docker_launch(
            image,
            name=f"sagebridge-serving-{uuid.uuid4().hex[:12]}",
            port=port,
            tree=self.tree,
            base=base | docker.client_environment(),
            environment=self._users_variables() | {"AWS_REGION": self._place.connection.region},
        )

    async def _spawn(self) -> None:
        """Start the process, on a port that is free now.

        Raises:
            ServingError: it can't be started.
        """
        assert self._launch_on is not None  # `start` has decided
        PORTS.give_back(self.client.port)
        self.client.port = PORTS.take()
        self._has_answered = False
        launch = self._launch_on(self.client.port)
        try:
            self._process = await ContainerProcess.start(
                launch.command,
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
            await self._start_again()

    async def _start_again(self) -> None:
        """Try until it is started: a container that nobody tries to start is dead without a word."""
        while True:
            await asyncio.sleep(_RESTART_SECONDS)
            try:
                await self._spawn()
            except ServingError as error:
                self._exits += 1
                self._log.note(f"Local mode: the container {self.name} can't be started again: {error.reason}")
            else:
                return

    async def _keep_healthy(self) -> None:
        """A container that does not answer /ping any more is ended, and so started again."""
        failed = 0
        while self._process is not None:
            await asyncio.sleep(self._place.health_seconds)
            # A server of one thread can't answer while it works.
            failed = 0 if self.client.in_flight or await self.ping() else failed + 1
            # One that was started again may take as long as the first one.
            starting = self._place.startup_seconds / self._place.health_seconds
            if failed >= (_UNHEALTHY_PINGS if self._has_answered else starting):
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
                while not await self.ping():
                    if self._exits >= _STARTUP_EXITS:
                        raise self._unhealthy()
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            raise self._unhealthy() from error

    def _unhealthy(self) -> ServingError:
        # https://github.com/aws/sagemaker-python-sdk/issues/155
        words = last_words.of(self._log.error_lines)
        return ServingError(
            f"The {self.name} container for {self._place.subject} did not pass the ping health check. Please check "
            f"CloudWatch logs for this endpoint.{' Its last words: ' + words if words else ''}"
        )
