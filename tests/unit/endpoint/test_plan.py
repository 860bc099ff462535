"""Every transition of an endpoint's plan."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sagebridge.core.conditions import State
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.desired import Desired, content_hash
from sagebridge.core.endpoint.ledger import Failure, Ledger, Update
from sagebridge.core.endpoint.observed import Observed, target_of
from sagebridge.core.endpoint.plan import RETRY_FAILED_AFTER_SECONDS, Situation, next_step
from sagebridge.core.endpoint.scaling import ScalingView
from sagebridge.core.job import DeletionPolicy
from sagebridge.core.reasons import Reason

from tests.unit.endpoint.specs import NOW, SCALING, desired, endpoint, ledger, made, situation, spec, variant

OLD = desired(spec(data="old"))
NEW = desired(spec(data="new"))
HEAVY = desired(spec(variant("a", initialVariantWeight=3.0), data="old"))
BIG = desired(spec(variant("a", initialInstanceCount=5), data="old"))
SCALED = desired(spec(variant("a", autoscaling=SCALING), data="old"))
SCALED_NEW = desired(spec(variant("a", autoscaling=SCALING), data="new"))
MOVED = desired(spec(variant("a", autoscaling=SCALING, instanceType="ml.m5.xlarge"), data="old"))
PAIR = desired(spec(variant("a"), variant("b")))
BOTH = desired(
    spec(
        variant("a", initialInstanceCount=5, initialVariantWeight=3.0),
        variant("b", initialInstanceCount=2, initialVariantWeight=2.0),
    )
)
CANARY = desired(
    spec(
        data="new",
        deploymentConfig={
            "blueGreenUpdatePolicy": {
                "trafficRoutingConfiguration": {
                    "type": "CANARY",
                    "waitIntervalInSeconds": 1,
                    "canarySize": {"type": "CAPACITY_PERCENT", "value": 10},
                }
            }
        },
    )
)
TARGET = target_of("a", SCALED.scaled["a"])
PLAN = SCALED.scaled["a"]
VIEW = ScalingView(dimension=TARGET.dimension, minimum=1, maximum=4, policies=PLAN.policies)
REGISTERED = {"targets": (TARGET,), "bounds": {TARGET: (1, 4)}}


def update(wanted: object, **fields: object) -> Update:
    found = {"since": "1", "recorded_at": "2026-01-01T00:00:00Z"} | fields
    return Update(key=wanted.deployment_key, **found)  # type: ignore[attr-defined,arg-type]


def numbers(wanted: Desired, part: str) -> Update:
    return Update(key=f"{wanted.numbers_key}/{part}", since="1", recorded_at="2026-01-01T00:00:00Z")


def failure(wanted: object, *, message: str = "no answer to /ping", **fields: object) -> Failure:
    found = {"time": "2026-01-01T00:00:00Z"} | fields
    return Failure(key=wanted.deployment_key, message=message, **found)  # type: ignore[attr-defined,arg-type]


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
        ("an object without our finalizer", situation(OLD, is_finalized=False), steps.Protect()),
        ("a spec that was not resolved yet", situation(None), steps.Resolve()),
        ("nothing was seen since the start", situation(OLD, observed=None), steps.Look()),
        ("nothing may be made that status does not know of", situation(OLD), steps.Remember(ledger=ledger(OLD))),
        ("first the models", situation(OLD, ledger=ledger(OLD)), steps.CreateModel(model=OLD.models[0])),
        (
            "then the config",
            situation(OLD, ledger=ledger(OLD), made=frozenset({OLD.models[0].name})),
            steps.CreateConfig(config=OLD.config),
        ),
        (
            "creating is recorded before it is done",
            situation(OLD, ledger=ledger(OLD), made=made(OLD)),
            steps.Remember(ledger=ledger(OLD, update=update(OLD, since=""))),
        ),
        (
            "then the endpoint",
            situation(OLD, ledger=ledger(OLD, update=update(OLD, since="")), made=made(OLD)),
            steps.CreateEndpoint(config_name=OLD.config.name),
        ),
        (
            "an endpoint that was seen in an earlier pass is looked at before it is changed",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD), is_fresh=False),
            steps.Look(),
        ),
        (
            "so are its targets",
            situation(OLD, endpoint(OLD), scaling={TARGET: VIEW}, ledger=ledger(OLD, **REGISTERED), is_fresh=False),
            steps.Look(),
        ),
        ("whose it is, before anything is done to it", situation(OLD, endpoint(OLD), is_ours=None), steps.Claim()),
        (
            "an endpoint of an earlier object is recorded, with the config that it runs",
            situation(HEAVY, endpoint(OLD)),
            steps.Remember(
                ledger=Ledger().with_revision(HEAVY, now="2026-01-01T00:00:00Z", config_name=OLD.config.name)
            ),
        ),
        (
            "a new version is recorded",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD)),
            steps.Remember(ledger=ledger(OLD, NEW)),
        ),
        (
            "a new version's models",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW)),
            steps.CreateModel(model=NEW.models[0]),
        ),
        (
            "an update is recorded before it is done",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW), made=made(NEW)),
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
            "an update that somebody else's change has hidden is recorded anew",
            situation(NEW, endpoint(OLD, modified="2"), ledger=ledger(OLD, NEW, update=update(NEW)), made=made(NEW)),
            steps.Remember(ledger=ledger(OLD, NEW, update=update(NEW, since="2"))),
        ),
        (
            "a change that was accepted, and that somebody else's has followed, is tried once more",
            situation(
                NEW,
                endpoint(OLD, modified="2"),
                ledger=ledger(OLD, NEW, update=update(NEW, begun=True)),
                made=made(NEW),
            ),
            steps.Remember(ledger=ledger(OLD, NEW, update=update(NEW, since="2", tries=2))),
        ),
        (
            "an update that never began is not blamed for what was wrong before",
            situation(
                NEW,
                endpoint(OLD, modified="2", reason="alarm errors"),
                ledger=ledger(OLD, NEW, update=update(NEW, failure_before=content_hash("alarm errors"))),
                made=made(NEW),
            ),
            steps.Remember(
                ledger=ledger(OLD, NEW, update=update(NEW, since="2", failure_before=content_hash("alarm errors")))
            ),
        ),
        (
            "one whose answer was lost is",
            situation(
                NEW,
                endpoint(OLD, modified="2", reason="alarm errors"),
                ledger=ledger(OLD, NEW, update=update(NEW)),
                made=made(NEW),
            ),
            steps.Remember(
                ledger=ledger(OLD, NEW, failure=failure(NEW, message="alarm errors", config_name=NEW.config.name))
            ),
        ),
        (
            "an endpoint that failed before the update began is not the update's fault",
            situation(NEW, endpoint(OLD, status="Failed", reason="x"), ledger=ledger(OLD, NEW, update=update(NEW))),
            steps.DeleteEndpoint(),
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
            "a change of weights alone is recorded",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD)),
            steps.Remember(ledger=ledger(OLD, update=numbers(HEAVY, "weights"))),
        ),
        (
            "a change of weights alone",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD, update=numbers(HEAVY, "weights"))),
            steps.UpdateNumbers(weights={"a": 3.0}),
        ),
        (
            "SageMaker takes weights or a count: first weights",
            situation(BOTH, endpoint(PAIR), ledger=ledger(PAIR, update=numbers(BOTH, "weights"))),
            steps.UpdateNumbers(weights={"a": 3.0, "b": 2.0}),
        ),
        (
            "then one count after the other",
            situation(
                BOTH,
                endpoint(replace(BOTH, config=PAIR.config), a=1, b=1),
                ledger=ledger(PAIR, update=numbers(BOTH, "counts.a")),
            ),
            steps.UpdateNumbers(counts={"a": 5}),
        ),
        (
            "a change of counts alone",
            situation(BIG, endpoint(OLD), ledger=ledger(OLD, update=numbers(BIG, "counts.a"))),
            steps.UpdateNumbers(counts={"a": 5}),
        ),
        (
            "how what runs is scaled is kept, to go back to",
            situation(SCALED, endpoint(OLD), ledger=ledger(OLD)),
            steps.Remember(ledger=ledger(SCALED)),
        ),
        (
            "the version that goes on serving is scaled as before: it is registered again",
            situation(NEW, endpoint(SCALED), ledger=ledger(SCALED, NEW, failure=failure(NEW), targets=(TARGET,))),
            steps.Register(key=TARGET, plan=PLAN),
        ),
        (
            "and not as the newer one",
            situation(
                SCALED_NEW,
                endpoint(OLD),
                scaling={TARGET: VIEW},
                ledger=ledger(OLD, SCALED_NEW, failure=failure(SCALED_NEW), **REGISTERED),
            ),
            steps.Deregister(key=TARGET),
        ),
        (
            "also while SageMaker refuses to begin the update",
            situation(MOVED, endpoint(SCALED), ledger=ledger(SCALED, MOVED, targets=(TARGET,)), is_held_back=True),
            steps.Register(key=TARGET, plan=PLAN),
        ),
        (
            "a target is recorded before it is registered",
            situation(SCALED, endpoint(OLD), ledger=ledger(SCALED)),
            steps.Remember(ledger=ledger(SCALED, targets=(TARGET,))),
        ),
        (
            "a target is registered",
            situation(SCALED, endpoint(OLD), ledger=ledger(SCALED, targets=(TARGET,))),
            steps.Register(key=TARGET, plan=PLAN),
        ),
        (
            "a policy is put",
            situation(
                SCALED, endpoint(OLD), scaling={TARGET: replace(VIEW, policies={})}, ledger=ledger(SCALED, **REGISTERED)
            ),
            steps.PutPolicy(key=TARGET, name="sagebridge-target", definition=PLAN.policies["sagebridge-target"]),
        ),
        (
            "a policy that is not wanted any more goes; others' stay",
            situation(
                SCALED,
                endpoint(OLD),
                scaling={TARGET: replace(VIEW, policies={**PLAN.policies, "theirs": {}, "sagebridge-old": {}})},
                ledger=ledger(SCALED, **REGISTERED),
            ),
            steps.DeletePolicy(key=TARGET, name="sagebridge-old"),
        ),
        (
            "other bounds",
            situation(
                SCALED,
                endpoint(OLD),
                scaling={TARGET: replace(VIEW, maximum=2)},
                ledger=ledger(SCALED, targets=(TARGET,), bounds={TARGET: (1, 2)}),
            ),
            steps.Register(key=TARGET, plan=PLAN),
        ),
        (
            "scaling that is not wanted any more",
            situation(OLD, endpoint(OLD), scaling={TARGET: VIEW}, ledger=ledger(OLD, **REGISTERED)),
            steps.Deregister(key=TARGET),
        ),
        (
            "a target that is gone is forgotten",
            situation(OLD, endpoint(OLD), ledger=ledger(OLD, **REGISTERED)),
            steps.Remember(ledger=ledger(OLD)),
        ),
        (
            "tags",
            situation(OLD, endpoint(OLD), ledger=ledger(OLD), has_unapplied_tags=True),
            steps.ApplyTags(),
        ),
        (
            "what is beyond the history goes, but for what is still used",
            situation(NEW, endpoint(NEW), ledger=ledger(OLD, NEW), history_limit=0),
            steps.Collect(
                config_name=OLD.config.name,
                model_names=(OLD.models[0].name,),
                ledger=replace(ledger(OLD, NEW), revisions=ledger(OLD, NEW).revisions[1:]),
            ),
        ),
        (
            "a failed endpoint of another spec is deleted",
            situation(NEW, endpoint(OLD, status="Failed"), ledger=ledger(OLD, failure=failure(OLD))),
            steps.DeleteEndpoint(),
        ),
        (
            "its scaling goes first",
            situation(
                NEW,
                endpoint(OLD, status="Failed"),
                scaling={TARGET: VIEW},
                ledger=ledger(OLD, failure=failure(OLD), **REGISTERED),
            ),
            steps.Deregister(key=TARGET),
        ),
        (
            "a failed creation is recorded with its reason",
            situation(
                OLD,
                endpoint(OLD, status="Failed", reason="no such image"),
                ledger=ledger(OLD, update=update(OLD, since="")),
            ),
            steps.Remember(
                ledger=ledger(OLD, failure=failure(OLD, message="no such image", config_name=OLD.config.name))
            ),
        ),
        (
            "what AWS's own side made fail is tried again, later",
            situation(
                OLD,
                endpoint(OLD, status="Failed"),
                ledger=ledger(OLD, failure=failure(OLD, message="CapacityError: none left")),
                now=NOW + timedelta(seconds=RETRY_FAILED_AFTER_SECONDS),
            ),
            steps.Remember(ledger=ledger(OLD, failure=failure(OLD, message="CapacityError: none left", resolved=True))),
        ),
    ],
)
def test_the_next_step(reason: str, given: Situation, want: steps.Step) -> None:
    assert next_step(given) == want, reason


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
            "an accepted update that Describe does not show yet is waited for",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW, update=update(NEW, begun=True)), made=made(NEW)),
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
            "a failed endpoint that was there before is left, whatever the spec says",
            situation(NEW, endpoint(OLD, status="Failed"), ledger=ledger(OLD, failure=failure(OLD)), is_adopted=True),
            State.STALLED,
            Reason.ENDPOINT_FAILED,
        ),
        (
            "even though AWS's own side made it fail",
            situation(
                OLD,
                endpoint(OLD, status="Failed"),
                ledger=ledger(OLD, failure=failure(OLD, message="CapacityError: none left", resolved=True)),
                is_adopted=True,
            ),
            State.STALLED,
            Reason.ENDPOINT_FAILED,
        ),
        (
            "out of service",
            situation(OLD, endpoint(OLD, status="OutOfService"), ledger=ledger(OLD)),
            State.STALLED,
            Reason.ENDPOINT_FAILED,
        ),
        (
            "what AWS does not let go is left for now",
            situation(NEW, endpoint(NEW), ledger=ledger(OLD, NEW), history_limit=0, keeps_remains=True),
            State.SERVING,
            Reason.IN_SERVICE,
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


def test_the_ledger_is_read_as_it_was_written() -> None:
    scheduled = {**SCALING, "scheduled": [{"name": "night", "schedule": "cron(0 22 * * ? *)", "minCapacity": 1}]}
    written = ledger(
        desired(spec(variant("a", autoscaling=scheduled))),
        update=update(NEW, begun=True, refused=True, failure_before="x"),
        failure=failure(NEW),
        **REGISTERED,
    )
    assert Ledger.parse(json.loads(json.dumps(written.dump()))) == written


def test_another_nonce_asks_for_another_try() -> None:
    again = desired(spec(data="new"), nonce="2026-01-02")
    step = next_step(situation(again, endpoint(OLD, modified="2"), ledger=ledger(OLD, NEW, failure=failure(NEW))))
    assert step == steps.CreateModel(model=NEW.models[0])


def test_a_failed_update_says_why_and_what_to_do() -> None:
    step = next_step(situation(NEW, endpoint(OLD, modified="2"), ledger=ledger(OLD, NEW, failure=failure(NEW))))
    assert isinstance(step, steps.Conclude)
    assert "goes on serving: no answer to /ping" in step.verdict.message
    assert "go back" in step.verdict.message


def test_reaching_the_spec_resolves_the_last_failure() -> None:
    step = next_step(situation(OLD, endpoint(OLD), ledger=ledger(OLD, failure=failure(NEW), update=update(OLD))))
    assert isinstance(step, steps.Conclude)
    assert step.ledger.failure is not None
    assert step.ledger.failure.resolved
    assert step.ledger.update is None


def test_going_back_uses_what_is_still_there() -> None:
    step = next_step(situation(OLD, endpoint(NEW), ledger=ledger(OLD, NEW)))
    assert isinstance(step, steps.Remember)
    assert [(one.number, one.config_name) for one in step.ledger.revisions] == [
        (2, NEW.config.name),
        (3, OLD.config.name),
    ]


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
        ("nothing was seen", {"observed": None}, steps.Look()),
        ("whose it is", {"is_ours": None}, steps.Claim()),
        ("Retain leaves all", {"deletion_policy": DeletionPolicy.RETAIN}, steps.Release()),
        ("first scaling", {"scaling": {TARGET: VIEW}}, steps.Deregister(key=TARGET)),
        ("then the endpoint", {}, steps.DeleteEndpoint()),
        ("a failed one too", {"seen": endpoint(OLD, status="Failed")}, steps.DeleteEndpoint()),
        (
            "somebody else's is left",
            {"is_ours": False},
            steps.Collect(
                config_name=OLD.config.name,
                model_names=(OLD.models[0].name,),
                ledger=replace(ledger(OLD), revisions=()),
            ),
        ),
        (
            "then what it ran",
            {"seen": None},
            steps.Collect(
                config_name=OLD.config.name,
                model_names=(OLD.models[0].name,),
                ledger=replace(ledger(OLD), revisions=()),
            ),
        ),
        ("then the object", {"seen": None, "ledger": Ledger()}, steps.Release()),
        ("one that never made anything, whatever AWS says", {"observed": None, "ledger": Ledger()}, steps.Release()),
        (
            "one that never made anything, even late",
            {"observed": None, "ledger": Ledger(), "deletion_requested_at": NOW - timedelta(hours=2)},
            steps.Release(),
        ),
        (
            "the scaling of somebody else's is forgotten, and left",
            {"is_ours": False, "scaling": {TARGET: VIEW}, "ledger": ledger(OLD, **REGISTERED)},
            steps.Remember(ledger=ledger(OLD)),
        ),
        (
            "scaling that outlived its endpoint goes",
            {"seen": None, "scaling": {TARGET: VIEW}, "ledger": ledger(OLD, **REGISTERED)},
            steps.Deregister(key=TARGET),
        ),
        ("an adopted one is left", {"is_adopted": True}, steps.Release()),
    ],
)
def test_deletion(reason: str, given: dict[str, object], want: steps.Step) -> None:
    fields = {"ledger": ledger(OLD), "deletion_requested_at": NOW} | given
    seen = fields.pop("seen", endpoint(OLD))
    assert next_step(situation(None, seen, **fields)) == want, reason  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"])
def test_deletion_waits_for_a_busy_endpoint(status: str) -> None:
    given = situation(None, endpoint(OLD, status=status), ledger=ledger(OLD), deletion_requested_at=NOW)
    step = next_step(given)
    assert isinstance(step, steps.Conclude)
    assert step.verdict.reason is Reason.DELETING


def test_deletion_ends_in_time() -> None:
    given = situation(
        None, endpoint(OLD, status="Creating"), ledger=ledger(OLD), deletion_requested_at=NOW - timedelta(hours=2)
    )
    step = next_step(given)
    assert isinstance(step, steps.Release)
    assert OLD.config.name in step.orphan


def test_a_released_object_is_left_alone() -> None:
    given = situation(None, None, deletion_requested_at=NOW, is_finalized=False)
    assert next_step(given) == steps.Wait()


def test_scheduled_actions_own_the_bounds_they_change() -> None:
    night = {"name": "night", "schedule": "cron(0 22 * * ? *)", "maxCapacity": 1}
    wanted = desired(spec(variant("a", autoscaling={**SCALING, "scheduled": [night]}), data="old"))
    plan = wanted.scaled["a"]
    view = replace(VIEW, maximum=1, policies=plan.policies, scheduled=plan.scheduled)
    step = next_step(situation(wanted, endpoint(wanted), scaling={TARGET: view}, ledger=ledger(wanted, **REGISTERED)))
    assert isinstance(step, steps.Conclude), step
    assert isinstance(situation(wanted).observed, Observed)


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


def test_a_ledger_survives_its_way_through_the_status() -> None:
    full = ledger(OLD, NEW, update=update(NEW, begun=True), failure=failure(OLD), **REGISTERED)
    assert Ledger.parse(full.dump()) == full


def test_an_endpoint_that_could_not_be_rolled_back_is_updated_again() -> None:
    broken = endpoint(OLD, status="UpdateRollbackFailed", modified="2")
    step = next_step(situation(OLD, broken, ledger=ledger(NEW, OLD, failure=failure(NEW)), made=made(OLD)))
    assert step == steps.Remember(ledger=ledger(NEW, OLD, failure=failure(NEW), update=update(OLD, since="2")))
