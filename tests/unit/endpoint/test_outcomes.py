"""What has become of each version: what serves, what has, and what never did."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.ledger import Ledger, Update
from sagebridge.core.endpoint.observed import EndpointView
from sagebridge.core.endpoint.plan import Situation, next_step
from sagebridge.core.endpoint.revision import Outcome, Revision
from sagebridge.core.reasons import Reason

from tests.unit.endpoint.specs import desired, endpoint, ledger, overtaken, situation, spec, variant
from tests.unit.endpoint.versions import CANARY, HEAVY, MOVED, NEW, OLD, failure, numbers, update

TIME = "2026-01-01T00:00:00Z"
OLDEST = desired(spec(data="oldest"))
NAMES = {
    one.config.name: word
    for one, word in ((OLD, "old"), (NEW, "new"), (MOVED, "moved"), (OLDEST, "oldest"), (HEAVY, "heavy"))
}


def outcomes(known: Ledger) -> dict[str, str]:
    return {NAMES[one.config_name]: one.outcome.value for one in known.revisions}


def deployed(known: Ledger, *wanted: object, **fields: object) -> Ledger:
    """With versions that SageMaker was asked for, and that nobody has seen serve."""
    for one in wanted:
        known = overtaken(known, one).with_update(update(one))  # type: ignore[arg-type]
    return replace(known, **({"update": None} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "given", "want"),
    [
        ("what is in service", situation(OLD, endpoint(OLD), ledger=ledger(OLD)), {"old": "Serving"}),
        (
            "what a newer version has replaced",
            situation(NEW, endpoint(NEW), ledger=deployed(ledger(OLD).with_serving(OLD.config.name, now=TIME), NEW)),
            {"old": "Served", "new": "Serving"},
        ),
        (
            "an update that was rolled back",
            situation(
                NEW,
                endpoint(OLD, modified="2", reason="an alarm"),
                ledger=deployed(ledger(OLD), NEW, update=update(NEW, begun=True)),
            ),
            {"old": "Serving", "new": "RolledBack"},
        ),
        (
            "a creation that failed",
            situation(
                OLD,
                endpoint(OLD, status="Failed", reason="no such image"),
                ledger=deployed(ledger(), OLD, update=update(OLD, since="")),
            ),
            {"old": "Failed"},
        ),
        (
            "an update that could not be rolled back",
            situation(
                NEW,
                endpoint(OLD, status="UpdateRollbackFailed", modified="2", reason="an alarm"),
                ledger=deployed(ledger(OLD), NEW, update=update(NEW, begun=True)),
            ),
            {"old": "Served", "new": "Failed"},
        ),
        (
            "one that was rolled back while a newer spec waited",
            situation(
                MOVED,
                endpoint(OLD, modified="2", reason="an alarm"),
                ledger=deployed(ledger(OLD), NEW, update=update(NEW, begun=True)),
            ),
            {"old": "Serving", "new": "RolledBack"},
        ),
        (
            "one that came to serve while a newer spec waited",
            situation(
                MOVED,
                endpoint(NEW, modified="2"),
                ledger=deployed(
                    ledger(OLD).with_serving(OLD.config.name, now=TIME), NEW, update=update(NEW, begun=True)
                ),
            ),
            {"old": "Served", "new": "Serving", "moved": ""},
        ),
        (
            "a creation that failed while a newer spec waited",
            situation(
                NEW,
                endpoint(OLD, status="Failed", reason="no such image"),
                ledger=deployed(ledger(), OLD, update=update(OLD, since="", begun=True)),
            ),
            {"old": "Failed"},
        ),
        (
            "one that was begun, though the reply was lost, and rolled back while a newer spec waited",
            situation(
                MOVED,
                endpoint(OLD, modified="2", reason="an alarm"),
                ledger=deployed(ledger(OLD), NEW, update=update(NEW)),
            ),
            {"old": "Serving", "new": "RolledBack"},
        ),
        (
            "one that was never begun, as far as anybody knows, when a newer spec came",
            situation(MOVED, endpoint(OLD, modified="2"), ledger=deployed(ledger(OLD), NEW, update=update(NEW))),
            {"old": "Serving", "new": "", "moved": ""},
        ),
        (
            "one that was never deployed, when the update before it had ended",
            situation(
                HEAVY,
                endpoint(NEW, modified="2"),
                ledger=overtaken(deployed(ledger(OLD), NEW, update=update(NEW, begun=True)), MOVED),
            ),
            {"old": "Served", "new": "Serving", "moved": "", "heavy": ""},
        ),
        (
            "refused weights say nothing of the version",
            situation(
                HEAVY,
                endpoint(OLD, modified="2", reason="no capacity"),
                ledger=ledger(OLD, update=numbers(HEAVY, begun=True)),
            ),
            {"old": "Serving"},
        ),
        (
            "one that somebody deletes served once",
            situation(NEW, ledger=ledger(OLD).with_serving(OLD.config.name, now=TIME)),
            {"old": "Served", "new": ""},
        ),
    ],
)
def test_what_has_become_of_each_version(reason: str, given: Situation, want: dict[str, str]) -> None:
    step = next_step(given)
    assert isinstance(step, steps.Remember | steps.Conclude), reason
    assert outcomes(step.ledger) == want, reason


@pytest.mark.parametrize(
    ("reason", "seen", "recorded", "want"),
    [
        (
            "SageMaker's words, once",
            endpoint(OLD, modified="2", reason="an alarm\nwent off."),
            update(NEW, begun=True),
            ("an alarm went off.", f"The deployment of {NEW.config.name} was rolled back: an alarm went off. "),
        ),
        (
            "or that there are none",
            endpoint(OLD, modified="2"),
            update(NEW, begun=True),
            (
                "SageMaker gave no reason.",
                f"The deployment of {NEW.config.name} was rolled back: SageMaker gave no reason. ",
            ),
        ),
        (
            "a creation",
            endpoint(NEW, status="Failed", reason="no such image"),
            update(NEW, since="", begun=True),
            ("no such image", f"The deployment of {NEW.config.name} has failed: no such image. "),
        ),
        (
            "a creation whose reply was lost, without a word",
            endpoint(NEW, status="Failed"),
            update(NEW, since=""),
            (
                "SageMaker gave no reason.",
                f"The deployment of {NEW.config.name} has failed: SageMaker gave no reason. ",
            ),
        ),
    ],
)
def test_why_an_overtaken_deployment_failed_is_told(
    reason: str, seen: EndpointView, recorded: Update, want: tuple[str, str]
) -> None:
    given = situation(MOVED, seen, ledger=deployed(ledger(OLD), NEW, update=recorded))
    step = next_step(given)
    assert isinstance(step, steps.Remember), reason
    assert step.news is not None, reason
    known = step.ledger.failure
    assert known is not None, reason
    assert (known.message, step.news.message) == (want[0], f"{want[1]}The newer spec follows."), reason
    assert (known.config_name, known.resolved) == (NEW.config.name, False), reason
    assert step.ledger.has_failed, "until the newer one is begun"
    after = next_step(replace(given, ledger=step.ledger))
    assert getattr(after, "news", None) is None, "and goes on"


def test_a_version_that_was_reached_on_the_way_resolves_the_failure_before_it() -> None:
    known = deployed(ledger(OLD), NEW, update=update(NEW, begun=True), failure=failure(MOVED))
    step = next_step(situation(MOVED, endpoint(NEW, modified="2"), ledger=known))
    assert isinstance(step, steps.Remember)
    assert step.ledger.failure == failure(MOVED, resolved=True), "so that it is tried again"
    assert step.ledger.update is None


def test_a_version_that_sagemaker_refuses_to_deploy_is_rejected_until_it_takes_it() -> None:
    asked = deployed(ledger(OLD), NEW, update=update(NEW))
    assert outcomes(asked.with_refused())["new"] == "Rejected"
    assert outcomes(asked.with_refused(rejected=False))["new"] == "", "it was too busy, which passes"
    assert outcomes(asked.with_refused().with_begun())["new"] == ""
    assert outcomes(ledger(OLD, update=numbers(HEAVY)).with_refused())["old"] == "Served", "the weights were refused"
    assert outcomes(ledger(NEW, OLD, update=update(OLD)).with_refused())["old"] == "Served", "it was good before"


def test_outcomes_last_as_status_has_them() -> None:
    known = deployed(ledger(OLD), NEW).with_outcome(NEW.config.name, Outcome.ROLLED_BACK)
    status = known.dump()
    assert [entry["outcome"] for entry in status["revisions"]] == ["Served", "RolledBack"]
    assert Ledger.parse(status) == known
    assert Revision.parse(status["revisions"][0] | {"outcome": "nonsense"}).outcome is Outcome.NONE


def test_a_version_that_is_gone_back_to_in_vain_has_served_all_the_same() -> None:
    known = deployed(ledger(OLD), NEW).with_serving(NEW.config.name, now=TIME)
    known = deployed(known, OLD, update=update(OLD, begun=True))
    step = next_step(situation(OLD, endpoint(NEW, modified="2", reason="an alarm"), ledger=known))
    assert isinstance(step, steps.Remember)
    assert outcomes(step.ledger) == {"new": "Serving", "old": "RolledBack"}
    found = Ledger.parse(step.ledger.dump()).find(OLD.config.name)
    assert found is not None
    assert (found.has_served, found.served_at) == (True, TIME)
    again = replace(step.ledger, update=update(OLD))
    assert outcomes(again.with_refused())["old"] == "RolledBack", "that SageMaker is too busy says nothing of it"
    assert outcomes(again.with_begun())["old"] == "", "what comes of it now, nobody knows"


FAILED = deployed(ledger(OLDEST, OLD), MOVED, NEW)
GONE_BACK_TO_IN_VAIN = ledger(OLD, OLDEST).with_outcome(OLDEST.config.name, Outcome.ROLLED_BACK)


@pytest.mark.parametrize(
    ("reason", "known", "limit", "want"),
    [
        ("versions that never served push none out that did; of them, the last stays", FAILED, 1, {"moved"}),
        ("where no history is kept, none of either stays", FAILED, 0, {"moved", "new", "oldest"}),
        ("a longer history is of versions that served", FAILED, 9, {"moved"}),
        (
            "one that has served is history, though going back to it has failed since",
            deployed(GONE_BACK_TO_IN_VAIN, NEW),
            1,
            set(),
        ),
        ("where no history is kept, it goes", GONE_BACK_TO_IN_VAIN, 0, {"oldest"}),
    ],
)
def test_which_versions_go(reason: str, known: Ledger, limit: int, want: set[str]) -> None:
    known, gone = replace(known, failure=failure(NEW)), set()
    while isinstance(
        step := next_step(situation(OLD, endpoint(OLD), ledger=known, history_limit=limit)), steps.Collect
    ):
        gone |= outcomes(known).keys() - outcomes(step.ledger).keys()
        known = step.ledger
    assert gone == want, reason
    assert isinstance(step, steps.Conclude)


@pytest.mark.parametrize(
    ("reason", "modified", "recorded", "want"),
    [
        ("it may have begun, though its reply is lost", "1", update(NEW), set()),
        ("it has begun, and does not show yet", "1", update(NEW, begun=True), set()),
        ("SageMaker did not take it", "1", update(NEW, refused=True), {"new"}),
        ("it has ended", "2", update(NEW, begun=True), {"new"}),
        ("it is not of a version", "1", numbers(HEAVY), {"new"}),
    ],
)
def test_what_may_be_under_way_stays_though_no_history_is_kept(
    reason: str, modified: str, recorded: Update, want: set[str]
) -> None:
    """A spec that is refused without a call makes nothing of its own, so its pass comes to the collection."""
    refused = desired(spec(variant("b"), deploymentConfig=CANARY.deployment))
    known, gone = deployed(ledger(OLD), NEW, update=recorded), set()
    seen = endpoint(OLD, modified=modified)
    while not isinstance(step := next_step(situation(refused, seen, ledger=known, history_limit=0)), steps.Conclude):
        assert isinstance(step, steps.Collect | steps.Remember), reason
        gone |= outcomes(known).keys() - outcomes(step.ledger).keys()
        known = step.ledger
    assert step.verdict.reason is Reason.INVALID_SPEC, reason
    assert gone == want, reason


def test_going_back_to_a_version_that_served_and_being_overtaken_leaves_it_in_the_history() -> None:
    known = overtaken(overtaken(deployed(ledger(OLD, MOVED)), OLD), NEW)
    step = next_step(situation(NEW, endpoint(MOVED), ledger=known, history_limit=1))
    assert not isinstance(step, steps.Collect)
    assert outcomes(known)["old"] == "Served"
