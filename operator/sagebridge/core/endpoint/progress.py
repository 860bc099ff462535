"""What is told of an endpoint that SageMaker is at work on, and of one that it is done with."""

from __future__ import annotations

from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ending import BUSY_LOOK_AGAIN_SECONDS
from sagebridge.core.endpoint.ledger import Ledger, Update
from sagebridge.core.endpoint.observed import CREATING, DELETING, ROLLING_BACK, UPDATING, EndpointView
from sagebridge.core.endpoint.running import NOT_OURS
from sagebridge.core.endpoint.situation import Situation
from sagebridge.core.endpoint.steps import Conclude
from sagebridge.core.reasons import Reason


def under_way(situation: Situation, endpoint: EndpointView) -> Conclude:
    """Where a busy endpoint stands. It is no news while it does what it was just told to do."""
    update, desired = situation.ledger.update, situation.desired
    overtaken = update is not None and desired is not None and not _leads_to(update, desired)
    message = f"The endpoint is {endpoint.status}{_where(endpoint)}."
    if overtaken:
        message += " The newer spec follows when that has ended."
    reason = Reason.CREATING if endpoint.status == CREATING else Reason.UPDATING
    verdict = Verdict(
        state=State.PROGRESSING,
        reason=reason,
        message=message,
        is_warning=endpoint.status == ROLLING_BACK,
    )
    return Conclude(
        verdict=verdict,
        ledger=situation.ledger,
        again_after=BUSY_LOOK_AGAIN_SECONDS,
        quietly=not overtaken and _is_told(update, endpoint),
    )


def in_service(ledger: Ledger, *, running: str) -> str:
    """What is told of an endpoint that serves: with which config, empty if that is not known, and which revision."""
    revision = ledger.find(running)
    number = f" (revision {revision.number})" if revision and revision.number != NOT_OURS else ""
    return f"The endpoint is InService{f' with {running}' if running else ''}{number}."


def _where(endpoint: EndpointView) -> str:
    """How far it is, after its status."""
    pending = endpoint.pending
    if endpoint.status in (CREATING, UPDATING) and pending is not None:
        towards = f" to {pending.config_name}" if endpoint.status == UPDATING else ""
        return f"{towards}: {pending.stage}" if pending.stage else towards
    reason = endpoint.failure_line.rstrip(".")
    return f": {reason}" if reason and endpoint.status == ROLLING_BACK else ""


def _is_told(update: Update | None, endpoint: EndpointView) -> bool:
    """Whether an Event has said so when SageMaker took our call."""
    if endpoint.status == DELETING:
        return True
    is_ours = update is not None and update.begun and endpoint.status in (CREATING, UPDATING)
    return is_ours and (endpoint.pending is None or endpoint.pending.is_launching)


def _leads_to(update: Update, desired: Desired) -> bool:
    return update.key.partition("/")[0] in (desired.deployment_key, desired.numbers_key)
