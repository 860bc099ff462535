"""A control plane a worker, and a lane a test or a scenario: an operator between two proxies, and a local SageMaker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import kubernetes
import pytest
from faults.cluster import Cluster
from faults.lane import Lane
from faults.scenario import Scenario
from faults.stage import Stage
from faults.trials import Rehearsal
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import ControlPlane
from scenarios.batch_transforms import BATCH_TRANSFORM
from scenarios.endpoints import ENDPOINT
from scenarios.processing_jobs import PROCESSING_JOB
from scenarios.training_jobs import TRAINING_JOB
from scenarios.tuning_jobs import TUNING_JOB
from support.forking import Programs

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


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, control_plane: ControlPlane, cluster: Cluster) -> Iterator[Stage]:
    """Where this worker's lanes are."""
    with Programs.imported() as programs:
        made = Stage(
            control_plane=control_plane,
            cluster=cluster,
            programs=programs,
            kinds=KINDS,
            make_directory=lambda: tmp_path_factory.mktemp("lane"),
        )
        yield made
        made.close()


@pytest.fixture
def namespace(stage: Stage) -> str:
    """A fresh namespace."""
    return stage.make_namespace()


@pytest.fixture
def start_lane(stage: Stage) -> Iterator[Callable[..., Lane]]:
    """Opens this test's own lane; the arguments are the operator's settings."""
    yield stage.open
    stage.close()


@pytest.fixture
def rehearse(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Callable[[Scenario], Rehearsal]]:
    """Plays a scenario undisturbed. Tests of the same one share the lane, while they pass."""
    failed = request.session.testsfailed
    yield stage.rehearse
    if request.session.testsfailed > failed:
        stage.close()


@pytest.fixture
def rehearsal(rehearse: Callable[[Scenario], Rehearsal], scenario: Scenario) -> Rehearsal:
    """The undisturbed run of the test's scenario."""
    return rehearse(scenario)


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
