"""The API server of a whole test run.

One control plane serves it, also with several workers (`-n`): each registers its process id beside it, and the last
one to leave stops it. A run that was killed is cleaned up by the next one. A conftest imports the fixture by name.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest
from filelock import FileLock
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import ControlPlane

NODES_BY_HAND: Final = {"kube-controller-manager": ["--controllers=*,-pod-garbage-collector-controller"]}
"""The arguments of a control plane where tests put pods on nodes that are not there.

Kubernetes looks every 20 s for pods whose node is not there, and 40 s later ends all pods of the node: whichever test's
they are by then. Source: https://github.com/kubernetes/kubernetes/blob/v1.35.4/pkg/controller/podgc/gc_controller.go
"""

_RUNS = Path(tempfile.gettempdir()) / f"sagebridge-tests-{os.getuid()}"


def _live_users(run: Path) -> list[Path]:
    return [path for path in (run / "users").glob("*") if _lives(path)]


def _lives(user: Path) -> bool:
    try:
        return psutil.Process(int(user.name.partition("-")[0])).create_time() <= user.stat().st_mtime + 2
    except psutil.NoSuchProcess:
        return False


def _abandon(run: Path) -> None:
    ControlPlane(run / "stack").stop()
    shutil.rmtree(run, ignore_errors=True)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """The API server, with etcd, controller-manager, scheduler and our CRDs; shared by all workers of a run."""
    run = _RUNS / os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}-{secrets.token_hex(4)}")
    # Fixtures of several conftests are as many users, also in one process.
    user = run / "users" / f"{os.getpid()}-{secrets.token_hex(4)}"
    _RUNS.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(_RUNS / "lock")
    with lock:
        for other in _RUNS.glob("*/"):
            if not _live_users(other):
                _abandon(other)
        user.parent.mkdir(parents=True, exist_ok=True)
        user.touch()
        started = ControlPlane.start(run / "stack", crds=crds_directory(), arguments=NODES_BY_HAND)
    yield started
    with lock:
        user.unlink()
        if not _live_users(run):
            _abandon(run)
