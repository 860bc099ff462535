"""What to do next for an endpoint: a pure function of the object, its ledger, what was seen, and the time.

What an endpoint's status allows:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html (EndpointStatus)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html (before an update)
"""

from __future__ import annotations

from dataclasses import replace

from sagebridge.core.clock import format_time, parse_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint import garbage
from sagebridge.core.endpoint.desired import Desired, VariantPlan
from sagebridge.core.endpoint.ending import BUSY_LOOK_AGAIN_SECONDS, plan_deletion, remove
from sagebridge.core.endpoint.ledger import Failure, Ledger, Update
from sagebridge.core.endpoint.observed import (
    FAILED,
    IN_SERVICE,
    UPDATE_ROLLBACK_FAILED,
    EndpointView,
    Observed,
)
from sagebridge.core.endpoint.scaling_steps import next_scaling_step, targets_in_the_way
from sagebridge.core.endpoint.situation import Situation
from sagebridge.core.endpoint.steps import (
    ApplyTags,
    Claim,
    Conclude,
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    Deregister,
    Look,
    Protect,
    Release,
    Remember,
    Resolve,
    Step,
    UpdateEndpoint,
    UpdateNumbers,
    Wait,
)
from sagebridge.core.errors import JobFailure, failure_class
from sagebridge.core.reasons import Reason

__all__ = ["IN_SERVICE_MESSAGE", "RETRY_FAILED_AFTER_SECONDS", "Situation", "next_step"]

RETRY_FAILED_AFTER_SECONDS = 600.0
"""Pause before an endpoint that SageMaker's own side made fail is made anew."""

IN_SERVICE_MESSAGE = "The endpoint is InService."

_RETRYABLE = (JobFailure.CAPACITY_ERROR, JobFailure.INTERNAL_SERVER_ERROR)
_MOST_TRIES = 2
_NO_REASON = "SageMaker gave no reason."


def next_step(situation: Situation) -> Step:
    """The one step to take now.

    Returns:
        A step that brings the endpoint nearer to its spec, or says where it stands; taking it again does no harm.
    """
    if situation.deletion_requested_at is not None:
        deletion = plan_deletion(situation, situation.deletion_requested_at)
        return _unless_paused(situation, deletion) if situation.is_finalized else Wait()
    if not situation.is_finalized:
        return Protect()
    return _unless_paused(situation, _plan_life(situation))


def _unless_paused(situation: Situation, step: Step) -> Step:
    if not situation.is_paused or isinstance(step, Wait | Conclude | Look | Resolve | Release):
        return step
    state = State.PROGRESSING if situation.deletion_requested_at else State.PAUSED
    message = "Paused: nothing is changed in AWS. Remove the annotation sagebridge.io/paused to go on."
    verdict = Verdict(state=state, reason=Reason.PAUSED, message=message)
    return Conclude(verdict=verdict, ledger=situation.ledger, again_after=BUSY_LOOK_AGAIN_SECONDS)


def _plan_life(situation: Situation) -> Step:
    if situation.desired is None:
        return Resolve()
    if situation.observed is None:
        return Look()
    endpoint = situation.observed.endpoint
    if endpoint is None:
        return _plan_absent(situation, situation.desired)
    return _plan_present(situation, situation.desired, situation.observed, endpoint)


def _plan_present(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView) -> Step:
    if not situation.is_ours:
        return Claim()
    if endpoint.is_busy:
        return _plan_busy(situation, endpoint)
    if endpoint.status == FAILED:
        return _plan_failed(situation, desired, endpoint)
    return _plan_settled(situation, desired, observed, endpoint)


# --- making it ---------------------------------------------------------------------------------------------------


def _plan_absent(situation: Situation, desired: Desired) -> Step:
    preparation = _prepare(situation, desired)
    if preparation is not None:
        return preparation
    key = desired.deployment_key
    if situation.ledger.update is None or situation.ledger.update.key != key:
        return Remember(ledger=replace(situation.ledger, update=Update(key=key)))
    return CreateEndpoint(config_name=desired.config.name)


def _prepare(situation: Situation, desired: Desired) -> Step | None:
    """What has to be there before the endpoint can run the config, or None when it is."""
    if not situation.ledger.has_last(desired):
        return Remember(ledger=situation.ledger.with_revision(desired, now=format_time(situation.now)))
    missing = next((model for model in desired.models if model.name not in situation.made), None)
    if missing is not None:
        return CreateModel(model=missing)
    if desired.config.name not in situation.made:
        return CreateConfig(config=desired.config)
    return None


