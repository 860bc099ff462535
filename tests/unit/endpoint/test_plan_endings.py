"""What goes: what failed, what is beyond the history, and all of it with the object."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.plan import RETRY_FAILED_AFTER_SECONDS, Situation, next_step
from sagebridge.core.job import DeletionPolicy
from sagebridge.core.reasons import Reason
from support.deletions import asked_for

from tests.unit.endpoint.specs import NOW, but_for_outcomes, endpoint, ledger, overtaken, situation
from tests.unit.endpoint.versions import (
    MOVED,
    NEW,
    OLD,
    REGISTERED,
    TARGET,
    VIEW,
    failure,
    update,
)


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
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
            "what is beyond the history goes, but for what is still used",
            situation(NEW, endpoint(NEW), ledger=ledger(OLD, NEW), history_limit=0),
            steps.Collect(
                config_name=OLD.config.name,
                model_names=(OLD.models[0].name,),
                ledger=replace(ledger(OLD, NEW), revisions=ledger(OLD, NEW).revisions[1:]),
            ),
        ),
        (
            "the oldest goes first",
            situation(NEW, endpoint(NEW), ledger=ledger(MOVED, OLD, NEW), history_limit=0),
            steps.Collect(
                config_name=MOVED.config.name,
                model_names=(),
                ledger=replace(ledger(MOVED, OLD, NEW), revisions=ledger(MOVED, OLD, NEW).revisions[1:]),
            ),
        ),
        (
            "what is beyond the history goes, and the history stays",
            situation(NEW, endpoint(NEW), ledger=ledger(MOVED, OLD, NEW), history_limit=1),
            steps.Collect(
                config_name=MOVED.config.name,
                model_names=(),
                ledger=replace(ledger(MOVED, OLD, NEW), revisions=ledger(MOVED, OLD, NEW).revisions[1:]),
            ),
        ),
        (
            "what an edit overtook before it was deployed is no history",
            situation(OLD, endpoint(OLD), ledger=overtaken(ledger(MOVED, OLD), NEW), history_limit=10),
            steps.Collect(config_name=NEW.config.name, model_names=(NEW.models[0].name,), ledger=ledger(MOVED, OLD)),
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
            "a version is recorded before those go that it may share a model with",
            situation(NEW, ledger=ledger(MOVED, OLD), history_limit=0),
            steps.Remember(ledger=overtaken(ledger(MOVED, OLD), NEW)),
        ),
        (
            "what is beyond the history goes before there is an endpoint, too",
            situation(NEW, ledger=overtaken(ledger(MOVED, OLD), NEW), history_limit=1),
            steps.Collect(
                config_name=MOVED.config.name,
                model_names=(),
                ledger=overtaken(ledger(MOVED, OLD), NEW).without_revision(MOVED.config.name),
            ),
        ),
        (
            "what an endpoint may be created with, though it does not show yet, stays",
            situation(NEW, ledger=overtaken(ledger(OLD, update=update(OLD, since="")), NEW), history_limit=0),
            steps.CreateModel(model=NEW.models[0]),
        ),
        (
            "what AWS does not let go holds nothing up",
            situation(NEW, ledger=overtaken(ledger(MOVED, OLD), NEW), history_limit=1, keeps_remains=True),
            steps.CreateModel(model=NEW.models[0]),
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
    assert but_for_outcomes(next_step(given)) == but_for_outcomes(want), reason


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
        ("nothing was seen", {"observed": None}, steps.Look()),
        ("whose it is", {"is_ours": None}, steps.Claim()),
        ("Retain leaves all", {"deletion_policy": DeletionPolicy.RETAIN}, steps.Release()),
        ("first scaling", {"scaling": {TARGET: VIEW}}, steps.Deregister(key=TARGET)),
        (
            "what is not registered any more is forgotten",
            {"ledger": ledger(OLD, **REGISTERED)},
            steps.Remember(ledger=ledger(OLD)),
        ),
        ("then the endpoint", {}, steps.DeleteEndpoint()),
        (
            "scaling goes though the endpoint has",
            {"seen": None, "scaling": {TARGET: VIEW}},
            steps.Deregister(key=TARGET),
        ),
        ("a failed one too", {"seen": endpoint(OLD, status="Failed")}, steps.DeleteEndpoint()),
        (
            "somebody else's is left, and does not hold the end up",
            {"is_ours": False, "seen": endpoint(NEW, status="Updating")},
            steps.Collect(
                config_name=OLD.config.name,
                model_names=(OLD.models[0].name,),
                ledger=replace(ledger(OLD), revisions=()),
            ),
        ),
        (
            "what somebody else's runs is left, and the rest goes",
            {"is_ours": False, "ledger": ledger(OLD, NEW)},
            steps.Collect(config_name=NEW.config.name, model_names=(NEW.models[0].name,), ledger=ledger(OLD)),
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
    fields = {"ledger": ledger(OLD), "deletion": asked_for(NOW)} | given
    seen = fields.pop("seen", endpoint(OLD))
    assert next_step(situation(None, seen, **fields)) == want, reason  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"])
def test_deletion_waits_for_a_busy_endpoint(status: str) -> None:
    given = situation(None, endpoint(OLD, status=status), ledger=ledger(OLD), deletion=asked_for(NOW))
    step = next_step(given)
    assert isinstance(step, steps.Conclude)
    assert step.verdict.reason is Reason.DELETING


def test_deletion_ends_in_time() -> None:
    given = situation(
        None, endpoint(OLD, status="Creating"), ledger=ledger(OLD), deletion=asked_for(NOW - timedelta(hours=2))
    )
    step = next_step(given)
    assert isinstance(step, steps.Release)
    assert OLD.config.name in step.orphan


def test_what_an_endpoint_runs_that_is_not_ours_any_more_is_left_and_said() -> None:
    given = situation(None, endpoint(OLD), is_ours=False, ledger=ledger(OLD), deletion=asked_for(NOW))
    step = next_step(given)
    assert isinstance(step, steps.Release)
    assert OLD.config.name in step.orphan
    assert OLD.models[0].name in step.orphan


def test_what_an_endpoint_will_run_is_known_once_it_is_at_rest() -> None:
    """DescribeEndpoint names the config that an endpoint ran before, until its update has ended."""
    seen = endpoint(OLD, status="Updating")
    given = situation(None, seen, is_ours=False, ledger=ledger(OLD, NEW), deletion=asked_for(NOW))
    step = next_step(given)
    assert isinstance(step, steps.Conclude)
    assert "end Updating" in step.verdict.message


def test_a_released_object_is_left_alone() -> None:
    given = situation(None, None, deletion=asked_for(NOW), is_finalized=False)
    assert next_step(given) == steps.Wait()
