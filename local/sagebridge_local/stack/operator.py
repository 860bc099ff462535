"""The operator as a process on this machine, outside of any cluster."""

import hashlib
import os
import socket
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

from sagebridge_local.stack import aws
from sagebridge_local.stack.ports import LOOPBACK
from sagebridge_local.stack.processes import Component, Spawn, inherited
from sagebridge_local.stack.processes import spawn as spawn_program
from sagebridge_local.stack.readiness import answers_ok
from sagebridge_local.stack.single import Server
from sagebridge_local.stack.supervisor import READY_TIMEOUT, Supervisor

_LOGS_URL = "SAGEBRIDGE_LOGS_URL"


class OperatorProcess(Server):
    """``python -m sagebridge.app`` against a cluster and an AWS endpoint.

    Attributes:
        kubeconfig: How it reaches the cluster.
        endpoint_url: Where it believes AWS to be; None is AWS itself, with the credentials of this shell.
        serves_logs: Whether it has its log service on a port of this machine, unless this shell says otherwise.
    """

    NAME: ClassVar[str] = "operator"
    LOGS: ClassVar[str] = "operator/logs"

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        kubeconfig: Path,
        endpoint_url: str | None,
        environment: Mapping[str, str] | None = None,
        serves_logs: bool = False,
    ) -> None:
        super().__init__(supervisor, environment=environment)
        self.kubeconfig = kubeconfig
        self.endpoint_url = endpoint_url
        # Whoever names an address knows where the service is to be, or, with an empty one, that there is to be none.
        self.serves_logs = serves_logs and _LOGS_URL not in os.environ

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        kubeconfig: Path,
        endpoint_url: str | None,
        environment: Mapping[str, str] | None = None,
        serves_logs: bool = False,
        timeout: float = READY_TIMEOUT,
        spawn: Spawn = spawn_program,
    ) -> Self:
        """Start it and wait until it says that it is ready.

        Args:
            directory: Its folder, for state and log; one that already runs there is taken over.
            kubeconfig: How it reaches the cluster.
            endpoint_url: Where it finds AWS; None is AWS itself, with the credentials of this shell.
            environment: Variables on top, such as ``SAGEBRIDGE_POLL_INTERVAL_SECONDS``.
            serves_logs: Whether it has its log service on a port of this machine.
            timeout: Seconds it may take to become ready.
            spawn: How the process is started.

        Raises:
            StackError: It did not become ready.
        """
        supervisor = Supervisor(directory, spawn=spawn)
        process = cls(
            supervisor,
            kubeconfig=kubeconfig,
            endpoint_url=endpoint_url,
            environment=environment,
            serves_logs=serves_logs,
        )
        return process.ensure(timeout=timeout)

    @property
    def port_names(self) -> tuple[str, ...]:
        """What its ports are known by."""
        return (self.NAME, self.LOGS) if self.serves_logs else (self.NAME,)

    @staticmethod
    def is_ready(url: str) -> bool:
        """Tell whether the operator whose health server is at an address is ready."""
        return answers_ok(f"{url}/readyz")

    def component(self, port: int) -> Component:
        """Return the process to run, with its health server on a port."""
        url = f"http://{LOOPBACK}:{port}"
        return Component(
            name=self.NAME,
            command=(sys.executable, "-m", "sagebridge.app"),
            ready=partial(self.is_ready, url),
            address=url,
            directory=self.supervisor.directory,
            environment={
                **inherited("SAGEBRIDGE_"),
                **self._aws_environment(),
                "KUBECONFIG": str(self.kubeconfig),
                "PYTHONUNBUFFERED": "1",
                "SAGEBRIDGE_HEALTH_HOST": LOOPBACK,
                "SAGEBRIDGE_HEALTH_PORT": str(port),
                "SAGEBRIDGE_LEASE_IDENTITY": self._identity(),
                **self._logs_environment(),
                **self.environment,
            },
            inputs=(self.kubeconfig,),
        )

    def _identity(self) -> str:
        """The same with each start, so that an operator that was killed need not wait for the end of its own Lease."""
        place = hashlib.sha256(str(self.supervisor.directory.resolve()).encode()).hexdigest()[:8]
        return f"{socket.gethostname()}-{place}"

    def _logs_environment(self) -> dict[str, str]:
        if not self.serves_logs:
            return {}
        port = self.supervisor.ports([self.LOGS])[self.LOGS]
        return {
            _LOGS_URL: f"https://{LOOPBACK}:{port}",
            "SAGEBRIDGE_LOGS_HOST": LOOPBACK,
            "SAGEBRIDGE_LOGS_PORT": str(port),
        }

    def _aws_environment(self) -> dict[str, str]:
        if self.endpoint_url is None:
            return inherited("AWS_")
        defaults = {"SAGEBRIDGE_ROLE_ARN": aws.ROLE_ARN, "SAGEBRIDGE_BUCKET": f"s3://{aws.BUCKET}"}
        return aws.environment(self.endpoint_url) | defaults
