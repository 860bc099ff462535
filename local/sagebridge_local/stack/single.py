"""A server of ours as one supervised process: what the local SageMaker and the operator have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from sagebridge_local.stack.errors import NotReadyError, StackError
from sagebridge_local.stack.ports import LOOPBACK
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.state import Record
from sagebridge_local.stack.supervisor import READY_TIMEOUT, Supervisor

_PORT_ATTEMPTS = 5


class Server(ABC):
    """One process that listens on one loopback port.

    Attributes:
        NAME: The component's name.
        environment: What it gets on top of the inherited environment.
    """

    NAME: ClassVar[str]

    def __init__(self, supervisor: Supervisor, *, environment: Mapping[str, str] | None = None) -> None:
        self.supervisor = supervisor
        self.environment = dict(environment or {})

    @abstractmethod
    def component(self, port: int) -> Component:
        """Return the process to run on a port."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on, or would."""
        return self.supervisor.ports([self.NAME])[self.NAME]

    @property
    def port_names(self) -> tuple[str, ...]:
        """What its ports are known by; another one is chosen for all of them where one was taken."""
        return (self.NAME,)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        """The file that its output goes to."""
        return self.supervisor.log(self.NAME)

    @property
    def process(self) -> Record | None:
        """Its process, if it runs."""
        return self.supervisor.alive(self.NAME)

    def launch(self) -> None:
        """Start it if it does not run as asked; does not wait."""
        with self.supervisor.locked():
            self.supervisor.ensure([self.component(self.port)])

    def ensure(self, *, timeout: float = READY_TIMEOUT) -> Self:
        """Start it if it does not run as asked, and wait until it is ready, if need be on another port.

        Raises:
            StackError: It did not become ready.
        """
        for _ in range(_PORT_ATTEMPTS):
            self.launch()
            try:
                self.supervisor.wait_ready([self.component(self.port)], timeout=timeout)
            except NotReadyError as error:
                if not error.port_taken:
                    raise
                self.stop()
                self.supervisor.forget_ports(self.port_names)
            else:
                return self
        raise StackError(f"No port stayed free for {self.NAME}. See {self.log}.")

    def stop(self, *, grace: float = 10.0) -> None:
        """End it; SIGKILL after ``grace`` seconds."""
        with self.supervisor.locked():
            self.supervisor.stop([self.NAME], grace=grace)

    def kill(self) -> None:
        """End it as a crash would: SIGKILL, no goodbye."""
        with self.supervisor.locked():
            self.supervisor.kill(self.NAME)