def _plan_busy(situation: Situation, endpoint: EndpointView) -> Step:
    update = situation.ledger.update
    ledger = situation.ledger
    if update is not None and not update.begun:
        ledger = replace(ledger, update=replace(update, begun=True))
    reason = Reason.CREATING if endpoint.status == "Creating" else Reason.UPDATING
    message = f"The endpoint is {endpoint.status}."
    if situation.desired and update and update.key not in _keys(situation.desired):
        message += " The newer spec follows when that has ended."
    verdict = Verdict(state=State.PROGRESSING, reason=reason, message=message)
    return Conclude(verdict=verdict, ledger=ledger, again_after=BUSY_LOOK_AGAIN_SECONDS)


def _keys(desired: Desired) -> tuple[str, str]:
    return desired.deployment_key, desired.numbers_key


def _plan_failed(situation: Situation, desired: Desired, endpoint: EndpointView) -> Step:
    """Only deletion is left to a failed endpoint. It is made anew when that can end otherwise."""
    update, ledger = situation.ledger.update, situation.ledger
    if update is not None and update.key == desired.deployment_key:
        return Remember(ledger=_with_failure(situation, desired, endpoint, key=update.key))
    if not ledger.is_refused(desired.deployment_key):
        return remove(situation)
    message = ledger.failure.message if ledger.failure else ""
    pause = _pause_after_failure(situation)
    if pause is None:
        return _collect(situation, desired, endpoint) or _stalled(
            situation,
            Reason.ENDPOINT_FAILED,
            f"The endpoint has failed: {message} Correct the spec, and it is deleted and made anew.",
        )
    if pause <= 0:
        return Remember(ledger=replace(ledger, failure=_resolved(ledger.failure)))
    verdict = Verdict(
        state=State.PROGRESSING,
        reason=Reason.RETRY_PENDING,
        message=f"The endpoint has failed: {message} It will be deleted and made anew.",
    )
    return Conclude(verdict=verdict, ledger=ledger, again_after=pause)


def _pause_after_failure(situation: Situation) -> float | None:
    """Seconds until a failed endpoint is made anew from the same spec; None if that would fail again."""
    failure = situation.ledger.failure
    if failure is None or failure_class(failure.message) not in _RETRYABLE:
        return None
    since = parse_time(failure.time) if failure.time else situation.now
    return RETRY_FAILED_AFTER_SECONDS - (situation.now - since).total_seconds()


def _resolved(failure: Failure | None) -> Failure | None:
    return replace(failure, resolved=True) if failure else None


# --- changing it -------------------------------------------------------------------------------------------------


def _plan_settled(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView) -> Step:
    refused = ""
    if not _runs(endpoint, desired):
        step = _deploy(situation, desired, observed, endpoint)
        if step is not None:
            return step
        refused = desired.deployment_key
    elif differing := _differing(endpoint, desired):
        step = _attempt(situation, desired, endpoint, desired.numbers_key, UpdateNumbers(variants=differing))
        if step is not None:
            return step
        refused = desired.numbers_key
    return _tend(situation, desired, observed, endpoint, refused=bool(refused))


def _runs(endpoint: EndpointView, desired: Desired) -> bool:
    """Whether the endpoint runs the config, whatever its weights and counts have become."""
    return f"-{desired.config.template}-" in endpoint.config_name and endpoint.status != UPDATE_ROLLBACK_FAILED


def _deploy(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView) -> Step | None:
    """What brings the endpoint to the config, or None if that has failed and should not be tried again."""
    key = desired.deployment_key
    if situation.ledger.is_refused(key):
        return None
    update = situation.ledger.update
    if update is not None and update.key == key and _has_ended(update, endpoint):
        return _attempt(situation, desired, endpoint, key, Look())
    preparation = _prepare(situation, desired)
    if preparation is not None:
        return preparation
    in_the_way = targets_in_the_way(situation.ledger, observed, desired, running=endpoint.config_name)
    if in_the_way:
        return Deregister(key=in_the_way[0])
    return _attempt(situation, desired, endpoint, key, _update(desired, endpoint))


