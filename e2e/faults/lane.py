"""One operator between two proxies, with a local SageMaker of its own."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import yaml
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from sagebridge_local.stack.files import write_private
from sagebridge_local.stack.supervisor import Supervisor
from support.forking import Programs

from faults.aws_proxy import AwsProxy
from faults.boundaries import Boundaries
from faults.cluster import Body, Cluster, Kind
from faults.kubernetes_proxy import KubernetesProxy
from faults.loops import LoopThread
from faults.proxy import ReverseProxy
from faults.serving import Hosting
from faults.view import View

PATIENCE_SECONDS = 90.0
"""How long anything is awaited before a test gives up and says what it saw; nothing is measured with it."""

POLL_SECONDS = 0.3
_PAUSE_SECONDS = 0.1
_LOG_LINES = 80
_CALLS_SHOWN = 60

FAST = {
    "SAGEBRIDGE_POLL_INTERVAL_SECONDS": str(POLL_SECONDS),
    "SAGEBRIDGE_AWS_UNLIMITED": "true",
    # A restarted operator finds the Lease to be its own, and does not wait for its end.
    "SAGEBRIDGE_LEASE_IDENTITY": "e2e",
    "SAGEBRIDGE_LOG_LEVEL": "DEBUG",
}


class Lane:
    """All that one test works with; tests in other lanes do not meet it.

    Attributes:
        cluster: the API server, reached directly.
        aws: the local SageMaker's admin API.
        hosting: what it holds for endpoints.
        boundaries: what the operator has written.
        kubernetes_proxy, aws_proxy: what the operator talks to.
    """

    def __init__(
        self,
        *,
        directory: Path,
        control_plane: ControlPlane,
        cluster: Cluster,
        programs: Programs,
        kinds: tuple[Kind, ...],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.cluster = cluster
        self.boundaries = Boundaries()
        self._directory = directory
        self._control_plane = control_plane
        self._programs = programs
        self._kinds = kinds
        self._environment = FAST | dict(environment or {})
        self._loop = LoopThread()
        self._ends = ExitStack()
        self._process: psutil.Process
        self._crashes = 0
        self._revived = 0

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            self._open(ends)
            self._ends = ends.pop_all()
        return self

    def _open(self, ends: ExitStack) -> None:
        """Start everything; whatever fails, `ends` ends what was started until then."""
        ends.callback(self._loop.close)
        ends.callback(self._remove_objects)
        started = Supervisor(self._directory / "sagemaker", spawn=self._programs.simulator)
        self.simulator = Simulator(started, arguments=("--lifecycle-only",))
        ends.callback(self.simulator.stop, grace=2)
        self.simulator.ensure().make_bucket()
        self.aws = AdminClient(self.simulator.url)
        self.hosting = Hosting(self.simulator.url)
        shared: dict[str, Any] = {"boundaries": self.boundaries, "crash": self._crash}
        authority = ssl.create_default_context(cafile=str(self._control_plane.certificate_authority))
        self.kubernetes_proxy = KubernetesProxy(upstream=self._control_plane.url, trust=authority, **shared)
        self.aws_proxy = AwsProxy(upstream=self.simulator.url, **shared)
        for proxy in (self.kubernetes_proxy, self.aws_proxy):
            ends.callback(self._stop, proxy)
            self._loop.run(proxy.start())
        self.operator = OperatorProcess(
            Supervisor(self._directory / "operator", spawn=self._programs.operator),
            kubeconfig=self._kubeconfig(),
            endpoint_url=self.aws_proxy.url,
            environment=self._environment,
        )
        ends.callback(self.operator.kill)
        self._launch()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ends.close()

    def _stop(self, proxy: ReverseProxy) -> None:
        self._loop.run(proxy.stop())

    def clear(self) -> None:
        """Remove every object by force, and all that SageMaker knows."""
        self._remove_objects()
        self.aws.reset()
        self.settle()

    def _remove_objects(self) -> None:
        for kind in self._kinds:
            for body in self.cluster.objects(kind):
                self.cluster.remove(kind, namespace=body["metadata"]["namespace"], name=body["metadata"]["name"])

    # --- the operator's process ----------------------------------------------------------------------------------

    def kill(self) -> None:
        """Kill the operator; `revive` or any wait brings it back."""
        self._crash()

    def revive(self) -> bool:
        """Start the operator again if a fault has killed it; whether it had.

        Raises:
            AssertionError: it has ended by itself.
        """
        if _runs(self._process):
            return False
        if self._revived == self._crashes:
            raise AssertionError(f"The operator has ended by itself.\n{self.diagnosis()}")
        self._revived = self._crashes
        self.operator.launch()
        self._process = _process_of(self.operator)
        return True

    def wait_for_crash(self) -> None:
        """Wait until a fault has killed the operator, and leave it so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _runs(self._process):
            assert time.monotonic() < deadline, f"Waited in vain for a crash.\n{self.diagnosis()}"
            time.sleep(_PAUSE_SECONDS)

    def restart(self, **environment: str) -> None:
        """Restart the operator in order, with other settings if any are given, and wait until it is ready."""
        self.operator.stop()
        self.operator.environment.update(environment)
        self._launch()

    def is_ready(self) -> bool:
        """Whether the operator's readiness probe says so."""
        return self.operator.is_ready(self.operator.url)

    def settle(self) -> None:
        """Wait until the operator runs, follows its objects, and has written nothing for some polls."""
        self.revive()
        self.wait(self.is_ready, what="the operator to be ready")
        before, quiet_since = self.boundaries.count, time.monotonic()
        while time.monotonic() - quiet_since < 4 * POLL_SECONDS:
            time.sleep(_PAUSE_SECONDS)
            self.revive()
            if self.boundaries.count != before:
                before, quiet_since = self.boundaries.count, time.monotonic()

    def _crash(self) -> None:
        """Kill the operator, and return once it can do nothing more. Any thread may."""
        process = self._process
        if not _runs(process):
            return
        self._crashes += 1
        process.kill()
        while _runs(process):
            time.sleep(0.001)

    def _launch(self) -> None:
        self.operator.ensure()
        self._process = _process_of(self.operator)

    # --- views ---------------------------------------------------------------------------------------------------

    def hold_events(self, kind: Kind) -> None:
        """Hold back the watch events of a kind."""
        self._view(kind, lambda view: view.hold())

    def show_past(self, kind: Kind, listed: Mapping[str, Any], *, gets: bool) -> None:
        """Answer lists of a kind from the past; `gets` of single objects too, if asked."""
        self._view(kind, lambda view: view.show_past(listed, gets=gets))

    def show_present(self, kind: Kind, *, hide: bool = False) -> None:
        """Let through what was held back, without what lies between if `hide`."""
        self._view(kind, lambda view: view.show_present(hide=hide))

    @contextmanager
    def distorted_events(self, kind: Kind, *, delay: float = 0.0, window: float = 0.0) -> Iterator[None]:
        """Meanwhile show watch events late, or only the last one of each `window` seconds."""
        self._distort(kind, delay=delay, window=window)
        yield
        self._distort(kind, delay=0.0, window=0.0)

    def _distort(self, kind: Kind, *, delay: float, window: float) -> None:
        def distort(view: View) -> None:
            view.delay, view.window = delay, window

        self._view(kind, distort)

    def _view(self, kind: Kind, change: Callable[[View], None]) -> None:
        async def on_loop() -> None:
            change(await self.kubernetes_proxy.view(kind.plural))

        self._loop.run(on_loop())

    # --- waiting -------------------------------------------------------------------------------------------------

    def wait(self, holds: Callable[[], bool], *, what: str, shows: Callable[[], object] = lambda: "") -> None:
        """Wait until something holds; whenever a fault kills the operator, start it again.

        Raises:
            AssertionError: it did not come; with all that may tell why.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            self.revive()
            if time.monotonic() > deadline:
                raise AssertionError(f"Waited in vain for {what}.\n{_text(shows())}\n{self.diagnosis()}")
            time.sleep(_PAUSE_SECONDS)

    def wait_for(
        self, kind: Kind, *, namespace: str, name: str, until: Callable[[Body | None], bool], what: str
    ) -> None:
        """Wait until an object, or None once it is gone, is as wanted.

        Raises:
            AssertionError: it did not become so.
        """

        def body() -> Body | None:
            return self.cluster.get(kind, namespace=namespace, name=name)

        self.wait(lambda: until(body()), what=f"{kind.name} {name}: {what}", shows=body)

    def diagnosis(self) -> str:
        """The operator's log, its writes, and the calls to AWS, each from its end."""
        log = self.operator.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        calls = [f"{call['operation']} {call['name']}: {call['outcome']}" for call in self._calls()]
        traces = {mark: list(trace) for mark, trace in self.boundaries.traces.items()}
        parts = {"Operator's log": log, "Calls to SageMaker": calls, "Writes": [json.dumps(traces, indent=1)]}
        return "\n".join(f"--- {title}\n" + "\n".join(found) for title, found in parts.items())

    def complaints(self) -> list[str]:
        """The errors in the operator's log: no fault from outside is one."""
        log = self.operator.log.read_text(errors="replace").splitlines()
        return [line for line in log if " ERROR " in line and " sagebridge." in line]

    def _calls(self) -> list[dict[str, Any]]:
        return self.aws.log(limit=_CALLS_SHOWN) if self.simulator.process is not None else []

    def _kubeconfig(self) -> Path:
        content = yaml.safe_load(self._control_plane.kubeconfig.read_text())
        content["clusters"][0]["cluster"] = {"server": self.kubernetes_proxy.url}
        return write_private(self._directory / "operator.kubeconfig", yaml.safe_dump(content))


def _process_of(operator: OperatorProcess) -> psutil.Process:
    record = operator.process
    if record is None:
        raise AssertionError(f"The operator ended at once; see {operator.log}")
    return psutil.Process(record.pid)


def _runs(process: psutil.Process) -> bool:
    """Whether a process can still do something; a zombie can't."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _text(shown: object) -> str:
    if isinstance(shown, Mapping):
        shown = {**shown, "metadata": {**shown.get("metadata", {}), "managedFields": "left out"}}
    return shown if isinstance(shown, str) else yaml.safe_dump(shown)
