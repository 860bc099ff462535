"""The one call that stops what a step has made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sagebridge_kfp.step.api import Api, ApiError
from sagebridge_kfp.step.kinds import plural_of
from sagebridge_kfp.step.marks import ANNOTATION_POD, ANNOTATION_STOPPED, ANNOTATION_STOPPED_BECAUSE, told_because
from sagebridge_kfp.step.standing import has_served, is_ended

Body = Mapping[str, Any]

TOLD_TO_END: Final = "it was told to end"
"""Why a job is suspended that nothing is wrong with."""
_SECONDS: Final = (1.0, 3.0)
_NOT_FOUND, _CONFLICT, _INVALID = 404, 409, 422


def suspend(api: Api, kind: str, body: Body, *, pod: str, why: str = TOLD_TO_END) -> str:
    """Suspend a job, whose next pod goes on with it; say what was done.

    A job that has ended is left as it is, and one that another pod attends by now.

    Args:
        api: the namespace's objects.
        kind: the job's kind.
        body: the object as it was seen last.
        pod: name and UID of the step's pod; empty outside of a cluster.
        why: what its condition tells from then on.

    Raises:
        ApiError: the call failed.
    """
    name = body["metadata"]["name"]
    if is_ended(body):
        return f"Told to end; {kind} {name} has ended."
    if ((body.get("spec") or {}).get("runPolicy") or {}).get("suspend"):
        return f"Told to end; {kind} {name} is suspended already."
    try:
        api.change(kind, name, suspension(body, pod=pod, why=why), seconds=_SECONDS)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return f"Told to end; {kind} {name} is gone."
        if error.status == _INVALID:
            return f"Told to end; another pod attends {kind} {name} by now, and it goes on. {error}"
        raise
    return f"Told to end: {kind} {name} is suspended, so its job is being stopped. {_what_next(kind, body, pod=pod)}"


def _what_next(kind: str, body: Body, *, pod: str) -> str:
    if pod:
        return "This step goes on with it if retried."
    # Nothing tells another run on a laptop that it is the same.
    which = f"{plural_of(kind)} {body['metadata']['name']}"
    kubectl = f"kubectl -n {body['metadata']['namespace']}"
    resume = """--type=merge -p '{"spec":{"runPolicy":{"suspend":false}}}'"""
    return (
        f"Another run makes one of its own; to go on with this one: {kubectl} patch {which} {resume}; to be rid of it: "
        f"{kubectl} delete {which}"
    )


def suspension(body: Body, *, pod: str, why: str) -> list[Body]:
    """The JSON patch that suspends a job, if this pod is still the one that attends it."""
    policy = (body.get("spec") or {}).get("runPolicy")
    told = told_because(why, generation=body["metadata"].get("generation", 0))
    change: list[Body] = [
        {"op": "add", "path": "/spec/runPolicy", "value": {"suspend": True}}
        if policy is None
        else {"op": "add", "path": "/spec/runPolicy/suspend", "value": True},
        {"op": "add", "path": f"/metadata/annotations/{_escaped(ANNOTATION_STOPPED)}", "value": "true"},
        {"op": "add", "path": f"/metadata/annotations/{_escaped(ANNOTATION_STOPPED_BECAUSE)}", "value": told},
    ]
    if pod:
        change.insert(0, {"op": "test", "path": f"/metadata/annotations/{_escaped(ANNOTATION_POD)}", "value": pod})
    return change


def remove_unserving(api: Api, kind: str, body: Body, *, pod: str) -> str:
    """Delete an endpoint that has not served yet, and that no other pod attends by now; say what was done.

    Raises:
        ApiError: the call failed.
    """
    name = body["metadata"]["name"]
    current: Body | None = body
    while current is not None:
        if has_served(current):
            return f"Told to end; {kind} {name} has served already, and goes on."
        metadata = current["metadata"]
        if pod and (metadata.get("annotations") or {}).get(ANNOTATION_POD) != pod:
            return f"Told to end; another pod attends {kind} {name} by now, and it goes on."
        only = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        try:
            api.delete(kind, name, preconditions=only, seconds=_SECONDS)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                break
            if error.status != _CONFLICT:
                raise
            # It has changed since, and may serve by now, or be another pod's.
            current = api.get(kind, name)
        else:
            return f"Told to end: {kind} {name}, which did not serve yet, is being deleted."
    return f"Told to end; {kind} {name} is gone."


def _escaped(key: str) -> str:
    """A key within a JSON pointer. https://www.rfc-editor.org/rfc/rfc6901#section-3."""
    return key.replace("~", "~0").replace("/", "~1")