def _update(desired: Desired, endpoint: EndpointView) -> UpdateEndpoint:
    """UpdateEndpoint, so that exactly the counts that autoscaling owns are kept."""
    running = {variant.name for variant in endpoint.variants}
    retain = any(variant.keeps_count and variant.name in running for variant in desired.variants)
    return UpdateEndpoint(
        config_name=desired.config.name,
        retain=retain,
        exclude=("DataCaptureConfig", "DesiredWeight") if retain else (),
        deployment=desired.deployment,
    )


def _differing(endpoint: EndpointView, desired: Desired) -> tuple[VariantPlan, ...]:
    """The variants whose weight, or count that nobody else owns, is not what it should be."""
    running = {variant.name: variant for variant in endpoint.variants}
    found = []
    for wanted in desired.variants:
        view = running.get(wanted.name)
        if view is None:
            continue
        weight_differs = view.desired_weight is not None and abs(view.desired_weight - wanted.weight) > 1e-6
        count_differs = wanted.count is not None and view.desired_count not in (None, wanted.count)
        if weight_differs or count_differs:
            found.append(wanted)
    return tuple(found)


def _has_ended(update: Update, endpoint: EndpointView) -> bool:
    return update.begun or endpoint.last_modified != update.since


def _attempt(situation: Situation, desired: Desired, endpoint: EndpointView, key: str, step: Step) -> Step | None:
    """`step`, recorded before it is taken; None if it has failed and should not be tried again.

    The endpoint is settled, and is not what `key` stands for: an update that has begun has ended otherwise.
    """
    ledger = situation.ledger
    if ledger.is_refused(key):
        return None
    update = ledger.update
    if update is None or update.key != key:
        return Remember(ledger=replace(ledger, update=Update(key=key, since=endpoint.last_modified)))
    if not _has_ended(update, endpoint):
        return step
    if endpoint.failure_reason or update.tries >= _MOST_TRIES:
        return Remember(ledger=_with_failure(situation, desired, endpoint, key=key))
    # It may be that autoscaling, or somebody else, has changed the endpoint between our record and our call.
    again = Update(key=key, since=endpoint.last_modified, tries=update.tries + 1)
    return Remember(ledger=replace(ledger, update=again))


def _with_failure(situation: Situation, desired: Desired, endpoint: EndpointView, *, key: str) -> Ledger:
    failure = Failure(
        key=key,
        message=" ".join(endpoint.failure_reason.split()) or _NO_REASON,
        time=format_time(situation.now),
        config_name=desired.config.name,
    )
    return replace(situation.ledger, update=None, failure=failure)


def _tend(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView, *, refused: bool) -> Step:
    """Everything around an endpoint that runs what it should, or that runs on with what it had."""
    scaling = next_scaling_step(situation.ledger, observed, desired, endpoint)
    if scaling is not None:
        return scaling
    if situation.has_unapplied_tags:
        return ApplyTags()
    collected = _collect(situation, desired, endpoint)
    if collected is not None:
        return collected
    if refused:
        message = situation.ledger.failure.message if situation.ledger.failure else _NO_REASON
        still = "the version before it goes on serving" if endpoint.status == IN_SERVICE else endpoint.status
        return _stalled(
            situation,
            Reason.UPDATE_FAILED,
            f"The update has failed, {still}: {message} Correct the spec, or go back to the one before.",
        )
    return _conclude_settled(situation, endpoint)


def _collect(situation: Situation, desired: Desired, endpoint: EndpointView) -> Step | None:
    if situation.keeps_remains:
        return None
    return garbage.next_collection(
        situation.ledger, desired=desired, running=endpoint.config_name, limit=situation.history_limit
    )


def _conclude_settled(situation: Situation, endpoint: EndpointView) -> Conclude:
    ledger = replace(situation.ledger, update=None, failure=_resolved(situation.ledger.failure))
    if endpoint.status != IN_SERVICE:
        message = f"The endpoint is {endpoint.status}. {endpoint.failure_reason}".rstrip()
        verdict = Verdict(state=State.STALLED, reason=Reason.ENDPOINT_FAILED, message=message)
    else:
        verdict = Verdict(state=State.SERVING, reason=Reason.IN_SERVICE, message=IN_SERVICE_MESSAGE)
    return Conclude(verdict=verdict, ledger=ledger)


def _stalled(situation: Situation, reason: Reason, message: str) -> Conclude:
    verdict = Verdict(state=State.STALLED, reason=reason, message=message)
    return Conclude(verdict=verdict, ledger=situation.ledger)
