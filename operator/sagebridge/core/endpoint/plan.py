"""What to do next for an endpoint: a pure function of the object, its ledger, what was seen, and the time.

What an endpoint's status allows:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html (EndpointStatus)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html (before an update)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sagebridge.core.clock import format_time, parse_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.deletion import Deletion
from sagebridge.core.endpoint import garbage
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ending import BUSY_LOOK_AGAIN_SECONDS, give_up, plan_deletion, remove
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import (
    FAILED,
    IN_SERVICE,
    EndpointView,
    Observed,
)
from sagebridge.core.endpoint.progress import in_service, under_way
from sagebridge.core.endpoint.refusals import update_refusal
from sagebridge.core.endpoint.running import begun_with, runs, with_running, without_others
from sagebridge.core.endpoint.scaling_steps import next_scaling_step, targets_in_the_way, targets_left_over
from sagebridge.core.endpoint.situation import Situation
from sagebridge.core.endpoint.steps import (
    ApplyTags,
    Claim,
    Collect,
    Conclude,
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    DeleteEndpoint,
    DeletePolicy,
    DeleteScheduled,
    Deregister,
    Look,
    Protect,
    PutPolicy,
    PutScheduled,
    Register,
    Release,
    Remember,
    Resolve,
    Step,
    Survey,
    UpdateEndpoint,
    UpdateNumbers,
    Wait,
)
from sagebridge.core.endpoint.tries import (
    NO_REASON,
    attempt,
    has_ended,
    may_be_under_way,
    overtaken_failure,
    recorded,
    with_failure,
    with_what_serves,
)
from sagebridge.core.job_failure import JobFailure, failure_class
from sagebridge.core.reasons import Reason

__all__ = ["RETRY_FAILED_AFTER_SECONDS", "Situation", "next_step"]

RETRY_FAILED_AFTER_SECONDS = 600.0
"""Pause before an endpoint that SageMaker's own side made fail is made anew."""

_CHANGES = (
    ApplyTags,
    Collect,
    DeleteEndpoint,
    DeletePolicy,
    DeleteScheduled,
    Deregister,
    PutPolicy,
    PutScheduled,
    Register,
    UpdateEndpoint,
    UpdateNumbers,
)
_RETRYABLE = (JobFailure.CAPACITY_ERROR, JobFailure.INTERNAL_SERVER_ERROR)


def next_step(situation: Situation) -> Step:
    """The one step to take now.

    Returns:
        A step that brings the endpoint nearer to its spec, or says where it stands; taking it again does no harm.
    """
    if situation.deletion is not None:
        return _plan_deletion(situation, situation.deletion) if situation.is_finalized else Wait()
    if not situation.is_finalized:
        return Protect()
    return _taken_with_care(situation, _plan_life(situation))


def _plan_deletion(situation: Situation, deletion: Deletion) -> Step:
    step = _taken_with_care(situation, plan_deletion(situation, deletion))
    return give_up(situation) if isinstance(step, Conclude) and deletion.is_over(situation.now) else step


def _taken_with_care(situation: Situation, step: Step) -> Step:
    """Nothing is changed while paused, and nothing that was not looked at right before."""
    step = _unless_paused(situation, step)
    return step if situation.is_fresh or not _touches_endpoint(situation, step) else Look()


def _touches_endpoint(situation: Situation, step: Step) -> bool:
    """Whether a step changes the endpoint, or records what is to be done to it."""
    if isinstance(step, Remember):
        return step.ledger.update != situation.ledger.update
    return isinstance(step, _CHANGES)


def _unless_paused(situation: Situation, step: Step) -> Step:
    if not situation.is_paused or isinstance(step, Wait | Conclude | Look | Claim | Resolve | Release):
        return step
    state = State.PROGRESSING if situation.deletion else State.PAUSED
    message = "Paused: nothing is changed in AWS. Remove the annotation sagebridge.io/paused to go on."
    verdict = Verdict(state=state, reason=Reason.PAUSED, message=message)
    return Conclude(verdict=verdict, ledger=situation.ledger, again_after=BUSY_LOOK_AGAIN_SECONDS)


def _plan_life(situation: Situation) -> Step:
    if situation.desired is None:
        return _look_first(situation) or Resolve()
    if situation.observed is None:
        return Look()
    endpoint = situation.observed.endpoint
    if endpoint is None:
        return _plan_absent(situation, situation.desired)
    return _plan_present(situation, situation.desired, situation.observed, endpoint)


def _look_first(situation: Situation) -> Step | None:
    """What is seen of an endpoint that was made goes to status, even if its spec makes no sense any more."""
    if situation.ledger.is_empty:
        return None
    if situation.observed is None:
        return Look()
    return Claim() if situation.observed.endpoint is not None and not situation.is_ours else None


