"""Searches on the cluster, and their trials as the API server would show them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sagebridge.core.cluster.tuning import record as records
from sagebridge.core.cluster.tuning.plan import Plan, draw, plan
from sagebridge.core.cluster.tuning.record import Record
from sagebridge.core.cluster.tuning.request import resolve
from sagebridge.core.cluster.tuning.trials import ClusterTrial, manifest, read
from sagebridge.core.names import Owner
from sagebridge.core.resolution import ResolveContext
from sagebridge.schema.convert import to_request
from support.cluster_tuning import cluster_spec
from support.tuning_jobs import METRIC

OWNER = Owner(cluster="c1", namespace="team", name="tune", uid="6f1b0c7e-0000-4000-8000-000000000009")
CREATED = "2026-01-01T00:00:00Z"
START = 1767225600.0
"""`CREATED` in seconds since the epoch."""

Body = dict[str, Any]


def context(**changes: Any) -> ResolveContext:
    given: dict[str, Any] = {
        "job_name": "team-tune-abcdefghij",
        "region": "eu-west-1",
        "role_arn": "",
        "output_path": "s3://bucket/team/tune",
        "tags": OWNER.tags(),
    }
    return ResolveContext(**(given | changes))


def record_of(fields: Mapping[str, Any] | None = None, **changes: Any) -> Record:
    """The record of a spec for the cluster; `changes` are what is different about its context."""
    spec = resolve(cluster_spec() if fields is None else fields, context(**changes))
    return Record(
        owner=OWNER,
        attempt=1,
        name="team-tune-abcdefghij",
        request=to_request(
            "CreateHyperParameterTuningJob", {key: value for key, value in spec.items() if key != "cluster"}
        ),
        templates=records.templates(spec, region="eu-west-1"),
        created_at=CREATED,
    )


def limited(most: int | None, parallel: int, **config: Any) -> Record:
    """A record with these limits."""
    limits = {"maxNumberOfTrainingJobs": most, "maxParallelTrainingJobs": parallel}
    given = {key: value for key, value in limits.items() if value is not None}
    return record_of(cluster_spec(config={"resourceLimits": given} | config))


def trial(record: Record, number: int, *, definition: int = 0, tuned: Mapping[str, str] | None = None) -> Body:
    """A trial that was made a moment ago."""
    drawn = tuned or {"x": str(number / 1000)}
    body = manifest(record, definition, number=number, tuned=drawn, deletion_policy="Stop")
    body["metadata"] |= {"uid": f"uid-{number}", "creationTimestamp": CREATED, "resourceVersion": "1"}
    body["status"] = {"attempts": [{"number": 1, "arn": "arn", "recordedAt": CREATED}]}
    return body


def ended(body: Body, status: str = "Completed", value: float | None = None, *, at: int | None = None) -> Body:
    """The trial, ended as `status`, at a minute of the day: its own number's unless given."""
    changed = copy.deepcopy(body)
    minute = int(body["metadata"]["labels"]["sagebridge.io/trial"]) if at is None else at
    moment = f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00Z"
    kind = "Complete" if status == "Completed" else "Failed"
    changed["status"] = {
        "attempts": [{"number": 1, "arn": "arn", "recordedAt": CREATED, "status": status, "endTime": moment}],
        "conditions": [{"type": kind, "status": "True"}],
        "trainingEndTime": moment,
        "finalMetricDataList": [] if value is None else [{"metricName": METRIC, "value": value}],
    }
    return changed


def told_to_stop(body: Body) -> Body:
    """The trial, with suspend."""
    changed = copy.deepcopy(body)
    changed["spec"]["runPolicy"]["suspend"] = True
    return changed


def suspended(body: Body, value: float | None = None) -> Body:
    """The trial, stopped by suspend."""
    changed = told_to_stop(ended(body, "Stopped", value))
    changed["status"]["conditions"] = [{"type": "Suspended", "status": "True"}]
    return changed


def planned(record: Record, *bodies: Body, now: float = START) -> Plan:
    """The plan for a record with these trials."""
    return plan(record, read(bodies, record), now=now)


def carried_out(
    record: Record,
    *,
    before: Sequence[Body] = (),
    crashes: Sequence[int] = (),
    value: Callable[[Mapping[str, str]], float] = lambda tuned: float(tuned["x"]),
) -> list[ClusterTrial]:
    """All trials of a search that is carried out to its end.

    Whenever trials are to be made, the operator ends after as many of them as the next of `crashes` says, and plans
    anew. The oldest trial that runs ends once no trial is to be made.
    """
    bodies = list(before)
    after = list(crashes)
    for _ in range(1000):
        trials = read(bodies, record)
        todo = plan(record, trials, now=START)
        if todo.start:
            made = zip(todo.start, draw(record, trials, todo.start), strict=True)
            survived = list(made)[: after.pop(0)] if after else made
            bodies += [trial(record, one.number, definition=one.definition, tuned=tuned) for one, tuned in survived]
            continue
        running = [index for index, one in enumerate(trials) if one.ended_at is None]
        if not running:
            return trials
        oldest = trials[running[0]]
        place = next(index for index, body in enumerate(bodies) if body["metadata"]["name"] == oldest.job.name)
        bodies[place] = ended(bodies[place], value=value(oldest.tuned))
    raise AssertionError("the search never ends")


def ending(record: Record, status: str, reason: str = "", *, at: str = "2026-01-01T00:30:00Z") -> Record:
    """The record of a search that is being ended."""
    annotations = records.ending_annotation(records.Ending(status=status, reason=reason), at=at)
    return replace(record, **records.read_ending(annotations[records.ANNOTATION_ENDING]))
