"""Every transition of an endpoint's plan: it is made, and changed. Beside it: scaling, endings, and what is said."""

from __future__ import annotations

import pytest
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.plan import Situation, next_step

from tests.unit.endpoint.specs import but_for_outcomes, desired, endpoint, ledger, made, overtaken, situation, spec
from tests.unit.endpoint.versions import (
    BIG,
    BIGGER,
    CANARY,
    HEAVIER,
    HEAVY,
    MOVED,
    NEW,
    OLD,
    REGISTERED,
    SCALED,
    SCALED_NEW,
    TARGET,
    VIEW,
    failure,
    numbers,
    refusal,
    update,
)


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
        ("an object without our finalizer", situation(OLD, is_finalized=False), steps.Protect()),
        ("a spec that was not resolved yet", situation(None), steps.Resolve()),
        ("nothing was seen since the start", situation(OLD, observed=None), steps.Look()),
        (
            "nothing may be made that status does not know of",
            situation(OLD),
            steps.Remember(ledger=overtaken(ledger(), OLD)),
        ),
        ("first the models", situation(OLD, ledger=ledger(OLD)), steps.CreateModel(model=OLD.models[0])),
        (
            "then the config",
            situation(OLD, ledger=ledger(OLD), made=frozenset({OLD.models[0].name})),
            steps.CreateConfig(config=OLD.config),
        ),
        (
            "creating is recorded before it is done",
            situation(OLD, ledger=overtaken(ledger(), OLD), made=made(OLD)),
            steps.Remember(ledger=ledger(OLD, update=update(OLD, since=""))),
        ),
        (
            "then the endpoint",
            situation(OLD, ledger=ledger(OLD, update=update(OLD, since="")), made=made(OLD)),
            steps.CreateEndpoint(config_name=OLD.config.name),
        ),
        ("whose it is, before anything is done to it", situation(OLD, endpoint(OLD), is_ours=None), steps.Claim()),
        (
            "a new version is recorded",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD)),
            steps.Remember(ledger=overtaken(ledger(OLD), NEW)),
        ),
        (
            "a new version's models",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW)),
            steps.CreateModel(model=NEW.models[0]),
        ),
        (
            "an update is recorded before it is done",
            situation(NEW, endpoint(OLD), ledger=overtaken(ledger(OLD), NEW), made=made(NEW)),
            steps.Remember(ledger=ledger(OLD, NEW, update=update(NEW))),
        ),
        (
            "an update",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW, update=update(NEW)), made=made(NEW)),
            steps.UpdateEndpoint(config_name=NEW.config.name, retain=False, exclude=(), deployment=None),
        ),
        (
            "an update by canary",
            situation(CANARY, endpoint(OLD), ledger=ledger(OLD, CANARY, update=update(CANARY)), made=made(CANARY)),
            steps.UpdateEndpoint(
                config_name=CANARY.config.name, retain=False, exclude=(), deployment=CANARY.deployment
            ),
        ),
        (
            "only what autoscaling owns is kept",
            situation(
                SCALED_NEW,
                endpoint(SCALED, a=3),
                scaling={TARGET: VIEW},
                ledger=ledger(SCALED, SCALED_NEW, update=update(SCALED_NEW), **REGISTERED),
                made=made(SCALED_NEW),
            ),
            steps.UpdateEndpoint(
                config_name=SCALED_NEW.config.name,
                retain=True,
                exclude=("DesiredWeight",),
                deployment=None,
            ),
        ),
        (
            "AWS changes no instances under a scalable target",
            situation(
                MOVED,
                endpoint(SCALED),
                scaling={TARGET: VIEW},
                ledger=ledger(SCALED, MOVED, **REGISTERED),
                made=made(MOVED),
            ),
            steps.Deregister(key=TARGET),
        ),
        (
            "scaling that is not wanted any more does not change what an update sets",
            situation(
                NEW,
                endpoint(SCALED),
                scaling={TARGET: VIEW},
                ledger=ledger(SCALED, NEW, **REGISTERED),
                made=made(NEW),
            ),
            steps.Deregister(key=TARGET),
        ),
        (
            "an update that somebody else's change has hidden is recorded anew",
            situation(NEW, endpoint(OLD, modified="2"), ledger=ledger(OLD, NEW, update=update(NEW)), made=made(NEW)),
            steps.Remember(ledger=ledger(OLD, NEW, update=update(NEW, since="2"))),
        ),
        (
            "a failed update is recorded with its reason",
            situation(
                NEW,
                endpoint(OLD, modified="2", reason="alarm errors"),
                ledger=ledger(OLD, NEW, update=update(NEW, begun=True)),
            ),
            steps.Remember(
                ledger=ledger(OLD, NEW, failure=failure(NEW, message="alarm errors", config_name=NEW.config.name))
            ),
        ),
        (
            "an update that is hidden again has failed",
            situation(
                NEW, endpoint(OLD, modified="3"), ledger=ledger(OLD, NEW, update=update(NEW, begun=True, tries=2))
            ),
            steps.Remember(
                ledger=ledger(
                    OLD, NEW, failure=failure(NEW, message="SageMaker gave no reason.", config_name=NEW.config.name)
                )
            ),
        ),
        (
            "the same config in another way is another try",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW, failure=failure(CANARY)), made=made(NEW)),
            steps.Remember(ledger=ledger(OLD, NEW, failure=failure(CANARY), update=update(NEW))),
        ),
        (
            "what was reached since can be tried again",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW, failure=failure(NEW, resolved=True)), made=made(NEW)),
            steps.Remember(ledger=ledger(OLD, NEW, failure=failure(NEW, resolved=True), update=update(NEW))),
        ),
        (
            "other weights that were refused are not asked for again; others are",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD, failure=refusal(BIG))),
            steps.Remember(ledger=ledger(OLD, failure=refusal(BIG), update=numbers(HEAVY))),
        ),
        (
            "other counts than were refused",
            situation(BIG, endpoint(OLD), ledger=ledger(OLD, failure=refusal(BIGGER))),
            steps.Remember(ledger=ledger(OLD, failure=refusal(BIGGER), update=numbers(BIG))),
        ),
        (
            "other weights than were refused",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD, failure=refusal(HEAVIER))),
            steps.Remember(ledger=ledger(OLD, failure=refusal(HEAVIER), update=numbers(HEAVY))),
        ),
        (
            "a refused change of weights is recorded with its reason",
            situation(
                HEAVY,
                endpoint(OLD, modified="2", reason="no capacity"),
                ledger=ledger(OLD, update=numbers(HEAVY, begun=True)),
            ),
            steps.Remember(
                ledger=ledger(OLD, failure=refusal(HEAVY, message="no capacity", config_name=HEAVY.config.name))
            ),
        ),
        (
            "a change of weights alone is recorded",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD)),
            steps.Remember(ledger=ledger(OLD, update=numbers(HEAVY))),
        ),
        (
            "a change of weights alone",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD, update=numbers(HEAVY))),
            steps.UpdateNumbers(weights={"a": 3.0}),
        ),
        (
            "a change of counts alone",
            situation(BIG, endpoint(OLD), ledger=ledger(OLD, update=numbers(BIG))),
            steps.UpdateNumbers(counts={"a": 5}),
        ),
        (
            "tags",
            situation(OLD, endpoint(OLD), ledger=ledger(OLD), has_unapplied_tags=True),
            steps.ApplyTags(),
        ),
    ],
)
def test_the_next_step(reason: str, given: Situation, want: steps.Step) -> None:
    assert but_for_outcomes(next_step(given)) == but_for_outcomes(want), reason