def _plan_present(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView) -> Step:
    if not situation.is_ours:
        return Claim()
    if situation.ledger.is_empty:
        if observed.config is None and not situation.is_adopted:
            return Survey()
        return Remember(ledger=begun_with(situation, desired, observed, endpoint))
    if endpoint.is_busy:
        return under_way(situation, endpoint)
    situation = replace(situation, ledger=with_what_serves(situation, desired, endpoint))
    step: Step | None = overtaken_failure(situation, desired, endpoint)
    if step is None and endpoint.status == FAILED:
        step = _plan_failed(situation, desired, endpoint)
    return step or _plan_settled(situation, desired, observed, endpoint)


# --- making it ---------------------------------------------------------------------------------------------------


def _plan_absent(situation: Situation, desired: Desired) -> Step:
    situation = replace(situation, ledger=situation.ledger.with_none_serving())
    # Recorded first: what is wanted may need a model of a version that goes.
    collected = _collect(situation, desired, None) if situation.ledger.has_last(desired) else None
    preparation = collected or _prepare(situation, desired)
    if preparation is not None:
        return preparation
    key = desired.deployment_key
    if situation.ledger.update is None or situation.ledger.update.key != key:
        update = recorded(situation, None, key, config_name=desired.config.name)
        return Remember(ledger=situation.ledger.with_update(update))
    return CreateEndpoint(config_name=desired.config.name)


def _prepare(situation: Situation, desired: Desired) -> Step | None:
    """What has to be there before the endpoint can run the config, or None when it is."""
    if not situation.ledger.has_last(desired):
        seen = situation.observed.endpoint if situation.observed else None
        ledger = situation.ledger.with_revision(desired, now=format_time(situation.now))
        kept = ledger.without_models_but_of(desired.config.name, seen.config_name if seen else "")
        return Remember(ledger=kept)
    missing = next((model for model in desired.models if model.name not in situation.made), None)
    if missing is not None:
        return CreateModel(model=missing)
    if desired.config.name not in situation.made:
        return CreateConfig(config=desired.config)
    return None


def _plan_failed(situation: Situation, desired: Desired, endpoint: EndpointView) -> Step:
    """Only deletion is left to a failed endpoint. It is made anew when that can end otherwise."""
    update, ledger = situation.ledger.update, situation.ledger
    is_its_end = update is not None and (update.begun or endpoint.config_name == desired.config.name)
    if update is not None and is_its_end and update.key == desired.deployment_key:
        return Remember(ledger=with_failure(situation, desired, endpoint, key=update.key))
    if situation.is_adopted:
        said = _sentence(endpoint.failure_line)
        return _stalled(
            situation,
            Reason.ENDPOINT_FAILED,
            f"The endpoint has failed: {said} It was there before this object, so it is not deleted here: delete it "
            "in SageMaker, and it is made anew.",
        )
    if not ledger.is_refused(desired.deployment_key):
        return remove(situation)
    message = _sentence(ledger.failure.message if ledger.failure else "")
    pause = _pause_after_failure(situation)
    if pause is None:
        return _collect(situation, desired, endpoint) or _stalled(
            situation,
            Reason.ENDPOINT_FAILED,
            f"The endpoint has failed: {message} Correct the spec, and it is deleted and made anew.",
        )
    if pause <= 0:
        return Remember(ledger=ledger.with_reached())
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


def _sentence(reason: str) -> str:
    """Why it failed; SageMaker's words end with a full stop or without."""
    return f"{(reason or NO_REASON).rstrip('. ')}."


# --- changing it -------------------------------------------------------------------------------------------------


def _plan_settled(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView) -> Step:
    refused = ""
    if not runs(endpoint, desired):
        step = _deploy(situation, desired, observed, endpoint)
        if step is not None:
            return step
        refused = desired.deployment_key
    elif left_over := targets_left_over(observed, desired):
        # Its bounds would undo the counts.
        return Deregister(key=left_over[0])
    elif change := next(_number_changes(endpoint, desired), None):
        key = f"{desired.numbers_key}/{change.part}"
        step = attempt(situation, desired, endpoint, key, change)
        if step is not None:
            return step
        refused = key
    return _tend(situation, desired, observed, endpoint, refused=bool(refused))


def _deploy(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView) -> Step | None:
    """What brings the endpoint to the config, or None if that has failed and should not be tried again now."""
    key = desired.deployment_key
    if situation.ledger.is_refused(key):
        return None
    update = situation.ledger.update
    is_asked_for = update is not None and update.key == key and not update.refused
    if update is not None and is_asked_for and (update.begun or has_ended(update, endpoint)):
        return attempt(situation, desired, endpoint, key, Look())
    if situation.held_back is not None or update_refusal(desired, running=endpoint.variant_names):
        return None
    preparation = _prepare(situation, desired)
    if preparation is not None:
        return preparation
    in_the_way = targets_in_the_way(situation.ledger, observed, desired, running=endpoint.config_name)
    if in_the_way:
        kept = with_running(situation.ledger, observed, endpoint, now=format_time(situation.now))
        return Remember(ledger=kept) if kept != situation.ledger else Deregister(key=in_the_way[0])
    return attempt(situation, desired, endpoint, key, _update(desired, endpoint))


