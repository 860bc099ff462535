"""The whole local stack of one folder: up, down, status."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sagebridge_local.golang import kubectl
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import aws
from sagebridge_local.stack.controlplane import COMPONENTS, ControlPlane
from sagebridge_local.stack.crds import install_crds
from sagebridge_local.stack.errors import KubectlError, StackError
from sagebridge_local.stack.files import write_private
from sagebridge_local.stack.kubectl import run_kubectl
from sagebridge_local.stack.operator import OperatorProcess
from sagebridge_local.stack.processes import PRIVATE_VARIABLES
from sagebridge_local.stack.simulator import Simulator
from sagebridge_local.stack.state import Record, State
from sagebridge_local.stack.supervisor import Supervisor

CLUSTER = "cluster"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a stack consists of.

    Attributes:
        kubeconfig: Of an existing cluster to use; None starts a control plane.
        simulator: Whether to run the local SageMaker; without it the operator uses AWS as this shell does.
        operator: Whether to run the operator.
        lifecycle_only: Whether the local SageMaker follows scripted outcomes and runs no training.
        images: The command to run locally for a container image.
    """

    kubeconfig: Path | None = None
    simulator: bool = True
    operator: bool = True
    lifecycle_only: bool = False
    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ComponentStatus:
    """What a component does now.

    Attributes:
        component: Its name.
        state: READY, NOT_READY or STOPPED.
        pid: Its process id, if it runs here.
        address: Where it listens.
        since: When it was started.
    """

    component: str
    state: str
    pid: int | None
    address: str
    since: datetime | None


READY, NOT_READY, STOPPED = "Ready", "NotReady", "Stopped"


