"""A local SageMaker and, before it, an operator: for a whole cluster, or for a namespace of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sagebridge_local.stack import OperatorProcess, Simulator
from support.processes import Spawns, only

from .world import Cluster, World

QUICK: Final = {
    "SAGEBRIDGE_POLL_INTERVAL_SECONDS": "0.3",
    "SAGEBRIDGE_ENDPOINT_SWEEP_SECONDS": "2",
    "SAGEBRIDGE_AWS_UNLIMITED": "true",
    "SAGEBRIDGE_LEASE_IDENTITY": "test",
}
"""The times of a fresh installation, save how often it looks."""
UNPLAYED: Final = ("--lifecycle-only",)
"""A local SageMaker that runs nothing: jobs pass their stages, and end as a script says."""


@contextmanager
def pair(
    directory: Path,
    *,
    cluster: Cluster,
    spawns: Spawns,
    environment: Mapping[str, str],
    arguments: Sequence[str] = UNPLAYED,
    **options: Any,
) -> Iterator[tuple[Simulator, OperatorProcess]]:
    """Run both.

    Args:
        directory: theirs.
        cluster: what the operator serves.
        spawns: what starts them.
        environment: the operator's settings.
        arguments: the local SageMaker's.
        options: further ones of the operator's start.
    """
    with Simulator.start(directory / "simulator", arguments=arguments, spawn=spawns[0]) as simulator:
        operator = OperatorProcess.start(
            directory / "operator",
            kubeconfig=cluster.control_plane.kubeconfig,
            endpoint_url=simulator.url,
            environment=dict(environment),
            spawn=spawns[1],
            **options,
        )
        with operator:
            yield simulator, operator


@contextmanager
def own_world(
    directory: Path, *, cluster: Cluster, spawns: Spawns, environment: Mapping[str, str] = QUICK, **options: Any
) -> Iterator[World]:
    """Make a namespace that a pair of its own serves; the arguments are those of `pair`."""
    namespace = cluster.make_namespace()
    settings = {**environment, **only(namespace)}
    with pair(directory, cluster=cluster, spawns=spawns, environment=settings, **options) as (simulator, operator):
        yield World.of(cluster, namespace, simulator, operator)