def _update(desired: Desired, endpoint: EndpointView) -> UpdateEndpoint:
    """UpdateEndpoint keeps all counts or none: all where one is not ours to say; then the others are set afterwards."""
    running = {variant.name for variant in endpoint.variants}
    retain = any(variant.keeps_count and variant.name in running for variant in desired.variants)
    return UpdateEndpoint(
        config_name=desired.config.name,
        retain=retain,
        exclude=("DesiredWeight",) if retain else (),
        deployment=desired.deployment,
    )


def _number_changes(endpoint: EndpointView, desired: Desired) -> Iterator[UpdateNumbers]:
    """What is not as it should be: first weights, then, one by one, the counts that nobody else owns."""
    running = {variant.name: variant for variant in endpoint.variants}
    both = [(wanted, running[wanted.name]) for wanted in desired.variants if wanted.name in running]
    weights = {
        wanted.name: wanted.weight
        for wanted, view in both
        if view.desired_weight is not None and abs(view.desired_weight - wanted.weight) > 1e-6
    }
    if weights:
        yield UpdateNumbers(weights=weights)
    for wanted, view in both:
        if wanted.count is not None and view.desired_count not in (None, wanted.count):
            yield UpdateNumbers(counts={wanted.name: wanted.count})


def _tend(situation: Situation, desired: Desired, observed: Observed, endpoint: EndpointView, *, refused: bool) -> Step:
    """Everything around an endpoint that runs what it should, or that runs on with what it had."""
    step = _scale(situation.ledger, desired, observed, endpoint)
    if step is not None:
        return step
    if situation.has_unapplied_tags:
        return ApplyTags()
    collected = _collect(situation, desired, endpoint)
    if collected is not None:
        return collected
    return (
        _conclude_refused(situation, desired, endpoint) if refused else _conclude_settled(situation, desired, endpoint)
    )


def _conclude_refused(situation: Situation, desired: Desired, endpoint: EndpointView) -> Conclude:
    """Where an endpoint stands whose change has failed, or was never begun."""
    ledger, held = situation.ledger, situation.held_back
    if not ledger.is_refused(desired.deployment_key) and not runs(endpoint, desired):
        if held is not None:
            return Conclude(verdict=held.verdict, ledger=ledger, again_after=held.again_after)
        if excluded := update_refusal(desired, running=endpoint.variant_names):
            return _stalled(situation, Reason.INVALID_SPEC, excluded)
    message = _sentence(ledger.failure.message if ledger.failure else "")
    still = "the version before it goes on serving" if endpoint.status == IN_SERVICE else endpoint.status
    return _stalled(
        situation,
        Reason.UPDATE_FAILED,
        f"The update has failed, {still}: {message} Correct the spec, or go back to the one before.",
    )


def _scale(ledger: Ledger, desired: Desired, observed: Observed, endpoint: EndpointView) -> Step | None:
    """The next step to the autoscaling of what runs; where nobody knows what that was, it is left alone."""
    revision = ledger.find(endpoint.config_name)
    if not runs(endpoint, desired):
        return next_scaling_step(ledger, observed, revision.scaling, endpoint) if revision else None
    if revision is not None and revision.scaling != desired.scaled:
        return Remember(ledger=ledger.with_scaling(endpoint.config_name, desired.scaled))
    return next_scaling_step(ledger, observed, desired.scaled, endpoint)


def _collect(situation: Situation, desired: Desired, endpoint: EndpointView | None) -> Step | None:
    if situation.keeps_remains:
        return None
    running, limit = endpoint.config_name if endpoint else "", situation.history_limit
    if endpoint is None or may_be_under_way(situation.ledger.update, endpoint):
        # What was tried last may have begun, and not show yet.
        limit = max(1, limit)
    return garbage.next_collection(situation.ledger, desired=desired, running=running, limit=limit)


def _conclude_settled(situation: Situation, desired: Desired, endpoint: EndpointView) -> Conclude:
    running = endpoint.config_name
    ledger = without_others(situation.ledger, running=running).with_models(running, desired.served_models)
    ledger = ledger.with_reached()
    if endpoint.status != IN_SERVICE:
        message = f"The endpoint is {endpoint.status}. {endpoint.failure_reason}".rstrip()
        verdict = Verdict(state=State.STALLED, reason=Reason.ENDPOINT_FAILED, message=message)
    else:
        message = in_service(ledger, running=running)
        verdict = Verdict(state=State.SERVING, reason=Reason.IN_SERVICE, message=message)
    return Conclude(verdict=verdict, ledger=ledger)


def _stalled(situation: Situation, reason: Reason, message: str) -> Conclude:
    verdict = Verdict(state=State.STALLED, reason=reason, message=message)
    return Conclude(verdict=verdict, ledger=situation.ledger)
