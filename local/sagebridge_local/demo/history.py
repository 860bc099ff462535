"""The step that looks back: conditions, Events, and what SageMaker was asked."""

from __future__ import annotations

from typing import Any, Final

from sagebridge_local.demo import mistakes, serving, training, transform, tuning, verdicts
from sagebridge_local.demo.context import Context

_CONDITIONS: Final = r'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}{"\n"}{end}'
_CREATE: Final = {
    "TrainingJob": "CreateTrainingJob",
    "HPTuningJob": "CreateHyperParameterTuningJob",
    "BatchTransform": "CreateTransformJob",
}
_EVENTS: Final = {
    ("TrainingJob", training.NAME): ("AttemptCreated", "Completed"),
    ("TrainingJob", mistakes.FAILING): ("AttemptCreated", "JobFailed"),
    ("HPTuningJob", tuning.NAME): ("AttemptCreated", "Completed"),
    ("BatchTransform", transform.NAME): ("ModelCreated", "AttemptCreated", "Completed", "ModelDeleted"),
    ("Endpoint", serving.NAME): ("Creating", "Updating", "InService"),
}
_INVOKE: Final = "InvokeEndpoint"


def look_back(context: Context) -> str:
    """Show conditions and Events, and count what SageMaker was asked."""
    context.kubectl("get", "sagebridge")
    for name in (training.NAME, mistakes.FAILING):
        context.kubectl("get", "trainingjob", name, "--output", _CONDITIONS)
        context.kubectl("events", "--for", f"trainingjob/{name}")
    context.kubectl("events", "--for", f"{serving.RESOURCE}/{serving.NAME}")
    events = context.events()
    for (kind, name), reasons in _EVENTS.items():
        verdicts.check_events(events, kind=kind, name=name, reasons=reasons)
    return f"{len(events)} Events tell the story; {_count_calls(context)}"


def _count_calls(context: Context) -> str:
    calls = context.admin.calls()
    facts = context.report.facts
    for entry in facts["jobs"]:
        _count_job(context, entry, calls["objects"])
    endpoint = calls["objects"][facts["endpoint"]["name"]]
    facts["endpoint"]["awsCalls"] = endpoint
    created = sum(endpoint.get("CreateEndpoint", {}).values())
    verdicts.check_calls(created, wanted=1, operation="CreateEndpoint")
    invoked = sum(endpoint.get(_INVOKE, {}).values())
    verdicts.check_calls(invoked, wanted=facts["invocations"], operation=_INVOKE)
    facts["awsCalls"] = calls["operations"]
    asked = calls["total"] - sum(calls["operations"].get(_INVOKE, {}).values())
    looks = sum(_sum(calls["operations"], beginning) for beginning in ("List", "Describe"))
    return f"SageMaker was asked {asked} times for {len(facts['jobs'])} jobs and an endpoint, {looks} of these to look"


def _count_job(context: Context, entry: dict[str, Any], calls: dict[str, Any]) -> None:
    job = context.object(entry["kind"].lower(), entry["name"])
    names = [found["name"] for found in context.admin.jobs()]
    verdicts.check_one_job(job, operation=_CREATE[entry["kind"]], calls=calls, jobs=names)
    entry["awsCalls"] = calls[entry["sageMakerName"]]


def _sum(operations: dict[str, dict[str, int]], beginning: str) -> int:
    return sum(sum(outcomes.values()) for name, outcomes in operations.items() if name.startswith(beginning))
