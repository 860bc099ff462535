"""What every kind of job goes through alike, given what differs between the kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from faults.cluster import Kind
from faults.scenario import STAGE_SECONDS, Actor, Scenario, Step

from scenarios.reached import Reached, gone, reason, tags, under_way

_OLD_TAGS = [{"key": "team", "value": "red"}, {"key": "stage", "value": "test"}]
_NEW_TAGS = [{"key": "team", "value": "blue"}, {"key": "owner", "value": "me"}]
RETRY_POLICY = {"retry": {"limit": 1, "errors": ["CapacityError"]}}

DELETED = Step(says="is gone", act=Actor.delete, until=gone)
STOPPED_MEANWHILE = Step(says="stays gone", advance=STAGE_SECONDS, until=gone)


def patches(**fields: Any) -> Callable[[Actor], None]:
    """The user changes fields of the spec."""
    return lambda actor: actor.patch(**fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """Code that comes from a ConfigMap.

    Attributes:
        instead_of: the field of the spec that names an image.
        framework: whose image runs the code.
        entry_point: the file that is run.
    """

    instead_of: str
    framework: Mapping[str, str]
    entry_point: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobScenarios:
    """The scenarios of one kind of job.

    Attributes:
        kind: what it is.
        title: what the names of its scenarios begin with.
        spec: a manifest's spec.
        create: the operation that makes a job.
        effects: the operations that are counted.
        stages: what a job goes through, each as long as the others.
        runs: how many times that takes to be done.
        name_field: the field of the spec that gives the job a name; empty if its name is generated.
        measured: fields of the status that tell how long something took.
        script: what else is scripted of its jobs.
        begun: whether the newest of some attempts is under way.
        stopping: whether a job is being stopped.
        ended: whether Ready has a reason that says that it is over, and all is cleaned up.
    """

    kind: Kind
    title: str
    spec: Mapping[str, Any]
    create: str
    effects: frozenset[str]
    stages: tuple[str, ...]
    runs: int = 1
    name_field: str = ""
    measured: frozenset[str] = frozenset({"duration"})
    script: Mapping[str, Any] = field(default_factory=dict)
    begun: Callable[[int], Reached] = lambda attempts: under_way(attempts=attempts)
    stopping: Reached = field(default_factory=lambda: reason("Stopping"))
    ended: Callable[[str], Reached] = reason

    @property
    def run_seconds(self) -> float:
        """How long a job takes on SageMaker's clock."""
        return STAGE_SECONDS * len(self.stages) * self.runs

    # --- pieces --------------------------------------------------------------------------------------------------

    @property
    def paces(self) -> Mapping[str, Any]:
        """The script of jobs that go on with SageMaker's clock only, and end well."""
        stages = dict.fromkeys(self.stages, STAGE_SECONDS)
        return {"stages": stages, "stop_seconds": STAGE_SECONDS, **self.script}

    def scenario(self, name: str, *steps: Step, script: Mapping[str, Any] | None = None, **facts: Any) -> Scenario:
        """A scenario of this kind.

        Args:
            name: for people.
            steps: in order.
            script: how its jobs go, if not as `paces` says.
            facts: what else there is to say of it.
        """
        return Scenario(
            name=f"{self.title}{name}",
            kind=self.kind,
            steps=steps,
            script=self.paces if script is None else script,
            effects=self.effects,
            measured=self.measured,
            **facts,
        )

    def makes(self, actor: Actor, **fields: Any) -> None:
        """The user creates the object."""
        named = {self.name_field: actor.mark} if self.name_field else {}
        actor.create({**self.spec, **named, **fields})

    def starts(self, **fields: Any) -> Step:
        """It is created, and runs."""
        return Step(says="starts", act=lambda actor: self.makes(actor, **fields), until=self.begun(1))

    def completes(self) -> Step:
        """It ends well."""
        return Step(says="completes", advance=self.run_seconds, until=self.ended("Completed"))

    def lacks_capacity_once(self, actor: Actor) -> None:
        """The object's first job does not get its machines."""
        actor.lane.aws.settings(capacity_wait_seconds=STAGE_SECONDS)
        actor.lane.aws.fault("capacity", operation=self.create, name=f"*{actor.mark}*", count=1)

    def refuse(self, actor: Actor) -> None:
        """Every job of the object is refused."""
        refusal = {"code": "ValidationException", "message": "Could not access the subnet"}
        actor.lane.aws.fault("error", operation=self.create, name=f"*{actor.mark}*", **refusal)

    # --- scenarios -----------------------------------------------------------------------------------------------

    def failure(self, because: str) -> Scenario:
        """It runs, and fails."""
        return self.scenario(
            "a failure",
            self.starts(),
            Step(says="has failed", advance=self.run_seconds, until=self.ended("JobFailed")),
            script={**self.paces, "outcome": "Failed", "failure_reason": because},
            familiar=1,
        )

    def retry(self) -> Scenario:
        """Its first job lacks capacity."""
        return self.scenario(
            "a failure that is retried",
            self.starts(runPolicy=RETRY_POLICY),
            Step(says="tries again", advance=STAGE_SECONDS, until=self.begun(2)),
            self.completes(),
            prepare=self.lacks_capacity_once,
            familiar=1,
        )

    def suspension(self) -> Scenario:
        """It is stopped for a while."""
        return self.scenario(
            "suspended and resumed",
            self.starts(),
            Step(says="is being stopped", act=patches(runPolicy={"suspend": True}), until=self.stopping),
            Step(says="is suspended", advance=STAGE_SECONDS, until=reason("Suspended")),
            Step(says="runs again", act=patches(runPolicy={"suspend": False}), until=self.begun(2)),
            self.completes(),
            familiar=1,
        )

    def changed_tags(self) -> Scenario:
        """It is given other tags."""
        return self.scenario(
            "changed tags",
            self.starts(tags=_OLD_TAGS),
            Step(says="has new tags", act=patches(tags=_NEW_TAGS), until=tags(_NEW_TAGS)),
            self.completes(),
        )

    def source(self, code: Code) -> Scenario:
        """Its code comes from a ConfigMap."""

        def write(actor: Actor) -> None:
            body = {"metadata": {"name": f"{actor.mark}-code"}, "data": {code.entry_point: "print('at work')\n"}}
            actor.lane.cluster.core.create_namespaced_config_map(actor.namespace, body)

        def make(actor: Actor) -> None:
            rest = {key: value for key, value in self.spec.items() if key != code.instead_of}
            source = {"entryPoint": code.entry_point, "configMap": {"name": f"{actor.mark}-code"}}
            actor.create({**rest, "framework": dict(code.framework), "source": source})

        return self.scenario(
            "code from a ConfigMap",
            Step(says="starts", act=make, until=self.begun(1)),
            self.completes(),
            prepare=write,
        )

    def deletion_stop(self) -> Scenario:
        """It is deleted, and its job is stopped."""
        return self.scenario(
            "deleted while running, policy Stop", self.starts(), DELETED, STOPPED_MEANWHILE, familiar=1
        )

    def deletion_retain(self) -> Scenario:
        """It is deleted, and its job goes on."""
        return self.scenario(
            "deleted while running, policy Retain",
            self.starts(runPolicy={"deletionPolicy": "Retain"}),
            DELETED,
            STOPPED_MEANWHILE,
            leaves_jobs=True,
            familiar=1,
        )

    def deletion_purge(self) -> Scenario:
        """It is deleted, and so is its job."""
        return self.scenario(
            "deleted while running, policy Purge",
            self.starts(runPolicy={"deletionPolicy": "Purge"}),
            Step(says="waits for its jobs to stop", act=Actor.delete, until=reason("Deleting")),
            Step(says="is gone", advance=STAGE_SECONDS, until=gone),
            familiar=1,
        )

    def recreation(self) -> Scenario:
        """Another object takes its name."""
        steps = (self.starts(), DELETED, self.starts(), self.completes())
        return self.scenario("deleted and made again", *steps, familiar=1)
