"""A control plane a worker, and a lane a test: an operator between two proxies, with a local SageMaker of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import kubernetes
import pytest
from faults.cluster import Cluster
from faults.lane import Lane
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import ControlPlane
from scenarios.batch_transforms import BATCH_TRANSFORM
from scenarios.endpoints import ENDPOINT
from scenarios.processing_jobs import PROCESSING_JOB
from scenarios.training_jobs import TRAINING_JOB
from scenarios.tuning_jobs import TUNING_JOB

_NOTED = "noted"
KINDS = (TRAINING_JOB, PROCESSING_JOB, TUNING_JOB, BATCH_TRANSFORM, ENDPOINT)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The API server, with etcd, controller-manager, scheduler and our CRDs."""
    with ControlPlane.start(tmp_path_factory.mktemp("control-plane"), crds=crds_directory()) as started:
        yield started


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    """The API server, as its administrator uses it."""
    with kubernetes.config.new_client_from_config(config_file=str(control_plane.kubeconfig)) as client:
        yield Cluster(client)


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """A fresh namespace. It goes with the control plane."""
    name = f"e2e-{secrets.token_hex(4)}"
    cluster.make_namespace(name)
    return name


@pytest.fixture
def start_lane(tmp_path: Path, control_plane: ControlPlane, cluster: Cluster) -> Iterator[Callable[..., Lane]]:
    """A factory of lanes; its arguments are the operator's settings."""
    started: list[Lane] = []

    def start(**environment: str) -> Lane:
        directory = tmp_path / f"lane-{len(started)}"
        directory.mkdir()
        lane = Lane(
            directory=directory,
            control_plane=control_plane,
            cluster=cluster,
            kinds=KINDS,
            environment={f"SAGEBRIDGE_{name}": value for name, value in environment.items()},
        )
        started.append(lane.__enter__())
        return lane

    yield start
    for lane in started:
        lane.__exit__(None, None, None)


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say something about what was tried; it is shown at the end of the run."""
    return lambda text: record_property(_NOTED, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was tried: how many boundaries there were, and which."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, ())]
    shown = sorted(str(value) for report in reports for key, value in report.user_properties if key == _NOTED)
    if shown:
        terminalreporter.section("faults injected")
        for line in shown:
            terminalreporter.line(line)
