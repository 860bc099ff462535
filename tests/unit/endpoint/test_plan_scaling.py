"""Every transition to the autoscaling that is wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.observed import Observed
from sagebridge.core.endpoint.plan import Situation, next_step

from tests.unit.endpoint.specs import SCALING, but_for_outcomes, desired, endpoint, ledger, situation, spec, variant
from tests.unit.endpoint.versions import (
    BIG,
    BOTH,
    NIGHT,
    NIGHT_VIEW,
    NIGHTLY,
    OLD,
    PLAN,
    REGISTERED,
    SCALED,
    TARGET,
    VIEW,
    failure,
)


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
        (
            "a variant that does not run can't be scaled",
            situation(
                BOTH,
                endpoint(OLD),
                scaling={TARGET: VIEW},
                ledger=ledger(SCALED, BOTH, failure=failure(BOTH), **REGISTERED).with_scaling(
                    SCALED.config.name, BOTH.scaled
                ),
                has_unapplied_tags=True,
            ),
            steps.ApplyTags(),
        ),
        (
            "a scheduled action is put",
            situation(
                NIGHTLY,
                endpoint(OLD),
                scaling={TARGET: replace(NIGHT_VIEW, scheduled={})},
                ledger=ledger(NIGHTLY, **REGISTERED),
            ),
            steps.PutScheduled(key=TARGET, name="sagebridge-night", definition=NIGHT.scheduled["sagebridge-night"]),
        ),
        (
            "a scheduled action is changed",
            situation(
                NIGHTLY,
                endpoint(OLD),
                scaling={TARGET: replace(NIGHT_VIEW, scheduled={"sagebridge-night": {"Schedule": "rate(1 day)"}})},
                ledger=ledger(NIGHTLY, **REGISTERED),
            ),
            steps.PutScheduled(key=TARGET, name="sagebridge-night", definition=NIGHT.scheduled["sagebridge-night"]),
        ),
        (
            "a scheduled action that is not wanted any more goes; others' stay",
            situation(
                SCALED,
                endpoint(OLD),
                scaling={TARGET: replace(VIEW, scheduled={"theirs": {}, "sagebridge-night": {}})},
                ledger=ledger(SCALED, **REGISTERED),
            ),
            steps.DeleteScheduled(key=TARGET, name="sagebridge-night"),
        ),
        (
            "a policy is changed",
            situation(
                SCALED,
                endpoint(OLD),
                scaling={TARGET: replace(VIEW, policies={"sagebridge-target": {"PolicyType": "StepScaling"}})},
                ledger=ledger(SCALED, **REGISTERED),
            ),
            steps.PutPolicy(key=TARGET, name="sagebridge-target", definition=PLAN.policies["sagebridge-target"]),
        ),
        (
            "bounds that are there already are noted",
            situation(SCALED, endpoint(OLD), scaling={TARGET: VIEW}, ledger=ledger(SCALED, targets=(TARGET,))),
            steps.Remember(ledger=ledger(SCALED, **REGISTERED)),
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
            "it goes before a count is set, which its bounds would undo",
            situation(BIG, endpoint(OLD), scaling={TARGET: VIEW}, ledger=ledger(OLD, **REGISTERED)),
            steps.Deregister(key=TARGET),
        ),
        (
            "a target that is gone is forgotten",
            situation(OLD, endpoint(OLD), ledger=ledger(OLD, **REGISTERED)),
            steps.Remember(ledger=ledger(OLD)),
        ),
    ],
)
def test_the_next_step(reason: str, given: Situation, want: steps.Step) -> None:
    assert but_for_outcomes(next_step(given)) == but_for_outcomes(want), reason


def test_scheduled_actions_own_the_bounds_they_change() -> None:
    night = {"name": "night", "schedule": "cron(0 22 * * ? *)", "maxCapacity": 1}
    wanted = desired(spec(variant("a", autoscaling={**SCALING, "scheduled": [night]}), data="old"))
    plan = wanted.scaled["a"]
    view = replace(VIEW, maximum=1, policies=plan.policies, scheduled=plan.scheduled)
    step = next_step(situation(wanted, endpoint(wanted), scaling={TARGET: view}, ledger=ledger(wanted, **REGISTERED)))
    assert isinstance(step, steps.Conclude), step
    assert isinstance(situation(wanted).observed, Observed)
