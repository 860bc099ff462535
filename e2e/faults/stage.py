"""Where a worker's lanes are, one at a time: a cluster has one operator."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from sagebridge_local.stack import ControlPlane
from support.forking import Programs

from faults.cluster import Cluster, Kind
from faults.lane import Lane
from faults.scenario import Scenario
from faults.trials import Rehearsal, undisturbed


class Stage:
    """Opens lanes, and keeps that of the scenario that was played last: its next test goes on with it."""

    def __init__(
        self,
        *,
        control_plane: ControlPlane,
        cluster: Cluster,
        programs: Programs,
        kinds: tuple[Kind, ...],
        make_directory: Callable[[], Path],
    ) -> None:
        self._control_plane = control_plane
        self._cluster = cluster
        self._programs = programs
        self._kinds = kinds
        self._make_directory = make_directory
        self._lane: Lane | None = None
        self._rehearsal: Rehearsal | None = None

    def open(self, **settings: str) -> Lane:
        """Open a lane in place of the one that is open, if any.

        Args:
            settings: the operator's.
        """
        self.close()
        lane = Lane(
            directory=self._make_directory(),
            control_plane=self._control_plane,
            cluster=self._cluster,
            programs=self._programs,
            kinds=self._kinds,
            environment={f"SAGEBRIDGE_{name}": value for name, value in settings.items()},
        )
        self._lane = lane.__enter__()
        return lane

    def close(self) -> None:
        """Close the lane that is open, if any."""
        lane, self._lane, self._rehearsal = self._lane, None, None
        if lane is not None:
            lane.__exit__(None, None, None)

    def rehearse(self, scenario: Scenario) -> Rehearsal:
        """Play a scenario undisturbed, unless that was what was done here last."""
        if self._rehearsal is None or self._rehearsal.scenario is not scenario:
            lane = self.open(**scenario.environment)
            reference = undisturbed(lane, scenario, namespace=self.make_namespace())
            self._rehearsal = Rehearsal(lane=lane, scenario=scenario, reference=reference)
        return self._rehearsal

    def make_namespace(self) -> str:
        """Make a namespace; its name. It goes with the control plane."""
        name = f"e2e-{secrets.token_hex(4)}"
        self._cluster.make_namespace(name)
        return name
