"""Trying a change of an endpoint: recorded before it is asked for, and judged when it has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sagebridge.core.clock import format_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint.desired import Desired, content_hash
from sagebridge.core.endpoint.ledger import Failure, Ledger, Update
from sagebridge.core.endpoint.observed import FAILED, IN_SERVICE, EndpointView
from sagebridge.core.endpoint.revision import Outcome
from sagebridge.core.endpoint.situation import Situation
from sagebridge.core.endpoint.steps import Conclude, Look, Remember, Step
from sagebridge.core.reasons import Reason

NO_REASON: Final = "SageMaker gave no reason."
_MOST_TRIES: Final = 2
_LAG_SECONDS: Final = 5.0


def attempt(situation: Situation, desired: Desired, endpoint: EndpointView, key: str, step: Step) -> Step | None:
    """`step`, recorded before it is taken; None if it has failed and should not be tried again.

    The endpoint is settled, and is not what `key` stands for: an update that has begun has ended otherwise.
    """
    ledger = situation.ledger
    if ledger.is_refused(key):
        return None
    update = ledger.update
    if update is None or update.key != key:
        deployed = desired.config.name if key == desired.deployment_key else ""
        return Remember(ledger=ledger.with_update(recorded(situation, endpoint, key, config_name=deployed)))
    if update.refused:
        anew = _again(situation, endpoint, update)
        return Remember(ledger=replace(ledger, update=replace(anew, recorded_at=update.recorded_at)))
    if not has_ended(update, endpoint):
        return _not_seen_yet(situation) if update.begun else step
    if _has_failed(update, endpoint):
        return Remember(ledger=with_failure(situation, desired, endpoint, key=key))
    # Autoscaling, or somebody else, has changed the endpoint between our record and our call, or after our change.
    again = _again(situation, endpoint, update)
    return Remember(ledger=replace(ledger, update=replace(again, tries=update.tries + (1 if update.begun else 0))))


def has_ended(update: Update, endpoint: EndpointView) -> bool:
    """Whether something was done to the endpoint since the record; it is settled again."""
    return endpoint.last_modified != update.since


def may_be_under_way(update: Update | None, endpoint: EndpointView) -> bool:
    """Whether another config may be on its way, though it does not show: a reply may be lost, and a look may lag."""
    return update is not None and update.deploys and not update.refused and not has_ended(update, endpoint)


def recorded(situation: Situation, endpoint: EndpointView | None, key: str, *, config_name: str = "") -> Update:
    """The record of a change that SageMaker is to be asked for now; `config_name` is what it deploys, if anything."""
    return Update(
        key=key,
        since=endpoint.last_modified if endpoint else "",
        failure_before=_mark(endpoint),
        recorded_at=format_time(situation.now),
        config_name=config_name,
    )


def _again(situation: Situation, endpoint: EndpointView, update: Update) -> Update:
    """The record of the same change, to be asked for once more."""
    anew = recorded(situation, endpoint, update.key, config_name=update.config_name)
    return replace(anew, tries=update.tries)


def _mark(endpoint: EndpointView | None) -> str:
    """Stands for a FailureReason."""
    return content_hash(endpoint.failure_reason) if endpoint and endpoint.failure_reason else ""


def _has_failed(update: Update, endpoint: EndpointView) -> bool:
    """Whether the change itself has failed; what SageMaker says of an earlier one is not its fault."""
    if update.begun:
        return bool(endpoint.failure_reason) or update.tries >= _MOST_TRIES
    # Perhaps it was accepted, and the answer was lost.
    return _mark(endpoint) not in ("", update.failure_before)


def _not_seen_yet(situation: Situation) -> Step:
    if not situation.is_fresh:
        return Look()
    message = "The change is accepted; SageMaker does not show it yet."
    verdict = Verdict(state=State.PROGRESSING, reason=Reason.UPDATING, message=message)
    return Conclude(verdict=verdict, ledger=situation.ledger, again_after=_LAG_SECONDS, quietly=True)


def with_failure(situation: Situation, desired: Desired, endpoint: EndpointView, *, key: str) -> Ledger:
    """The ledger once what `key` stands for has failed."""
    failure = replace(_failure(situation, endpoint, key=key), config_name=desired.config.name)
    ledger = replace(situation.ledger, update=None, failure=failure)
    if key != desired.deployment_key:
        return ledger
    return ledger.with_outcome(desired.config.name, _outcome(endpoint))


def _failure(situation: Situation, endpoint: EndpointView, *, key: str) -> Failure:
    """What SageMaker says of its end."""
    message = endpoint.failure_line or NO_REASON
    return Failure(key=key, message=message, time=format_time(situation.now))


def with_what_serves(situation: Situation, desired: Desired, endpoint: EndpointView) -> Ledger:
    """The ledger once an endpoint has come to rest: which version serves, also where a newer spec waits for it."""
    ledger = situation.ledger
    if endpoint.status == FAILED:
        return ledger.with_none_serving()
    if endpoint.status == IN_SERVICE:
        ledger = ledger.with_serving(endpoint.config_name, now=format_time(situation.now))
    update = _overtaken(ledger, desired, endpoint)
    return ledger.with_reached() if update and update.config_name == endpoint.config_name else ledger


def overtaken_failure(situation: Situation, desired: Desired, endpoint: EndpointView) -> Remember | None:
    """What records and tells that a deployment has failed which a newer spec has overtaken; None if none has.

    The endpoint has come to rest, and `with_what_serves` is in the ledger.
    """
    update = _overtaken(situation.ledger, desired, endpoint)
    is_left = endpoint.status == FAILED and update is not None and update.config_name == endpoint.config_name
    if update is None or not (update.begun or is_left or _has_failed(update, endpoint)):
        return None
    failure = replace(_failure(situation, endpoint, key=update.key), config_name=update.config_name)
    outcome = _outcome(endpoint)
    end = "was rolled back" if outcome is Outcome.ROLLED_BACK else "has failed"
    message = f"The deployment of {failure.config_name} {end}: {failure.message.rstrip('. ')}. The newer spec follows."
    ledger = replace(situation.ledger, update=None, failure=failure).with_outcome(failure.config_name, outcome)
    return Remember(ledger=ledger, news=Verdict(state=State.STALLED, reason=Reason.UPDATE_FAILED, message=message))


def _overtaken(ledger: Ledger, desired: Desired, endpoint: EndpointView) -> Update | None:
    """The deployment that has ended, and that something else is wanted since."""
    update = ledger.update
    is_another = update is not None and bool(update.config_name) and update.key != desired.deployment_key
    return update if update is not None and is_another and has_ended(update, endpoint) else None


def _outcome(endpoint: EndpointView) -> Outcome:
    """Of a version that the endpoint did not come to run."""
    return Outcome.ROLLED_BACK if endpoint.status == IN_SERVICE else Outcome.FAILED
