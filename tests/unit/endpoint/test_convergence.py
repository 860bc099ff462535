"""Whatever happens in whatever order: it converges to the last spec, leaks nothing, and goes on serving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sagebridge.core.conditions import State
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.revision import Outcome
from sagebridge.core.endpoint.scaling import OURS, covers
from sagebridge.core.reasons import Reason

from tests.unit.endpoint.operator_model import Operator
from tests.unit.endpoint.random_specs import Spec, of_version, scalings, spec_of, specs
from tests.unit.endpoint.service import Service

_PASSES = 12
_CHANGES = frozenset({"CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "DeleteEndpoint"})
# The first try, another one where something else has hidden that it began; a failed endpoint is deleted before.
_MOST_CHANGES_TO_FAIL = 4


_FIRST = spec_of([{"variantName": "a", "modelName": "m-a", "instanceType": "ml.m5.large"}], version="0")


def _ours(policies: Mapping[str, Any]) -> set[str]:
    return {name for name in policies if name.startswith(OURS)}


class EndpointMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.service = Service()
        self.operator = Operator(service=self.service, spec=_FIRST, after_each_step=self._check_step)
        self.ending = ""

    @initialize(
        limit=st.integers(0, 2), ending=st.sampled_from(["converges", "fails for a while", "is deleted at once"])
    )
    def begin(self, limit: int, ending: str) -> None:
        self.operator.history_limit = limit
        self.ending = ending

    # --- what the user does --------------------------------------------------------------------------------------

    @rule(spec=specs())
    def edit(self, spec: Spec) -> None:
        self.operator.spec = spec

    @rule(weight=st.integers(1, 3), count=st.integers(1, 3))
    def edit_numbers_only(self, weight: int, count: int) -> None:
        first, *others = self.operator.spec["productionVariants"]
        changed = {**first, "initialVariantWeight": float(weight), "initialInstanceCount": count}
        self.operator.spec = {**self.operator.spec, "productionVariants": [changed, *others]}

    @rule(scaling=scalings())
    def edit_scaling_only(self, scaling: dict[str, Any] | None) -> None:
        first, *others = self.operator.spec["productionVariants"]
        changed = {key: value for key, value in first.items() if key != "autoscaling"}
        changed |= {"autoscaling": scaling} if scaling else {}
        self.operator.spec = {**self.operator.spec, "productionVariants": [changed, *others]}

    # --- what the operator does ----------------------------------------------------------------------------------

    @rule(count=st.integers(1, 12))
    def take_steps(self, count: int) -> None:
        for _ in range(count):
            self.operator.take(self.operator.next())

    @rule()
    def full_pass(self) -> None:
        self._pass()

    @rule()
    def go_well(self) -> None:
        """A while in which nothing goes wrong."""
        for _ in range(3):
            self._pass()
            self.service.settle(fail=False)

    @rule()
    def kill(self) -> None:
        self.operator.forget()

    @rule()
    def lose_a_reply(self) -> None:
        """A call is made, and the operator is killed before it learns so."""
        step = self.operator.next()
        if not isinstance(step, steps.Remember | steps.Conclude):
            status = dict(self.operator.status)
            self.operator.take(step)
            self.operator.status = status
        self.operator.forget()

    # --- what happens to it --------------------------------------------------------------------------------------

    @rule(fail=st.booleans(), reason=st.sampled_from(["the container did not answer /ping", ""]))
    def settle(self, fail: bool, reason: str) -> None:
        self.service.settle(fail=fail, reason=reason)
        self.operator.observed = None

    @rule(name=st.sampled_from(["a", "b"]))
    def scale_out(self, name: str) -> None:
        self.service.scale_out(name)
        self.operator.observed = None

    @precondition(lambda self: self.service.scaling)
    @rule()
    def somebody_scales_too(self) -> None:
        self.service.put_policy_of_others()
        self.operator.observed = None

    @precondition(lambda self: self.service.scaling)
    @rule()
    def night_falls(self) -> None:
        self.service.act_on_schedule()
        self.operator.observed = None

    # --- what always holds ---------------------------------------------------------------------------------------

    @invariant()
    def goes_on_serving(self) -> None:
        self.service.assert_serving()
        if self.operator.deletion_requested_at is None:
            assert self.service.deleted_in_service == 0

    @invariant()
    def nothing_is_unknown(self) -> None:
        """Whatever is there in AWS, status knows of: it can't be leaked."""
        revisions = self.operator.status.get("revisions", ())
        assert set(self.service.configs) <= {revision["endpointConfigName"] for revision in revisions}
        assert self.service.models <= {name for revision in revisions for name in revision["modelNames"]}
        targets = {
            (entry["variantName"], entry["dimension"]) for entry in self.operator.status.get("scalableTargets", ())
        }
        assert {(key.variant, key.dimension.value) for key in self.service.scaling} <= targets

    def _check_step(self) -> None:
        """It may be killed after any step."""
        self.goes_on_serving()
        self.nothing_is_unknown()

    def _pass(self) -> None:
        """A whole pass; what it says is true."""
        self.operator.run()
        state = self.operator.verdict.state
        if state is State.SERVING:
            self._assert_served()
        elif state is State.STALLED:
            assert not self._serves_the_spec(), "it says that it has failed, but has not"
        self._check_scaling()

    def _check_scaling(self) -> None:
        """A version that goes on serving while a newer one is refused is scaled as it was."""
        endpoint, verdict = self.service.endpoint, self.operator.verdict
        if endpoint is None or verdict.reason is not Reason.UPDATE_FAILED or self._serves_the_config():
            return
        revision = Ledger.parse(self.operator.status).find(endpoint.config)
        if revision is not None:
            found = {key.variant: _ours(view.policies) for key, view in self.service.scaling.items()}
            assert found == {name: set(plan.policies) for name, plan in revision.scaling.items()}

    def _serves_the_config(self) -> bool:
        endpoint = self.service.endpoint
        return endpoint is not None and f"-{self.operator.desired.config.template}-" in endpoint.config

    # --- how it ends ---------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if self.ending != "is deleted at once":
            if self.ending == "fails for a while":
                self._fail_for_a_while()
            self._converge()
            self._come_to_rest()
            self._go_there_and_back()
            self._fail_while_a_newer_spec_waits()
            self._fail_to_change_numbers()
        self._assert_all_goes()

    def _fail_for_a_while(self) -> None:
        """It gives up soon, says so, and keeps no more than it should."""
        self.operator.forget()
        self._pass()
        before = len(self.service.calls)
        for _ in range(_PASSES):
            self.service.settle(fail=True)
            self._pass()
        tried = [call for call in self.service.calls[before:] if call in _CHANGES]
        assert len(tried) <= _MOST_CHANGES_TO_FAIL, tried
        assert self.operator.verdict.state in (State.STALLED, State.SERVING)
        if self.operator.verdict.state is State.STALLED:
            assert len(self.service.configs) <= self._most_kept() + 2

    def _converge(self) -> None:
        for _ in range(_PASSES):
            self._pass()
            if self.service.endpoint is not None and self.service.endpoint.status != "InService":
                self.service.settle(fail=False)
                self.service.assert_serving()

    def _come_to_rest(self) -> None:
        if self.operator.verdict.state is State.STALLED:
            # What has failed is tried again when the spec says something else; here, by another spec.
            self.operator.spec = of_version(self.operator.spec, "good")
            self._converge()
        assert self.operator.verdict.state is State.SERVING, self.operator.verdict
        self._assert_rests()
        self.service.act_on_schedule()
        self._assert_rests()

    def _go_there_and_back(self) -> None:
        """To another version, which fails at first and is then gone back to; and to where it was."""
        here = self.operator.spec
        there = of_version(here, "other")
        self.operator.spec = there
        self._pass()
        self.service.settle(fail=True)
        self._pass()
        assert self.operator.verdict.state is State.STALLED, self.operator.verdict
        if self.operator.history_limit:
            # What fails, however often, pushes nothing out that was good.
            revisions = Ledger.parse(self.operator.status).revisions
            kept = {one.config_name for one in revisions if one.has_served}
            for version in ("bad", "worse"):
                self.operator.spec = of_version(here, version)
                self._pass()
                self.service.settle(fail=True)
                self._pass()
            assert kept <= self.service.configs.keys()
        for spec in (here, there, here):
            before = self._config()
            self.operator.spec = spec
            self._converge()
            assert self.operator.verdict.state is State.SERVING, self.operator.verdict
            if self.operator.history_limit:
                assert before in self.service.configs, "the newest of the history was not kept"
        self._go_back_in_vain(there, here)

    def _go_back_in_vain(self, there: Spec, here: Spec) -> None:
        """What has served stays in the history, though going back to it fails, and another version after it."""
        self.operator.spec = there
        known = self.operator.desired.config.name in self.service.configs
        for spec in (there, of_version(here, "worst")):
            self.operator.spec = spec
            self._pass()
            self.service.settle(fail=True)
            self._pass()
            assert self.operator.verdict.state is State.STALLED, self.operator.verdict
            self.operator.spec = here
            self._converge()
            assert self.operator.verdict.state is State.SERVING, self.operator.verdict
        if known and self.operator.history_limit:
            self.operator.spec = there
            assert self.operator.desired.config.name in self.service.configs
            self.operator.spec = here

    def _fail_while_a_newer_spec_waits(self) -> None:
        """Why the version failed is told, though nobody wants it any more."""
        here = self.operator.spec
        self.operator.spec = of_version(here, "overtaken")
        self._pass()
        overtaken = self.operator.desired.config.name
        self.operator.spec = here
        self.service.settle(fail=True, reason="it was overtaken")
        self._converge()
        assert self.operator.verdict.state is State.SERVING, self.operator.verdict
        known = Ledger.parse(self.operator.status)
        assert known.failure is not None
        assert (known.failure.config_name, known.failure.message) == (overtaken, "it was overtaken")
        assert known.failure.resolved
        revision = known.find(overtaken)
        assert (revision.outcome if revision else "") == (Outcome.ROLLED_BACK if self.operator.history_limit else "")

    def _fail_to_change_numbers(self) -> None:
        """A refused change of weights alone is told, and not asked for again; the old ones stay in force."""
        here = self.operator.spec
        first, *others = here["productionVariants"]
        heavier = {**first, "initialVariantWeight": first.get("initialVariantWeight", 1.0) + 1}
        self.operator.spec = {**here, "productionVariants": [heavier, *others]}
        before = len(self.service.calls)
        for _ in range(_PASSES):
            self._pass()
            self.service.settle(fail=True)
        assert self.operator.verdict.state is State.STALLED, self.operator.verdict
        assert self.service.calls[before:].count("UpdateEndpointWeightsAndCapacities") == 1
        self._converge()
        assert self.operator.verdict.state is State.STALLED, self.operator.verdict
        self.operator.spec = here
        self._converge()
        assert self.operator.verdict.state is State.SERVING, self.operator.verdict

    def _config(self) -> str:
        assert self.service.endpoint is not None
        return self.service.endpoint.config

    def _assert_rests(self) -> None:
        before = len(self.service.calls)
        self._pass()
        assert self.service.calls[before:] == ["DescribeEndpoint"], "at rest, a pass only looks"

    def _serves_the_spec(self) -> bool:
        wanted, endpoint = self.operator.desired, self.service.endpoint
        if endpoint is None or endpoint.status != "InService" or f"-{wanted.config.template}-" not in endpoint.config:
            return False
        return endpoint.variants.keys() == {plan.name for plan in wanted.variants} and all(
            endpoint.variants[plan.name][0] == plan.weight and plan.count in (None, endpoint.variants[plan.name][1])
            for plan in wanted.variants
        )

    def _assert_served(self) -> None:
        assert self._serves_the_spec(), (self.operator.spec, self.service.endpoint)
        wanted = self.operator.desired
        self._assert_scaled(wanted)
        revisions = {one["endpointConfigName"] for one in self.operator.status["revisions"]}
        needed = revisions & {self._config(), wanted.config.name}
        assert len(self.service.configs) <= len(needed) + self._most_kept()
        self._assert_outcomes()
        assert self.operator.status.get("update") is None

    def _most_kept(self) -> int:
        """Those that have served, and one that has not; none of either where no history is kept."""
        limit = self.operator.history_limit
        return limit + min(1, limit)

    def _assert_outcomes(self) -> None:
        """What status says has served did, the one that serves does, and those that never did are few."""
        outcomes = {one["endpointConfigName"]: one.get("outcome", "") for one in self.operator.status["revisions"]}
        assert [name for name, word in outcomes.items() if word == "Serving"] == [self._config()]
        good = {one["endpointConfigName"] for one in self.operator.status["revisions"] if one.get("servedAt")}
        assert {name for name, word in outcomes.items() if word in {"Serving", "Served"}} <= good
        assert good <= self.service.ever_served
        others = outcomes.keys() - good - {self._config(), self.operator.desired.config.name}
        assert len(others) <= min(1, self.operator.history_limit)

    def _assert_scaled(self, wanted: Desired) -> None:
        scaled = {key.variant: view for key, view in self.service.scaling.items()}
        assert scaled.keys() == wanted.scaled.keys()
        assert {entry["variantName"] for entry in self.operator.status.get("scalableTargets", ())} == scaled.keys()
        for name, plan in wanted.scaled.items():
            view = scaled[name]
            assert view.maximum == plan.maximum
            assert view.minimum in ({1, 2} if plan.scheduled else {1})
            for found, asked in ((view.policies, plan.policies), (view.scheduled, plan.scheduled)):
                assert {key for key in found if key.startswith(OURS)} == asked.keys()
                assert covers(found, asked)

    def _assert_all_goes(self) -> None:
        """With a kill after each step that changes anything."""
        self.operator.deletion_requested_at = self.operator.now
        self.service.served = False
        for _ in range(_PASSES * 10):
            step = self.operator.next()
            self.operator.take(step)
            if self.operator.released:
                break
            if isinstance(step, steps.Conclude):
                self.service.settle(fail=False)
            if not isinstance(step, steps.Look | steps.Claim):
                self.operator.forget()
        assert self.operator.released
        assert (self.service.endpoint, self.service.configs, self.service.models) == (None, {}, set())
        assert not self.service.scaling


EndpointMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestConvergence = EndpointMachine.TestCase
