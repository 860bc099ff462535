"""With what care an endpoint is changed: on a fresh look, by whose it is, and with what runs kept as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.desired import content_hash
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import ConfigView, Observed
from sagebridge.core.endpoint.pending import PendingDeployment
from sagebridge.core.endpoint.plan import Situation, next_step
from sagebridge.core.endpoint.revision import Revision
from sagebridge.core.reasons import Reason
from sagebridge.core.steps import Conclude as Outcome
from support.deletions import asked_for

from tests.unit.endpoint.specs import (
    NOW,
    SCALING,
    but_for_outcomes,
    desired,
    endpoint,
    ledger,
    made,
    overtaken,
    situation,
    spec,
    variant,
)
from tests.unit.endpoint.versions import (
    HEAVY,
    MOVED,
    NEW,
    NIGHT,
    NIGHT_VIEW,
    NIGHTLY,
    OLD,
    PLAN,
    REGISTERED,
    SCALED,
    SCALED_NEW,
    TARGET,
    VIEW,
    failure,
    numbers,
    update,
)

HELD = Outcome(verdict=Verdict(state=State.STALLED, reason=Reason.REJECTED, message="no"), again_after=9.0)
THEIRS = replace(
    VIEW,
    policies={"theirs": {"PolicyType": "StepScaling", "PolicyARN": "arn", "Alarms": []}},
    scheduled={"theirs": {"Schedule": "rate(1 day)", "StartTime": None}},
)
NOT_OURS_AS_SEEN = Revision(
    number=0,
    config_name=OLD.config.name,
    scaling={
        "a": replace(
            PLAN, policies={"theirs": {"PolicyType": "StepScaling"}}, scheduled={"theirs": {"Schedule": "rate(1 day)"}}
        )
    },
    recorded_at="2026-01-01T00:00:00Z",
)
LEFT = Observed(
    endpoint=endpoint(OLD),
    scaling={TARGET: VIEW},
    config=ConfigView(model_names=("left",), instance_types={"a": "ml.m5.large"}),
)
AS_LEFT = Ledger(
    revisions=(
        Revision(
            number=1,
            config_name=OLD.config.name,
            model_names=("left",),
            instance_types={"a": "ml.m5.large"},
            scaling={"a": PLAN},
            recorded_at="2026-01-01T00:00:00Z",
            deployed_at="2026-01-01T00:00:00Z",
        ),
    ),
    targets=(TARGET,),
)
ON_ITS_WAY = replace(
    LEFT,
    endpoint=replace(endpoint(OLD, status="Updating"), pending=PendingDeployment(config_name=MOVED.config.name)),
    pending_config=ConfigView(model_names=("next",), instance_types={"b": "ml.m5.xlarge"}),
)
FOLLOWING = Revision(
    number=2,
    config_name=MOVED.config.name,
    model_names=("next",),
    instance_types={"b": "ml.m5.xlarge"},
    recorded_at="2026-01-01T00:00:00Z",
    deployed_at="2026-01-01T00:00:00Z",
)
PAIR = desired(spec(variant("a"), variant("b")))
BOTH = desired(
    spec(
        variant("a", initialInstanceCount=5, initialVariantWeight=3.0),
        variant("b", initialInstanceCount=2, initialVariantWeight=2.0),
    )
)


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
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
        (
            "what an earlier object has left is looked for",
            situation(HEAVY, endpoint(OLD)),
            steps.Survey(),
        ),
        (
            "the config that it runs, its models and targets are recorded",
            situation(NEW, observed=LEFT),
            steps.Remember(ledger=overtaken(AS_LEFT, NEW)),
        ),
        (
            "so is the config that it is on its way to",
            situation(NEW, observed=ON_ITS_WAY),
            steps.Remember(ledger=overtaken(replace(AS_LEFT, revisions=(*AS_LEFT.revisions, FOLLOWING)), NEW)),
        ),
        (
            "which may be the one that is wanted",
            situation(MOVED, observed=ON_ITS_WAY),
            steps.Remember(
                ledger=AS_LEFT.with_revision(MOVED, now="2026-01-01T00:00:00Z", config_name=MOVED.config.name)
            ),
        ),
        (
            "or follow what is wanted",
            situation(OLD, observed=ON_ITS_WAY),
            steps.Remember(
                ledger=replace(AS_LEFT, revisions=(replace(FOLLOWING, number=1),)).with_revision(
                    OLD, now="2026-01-01T00:00:00Z", config_name=OLD.config.name
                )
            ),
        ),
        (
            "of an endpoint that was taken over, nothing is ours",
            situation(NEW, endpoint(OLD), is_adopted=True),
            steps.Remember(ledger=overtaken(ledger(), NEW)),
        ),
        (
            "an endpoint of an earlier object is recorded, with the config that it runs",
            situation(HEAVY, observed=replace(LEFT, scaling={})),
            steps.Remember(
                ledger=Ledger().with_revision(HEAVY, now="2026-01-01T00:00:00Z", config_name=OLD.config.name)
            ),
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
            "how an endpoint that was taken over is scaled is recorded before its scaling makes way",
            situation(
                MOVED, endpoint(OLD), scaling={TARGET: THEIRS}, ledger=ledger(MOVED, **REGISTERED), made=made(MOVED)
            ),
            steps.Remember(
                ledger=replace(
                    ledger(MOVED, **REGISTERED), revisions=(NOT_OURS_AS_SEEN, *ledger(MOVED, **REGISTERED).revisions)
                )
            ),
        ),
        (
            "so is what scheduled actions have made of its bounds",
            situation(
                MOVED,
                endpoint(NIGHTLY),
                scaling={TARGET: replace(NIGHT_VIEW, maximum=1)},
                ledger=ledger(NIGHTLY, MOVED, **REGISTERED),
                made=made(MOVED),
            ),
            steps.Remember(
                ledger=ledger(NIGHTLY, MOVED, **REGISTERED).with_scaling(
                    NIGHTLY.config.name, {"a": replace(NIGHT, maximum=1)}
                )
            ),
        ),
        (
            "then it makes way",
            situation(
                MOVED,
                endpoint(NIGHTLY),
                scaling={TARGET: NIGHT_VIEW},
                ledger=ledger(NIGHTLY, MOVED, **REGISTERED),
                made=made(MOVED),
            ),
            steps.Deregister(key=TARGET),
        ),
        (
            "also while SageMaker refuses to begin the update",
            situation(MOVED, endpoint(SCALED), ledger=ledger(SCALED, MOVED, targets=(TARGET,)), held_back=HELD),
            steps.Register(key=TARGET, plan=PLAN),
        ),
    ],
)
def test_the_next_step(reason: str, given: Situation, want: steps.Step) -> None:
    assert but_for_outcomes(next_step(given)) == but_for_outcomes(want), reason


@pytest.mark.parametrize(
    ("reason", "given", "state", "why"),
    [
        (
            "an accepted update that Describe does not show yet is waited for",
            situation(NEW, endpoint(OLD), ledger=ledger(OLD, NEW, update=update(NEW, begun=True)), made=made(NEW)),
            State.PROGRESSING,
            Reason.UPDATING,
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
            "what AWS does not let go is left for now",
            situation(NEW, endpoint(NEW), ledger=ledger(OLD, NEW), history_limit=0, keeps_remains=True),
            State.SERVING,
            Reason.IN_SERVICE,
        ),
    ],
)
def test_where_it_stands(reason: str, given: Situation, state: State, why: Reason) -> None:
    step = next_step(given)
    assert isinstance(step, steps.Conclude), (reason, step)
    assert (step.verdict.state, step.verdict.reason) == (state, why), reason


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
        ("one that never made anything, whatever AWS says", {"observed": None, "ledger": Ledger()}, steps.Release()),
        (
            "one that never made anything, even late",
            {"observed": None, "ledger": Ledger(), "deletion": asked_for(NOW - timedelta(hours=2))},
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
    ],
)
def test_deletion(reason: str, given: dict[str, object], want: steps.Step) -> None:
    fields = {"ledger": ledger(OLD), "deletion": asked_for(NOW)} | given
    seen = fields.pop("seen", endpoint(OLD))
    assert next_step(situation(None, seen, **fields)) == want, reason  # type: ignore[arg-type]


def test_the_ledger_is_read_as_it_was_written() -> None:
    scheduled = {**SCALING, "scheduled": [{"name": "night", "schedule": "cron(0 22 * * ? *)", "minCapacity": 1}]}
    written = ledger(
        desired(spec(variant("a", autoscaling=scheduled))),
        update=update(NEW, begun=True, refused=True, failure_before="x"),
        failure=failure(NEW),
        **REGISTERED,
    )
    assert Ledger.parse(json.loads(json.dumps(written.dump()))) == written
