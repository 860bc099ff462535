"""Whatever happens in whatever order: it converges to the last spec, leaks nothing, and goes on serving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sagebridge.core.conditions import State
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.scaling import ScalingPlan
from sagebridge.core.reasons import Reason

from tests.unit.endpoint.operator_model import Operator, desired
from tests.unit.endpoint.service import Service

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/serve:1"


def variant(name: str, **fields: Any) -> dict[str, Any]:
    return {"variantName": name, "modelName": "m", "instanceType": "ml.m5.large", **fields}


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.sampled_from([["a"], ["b"], ["a", "b"]]))
    version = draw(st.integers(1, 3))
    variants = []
    for name in names:
        fields: dict[str, Any] = {
            "initialInstanceCount": draw(st.integers(1, 3)),
            "initialVariantWeight": float(draw(st.integers(1, 3))),
            "instanceType": draw(st.sampled_from(["ml.m5.large", "ml.m5.xlarge"])),
        }
        if draw(st.booleans()):
            fields["autoscaling"] = {"minCapacity": 1, "maxCapacity": draw(st.integers(3, 4)), "targetValue": 100}
            if draw(st.booleans()):
                fields["autoscaling"]["scheduled"] = [
                    {"name": "night", "schedule": "cron(0 22 * * ? *)", "minCapacity": 1}
                ]
        variants.append(variant(name, **fields))
    return {
        "models": [{"name": "m", "image": IMAGE, "modelDataUrl": f"s3://models/{version}.tar.gz"}],
        "productionVariants": variants,
    }


class EndpointMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.service = Service()
        self.scaled: dict[str, Mapping[str, ScalingPlan]] = {}
        first = {
            "models": [{"name": "m", "image": IMAGE, "modelDataUrl": "s3://models/0.tar.gz"}],
            "productionVariants": [variant("a")],
        }
        self.operator = Operator(service=self.service, spec=first)

    @rule(spec=specs())
    def edit(self, spec: dict[str, Any]) -> None:
        self.operator.spec = spec

    @rule(count=st.integers(1, 12))
    def take_steps(self, count: int) -> None:
        for _ in range(count):
            self.operator.take(self.operator.next())

    @rule()
    def full_pass(self) -> None:
        self._run()

    def _run(self) -> None:
        """A pass; at its end, what runs is scaled as it was meant to be."""
        self.operator.run()
        endpoint = self.service.endpoint
        if endpoint is None:
            return
        if self.operator.verdict.state is State.SERVING:
            self.scaled = {endpoint.config: desired(self.operator.spec).scaled}
        elif self.operator.verdict.reason is Reason.UPDATE_FAILED and endpoint.config in self.scaled:
            wanted = {name: plan.bounds for name, plan in self.scaled[endpoint.config].items()}
            found = {key.variant: (view.minimum, view.maximum) for key, view in self.service.scaling.items()}
            assert found == wanted, "a version that goes on serving has lost its autoscaling, or has another's"

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

    @rule(fail=st.booleans())
    def settle(self, fail: bool) -> None:
        self.service.settle(fail=fail)
        self.operator.observed = None

    @rule(name=st.sampled_from(["a", "b"]))
    def scale_out(self, name: str) -> None:
        self.service.scale_out(name)
        self.operator.observed = None

    @invariant()
    def goes_on_serving(self) -> None:
        self.service.assert_serving()
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

    def _converge(self) -> None:
        for _ in range(12):
            self._run()
            if self.service.endpoint is not None and self.service.endpoint.status != "InService":
                self.service.settle(fail=False)
                self.service.assert_serving()

    def teardown(self) -> None:
        self._converge()
        if self.operator.verdict.state is State.STALLED:
            # What has failed is tried again when the spec says something else; here, by another spec.
            self.operator.spec = {
                **self.operator.spec,
                "models": [{"name": "m", "image": IMAGE, "modelDataUrl": "s3://models/good.tar.gz"}],
            }
            self._converge()
        self._assert_converged()
        before = len(self.service.calls)
        self.operator.run()
        assert self.service.calls[before:] == ["DescribeEndpoint"], "at rest, a pass only looks"
        self._assert_all_goes()

    def _assert_converged(self) -> None:
        wanted = desired(self.operator.spec)
        endpoint = self.service.endpoint
        assert self.operator.verdict.state is State.SERVING, self.operator.verdict
        assert endpoint is not None
        assert f"-{wanted.config.template}-" in endpoint.config
        for plan in wanted.variants:
            weight, count = endpoint.variants[plan.name]
            assert weight == plan.weight
            assert plan.count in (None, count)
        assert endpoint.variants.keys() == {plan.name for plan in wanted.variants}
        scaled = {key.variant: view for key, view in self.service.scaling.items()}
        assert scaled.keys() == wanted.scaled.keys()
        for name, scaling in wanted.scaled.items():
            assert (scaled[name].minimum, scaled[name].maximum) == scaling.bounds
            assert scaled[name].policies.keys() == scaling.policies.keys()
            assert scaled[name].scheduled.keys() == scaling.scheduled.keys()
        assert len(self.service.configs) <= 2 + self.operator.history_limit

    def _assert_all_goes(self) -> None:
        self.operator.deletion_requested_at = self.operator.now
        self.service.served = False
        for _ in range(5):
            self.operator.run()
            self.service.settle(fail=False)
        assert self.operator.released
        assert (self.service.endpoint, self.service.configs, self.service.models) == (None, {}, set())
        assert not self.service.scaling


EndpointMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestConvergence = EndpointMachine.TestCase
