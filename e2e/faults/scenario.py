"""A piece of an object's life, as steps of its user and of AWS. Kinds add theirs as data."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faults.boundaries import Plan
from faults.cluster import Body, Kind
from faults.lane import Lane

STAGE_SECONDS = 1000.0
"""How long each stage of a job lasts on the local SageMaker's clock: no job goes on by itself during a test."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """One object that plays a scenario.

    Attributes:
        lane: where it plays.
        kind: what it is.
        namespace: where it lives.
        mark: its name, which occurs in no other.
    """

    lane: Lane
    kind: Kind
    namespace: str
    mark: str

    @property
    def body(self) -> Body | None:
        """The object; None while there is none."""
        return self.lane.cluster.get(self.kind, namespace=self.namespace, name=self.mark)

    def create(self, spec: Mapping[str, Any], **metadata: Any) -> None:
        """Create the object."""
        self.lane.cluster.create(self.kind, namespace=self.namespace, name=self.mark, spec=spec, **metadata)

    def patch(self, **spec: Any) -> None:
        """Change fields of the spec."""
        self.lane.cluster.patch(self.kind, namespace=self.namespace, name=self.mark, body={"spec": spec})

    def annotate(self, **annotations: str | None) -> None:
        """Set annotations of the product; None takes one off."""
        values = {f"sagebridge.io/{name}": value for name, value in annotations.items()}
        body = {"metadata": {"annotations": values}}
        self.lane.cluster.patch(self.kind, namespace=self.namespace, name=self.mark, body=body)

    def wait(self, until: Callable[[Body | None], bool], *, what: str) -> None:
        """Wait until the object, or None once it is gone, is as wanted."""
        self.lane.wait_for(self.kind, namespace=self.namespace, name=self.mark, until=until, what=what)

    def delete(self) -> None:
        """Ask for the object's deletion."""
        self.lane.cluster.delete(self.kind, namespace=self.namespace, name=self.mark)


def wait_only(_: Actor) -> None:
    """The user does nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Something happens, and the object follows.

    Attributes:
        says: what is awaited, for whoever reads why it did not come.
        act: what the user does.
        advance: seconds by which the local SageMaker's clock goes on, once all actors have acted.
        until: whether the object, or None once it is gone, is where it should be.
    """

    says: str
    until: Callable[[Body | None], bool]
    act: Callable[[Actor], None] = wait_only
    advance: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What one object goes through.

    Attributes:
        name: for people.
        kind: the object's kind.
        steps: in order.
        script: how its jobs go on the local SageMaker (`sagebridge_local.sagemaker.runners.scripted.Script`).
        effects: the operations of which each must succeed exactly as often as in an undisturbed run.
        measured: fields of the status that tell how long something took.
        environment: settings of the operator.
        prepare: told each actor before the first step.
        leaves_jobs: whether a deleted object's job goes on, on purpose.
        familiar: how many of the first steps are another scenario's, so that the operator need not die in them again.
    """

    name: str
    kind: Kind
    steps: Sequence[Step]
    script: Mapping[str, Any]
    effects: frozenset[str]
    measured: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Actor], None] = wait_only
    leaves_jobs: bool = False
    familiar: int = 0

    def __str__(self) -> str:
        return self.name


def cast(lane: Lane, scenario: Scenario, *, namespace: str, plans: Sequence[Plan | None] = (None,)) -> list[Actor]:
    """Make an actor for each plan of what goes wrong."""
    actors = []
    for plan in plans:
        actor = Actor(lane=lane, kind=scenario.kind, namespace=namespace, mark=f"x{secrets.token_hex(4)}")
        lane.boundaries.follow(actor.mark, plan=plan)
        scenario.prepare(actor)
        actors.append(actor)
    return actors


def play(lane: Lane, scenario: Scenario, actors: Sequence[Actor], *, steps: Sequence[Step] | None = None) -> None:
    """Let actors play a scenario (or only some `steps`) side by side, step by step, and wait until all is quiet.

    Raises:
        AssertionError: a step's end was not reached.
    """
    lane.aws.outcome("*", **scenario.script)
    for step in scenario.steps if steps is None else steps:
        for actor in actors:
            step.act(actor)
        if step.advance:
            lane.aws.advance(step.advance)
        for actor in actors:
            actor.wait(step.until, what=step.says)
    lane.settle()
