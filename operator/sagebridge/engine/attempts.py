"""How attempts stand in a job's status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sagebridge.core.clock import parse_time
from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_UID
from sagebridge.core.job import Attempt, Job, Place, tag_map
from sagebridge.core.job_failure import failure_class
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.reasons import Reason
from sagebridge.core.resolution import instance_count
from sagebridge.core.serving import model_source
from sagebridge.kinds.kind import JobKind
from sagebridge.targets.protocol import Submission


def asked_fields(kind: JobKind, job: Job) -> dict[str, Any]:
    """What status repeats of a spec, whatever becomes of it; nothing once an attempt holds the spec fast."""
    if job.attempts:
        return {}
    asked: dict[str, Any] = {}
    if kind.resources:
        asked["instanceCount"] = instance_count(job.spec, kind.resources)
    if kind.model_of is not None:
        asked["modelSource"] = model_source(job.spec)
    return asked


def created_fields(
    kind: JobKind, job: Job, attempt: Attempt, *, log_service: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What status shows once an attempt's job is there; what is left of an earlier attempt goes.

    Args:
        kind: the job's kind.
        job: the job.
        attempt: the attempt, which has been created.
        log_service: where its log is served; None if it is not.
    """
    logs = _pod_logs(kind, job, attempt) if job.place is Place.CLUSTER else _logs(kind, attempt)
    return {
        **dict.fromkeys(kind.schema.status_fields),
        **dict.fromkeys(name for follow_up in kind.follow_ups for name in follow_up.names),
        **kind.fresh_fields,
        kind.name_field: attempt.name,
        kind.arn_field: attempt.arn,
        "logs": logs and logs | ({"service": dict(log_service)} if log_service else {}),
        "attempts": listed(job, attempt),
    }


def closed(attempt: Attempt, observation: Observation | None, kind: JobKind, *, now: str) -> Attempt:
    """The attempt with its end, as it was observed; `now` where Describe gives no time of it."""
    fields: Mapping[str, Any] = observation.fields if observation else {}
    reason = observation.failure_reason if observation else ""
    is_gone = observation is not None and observation.phase is Phase.GONE
    failed = observation is not None and observation.phase is Phase.FAILED
    return replace(
        attempt,
        status="Gone" if is_gone else str(fields.get(kind.status_field) or "Unknown"),
        reason=Reason.JOB_GONE.value if is_gone else failure_class(reason).value if failed else "",
        message=reason,
        end_time=str(fields.get(kind.end_field) or now),
    )


def applied_tags(job: Job, submission: Submission) -> list[dict[str, str]]:
    """What `status.tags` has to say of a job that was made or taken over; what is missing then is changed later.

    An adopted job may have tags that the manifest does not know of. They are left to whoever has set them.
    """
    wanted = tag_map(job.spec.get("tags"))
    if submission.tags is None:
        found = wanted
    else:
        found = {key: value for key, value in submission.tags.items() if key in wanted or not submission.adopted}
    return [{"key": key, "value": value} for key, value in found.items()]


def listed(job: Job, attempt: Attempt) -> list[dict[str, Any]]:
    """The whole list of attempts, with `attempt` in its place."""
    return [(attempt if entry.number == attempt.number else entry).dump() for entry in job.attempts]


def duration(started: str | None, ended: str) -> str | None:
    """A length of time as people write it: 1h2m3s."""
    if not started:
        return None
    seconds = max(0, round((parse_time(ended) - parse_time(started)).total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if hours or minutes else "", f"{seconds}s"]
    return "".join(parts)


def _pod_logs(kind: JobKind, job: Job, attempt: Attempt) -> dict[str, Any] | None:
    """Where its pods' logs are; None for a job whose pods are its children's."""
    if kind.children is not None:
        return None
    return {
        "podSelector": f"{LABEL_UID}={job.uid},{LABEL_ATTEMPT}={attempt.number}",
        "container": kind.container,
    }


def _logs(kind: JobKind, attempt: Attempt) -> dict[str, Any]:
    group, prefix = kind.log_group, f"{attempt.name}{kind.log_separator}"
    escaped = group.replace("/", "$252F")
    query = f"$3FlogStreamNameFilter$3D{prefix.replace('/', '$252F')}"
    url = (
        f"https://{attempt.region}.console.aws.amazon.com/cloudwatch/home?region={attempt.region}"
        f"#logsV2:log-groups/log-group/{escaped}{query}"
    )
    return {"groupName": group, "streamPrefix": prefix, "url": url}
