"""A real API server, the local SageMaker and the operator for the tests.

One control plane serves a whole test run, also with several workers (`-n`): each registers its process id beside it,
and the last one to leave stops it. A run that was killed is cleaned up by the next one.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes
import psutil
import pytest
from filelock import FileLock
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator

_RUNS = Path(tempfile.gettempdir()) / f"sagebridge-tests-{os.getuid()}"


def _live_users(run: Path) -> list[Path]:
    return [path for path in (run / "users").glob("*") if _lives(path)]


def _lives(user: Path) -> bool:
    try:
        return psutil.Process(int(user.name)).create_time() <= user.stat().st_mtime + 2
    except psutil.NoSuchProcess:
        return False


def _abandon(run: Path) -> None:
    ControlPlane(run / "stack").stop()
    shutil.rmtree(run, ignore_errors=True)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """The API server, with etcd, controller-manager, scheduler and our CRDs; shared by all workers of a run."""
    run = _RUNS / os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}-{secrets.token_hex(4)}")
    user = run / "users" / str(os.getpid())
    _RUNS.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(_RUNS / "lock")
    with lock:
        for other in _RUNS.glob("*/"):
            if not _live_users(other):
                _abandon(other)
        user.parent.mkdir(parents=True, exist_ok=True)
        user.touch()
        started = ControlPlane.start(run / "stack", crds=crds_directory())
    yield started
    with lock:
        user.unlink()
        if not _live_users(run):
            _abandon(run)


@pytest.fixture(scope="session")
def kube(control_plane: ControlPlane) -> Iterator[kubernetes.client.ApiClient]:
    """The official client, as administrator: `kubernetes.client.CustomObjectsApi(kube)` and the like."""
    with kubernetes.config.new_client_from_config(config_file=str(control_plane.kubeconfig)) as client:
        yield client


@pytest.fixture
def namespace(kube: kubernetes.client.ApiClient) -> Iterator[str]:
    """A fresh namespace, deleted afterwards (without waiting for its end)."""
    name = f"test-{secrets.token_hex(5)}"
    core = kubernetes.client.CoreV1Api(kube)
    core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    core.delete_namespace(name)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[..., Simulator]]:
    """A factory of local SageMaker processes: `simulator("--lifecycle-only", environment={...})`."""
    running: list[Simulator] = []

    def start(*arguments: str, **options: Any) -> Simulator:
        running.append(Simulator.start(tmp_path / f"simulator-{len(running)}", arguments=arguments, **options))
        return running[-1]

    yield start
    for each in running:
        each.stop(grace=5)


@pytest.fixture
def operator(tmp_path: Path, control_plane: ControlPlane, namespace: str) -> Iterator[Callable[..., OperatorProcess]]:
    """A factory of operators that serve the test's namespace alone, so that tests can run side by side.

    `operator(endpoint_url=simulator().url, environment={"SAGEBRIDGE_POLL_INTERVAL_SECONDS": "1"})`
    """
    running: list[OperatorProcess] = []
    own = {"SAGEBRIDGE_WATCH_NAMESPACES": namespace, "SAGEBRIDGE_LEASE_NAMESPACE": namespace}

    def start(*, environment: dict[str, str] | None = None, **options: Any) -> OperatorProcess:
        options = {"kubeconfig": control_plane.kubeconfig, "environment": own | (environment or {}), **options}
        running.append(OperatorProcess.start(tmp_path / f"operator-{len(running)}", **options))
        return running[-1]

    yield start
    for each in running:
        each.stop(grace=5)
