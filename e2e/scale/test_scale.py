"""A tenth of the fleet and of the jobs, with the real scheduler; `make bench` runs the whole. See docs/testing.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict

import pytest

from scale.fleet import fleet
from scale.trial import Outcome, run
from scale.verdict import faults
from scale.workload import workload


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    nodes, jobs = fleet(every=10), workload(every=10, largest=8)
    return run(tmp_path_factory.mktemp("scale"), nodes=nodes, jobs=jobs)


def test_every_pod_is_where_it_may_be_and_every_job_ends(outcome: Outcome, note: Callable[[str], None]) -> None:
    note(f"scale: {asdict(outcome.report)}")
    assert not faults(outcome)


def test_what_was_tried_is_worth_trying(outcome: Outcome) -> None:
    ends = Counter(status["trainingJobStatus"] for status in outcome.statuses.values())
    assert ends["Completed"] > ends["Failed"] > 0
    assert len({node.machine.name for node in fleet(every=10)}) == 12
    assert outcome.looks_with_waiting > 10
    assert outcome.ledger.placed >= 0.9 * outcome.report.pods
