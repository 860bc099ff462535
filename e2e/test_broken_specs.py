"""Broken manifests: each is refused, or stalls with a message that names the field, or runs; nothing else.

After Acto, SOSP 2023 (https://doi.org/10.1145/3600006.3613161): change each property of the schema, check, go back to
a good state, and check that it is reached.
"""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import kubernetes
import pytest
import yaml
from faults.cluster import Body
from faults.lane import Lane
from faults.mutations import Mutant, mutants
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sagebridge_local.paths import crds_directory
from scenarios.manifests import GIVEN, SUBJECTS, Subject
from scenarios.reached import condition, under_way

_BATCH = 10
_MOST_CREATES, _MOST_CALLS = 3, 12
_WAITING = ("WaitingForReference",)

each_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)


def _spec_schema(subject: Subject) -> Mapping[str, Any]:
    definition = yaml.safe_load((crds_directory() / f"{subject.kind.plural}.yaml").read_text())
    whole: Mapping[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return whole["properties"]["spec"]  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Where the manifests of a kind are tried."""

    lane: Lane
    namespace: str
    subject: Subject

    def create(self, mutant: Mutant) -> str:
        """Create an object from a manifest; its name."""
        # Short enough to be whole in the name of a tuning job, by which calls are counted.
        name = f"m{secrets.token_hex(3)}"
        where = {"namespace": self.namespace, "name": name}
        self.lane.cluster.create(self.subject.kind, **where, spec=_unique(mutant.spec, name, self.subject))
        return name

    def get(self, name: str) -> Body | None:
        """One of the objects."""
        return self.lane.cluster.get(self.subject.kind, namespace=self.namespace, name=name)

    def wait(self, name: str, *, until: Callable[[Body | None], bool], what: str) -> None:
        """Wait for one of the objects."""
        self.lane.wait_for(self.subject.kind, namespace=self.namespace, name=name, until=until, what=what)

    def mend(self, name: str) -> None:
        """Give an object the plainest of the good specs."""
        where = {"namespace": self.namespace, "name": name}
        self.lane.cluster.replace_spec(self.subject.kind, **where, spec=self.subject.good[0])


@each_subject
def test_broken_manifests_are_refused_or_stall_with_the_field_s_name(
    start_lane: Callable[..., Lane], namespace: str, note: Callable[[str], None], subject: Subject
) -> None:
    lane = start_lane()
    trial = Trial(lane=lane, namespace=namespace, subject=subject)
    _try_the_good_ones(trial)
    ends: Counter[str] = Counter()
    chosen = os.environ.get("SAGEBRIDGE_E2E_SEED")

    @settings(
        max_examples=subject.batches,
        deadline=None,
        database=None,
        derandomize=chosen is None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(st.lists(mutants(_spec_schema(subject), subject.good), min_size=_BATCH // 2, max_size=_BATCH))
    def try_batch(batch: list[Mutant]) -> None:
        lane.clear()
        lane.aws.outcome("*", seconds=1e6)
        ends.update(_try(trial, batch))

    (try_batch if chosen is None else seed(int(chosen))(try_batch))()
    note(f"{subject}: {ends.total()} broken manifests: {dict(ends)}")
    assert {"refused", "InProgress"} <= ends.keys(), ends


def _try_the_good_ones(trial: Trial) -> None:
    """All of them run: what is broken afterwards is broken by the one change."""
    trial.lane.aws.outcome("*", seconds=1e6)
    for name in [trial.create(Mutant(spec=spec, path=(), what="good")) for spec in trial.subject.good]:
        trial.wait(name, until=under_way(), what="running")


def _try(trial: Trial, batch: list[Mutant]) -> list[str]:
    """Try some mutants side by side; how each ended, in a word."""
    accepted: dict[str, Mutant] = {}
    for mutant in batch:
        try:
            accepted[trial.create(mutant)] = mutant
        except kubernetes.client.ApiException as error:
            _check_refusal(mutant, error)
    for name, mutant in accepted.items():
        trial.wait(name, until=_is_settled, what=f"{mutant!r} to settle")
    _check_calls(trial, accepted)
    ends = [_check_verdict(mutant, trial.get(name)) for name, mutant in accepted.items()]
    _mend(trial, accepted)
    log = trial.lane.operator.log.read_text(errors="replace")
    assert "unexpected error" not in log, f"{batch}\n{trial.lane.diagnosis()}"
    return ends + ["refused"] * (len(batch) - len(accepted))


def _unique(spec: Mapping[str, Any], name: str, subject: Subject) -> dict[str, Any]:
    """The spec, under a name of its own in SageMaker if it gives one."""
    return {**spec, subject.name_field: name} if spec.get(subject.name_field) == GIVEN else dict(spec)


def _check_refusal(mutant: Mutant, error: kubernetes.client.ApiException) -> None:
    assert 400 <= error.status < 500, f"{mutant!r}: the API server answers {error.status}: {error.body}"
    message = str(json.loads(error.body)["message"])
    assert _names(mutant, message), f"{mutant!r}: the refusal does not name the field: {message}"


def _is_settled(body: Body | None) -> bool:
    """Whether it has stalled, runs, waits for its user, or waits for something it refers to."""
    is_stalled = condition(body, "Stalled").get("status") == "True"
    is_suspended = condition(body, "Suspended").get("status") == "True"
    is_waiting = condition(body, "Ready").get("reason") in _WAITING
    return is_stalled or is_suspended or is_waiting or under_way()(body)


def _check_verdict(mutant: Mutant, body: Body | None) -> str:
    ready = condition(body, "Ready")
    is_stalled = condition(body, "Stalled").get("status") == "True"
    if is_stalled or ready["reason"] in _WAITING:
        assert _names(mutant, ready["message"]), f"{mutant!r}: the message does not name the field: {ready}"
    return str(ready["reason"])


def _names(mutant: Mutant, message: str) -> bool:
    return any(word in message.lower() for word in mutant.words)


def _check_calls(trial: Trial, accepted: Mapping[str, Mutant]) -> None:
    """Few calls each: nobody tries again and again what can't succeed."""
    counted = trial.lane.aws.calls()["objects"]
    for name, mutant in accepted.items():
        calls = {job: operations for job, operations in counted.items() if name in job}
        creates = sum(sum(operations.get(trial.subject.create, {}).values()) for operations in calls.values())
        every = sum(sum(outcomes.values()) for operations in calls.values() for outcomes in operations.values())
        assert creates <= _MOST_CREATES, f"{mutant!r}: {calls}"
        assert every <= _MOST_CALLS, f"{mutant!r}: {calls}"


def _mend(trial: Trial, accepted: Mapping[str, Mutant]) -> None:
    """Correct what did not run; then it does."""
    stuck = [name for name in accepted if not under_way()(trial.get(name))]
    for name in stuck:
        trial.mend(name)
    for name in stuck:
        trial.wait(name, until=under_way(), what=f"{accepted[name]!r}, corrected, to run")
