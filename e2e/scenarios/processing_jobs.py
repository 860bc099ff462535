"""What a ProcessingJob can go through. What every kind of job does alike is in `training_jobs`; here is each step again
that rests on what this kind declares: its operations, its statuses, its code, its outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faults.cluster import Kind
from faults.scenario import STAGE_SECONDS, Actor, Scenario, Step

from scenarios.reached import gone, reason, tags, under_way

PROCESSING_JOB = Kind(name="ProcessingJob", plural="processingjobs")
CREATE, STOP, DELETE = "CreateProcessingJob", "StopProcessingJob", "DeleteProcessingJob"

STAGES = ("Starting", "Downloading", "Processing", "Uploading")
_SCRIPT = {"stages": dict.fromkeys(STAGES, STAGE_SECONDS), "stop_seconds": STAGE_SECONDS}
_WHOLE_RUN = STAGE_SECONDS * len(STAGES)

SPEC: dict[str, Any] = {
    "appSpecification": {"imageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"},
    "processingOutputConfig": {"outputs": [{"outputName": "rows"}]},
    "processingResources": {"clusterConfig": {"instanceType": "ml.m5.large"}},
}
_OLD_TAGS = [{"key": "team", "value": "red"}, {"key": "stage", "value": "test"}]
_NEW_TAGS = [{"key": "team", "value": "blue"}, {"key": "owner", "value": "me"}]


def _patches(**fields: Any) -> Callable[[Actor], None]:
    return lambda actor: actor.patch(**fields)


def _scenario(name: str, *steps: Step, script: dict[str, Any] = _SCRIPT, **facts: Any) -> Scenario:
    return Scenario(
        name=f"processing: {name}",
        kind=PROCESSING_JOB,
        steps=steps,
        script=script,
        effects=frozenset({CREATE, STOP, DELETE}),
        measured=frozenset({"duration"}),
        **facts,
    )


def _starts(**fields: Any) -> Step:
    return Step(says="starts", act=lambda actor: actor.create({**SPEC, **fields}), until=under_way())


_COMPLETES = Step(says="completes", advance=_WHOLE_RUN, until=reason("Completed"))
_DELETED = Step(says="is gone", act=Actor.delete, until=gone)

LIFE = _scenario("a whole life", _starts(), _COMPLETES)
FAILURE = _scenario(
    "a failure",
    _starts(),
    Step(says="has failed", advance=_WHOLE_RUN, until=reason("JobFailed")),
    script=_SCRIPT | {"outcome": "Failed", "failure_reason": "AlgorithmError: , exit code: 1"},
)


def _lack_capacity_once(actor: Actor) -> None:
    actor.lane.aws.settings(capacity_wait_seconds=STAGE_SECONDS)
    actor.lane.aws.fault("capacity", operation=CREATE, name=f"*{actor.mark}*", count=1)


RETRY = _scenario(
    "a failure that is retried",
    _starts(runPolicy={"retry": {"limit": 1, "errors": ["CapacityError"]}}),
    Step(says="tries again", advance=STAGE_SECONDS, until=under_way(attempts=2)),
    _COMPLETES,
    prepare=_lack_capacity_once,
)
SUSPENSION = _scenario(
    "suspended and resumed",
    _starts(),
    Step(says="is being stopped", act=_patches(runPolicy={"suspend": True}), until=reason("Stopping")),
    Step(says="is suspended", advance=STAGE_SECONDS, until=reason("Suspended")),
    Step(says="runs again", act=_patches(runPolicy={"suspend": False}), until=under_way(attempts=2)),
    _COMPLETES,
)
TAGS = _scenario(
    "changed tags",
    _starts(tags=_OLD_TAGS),
    Step(says="has new tags", act=_patches(tags=_NEW_TAGS), until=tags(_NEW_TAGS)),
    _COMPLETES,
)


def _write_code(actor: Actor) -> None:
    body = {"metadata": {"name": f"{actor.mark}-code"}, "data": {"split.py": "print('splitting')\n"}}
    actor.lane.cluster.core.create_namespaced_config_map(actor.namespace, body)


def _create_from_code(actor: Actor) -> None:
    fields = {key: value for key, value in SPEC.items() if key != "appSpecification"}
    source = {"entryPoint": "split.py", "configMap": {"name": f"{actor.mark}-code"}}
    actor.create({**fields, "framework": {"name": "sklearn", "version": "1.2-1"}, "source": source})


SOURCE = _scenario(
    "code from a ConfigMap",
    Step(says="starts", act=_create_from_code, until=under_way()),
    _COMPLETES,
    prepare=_write_code,
)
DELETION_STOP = _scenario(
    "deleted while running, policy Stop",
    _starts(),
    _DELETED,
    Step(says="stays gone", advance=STAGE_SECONDS, until=gone),
)
DELETION_PURGE = _scenario(
    "deleted while running, policy Purge",
    _starts(runPolicy={"deletionPolicy": "Purge"}),
    Step(says="waits for the job to stop", act=Actor.delete, until=reason("Deleting")),
    Step(says="is gone", advance=STAGE_SECONDS, until=gone),
)

SCENARIOS: Sequence[Scenario] = (
    LIFE,
    FAILURE,
    RETRY,
    SUSPENSION,
    TAGS,
    SOURCE,
    DELETION_STOP,
    DELETION_PURGE,
)
