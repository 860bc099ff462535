"""Where an endpoint stands, as its status says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.conditions import State
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.observed import EndpointView
from sagebridge.core.endpoint.plan import Situation, next_step
from sagebridge.core.reasons import Reason

from tests.unit.endpoint.specs import SCALING, desired, endpoint, ledger, situation, spec, variant
from tests.unit.endpoint.versions import (
    CANARY,
    HEAVY,
    MOVED,
    NEW,
    OLD,
    PLAN,
    REGISTERED,
    SCALED,
    TARGET,
    VIEW,
    failure,
    refusal,
    update,
)


@pytest.mark.parametrize(
    ("reason", "given", "state", "why"),
    [
        ("at rest", situation(OLD, endpoint(OLD), ledger=ledger(OLD)), State.SERVING, Reason.IN_SERVICE),
        (
            "autoscaling owns the count",
            situation(SCALED, endpoint(SCALED, a=4), scaling={TARGET: VIEW}, ledger=ledger(SCALED, **REGISTERED)),
            State.SERVING,
            Reason.IN_SERVICE,
        ),
        (
            "being made",
            situation(OLD, endpoint(OLD, status="Creating"), ledger=ledger(OLD)),
            State.PROGRESSING,
            Reason.CREATING,
        ),
        (
            "being updated: edits wait",
            situation(NEW, endpoint(OLD, status="Updating"), ledger=ledger(OLD, update=update(OLD))),
            State.PROGRESSING,
            Reason.UPDATING,
        ),
        (
            "AWS patches it",
            situation(NEW, endpoint(OLD, status="SystemUpdating"), ledger=ledger(OLD)),
            State.PROGRESSING,
            Reason.UPDATING,
        ),
        (
            "rolling back",
            situation(NEW, endpoint(OLD, status="RollingBack"), ledger=ledger(OLD)),
            State.PROGRESSING,
            Reason.UPDATING,
        ),
        (
            "a failed update leaves the old version serving",
            situation(NEW, endpoint(OLD, modified="2"), ledger=ledger(OLD, NEW, failure=failure(NEW))),
            State.STALLED,
            Reason.UPDATE_FAILED,
        ),
        (
            "the version that failed stays for another try",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW, failure=failure(NEW)), history_limit=0),
            State.STALLED,
            Reason.UPDATE_FAILED,
        ),
        (
            "refused weights leave the old ones in force",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD, failure=refusal(HEAVY))),
            State.STALLED,
            Reason.UPDATE_FAILED,
        ),
        (
            "the history is kept",
            situation(NEW, endpoint(NEW), ledger=ledger(MOVED, OLD, NEW), history_limit=2),
            State.SERVING,
            Reason.IN_SERVICE,
        ),
        (
            "somebody else's policies and actions are theirs",
            situation(
                SCALED,
                endpoint(SCALED),
                scaling={TARGET: replace(VIEW, policies={**PLAN.policies, "theirs": {}}, scheduled={"theirs": {}})},
                ledger=ledger(SCALED, **REGISTERED),
            ),
            State.SERVING,
            Reason.IN_SERVICE,
        ),
        (
            "variants that are not shown can't differ",
            situation(OLD, replace(endpoint(OLD), variants=()), ledger=ledger(OLD)),
            State.SERVING,
            Reason.IN_SERVICE,
        ),
        (
            "going back clears it",
            situation(OLD, endpoint(OLD, modified="2"), ledger=ledger(NEW, OLD, failure=failure(NEW))),
            State.SERVING,
            Reason.IN_SERVICE,
        ),
        (
            "a failed endpoint stays for its reason to be read",
            situation(OLD, endpoint(OLD, status="Failed"), ledger=ledger(OLD, failure=failure(OLD))),
            State.STALLED,
            Reason.ENDPOINT_FAILED,
        ),
        (
            "a lack of capacity passes",
            situation(
                OLD,
                endpoint(OLD, status="Failed"),
                ledger=ledger(OLD, failure=failure(OLD, message="CapacityError: none left")),
            ),
            State.PROGRESSING,
            Reason.RETRY_PENDING,
        ),
        (
            "out of service",
            situation(OLD, endpoint(OLD, status="OutOfService"), ledger=ledger(OLD)),
            State.STALLED,
            Reason.ENDPOINT_FAILED,
        ),
        (
            "paused: nothing is written to AWS",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW), is_paused=True),
            State.PAUSED,
            Reason.PAUSED,
        ),
    ],
)
def test_where_it_stands(reason: str, given: Situation, state: State, why: Reason) -> None:
    step = next_step(given)
    assert isinstance(step, steps.Conclude), (reason, step)
    assert (step.verdict.state, step.verdict.reason) == (state, why), reason


def test_what_is_seen_under_way_may_be_somebody_else_s() -> None:
    step = next_step(situation(NEW, endpoint(OLD, status="Updating"), ledger=ledger(OLD, NEW, update=update(NEW))))
    assert isinstance(step, steps.Conclude)
    assert step.ledger.update == update(NEW)
    assert step.again_after is not None


@pytest.mark.parametrize(("wanted", "is_told"), [(OLD, True), (NEW, False)])
def test_an_edit_that_waits_is_told(wanted: Desired, is_told: bool) -> None:
    step = next_step(situation(wanted, endpoint(OLD, status="Updating"), ledger=ledger(OLD, update=update(NEW))))
    assert isinstance(step, steps.Conclude)
    assert ("newer spec follows" in step.verdict.message) is is_told


GUARDED = {"deploymentConfig": CANARY.deployment}
AB = desired(spec(variant("a"), variant("b"), data="old"))
GUARDED_AB = desired(spec(variant("a"), variant("b"), data="old", **GUARDED))
GUARDED_OTHER = desired(spec(variant("c"), data="old", **GUARDED))


@pytest.mark.parametrize(
    ("reason", "wanted", "runs", "words"),
    [
        ("one comes", GUARDED_AB, OLD, "b would come."),
        ("one goes", CANARY, AB, "b would go."),
        ("one has another name", GUARDED_OTHER, OLD, "c would come and a would go."),
    ],
)
def test_variants_do_not_come_or_go_under_a_deployment_config(
    reason: str, wanted: Desired, runs: Desired, words: str
) -> None:
    """It is said before anything is made, and what serves is cared for."""
    step = next_step(situation(wanted, endpoint(runs), ledger=ledger(runs)))
    assert isinstance(step, steps.Conclude), (reason, step)
    assert (step.verdict.state, step.verdict.reason) == (State.STALLED, Reason.INVALID_SPEC), reason
    assert step.verdict.message.startswith("spec.deploymentConfig: "), reason
    assert words in step.verdict.message, reason
    assert "Remove deploymentConfig for this edit" in step.verdict.message


@pytest.mark.parametrize(
    ("reason", "wanted", "seen"),
    [
        ("without guardrails", AB, endpoint(OLD)),
        ("the same names", GUARDED_AB, endpoint(desired(spec(variant("a"), variant("b"), data="other")))),
        ("names that are not shown", GUARDED_AB, replace(endpoint(OLD), variants=())),
        (
            "a shadow",
            desired(spec(data="old", shadowProductionVariants=[variant("s")], **GUARDED)),
            endpoint(OLD),
        ),
    ],
)
def test_variants_that_may_come(reason: str, wanted: Desired, seen: EndpointView) -> None:
    step = next_step(situation(wanted, seen, ledger=ledger(OLD)))
    assert isinstance(step, steps.Remember), reason


def moving(count: int, *variants: dict[str, Any], data: str = "new", **fields: Any) -> Desired:
    """A version whose updates move `count` instances first."""
    routing = {
        "type": "CANARY",
        "waitIntervalInSeconds": 60,
        "canarySize": {"type": "INSTANCE_COUNT", "value": count},
    }
    policy = {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": routing}}
    return desired(spec(*variants, data=data, deploymentConfig=policy, **fields))


def rolling(count: int, **fields: Any) -> Desired:
    batch = {"type": "INSTANCE_COUNT", "value": count}
    policy = {"rollingUpdatePolicy": {"maximumBatchSize": batch, "waitIntervalInSeconds": 60}}
    return desired(spec(data="new", deploymentConfig=policy, **fields))


FOUR = variant(initialInstanceCount=4)
PAIR = (variant(initialInstanceCount=4), variant("b", initialInstanceCount=4))
CANARY_VALUE = "spec.deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration.canarySize.value"
_MOST = "An update moves at most 50 percent"
BATCH_VALUE = "spec.deploymentConfig.rollingUpdatePolicy.maximumBatchSize.value"


@pytest.mark.parametrize(
    ("reason", "wanted", "message"),
    [
        (
            "more than half by canary",
            moving(3, FOUR),
            f"{CANARY_VALUE}: {_MOST} of the variant's 4 instances at a time: give at most 2, not 3.",
        ),
        (
            "more than half by batch, and rounded down",
            rolling(2, replicas=3),
            f"{BATCH_VALUE}: {_MOST} of the variant's 3 instances at a time: give at most 1, not 2.",
        ),
    ],
)
def test_an_update_that_would_move_too_much_is_not_begun(reason: str, wanted: Desired, message: str) -> None:
    step = next_step(situation(wanted, endpoint(OLD), ledger=ledger(OLD)))
    assert isinstance(step, steps.Conclude), (reason, step)
    assert (step.verdict.state, step.verdict.reason) == (State.STALLED, Reason.INVALID_SPEC), reason
    assert step.verdict.message == message, reason


@pytest.mark.parametrize(
    ("reason", "wanted", "seen"),
    [
        ("half of them", moving(2, FOUR), endpoint(OLD)),
        ("one of one is SageMaker's to judge", moving(1), endpoint(OLD)),
        ("autoscaling says how many there are", moving(3, {**FOUR, "autoscaling": SCALING}), endpoint(OLD)),
        ("of several variants, SageMaker judges", moving(3, *PAIR), endpoint(desired(spec(*PAIR)))),
        ("what is made is made at once", moving(3, FOUR), None),
    ],
)
def test_what_an_update_moves_that_aws_may_take(reason: str, wanted: Desired, seen: EndpointView | None) -> None:
    step = next_step(situation(wanted, seen, ledger=ledger(OLD)))
    assert isinstance(step, steps.Remember), (reason, step)


def test_another_number_of_instances_needs_no_update_that_could_move_too_many() -> None:
    """`kubectl scale` goes past the deployment, and so do its bounds."""
    runs, wanted = (moving(2, data="old", replicas=count) for count in (4, 3))
    known = ledger(runs, update=replace(update(wanted), key=f"{wanted.numbers_key}/counts.a"))
    step = next_step(situation(wanted, endpoint(runs, a=4), ledger=known))
    assert step == steps.UpdateNumbers(counts={"a": 3})


def test_an_edit_of_the_deployment_alone_is_held_against_nothing() -> None:
    runs = moving(2, FOUR, data="old")
    step = next_step(situation(moving(3, FOUR, data="old"), endpoint(runs, a=4), ledger=ledger(runs)))
    assert isinstance(step, steps.Conclude)
    assert step.verdict.state is State.SERVING


def test_variants_may_be_others_once_the_endpoint_is_gone() -> None:
    """A new endpoint has no variants to keep: nothing stands in the way."""
    assert isinstance(next_step(situation(GUARDED_AB, ledger=ledger(OLD))), steps.Remember)


def test_a_failed_update_says_why_and_what_to_do() -> None:
    step = next_step(situation(NEW, endpoint(OLD, modified="2"), ledger=ledger(OLD, NEW, failure=failure(NEW))))
    assert isinstance(step, steps.Conclude)
    assert "goes on serving: no answer to /ping. Correct the spec, or go back" in step.verdict.message


@pytest.mark.parametrize("said", ["no answer to /ping", "no answer to /ping."])
def test_a_failed_endpoint_says_why_and_what_to_do_in_sentences(said: str) -> None:
    failed = ledger(OLD, failure=failure(OLD, message=said))
    step = next_step(situation(OLD, endpoint(OLD, status="Failed"), ledger=failed))
    assert isinstance(step, steps.Conclude)
    assert step.verdict.message.startswith("The endpoint has failed: no answer to /ping. Correct the spec")


def test_reaching_the_spec_resolves_the_last_failure() -> None:
    step = next_step(situation(OLD, endpoint(OLD), ledger=ledger(OLD, failure=failure(NEW), update=update(OLD))))
    assert isinstance(step, steps.Conclude)
    assert step.ledger.failure is not None
    assert step.ledger.failure.resolved
    assert step.ledger.update is None