class LocalStack:
    """A control plane, the local SageMaker and the operator, or those of them that are asked for.

    Attributes:
        directory: Where state, logs and work files are.
    """

    def __init__(self, directory: Path, *, name: str = "local") -> None:
        self._supervisor = Supervisor(directory)
        self.directory = self._supervisor.directory
        self._control_plane = ControlPlane(self.directory, name=f"sagebridge-{name}")

    @property
    def kubeconfig(self) -> Path:
        """How the stack's cluster is reached: its own control plane, or the cluster it was given."""
        external = self._state().settings.get("kubeconfig")
        return Path(external) if external else self._control_plane.kubeconfig

    @property
    def control_plane(self) -> ControlPlane:
        """The stack's own control plane."""
        return self._control_plane

    @property
    def simulator(self) -> Simulator:
        """The stack's local SageMaker."""
        settings = self._state().settings
        arguments = shlex.split(settings.get("simulator_arguments", ""))
        return Simulator(self._supervisor, arguments=arguments)

    @property
    def operator(self) -> OperatorProcess:
        """The stack's operator."""
        endpoint = self.simulator.url if self._has(Simulator.NAME) else None
        # In a cluster that was there before, pods would be told of an address of this machine's.
        serves_logs = not self._has("kubeconfig")
        return OperatorProcess(
            self._supervisor, kubeconfig=self.kubeconfig, endpoint_url=endpoint, serves_logs=serves_logs
        )

    def up(self, options: Options | None = None) -> None:
        """Start what is missing or runs otherwise than asked, and wait until all of it is ready.

        Raises:
            BuildError: The control plane could not be built.
            StackError: Something did not become ready, or the cluster can't be used.
        """
        wanted = options or Options()
        with self._supervisor.locked():
            kubectl()
            self._check(wanted)
            self._supervisor.sweep()
            self._supervisor.remember_settings(self._settings(wanted))
            self._stop_unwanted(wanted)
            if wanted.kubeconfig is None:
                self._control_plane.ensure()
            if wanted.simulator:
                self.simulator.launch()
            install_crds(crds_directory(), kubeconfig=self.kubeconfig)
            if wanted.operator:
                self.operator.launch()
            if wanted.simulator:
                self.simulator.ensure().make_bucket()
            if wanted.operator:
                self.operator.ensure()

    def down(self) -> list[str]:
        """End every process, remove credentials and cluster data, and return what was running; logs and work stay.

        Raises:
            StackError: A process does not end.
        """
        with self._supervisor.locked():
            running = [name for name in self._state().records if self._supervisor.alive(name)]
            self._supervisor.stop([OperatorProcess.NAME, Simulator.NAME], grace=5.0)
            self._control_plane.stop()
            self._supervisor.stop_everything()
            self._supervisor.forget()
        return running

    def status(self) -> list[ComponentStatus]:
        """Return what each component of the stack does now; empty if it is down."""
        if not self._state().settings:
            return []
        servers = [name for name in (Simulator.NAME, OperatorProcess.NAME) if self._has(name)]
        cluster = [self._cluster_status()] if self._has("kubeconfig") else [self._status(name) for name in COMPONENTS]
        return [*cluster, *(self._status(name) for name in servers)]

    def records(self) -> Mapping[str, Record]:
        """Return the processes that were started, by component; one may have died since."""
        return self._state().records

    def ports(self) -> list[int]:
        """Return every port that the stack listens on."""
        return sorted(self._state().ports.values())

    def environment(self) -> dict[str, str]:
        """Return the variables a shell needs to work with the stack; PATH is to be put before the present one.

        Raises:
            StackError: The stack is not up.
        """
        if not self._state().settings:
            raise StackError(
                "This stack is not up: start it by `sagebridge local up`, with the same --name or --work-dir."
            )
        endpoint = aws.environment(self.simulator.url) if self._has(Simulator.NAME) else {}
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": str(kubectl().parent), **endpoint}

    def exports(self) -> str:
        """Return :meth:`environment` as commands for a POSIX shell."""
        variables = self.environment()
        path = variables.pop("PATH")
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        lines.append(f'export PATH={shlex.quote(path)}:"$PATH"')
        return "\n".join([*lines, *(f"unset {name}" for name in PRIVATE_VARIABLES if "AWS_ENDPOINT_URL" in variables)])

    def log(self, component: str) -> Path:
        """Return the log file of a component.

        Raises:
            StackError: There is none.
        """
        names = sorted(path.stem for path in self._supervisor.logs.glob("*.log"))
        if component not in names:
            known = ", ".join(names) or "none yet"
            raise StackError(f"There is no log of {component!r}. There are: {known}.")
        return self._supervisor.log(component)

    def _state(self) -> State:
        return self._supervisor.state

    def _has(self, setting: str) -> bool:
        return bool(self._state().settings.get(setting))

    def _check(self, options: Options) -> None:
        """Refuse a cluster that can't be used before anything is stopped for it: what runs is the user's work."""
        if options.kubeconfig is None:
            return
        if options.kubeconfig.absolute() == self._control_plane.kubeconfig:
            raise StackError(f"{options.kubeconfig} is this stack's own cluster: leave --kubeconfig out.")
        _check_cluster(options.kubeconfig)

    def _settings(self, options: Options) -> dict[str, str]:
        arguments = ["--lifecycle-only"] if options.lifecycle_only else []
        if options.images:
            images = {image: list(command) for image, command in options.images.items()}
            arguments += ["--images", str(write_private(self.directory / "images.json", json.dumps(images)))]
        return {
            "kubeconfig": str(options.kubeconfig.absolute()) if options.kubeconfig else "",
            Simulator.NAME: "yes" if options.simulator else "",
            OperatorProcess.NAME: "yes" if options.operator else "",
            "simulator_arguments": shlex.join(arguments),
        }

    def _stop_unwanted(self, options: Options) -> None:
        unwanted = [] if options.operator else [OperatorProcess.NAME]
        unwanted += [] if options.simulator else [Simulator.NAME]
        self._supervisor.stop(unwanted)
        if options.kubeconfig:
            self._control_plane.stop()

    def _cluster_status(self) -> ComponentStatus:
        try:
            _check_cluster(self.kubeconfig)
        except StackError:
            state = NOT_READY
        else:
            state = READY
        return ComponentStatus(component=CLUSTER, state=state, pid=None, address=str(self.kubeconfig), since=None)

    def _status(self, name: str) -> ComponentStatus:
        record = self._supervisor.alive(name)
        if record is None:
            return ComponentStatus(component=name, state=STOPPED, pid=None, address="", since=None)
        ready = {Simulator.NAME: Simulator.is_ready, OperatorProcess.NAME: OperatorProcess.is_ready}
        serves = ready[name](record.address) if name in ready else self._control_plane.is_ready(name, record.address)
        return ComponentStatus(
            component=name,
            state=READY if serves else NOT_READY,
            pid=record.pid,
            address=record.address,
            since=datetime.fromtimestamp(record.created, UTC),
        )


def _check_cluster(kubeconfig: Path) -> None:
    if not kubeconfig.exists():
        raise StackError(f"There is no kubeconfig {kubeconfig}.")
    try:
        run_kubectl("get", "--raw", "/readyz", "--request-timeout=10s", kubeconfig=kubeconfig)
    except KubectlError as error:
        raise StackError(f"The cluster of {kubeconfig} can't be used: {error}") from error
