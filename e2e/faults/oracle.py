"""What a scenario has led to, in words that two runs of it share; and whether two runs differ."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faults.cluster import Body
from faults.lane import Lane
from faults.scenario import Actor, Scenario
from faults.serving import Held, misses

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# The trials of a tuning job end in what tells them from the trials of others.
_TRIAL = re.compile(r"-(\d{3})-[0-9a-f]{8}\b")
_JOB_FACTS = ("status", "secondaryStatus", "failureReason", "tags", "request")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The end of a run, with all masked that differs from run to run: times, names, UIDs.

    Attributes:
        body: finalizers, annotations, generation and status of the object; None if it is gone.
        jobs: the jobs in SageMaker that were made for it and are there, oldest first.
        effects: how often each counted operation succeeded, by job, oldest first.
        hosted: models, configs, endpoints and their scaling, where there was anything to host.
        misses: what of that is not as the object wants it.
    """

    body: Any
    jobs: list[Any]
    effects: list[dict[str, int]]
    hosted: Any = None
    misses: Sequence[str] = ()

    def differs_from(self, expected: Outcome) -> str:
        """A difference, line by line; empty if there is none."""
        lines = difflib.unified_diff(expected.lines(), self.lines(), "undisturbed", "disturbed", lineterm="", n=2)
        return "\n".join(lines)

    def lines(self) -> list[str]:
        """All of it as text."""
        facts = {"object": self.body, "jobs": self.jobs, "effects": self.effects, "hosted": self.hosted}
        return json.dumps(facts, indent=1, sort_keys=True, default=str).splitlines()


def outcome(lane: Lane, scenario: Scenario, actor: Actor) -> Outcome:
    """Look at what there is of one actor."""
    counted = {name: counts for name, counts in lane.aws.calls()["objects"].items() if actor.mark in name}
    names = sorted(counted, key=_first_seen(lane))
    mask = _Mask(names=names, actor=actor, measured=scenario.measured)
    jobs = {job["name"]: {fact: job[fact] for fact in _JOB_FACTS} for job in lane.aws.jobs()}
    effects = [{op: counted[name].get(op, {}).get("OK", 0) for op in sorted(scenario.effects)} for name in names]
    body = actor.body
    held = _held(lane, actor)
    return Outcome(
        body=mask(_kept(body)),
        jobs=[mask(jobs[name]) for name in names if name in jobs],
        effects=effects,
        hosted=mask(held),
        misses=_misses(lane, scenario, actor, body=body, held=held),
    )


def _held(lane: Lane, actor: Actor) -> Held | None:
    """What is hosted for the object; None if it never made a config."""
    trace = lane.boundaries.trace(actor.mark)
    if "CreateEndpointConfig" not in trace:
        return None
    return lane.hosting.held(actor.mark, scaled="RegisterScalableTarget" in trace)


def _misses(lane: Lane, scenario: Scenario, actor: Actor, *, body: Body | None, held: Held | None) -> list[str]:
    watch = lane.aws_proxy.serving
    found = [f"deleted: {harm}" for harm in watch.harm if actor.mark in harm]
    if body is not None:
        found += [f"taken down while it served: {name}" for name in watch.taken_down if actor.mark in name]
    if held is not None and not (body is None and scenario.leaves_jobs):
        found += misses(body, held)
    return found


def orphans(lane: Lane, scenario: Scenario) -> list[str]:
    """Jobs under way that belong to no attempt of an object that exists, by name; none that are left on purpose."""
    if scenario.leaves_jobs:
        return []
    attempts = [
        attempt
        for body in lane.cluster.objects(scenario.kind)
        for attempt in (body.get("status") or {}).get("attempts") or ()
    ]
    held = {attempt.get("arn") for attempt in attempts}
    # The trials of a tuning job are named after it.
    trials = tuple(f"{attempt['name']}-" for attempt in attempts if "name" in attempt)
    return [
        job["name"]
        for job in lane.aws.jobs()
        if job["status"] == "InProgress" and job["arn"] not in held and not job["name"].startswith(trials)
    ]


def repeated_creates(lane: Lane, create: str) -> dict[str, int]:
    """The names under which more than one job was created, and how many."""
    counted = lane.aws.calls()["objects"]
    created = {name: operations.get(create, {}).get("OK", 0) for name, operations in counted.items()}
    return {name: count for name, count in created.items() if count > 1}


def _first_seen(lane: Lane) -> Any:
    order: dict[str, int] = {}
    for position, call in enumerate(lane.aws.log()):
        order.setdefault(call["name"], position)
    return lambda name: order.get(name, len(order))


def _kept(body: Body | None) -> dict[str, Any] | None:
    if body is None:
        return None
    metadata = body["metadata"]
    kept = {key: metadata.get(key) for key in ("finalizers", "annotations", "labels", "generation")}
    return {**kept, "status": body.get("status")}


class _Mask:
    """Replaces what differs from run to run by words that stand for it."""

    def __init__(self, *, names: list[str], actor: Actor, measured: frozenset[str]) -> None:
        words = {name: f"<job {position}>" for position, name in enumerate(names, 1)}
        self._words = words | {actor.mark: "<object>", actor.namespace: "<namespace>"}
        self._measured = measured

    def __call__(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self._text(key): self._field(key, entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [self(entry) for entry in value]
        return self._text(value) if isinstance(value, str) else value

    def _field(self, key: str, value: Any) -> Any:
        return "<measured>" if key in self._measured else self(value)

    def _text(self, text: str) -> str:
        # A model's name begins with its endpoint's.
        for concrete, word in sorted(self._words.items(), key=lambda entry: len(entry[0]), reverse=True):
            text = text.replace(concrete, word)
        return _TRIAL.sub(r"-\1-<hash>", _UID.sub("<uid>", _TIME.sub("<time>", text)))
