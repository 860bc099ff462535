"""What a component's function calls: make an object and wait for its outcome, delete one, read one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sagebridge_kfp.step.api import Api, ApiError
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.deleting import Departure
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import identify
from sagebridge_kfp.step.patience import Patience
from sagebridge_kfp.step.session import ATTENDED_SECONDS, DOUBT_SECONDS, FIRST_CALLS_SECONDS, Session, refusal
from sagebridge_kfp.step.termination import Termination
from sagebridge_kfp.step.wanted import Outcome, Wanted

__all__ = ["Outcome", "StepFailedError", "Wanted", "delete", "get", "run"]


def run(wanted: Wanted) -> Outcome:
    """Make the object, or find the one that an earlier pod of this step made, and wait until it has ended well.

    Prints a line for each change of its status, and the job's log lines as they are written. A SIGTERM stops the job
    by one call and ends the process with status 143; the next run of the same step goes on with it.

    Raises:
        StepFailedError: the job failed, or can't go on until somebody acts; the message has the reason and the last
            lines of the log.
    """
    console = Console()
    identity = identify(os.environ, output_uri=wanted.output_uri, spec=wanted.spec)
    termination = Termination(console)
    with termination.installed():
        session = Session(wanted, identity=identity, api=Api.connect(), console=console, termination=termination)
        return session.run()


def delete(kind: str, name: str, *, wait: bool = True) -> None:
    """Delete an object of this namespace; one that is not there is as good as deleted.

    Prints what the deletion waits for, a line for each change. A SIGTERM ends the process with status 143; a deletion
    that was asked for goes on by itself.

    Args:
        kind: such as ``Endpoint``.
        name: its name.
        wait: whether to return only when it is gone, with what it made.

    Raises:
        StepFailedError: the kind is unknown, the service account may not do that, or the object does not go.
    """
    console = Console()
    termination = Termination(console)
    with termination.installed():
        api = Api.connect()
        try:
            _delete(api, kind, name, wait=wait, console=console, termination=termination)
        except ApiError as error:
            raise StepFailedError(refusal(error, kind=kind, namespace=api.namespace)) from error


def get(kind: str, name: str) -> Mapping[str, Any]:
    """Read an object of this namespace, whole.

    Raises:
        StepFailedError: there is none, the kind is unknown, or the service account may not do that.
    """
    console, api = Console(), Api.connect()
    try:
        body = Patience(console, seconds=FIRST_CALLS_SECONDS).call(lambda: api.get(kind, name))
    except ApiError as error:
        raise StepFailedError(refusal(error, kind=kind, namespace=api.namespace)) from error
    if body is None:
        raise StepFailedError(f"There is no {kind} {name} in namespace {api.namespace}.")
    return body


def _delete(api: Api, kind: str, name: str, *, wait: bool, console: Console, termination: Termination) -> None:
    patience = Patience(console, seconds=FIRST_CALLS_SECONDS, ending=termination.ending)
    with termination.unsettled():
        uid = _ask_for_deletion(api, kind, name, patience=patience)
        if not uid:
            return console.say(f"{kind} {name} is not there.")
        termination.arm(lambda: f"Told to end; {kind} {name} is being deleted, and that goes on by itself.")
    console.say(f"{kind} {name} is being deleted.")
    if wait:
        departure = Departure(
            api, console=console, patience=patience.with_limit(ATTENDED_SECONDS, doubt_seconds=DOUBT_SECONDS)
        )
        departure.wait(kind, name, uid=uid)
        console.say(f"{kind} {name} is gone.")
    return termination.disarm()


def _ask_for_deletion(api: Api, kind: str, name: str, *, patience: Patience) -> str:
    """The UID of what is to go; empty where there is nothing."""
    body = patience.call(lambda: api.get(kind, name))
    if body is None:
        return ""
    uid = str(body["metadata"]["uid"])
    try:
        patience.call(lambda: api.delete(kind, name, preconditions={"uid": uid}))
    except ApiError as error:
        # Gone since, or another of that name.
        if error.status not in (404, 409):
            raise
    return uid