def test_another_nonce_asks_for_another_try() -> None:
    again = desired(spec(data="new"), nonce="2026-01-02")
    step = next_step(situation(again, endpoint(OLD, modified="2"), ledger=ledger(OLD, NEW, failure=failure(NEW))))
    assert step == steps.CreateModel(model=NEW.models[0])


def test_going_back_uses_what_is_still_there() -> None:
    step = next_step(situation(OLD, endpoint(NEW), ledger=ledger(OLD, NEW)))
    assert isinstance(step, steps.Remember)
    assert [(one.number, one.config_name) for one in step.ledger.revisions] == [
        (2, NEW.config.name),
        (3, OLD.config.name),
    ]


def test_an_endpoint_that_could_not_be_rolled_back_is_updated_again() -> None:
    broken = endpoint(OLD, status="UpdateRollbackFailed", modified="2")
    step = next_step(situation(OLD, broken, ledger=ledger(NEW, OLD, failure=failure(NEW)), made=made(OLD)))
    assert step == steps.Remember(ledger=ledger(NEW, OLD, failure=failure(NEW), update=update(OLD, since="2")))


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"scalableTargets": [{"variantName": "a", "dimension": "nonsense"}], "update": {}, "lastFailure": {}},
        {"revisions": [{"endpointConfigName": "somebody-elses"}], "update": {"since": "x"}},
    ],
)
def test_nonsense_in_a_status_is_no_obstacle(status: dict[str, object]) -> None:
    found = Ledger.parse(status)
    assert found.targets == ()
    assert Ledger.parse({key: value for key, value in found.dump().items() if value}) == found


_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


@pytest.mark.parametrize(
    ("reason", "plan"),
    [
        ("no object", "x"),
        ("no such dimension", {"dimension": "x", "minCapacity": 1, "maxCapacity": 1}),
        ("a dimension that is none", {"dimension": [], "minCapacity": 1, "maxCapacity": 1}),
        ("a bound that is no number", {"dimension": _DIMENSION, "minCapacity": "x", "maxCapacity": 1}),
        ("a bound that is nothing", {"dimension": _DIMENSION, "minCapacity": 1, "maxCapacity": None}),
        ("a bound is missing", {"dimension": _DIMENSION, "minCapacity": 1}),
        ("policies in a list", {"dimension": _DIMENSION, "minCapacity": 1, "maxCapacity": 1, "policies": [1]}),
        ("a policy of one word", {"dimension": _DIMENSION, "minCapacity": 1, "maxCapacity": 1, "policies": {"p": "x"}}),
        ("actions of one word", {"dimension": _DIMENSION, "minCapacity": 1, "maxCapacity": 1, "scheduled": "x"}),
    ],
)
def test_a_recorded_scaling_that_makes_no_sense_is_left_out(reason: str, plan: object) -> None:
    """The schema lets anything through below status.revisions[].scaling."""
    sound = {"dimension": _DIMENSION, "minCapacity": 1, "maxCapacity": 2}
    status = {"revisions": [{"endpointConfigName": "c", "scaling": {"a": sound, "b": plan}}]}
    assert list(Ledger.parse(status).revisions[0].scaling) == ["a"], reason


def test_recorded_bounds_that_make_no_sense_are_left_out() -> None:
    target = {"variantName": "a", "dimension": _DIMENSION, "minCapacity": "x", "maxCapacity": 1}
    found = Ledger.parse({"scalableTargets": [target, "x", {"variantName": ["b"], "dimension": _DIMENSION}]})
    assert (found.targets, found.bounds) == ((TARGET,), {})


def test_a_ledger_survives_its_way_through_the_status() -> None:
    full = ledger(OLD, NEW, update=update(NEW, begun=True), failure=failure(OLD), **REGISTERED)
    assert Ledger.parse(full.dump()) == full
