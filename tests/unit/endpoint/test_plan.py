"""Every transition of an endpoint's plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sagebridge.core.conditions import State
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.desired import Desired
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
BIGGER = desired(spec(variant("a", initialInstanceCount=6), data="old"))
HEAVIER = desired(spec(variant("a", initialVariantWeight=4.0), data="old"))
BOTH = desired(spec(variant("a", autoscaling=SCALING), variant("b", autoscaling=SCALING), data="old"))
NIGHTLY = desired(
    spec(
        variant(
            "a",
            autoscaling={
                **SCALING,
                "scheduled": [{"name": "night", "schedule": "cron(0 22 * * ? *)", "maxCapacity": 1}],
            },
        ),
        data="old",
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
NIGHT = NIGHTLY.scaled["a"]
NIGHT_VIEW = replace(VIEW, scheduled=NIGHT.scheduled)
REGISTERED = {"targets": (TARGET,), "bounds": {TARGET: (1, 4)}}


def update(wanted: Desired, **fields: object) -> Update:
    return Update(key=wanted.deployment_key, since="1", **fields)  # type: ignore[arg-type]


def failure(wanted: Desired, *, message: str = "no answer to /ping", **fields: object) -> Failure:
    found = {"time": "2026-01-01T00:00:00Z"} | fields
    return Failure(key=wanted.deployment_key, message=message, **found)  # type: ignore[arg-type]


def refusal(wanted: Desired, *, message: str = "no capacity", **fields: object) -> Failure:
    """A change of weights and counts that has failed."""
    return replace(failure(wanted, message=message, **fields), key=wanted.numbers_key)


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
            steps.Remember(ledger=ledger(OLD, update=Update(key=OLD.deployment_key))),
        ),
        (
            "then the endpoint",
            situation(OLD, ledger=ledger(OLD, update=Update(key=OLD.deployment_key)), made=made(OLD)),
            steps.CreateEndpoint(config_name=OLD.config.name),
        ),
        ("whose it is, before anything is done to it", situation(OLD, endpoint(OLD), is_ours=None), steps.Claim()),
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
                exclude=("DataCaptureConfig", "DesiredWeight"),
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
            steps.Remember(ledger=ledger(OLD, NEW, update=Update(key=NEW.deployment_key, since="2", tries=2))),
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
            "an update that has begun has ended, whatever the time says",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW, update=update(NEW, begun=True)), made=made(NEW)),
            steps.Remember(ledger=ledger(OLD, NEW, update=Update(key=NEW.deployment_key, since="1", tries=2))),
        ),
        (
            "an update that is hidden again has failed",
            situation(NEW, endpoint(OLD, modified="3"), ledger=ledger(OLD, NEW, update=update(NEW, tries=2))),
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
            "a failed update does not keep scaling from what it should be",
            situation(
                SCALED_NEW,
                endpoint(OLD),
                ledger=ledger(OLD, SCALED_NEW, targets=(TARGET,), failure=failure(SCALED_NEW)),
            ),
            steps.Register(key=TARGET, plan=PLAN),
        ),
        (
            "a variant that does not run can't be scaled",
            situation(
                BOTH,
                endpoint(OLD),
                scaling={TARGET: VIEW},
                ledger=ledger(OLD, BOTH, failure=failure(BOTH), **REGISTERED),
                has_unapplied_tags=True,
            ),
            steps.ApplyTags(),
        ),
        (
            "a failed update does not keep old versions from going",
            situation(NEW, endpoint(OLD), ledger=ledger(MOVED, OLD, NEW, failure=failure(NEW)), history_limit=0),
            steps.Collect(
                config_name=MOVED.config.name,
                model_names=(),
                ledger=replace(
                    ledger(MOVED, OLD, NEW, failure=failure(NEW)), revisions=ledger(MOVED, OLD, NEW).revisions[1:]
                ),
            ),
        ),
        (
            "other weights that were refused are not asked for again; others are",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD, failure=refusal(BIG))),
            steps.Remember(ledger=ledger(OLD, failure=refusal(BIG), update=Update(key=HEAVY.numbers_key, since="1"))),
        ),
        (
            "other counts than were refused",
            situation(BIG, endpoint(OLD), ledger=ledger(OLD, failure=refusal(BIGGER))),
            steps.Remember(ledger=ledger(OLD, failure=refusal(BIGGER), update=Update(key=BIG.numbers_key, since="1"))),
        ),
        (
            "other weights than were refused",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD, failure=refusal(HEAVIER))),
            steps.Remember(
                ledger=ledger(OLD, failure=refusal(HEAVIER), update=Update(key=HEAVY.numbers_key, since="1"))
            ),
        ),
        (
            "a refused change of weights is recorded with its reason",
            situation(
                HEAVY,
                endpoint(OLD, modified="2", reason="no capacity"),
                ledger=ledger(OLD, update=Update(key=HEAVY.numbers_key, since="1", begun=True)),
            ),
            steps.Remember(
                ledger=ledger(OLD, failure=refusal(HEAVY, message="no capacity", config_name=HEAVY.config.name))
            ),
        ),
        (
            "a scheduled action is put",
            situation(
                NIGHTLY,
                endpoint(OLD),
                scaling={TARGET: replace(NIGHT_VIEW, scheduled={})},
                ledger=ledger(OLD, **REGISTERED),
            ),
            steps.PutScheduled(key=TARGET, name="sagebridge-night", definition=NIGHT.scheduled["sagebridge-night"]),
        ),
        (
            "a scheduled action is changed",
            situation(
                NIGHTLY,
                endpoint(OLD),
                scaling={TARGET: replace(NIGHT_VIEW, scheduled={"sagebridge-night": {"Schedule": "rate(1 day)"}})},
                ledger=ledger(OLD, **REGISTERED),
            ),
            steps.PutScheduled(key=TARGET, name="sagebridge-night", definition=NIGHT.scheduled["sagebridge-night"]),
        ),
        (
            "a scheduled action that is not wanted any more goes; others' stay",
            situation(
                SCALED,
                endpoint(OLD),
                scaling={TARGET: replace(VIEW, scheduled={"theirs": {}, "sagebridge-night": {}})},
                ledger=ledger(OLD, **REGISTERED),
            ),
            steps.DeleteScheduled(key=TARGET, name="sagebridge-night"),
        ),
        (
            "a policy is changed",
            situation(
                SCALED,
                endpoint(OLD),
                scaling={TARGET: replace(VIEW, policies={"sagebridge-target": {"PolicyType": "StepScaling"}})},
                ledger=ledger(OLD, **REGISTERED),
            ),
            steps.PutPolicy(key=TARGET, name="sagebridge-target", definition=PLAN.policies["sagebridge-target"]),
        ),
        (
            "bounds that are there already are noted",
            situation(SCALED, endpoint(OLD), scaling={TARGET: VIEW}, ledger=ledger(OLD, targets=(TARGET,))),
            steps.Remember(ledger=ledger(OLD, **REGISTERED)),
        ),
        (
            "a change of weights alone is recorded",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD)),
            steps.Remember(ledger=ledger(OLD, update=Update(key=HEAVY.numbers_key, since="1"))),
        ),
        (
            "a change of weights alone",
            situation(HEAVY, endpoint(OLD), ledger=ledger(OLD, update=Update(key=HEAVY.numbers_key, since="1"))),
            steps.UpdateNumbers(variants=HEAVY.variants),
        ),
        (
            "a change of counts alone",
            situation(BIG, endpoint(OLD), ledger=ledger(OLD, update=Update(key=BIG.numbers_key, since="1"))),
            steps.UpdateNumbers(variants=BIG.variants),
        ),
        (
            "a target is recorded before it is registered",
            situation(SCALED, endpoint(OLD), ledger=ledger(OLD)),
            steps.Remember(ledger=ledger(OLD, targets=(TARGET,))),
        ),
        (
            "a target is registered",
            situation(SCALED, endpoint(OLD), ledger=ledger(OLD, targets=(TARGET,))),
            steps.Register(key=TARGET, plan=PLAN),
        ),
        (
            "a policy is put",
            situation(
                SCALED, endpoint(OLD), scaling={TARGET: replace(VIEW, policies={})}, ledger=ledger(OLD, **REGISTERED)
            ),
            steps.PutPolicy(key=TARGET, name="sagebridge-target", definition=PLAN.policies["sagebridge-target"]),
        ),
        (
            "a policy that is not wanted any more goes; others' stay",
            situation(
                SCALED,
                endpoint(OLD),
                scaling={TARGET: replace(VIEW, policies={**PLAN.policies, "theirs": {}, "sagebridge-old": {}})},
                ledger=ledger(OLD, **REGISTERED),
            ),
            steps.DeletePolicy(key=TARGET, name="sagebridge-old"),
        ),
        (
            "other bounds",
            situation(
                SCALED,
                endpoint(OLD),
                scaling={TARGET: replace(VIEW, maximum=2)},
                ledger=ledger(OLD, targets=(TARGET,), bounds={TARGET: (1, 2)}),
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
            "the oldest goes first, and the history stays",
            situation(NEW, endpoint(NEW), ledger=ledger(MOVED, OLD, NEW), history_limit=1),
            steps.Collect(
                config_name=MOVED.config.name,
                model_names=(),
                ledger=replace(ledger(MOVED, OLD, NEW), revisions=ledger(MOVED, OLD, NEW).revisions[1:]),
            ),
        ),
        (
            "what a failed endpoint leaves behind goes",
            situation(
                OLD,
                endpoint(OLD, status="Failed"),
                ledger=ledger(NEW, OLD, failure=failure(OLD)),
                history_limit=0,
            ),
            steps.Collect(
                config_name=NEW.config.name,
                model_names=(NEW.models[0].name,),
                ledger=replace(ledger(NEW, OLD, failure=failure(OLD)), revisions=ledger(NEW, OLD).revisions[1:]),
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
                ledger=ledger(OLD, update=Update(key=OLD.deployment_key)),
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
        ("being made", situation(OLD, endpoint(OLD, status="Creating")), State.PROGRESSING, Reason.CREATING),
        (
            "being updated: edits wait",
            situation(NEW, endpoint(OLD, status="Updating"), ledger=ledger(OLD, update=update(OLD))),
            State.PROGRESSING,
            Reason.UPDATING,
        ),
        ("AWS patches it", situation(NEW, endpoint(OLD, status="SystemUpdating")), State.PROGRESSING, Reason.UPDATING),
        ("rolling back", situation(NEW, endpoint(OLD, status="RollingBack")), State.PROGRESSING, Reason.UPDATING),
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
        ("out of service", situation(OLD, endpoint(OLD, status="OutOfService")), State.STALLED, Reason.ENDPOINT_FAILED),
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


def test_a_change_that_is_seen_under_way_has_begun() -> None:
    step = next_step(situation(NEW, endpoint(OLD, status="Updating"), ledger=ledger(OLD, NEW, update=update(NEW))))
    assert isinstance(step, steps.Conclude)
    assert step.ledger.update == update(NEW, begun=True)
    assert step.again_after is not None


@pytest.mark.parametrize(("wanted", "is_told"), [(OLD, True), (NEW, False)])
def test_an_edit_that_waits_is_told(wanted: Desired, is_told: bool) -> None:
    step = next_step(situation(wanted, endpoint(OLD, status="Updating"), ledger=ledger(OLD, update=update(NEW))))
    assert isinstance(step, steps.Conclude)
    assert ("newer spec follows" in step.verdict.message) is is_told


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
    assert step == steps.Remember(
        ledger=ledger(NEW, OLD, failure=failure(NEW), update=Update(key=OLD.deployment_key, since="2"))
    )
