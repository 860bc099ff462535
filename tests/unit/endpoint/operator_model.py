"""The operator as the property test needs it: a ledger that lasts, a memory that can be lost, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sagebridge.core.deletion import Deletion
from sagebridge.core.endpoint import steps
from sagebridge.core.endpoint.build import BuildContext, build
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import Observed
from sagebridge.core.endpoint.plan import Situation, next_step
from sagebridge.core.endpoint.scaling import OURS
from sagebridge.core.names import Owner
from support.deletions import asked_for

from tests.unit.endpoint.service import RefusedError, Service

OWNER = Owner(cluster="cluster", namespace="team", name="scores", uid="uid-1")
ROLE = "arn:aws:iam::123456789012:role/serving"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def desired(spec: Mapping[str, Any], *, nonce: str = "") -> Desired:
    return build(spec, BuildContext(owner=OWNER, role_arn=ROLE, nonce=nonce))


@dataclass
class Operator:
    """What brings a spec to SageMaker, and what status says meanwhile."""

    service: Service
    spec: Mapping[str, Any]
    history_limit: int = 1
    status: dict[str, Any] = field(default_factory=dict)
    verdict: Any = None
    made: set[str] = field(default_factory=set)
    observed: Observed | None = None
    is_fresh: bool = False
    is_ours: bool | None = None
    now: datetime = NOW
    deletion_requested_at: datetime | None = None
    released: bool = False
    after_each_step: Callable[[], None] = lambda: None
    _built: tuple[Mapping[str, Any], Desired] | None = None

    def forget(self) -> None:
        """A kill: all that was not written to status is lost."""
        self.made, self.observed, self.is_fresh, self.is_ours = set(), None, False, None

    @property
    def desired(self) -> Desired:
        """What the spec asks for; specs are replaced, never changed."""
        if self._built is None or self._built[0] is not self.spec:
            self._built = (self.spec, desired(self.spec))
        return self._built[1]

    def next(self) -> steps.Step:
        return next_step(
            Situation(
                ledger=Ledger.parse(self.status),
                now=self.now,
                desired=self.desired,
                observed=self.observed,
                is_fresh=self.is_fresh,
                is_ours=self.is_ours,
                made=frozenset(self.made),
                history_limit=self.history_limit,
                deletion=self.deletion,
            )
        )

    @property
    def deletion(self) -> Deletion | None:
        """How far the object's deletion is."""
        asked = self.deletion_requested_at
        return asked_for(asked, deadline=timedelta(days=1)) if asked else None

    def run(self, *, most: int = 200) -> None:
        """A pass: until the plan has nothing more to do now."""
        self.observed, self.is_fresh = None, False
        for _ in range(most):
            step = self.next()
            self.take(step)
            if isinstance(step, steps.Conclude | steps.Release):
                return
        raise AssertionError(f"no end in sight: {step}")

    def take(self, step: steps.Step) -> None:
        """Take a step; refusals of SageMaker make it look again, as the engine does."""
        try:
            self._take(step)
        except RefusedError:
            self.forget()
            if isinstance(step, steps.UpdateEndpoint | steps.UpdateNumbers):
                self._write(Ledger.parse(self.status).with_refused())
        self.after_each_step()

    def _write(self, ledger: Ledger) -> None:
        dumped = self.status | ledger.dump()
        self.status = {key: value for key, value in dumped.items() if value is not None}

    def _take(self, step: steps.Step) -> None:
        match step:
            case steps.Look():
                self.observed, self.is_fresh = self.service.look(), True
            case steps.Claim():
                self.is_ours = True
            case steps.Remember(ledger=ledger):
                self._write(ledger)
            case steps.Conclude(verdict=verdict, ledger=ledger):
                self._write(ledger)
                self.verdict = verdict
            case steps.Release():
                self.released = True
            case steps.CreateModel() | steps.CreateConfig() | steps.Collect():
                self._make(step)
            case steps.CreateEndpoint() | steps.UpdateEndpoint() | steps.UpdateNumbers() | steps.DeleteEndpoint():
                self.observed = None
                self._change(step)
            case _:
                self._scale(step)

    def _make(self, step: steps.CreateModel | steps.CreateConfig | steps.Collect) -> None:
        self.is_fresh = self.is_fresh and isinstance(step, steps.Collect)
        match step:
            case steps.CreateModel(model=model):
                self.service.create_model(model.name)
                self.made.add(model.name)
            case steps.CreateConfig(config=config):
                self.service.create_config(config.name, config.request)
                self.made.add(config.name)
            case steps.Collect(config_name=config_name, model_names=model_names, ledger=ledger):
                self.service.delete_config(config_name)
                for name in model_names:
                    self.service.delete_model(name)
                self.made -= {config_name, *model_names}
                self._write(ledger)

    def _change(self, step: steps.Step) -> None:
        self._call(step)
        if not isinstance(step, steps.DeleteEndpoint):
            self._write(Ledger.parse(self.status).with_begun())

    def _call(self, step: steps.Step) -> None:
        match step:
            case steps.CreateEndpoint(config_name=name):
                self.service.create_endpoint(name)
            case steps.UpdateEndpoint(config_name=name, retain=retain, exclude=exclude):
                self.service.update(name, retain=retain, exclude=exclude)
            case steps.UpdateNumbers(weights=weights, counts=counts):
                self.service.update_numbers(weights, counts)
            case steps.DeleteEndpoint():
                self.service.delete_endpoint()

    def _scale(self, step: steps.Step) -> None:
        assert self.observed is not None
        observed = self.observed
        match step:
            case steps.Register(key=key, plan=plan):
                self.service.assert_scalable(key)
                observed = observed.with_target(key, plan)
            case steps.Deregister(key=key):
                observed = observed.without_target(key)
            case steps.PutPolicy(key=key, name=name, definition=definition):
                observed = observed.with_policy(key, name, definition)
            case steps.DeletePolicy(key=key, name=name):
                assert name.startswith(OURS), "somebody else's policy was deleted"
                observed = observed.with_policy(key, name, None)
            case steps.PutScheduled(key=key, name=name, definition=definition):
                observed = observed.with_scheduled(key, name, definition)
            case steps.DeleteScheduled(key=key, name=name):
                assert name.startswith(OURS), "somebody else's scheduled action was deleted"
                observed = observed.with_scheduled(key, name, None)
            case _:
                raise AssertionError(f"unexpected {step}")
        self.service.calls.append(type(step).__name__)
        self.service.scaling = dict(observed.scaling)
        self.observed = observed
