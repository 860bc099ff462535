"""`/_sagebridge/`: drive the clock, inject faults, script outcomes, count calls."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote

from sagebridge_local.sagemaker.calls import LOG_LENGTH
from sagebridge_local.sagemaker.endpoints.endpoint import IN_SERVICE
from sagebridge_local.sagemaker.endpoints.hosting import EndpointScript
from sagebridge_local.sagemaker.endpoints.service import shown
from sagebridge_local.sagemaker.faults import Fault
from sagebridge_local.sagemaker.history import History, seed
from sagebridge_local.sagemaker.jobs.job import IN_PROGRESS
from sagebridge_local.sagemaker.jobs.lifecycle import SPOT_WAIT_SECONDS
from sagebridge_local.sagemaker.quotas import Quotas
from sagebridge_local.sagemaker.runners.scripted import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.service import LocalSageMaker

PREFIX: Final = "/_sagebridge/"
_TUNABLE: Final = ("latency_seconds", "list_lag_seconds", "capacity_wait_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRequest:
    """A request to the admin API: its query parameters and its JSON body."""

    query: Mapping[str, str]
    content: Mapping[str, Any]


class NotFoundError(Exception):
    """No such path, or no such job."""


def respond(
    service: LocalSageMaker, *, method: str, path: str, query_string: str = "", body: bytes = b""
) -> tuple[int, Any]:
    """Answer one request.

    Returns:
        The HTTP status and the reply, to be sent as JSON; a refused request's reply is {"error": why}.
    """
    service.scheduler.run_due()
    try:
        request = _read(query_string, body)
        return 200, _dispatch(service, method, path.removeprefix(PREFIX), request)
    except NotFoundError as error:
        return 404, {"error": str(error)}
    except (ValueError, TypeError, KeyError) as error:
        return 400, {"error": str(error)}


def _read(query_string: str, body: bytes) -> AdminRequest:
    content = json.loads(body or b"{}")
    if not isinstance(content, dict):
        raise TypeError("the body must be a JSON object")
    query = {name: values[-1] for name, values in parse_qs(query_string, keep_blank_values=True).items()}
    return AdminRequest(query=query, content=content)


def _dispatch(service: LocalSageMaker, method: str, path: str, request: AdminRequest) -> Any:
    handler = _ROUTES.get((method, path))
    if handler is not None:
        return handler(service, request)
    parts = path.split("/")
    named = _NAMED_ROUTES.get((parts[0], parts[2])) if method == "POST" and len(parts) == 3 else None
    if named is not None:
        return named(service, request, unquote(parts[1]))
    raise NotFoundError(f"{method} {PREFIX}{path} is not part of the admin API")


def _health(service: LocalSageMaker, _: AdminRequest) -> Any:
    jobs = sum(len(table) for table in service.store.tables())
    mode = "lifecycle-only" if service.settings.lifecycle_only else "run"
    return {"status": "ok", "mode": mode, "now": service.clock.now(), "jobs": jobs}


def _calls(service: LocalSageMaker, request: AdminRequest) -> Any:
    counted = service.calls.counters()
    if "log" in request.query:
        counted["log"] = service.calls.log(limit=int(request.query["log"] or LOG_LENGTH))
    return counted


def _clear_calls(service: LocalSageMaker, _: AdminRequest) -> Any:
    service.calls.clear()
    return {}


def _faults(service: LocalSageMaker, _: AdminRequest) -> Any:
    return {"faults": service.faults.listed()}


def _add_fault(service: LocalSageMaker, request: AdminRequest) -> Any:
    service.faults.add(Fault.parse(request.content))
    return {}


def _clear_faults(service: LocalSageMaker, _: AdminRequest) -> Any:
    service.faults.clear()
    return {}


def _advance(service: LocalSageMaker, request: AdminRequest) -> Any:
    seconds = float(request.content["seconds"])
    if seconds < 0:
        raise ValueError("the clock only goes forward")
    service.scheduler.advance(seconds)
    return {"now": service.clock.now()}


def _jobs(service: LocalSageMaker, request: AdminRequest) -> Any:
    foreign = request.query.get("foreign") == "true"
    jobs = (job for table in service.store.tables() for job in table.jobs())
    return {"jobs": [_shown(job) for job in jobs if foreign or not job.foreign]}


def _seed(service: LocalSageMaker, request: AdminRequest) -> Any:
    return {"added": seed(service, History(**request.content))}


def _quotas(service: LocalSageMaker, request: AdminRequest) -> Any:
    named = request.content.get("named")
    service.quotas = Quotas.load(named) if named in {"aws", "off"} else Quotas.parse(request.content)
    return {}


def _settings(service: LocalSageMaker, request: AdminRequest) -> Any:
    unknown = request.content.keys() - set(_TUNABLE)
    if unknown:
        raise ValueError(f"only {', '.join(_TUNABLE)} can be changed, not {', '.join(sorted(unknown))}")
    changes: dict[str, Any] = {name: float(value) for name, value in request.content.items()}
    service.settings = replace(service.settings, **changes)
    return {}


def _reset(service: LocalSageMaker, _: AdminRequest) -> Any:
    service.reset()
    return {}


def _outcome(service: LocalSageMaker, request: AdminRequest, name: str) -> Any:
    if not service.settings.lifecycle_only:
        raise ValueError("outcomes are scripted only with --lifecycle-only")
    service.scripts.set(name, Script(**request.content))
    return {}


def _interrupt(service: LocalSageMaker, request: AdminRequest, name: str) -> Any:
    running = [job for _, job in service.store.named(name) if job.status == IN_PROGRESS]
    if not running:
        raise NotFoundError(f"no job named {name} is in progress")
    for job in running:
        if not job.request.get("EnableManagedSpotTraining"):
            raise ValueError(f"{name} does not use spot instances")
        wait = float(request.content.get("seconds", SPOT_WAIT_SECONDS))
        service.run_of(job).interrupt(service.clock.now(), wait=wait)
    return {}


def _fail(service: LocalSageMaker, request: AdminRequest, name: str) -> Any:
    running = [job for _, job in service.store.named(name) if not job.is_terminal]
    if not running:
        raise NotFoundError(f"no job named {name} is under way")
    for job in running:
        service.run_of(job).fail(service.clock.now(), reason=str(request.content["reason"]))
    return {}


def _endpoints(service: LocalSageMaker, _: AdminRequest) -> Any:
    return {"endpoints": [shown(endpoint) for endpoint in service.endpoints.all()]}


def _endpoint_outcome(service: LocalSageMaker, request: AdminRequest, name: str) -> Any:
    if not service.settings.lifecycle_only:
        raise ValueError("outcomes are scripted only with --lifecycle-only")
    service.endpoint_scripts.set(name, EndpointScript(**request.content))
    return {}


def _endpoint_fail(service: LocalSageMaker, request: AdminRequest, name: str) -> Any:
    reason, now = str(request.content["reason"]), service.clock.now()
    named = [endpoint for endpoint in service.endpoints.all() if endpoint.name == name]
    if not [endpoint for endpoint in named if service.endpoints.fail(endpoint, reason=reason, at=now)]:
        raise NotFoundError(f"no deployment of an endpoint named {name} is under way")
    return {}


def _endpoint_maintain(service: LocalSageMaker, request: AdminRequest, name: str) -> Any:
    seconds, now = float(request.content["seconds"]), service.clock.now()
    serving = [each for each in service.endpoints.all() if each.name == name and each.status == IN_SERVICE]
    for endpoint in serving:
        service.endpoints.maintain(endpoint, seconds=seconds, at=now)
    if not serving:
        raise NotFoundError(f"no endpoint named {name} is InService")
    return {}


def _shown(job: Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "arn": job.arn,
        "account": job.account,
        "region": job.region,
        "status": job.status,
        "secondaryStatus": job.secondary_status,
        "creationTime": job.creation_time,
        "lastModifiedTime": job.last_modified_time,
        "failureReason": job.failure_reason,
        "tags": job.tags,
        "request": job.request,
    }


_ROUTES: Final[Mapping[tuple[str, str], Callable[[LocalSageMaker, AdminRequest], Any]]] = {
    ("GET", "health"): _health,
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): _clear_calls,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "clock/advance"): _advance,
    ("GET", "jobs"): _jobs,
    ("GET", "endpoints"): _endpoints,
    ("POST", "seed"): _seed,
    ("POST", "quotas"): _quotas,
    ("POST", "settings"): _settings,
    ("POST", "reset"): _reset,
}
_NAMED_ROUTES: Final[Mapping[tuple[str, str], Callable[[LocalSageMaker, AdminRequest, str], Any]]] = {
    ("jobs", "outcome"): _outcome,
    ("jobs", "interrupt"): _interrupt,
    ("jobs", "fail"): _fail,
    ("endpoints", "outcome"): _endpoint_outcome,
    ("endpoints", "fail"): _endpoint_fail,
    ("endpoints", "maintain"): _endpoint_maintain,
}
