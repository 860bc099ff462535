"""What status records of an endpoint before anything is made for it, so that nothing is ever forgotten in AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.revision import Outcome, Revision
from sagebridge.core.endpoint.scaling import ScalingPlan, TargetKey, has_bounds


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """A change that SageMaker is asked for, recorded before it is.

    Attributes:
        key: what is to be reached (`Desired.deployment_key` or `numbers_key`).
        since: the endpoint's last modification before; if that is still so, the change has not begun.
        failure_before: stands for the endpoint's FailureReason before; the same one after says nothing of this change.
        begun: whether SageMaker has accepted our call.
        refused: whether SageMaker has answered that it does not, or not now.
        tries: how often it was accepted, and the endpoint was found elsewhere afterwards.
        recorded_at: RFC 3339 time.
        config_name: the config that it deploys; empty if weights or counts change.
    """

    key: str
    since: str = ""
    failure_before: str = ""
    begun: bool = False
    refused: bool = False
    tries: int = 1
    recorded_at: str = ""
    config_name: str = ""

    @property
    def deploys(self) -> bool:
        """Whether another config is to run; else, weights or counts change."""
        return "/" not in self.key

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Update:
        """From `status.update`."""
        return cls(
            key=str(entry.get("key", "")),
            since=str(entry.get("since", "")),
            failure_before=str(entry.get("failureBefore", "")),
            begun=bool(entry.get("begun", False)),
            refused=bool(entry.get("refused", False)),
            tries=int(entry.get("tries", 1)),
            recorded_at=str(entry.get("recordedAt", "")),
            config_name=str(entry.get("endpointConfigName", "")),
        )

    def dump(self) -> dict[str, Any]:
        """To `status.update`."""
        entry = {
            "key": self.key,
            "since": self.since,
            "failureBefore": self.failure_before,
            "begun": self.begun,
            "refused": self.refused or "",
            "tries": self.tries,
            "recordedAt": self.recorded_at,
            "endpointConfigName": self.config_name,
        }
        return {key: value for key, value in entry.items() if value != ""}


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """The last change that failed.

    Attributes:
        key: what was to be reached; not tried again under the same key.
        message: why it failed.
        time: RFC 3339 time at which it was seen.
        config_name: the config that was to be deployed.
        resolved: whether something else was reached since.
    """

    key: str
    message: str
    time: str = ""
    config_name: str = ""
    resolved: bool = False

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Failure:
        """From `status.lastFailure`."""
        return cls(
            key=str(entry.get("key", "")),
            message=str(entry.get("message", "")),
            time=str(entry.get("time", "")),
            config_name=str(entry.get("endpointConfigName", "")),
            resolved=bool(entry.get("resolved", False)),
        )

    def dump(self) -> dict[str, Any]:
        """To `status.lastFailure`."""
        return {
            "key": self.key,
            "message": self.message,
            "time": self.time,
            "endpointConfigName": self.config_name,
            "resolved": self.resolved,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """All that status records for the plan.

    Attributes:
        revisions: oldest first; whatever they name may be there in SageMaker, and nothing else is.
        update: the change under way, None if there is none.
        failure: the last change that failed, None if none has.
        targets: what may be registered with application-autoscaling.
        bounds: by target, the capacities that were registered last; scheduled actions change them afterwards.
    """

    revisions: tuple[Revision, ...] = ()
    update: Update | None = None
    failure: Failure | None = None
    targets: tuple[TargetKey, ...] = ()
    bounds: Mapping[TargetKey, tuple[int, int]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever begun, so that nothing can be there in SageMaker."""
        return not (self.revisions or self.update or self.targets)

    @classmethod
    def parse(cls, status: Mapping[str, Any]) -> Ledger:
        """From a whole status."""
        update, failure = status.get("update"), status.get("lastFailure")
        # Whoever may write a status may leave nonsense in it: that must not keep the object from being looked after.
        targets = [entry for entry in status.get("scalableTargets") or () if TargetKey.can_be(entry)]
        return cls(
            revisions=tuple(Revision.parse(entry) for entry in status.get("revisions") or ()),
            update=Update.parse(update) if update else None,
            failure=Failure.parse(failure) if failure else None,
            targets=tuple(TargetKey.parse(entry) for entry in targets),
            bounds={
                TargetKey.parse(entry): (entry["minCapacity"], entry["maxCapacity"])
                for entry in targets
                if has_bounds(entry)
            },
        )

    def dump(self) -> dict[str, Any]:
        """To status fields; what is empty is None, which takes the field out."""
        return {
            "revisions": [revision.dump() for revision in self.revisions] or None,
            "update": self.update.dump() if self.update else None,
            "lastFailure": self.failure.dump() if self.failure else None,
            "scalableTargets": [self._dump_target(target) for target in self.targets] or None,
        }

    def _dump_target(self, key: TargetKey) -> dict[str, Any]:
        bounds = self.bounds.get(key)
        return key.dump() | ({"minCapacity": bounds[0], "maxCapacity": bounds[1]} if bounds else {})

    def find(self, config_name: str) -> Revision | None:
        """The revision with that config."""
        return next((revision for revision in self.revisions if revision.config_name == config_name), None)

    def has_last(self, desired: Desired) -> bool:
        """Whether the newest revision is the one that is wanted."""
        return bool(self.revisions) and self.revisions[-1].config_name == desired.config.name

    def with_revision(self, desired: Desired, *, now: str, config_name: str = "") -> Ledger:
        """With what is wanted as the newest revision; one that is gone back to moves to the end.

        Args:
            desired: what is wanted.
            now: RFC 3339 time of the record.
            config_name: the config that runs it already, of the same template.
        """
        deployed_at = now if config_name else ""
        config_name = config_name or desired.config.name
        before = self.find(config_name)
        revision = Revision(
            number=max((known.number for known in self.revisions), default=0) + 1,
            config_name=config_name,
            model_names=tuple(model.name for model in desired.models),
            instance_types=desired.instance_types,
            shadow_instance_types=desired.shadow_instance_types,
            scaling=desired.scaled,
            recorded_at=now,
            deployed_at=before.deployed_at if before else deployed_at,
            served_at=before.served_at if before else "",
            outcome=before.outcome if before else Outcome.NONE,
            models=desired.served_models,
        )
        kept = tuple(known for known in self.revisions if known.config_name != config_name)
        return replace(self, revisions=(*kept, revision))

    def with_update(self, update: Update) -> Ledger:
        """With a change that SageMaker is asked for next, in the place of one that it has not been asked for."""

        def deployed(one: Revision) -> Revision:
            if self._is_overtaken(one, by=update):
                return replace(one, deployed_at="")
            is_first = one.config_name == update.config_name and not one.deployed_at
            return replace(one, deployed_at=update.recorded_at) if is_first else one

        return replace(self._with_each(deployed), update=update)

    def _is_overtaken(self, one: Revision, *, by: Update) -> bool:
        """Whether another change is recorded before SageMaker was asked to run a revision for the first time."""
        last = self.update
        if last is None or last.begun or last.refused or one.outcome is not Outcome.NONE:
            return False
        is_to_be_run = last.config_name == one.config_name != by.config_name
        return is_to_be_run and one.deployed_at == last.recorded_at

    def with_scaling(self, config_name: str, scaling: Mapping[str, ScalingPlan]) -> Ledger:
        """With the autoscaling that the revision with that config runs with."""
        return self._with_one(config_name, scaling=scaling)

    def with_models(self, config_name: str, models: Sequence[Mapping[str, Any]]) -> Ledger:
        """With what the models of the revision with that config were made of."""
        return self._with_one(config_name, models=tuple(models))

    def without_models_but_of(self, *config_names: str) -> Ledger:
        """Without what models were made of that neither serve nor are to: that would be a long list."""
        return self._with_each(lambda one: one if one.config_name in config_names else replace(one, models=()))

    def with_outcome(self, config_name: str, outcome: Outcome) -> Ledger:
        """With what has become of the revision with that config."""
        return self._with_one(config_name, outcome=outcome)

    def with_serving(self, config_name: str, *, now: str) -> Ledger:
        """Once the revision with that config is seen to serve, at the RFC 3339 time `now`."""
        return self._with_each(lambda one: one.seen_serving(is_it=one.config_name == config_name, now=now))

    def with_none_serving(self) -> Ledger:
        """Once nothing is seen to serve."""
        return self.with_serving("", now="")

    def _with_one(self, config_name: str, **changes: Any) -> Ledger:
        return self._with_each(lambda one: replace(one, **changes) if one.config_name == config_name else one)

    def _with_each(self, change: Callable[[Revision], Revision]) -> Ledger:
        return replace(self, revisions=tuple(change(one) for one in self.revisions))

    def without_revision(self, config_name: str) -> Ledger:
        """Without the revision with that config."""
        kept = tuple(known for known in self.revisions if known.config_name != config_name)
        return replace(self, revisions=kept)

    def with_target(self, key: TargetKey, *, bounds: tuple[int, int] | None = None) -> Ledger:
        """With one more scalable target, or with the bounds that it was registered with."""
        targets = self.targets if key in self.targets else (*self.targets, key)
        return replace(self, targets=targets, bounds={**self.bounds, key: bounds} if bounds else self.bounds)

    def without_target(self, key: TargetKey) -> Ledger:
        """With one scalable target less."""
        return replace(
            self,
            targets=tuple(target for target in self.targets if target != key),
            bounds={other: bounds for other, bounds in self.bounds.items() if other != key},
        )

    def with_begun(self) -> Ledger:
        """After SageMaker has accepted the change that was recorded last."""
        if self.update is None:
            return self
        return replace(self._with_answer(rejected=False), update=replace(self.update, begun=True))

    def with_refused(self, *, rejected: bool = True) -> Ledger:
        """After SageMaker has refused the change that was recorded last; `rejected` unless that passes by itself."""
        if self.update is None:
            return self
        known = self.with_rejected() if rejected else self
        return replace(known, update=replace(self.update, refused=True))

    def with_rejected(self) -> Ledger:
        """After SageMaker did not take the version that was recorded last."""
        return self._with_answer(rejected=True)

    def _with_answer(self, *, rejected: bool) -> Ledger:
        """With the newest revision as refused or not, if that is what the change deploys."""
        if self.update is None or not self.update.deploys or not self.revisions:
            return self
        *older, newest = self.revisions
        return replace(self, revisions=(*older, newest.answered(rejected=rejected)))

    def with_reached(self) -> Ledger:
        """Once the last change is done, or is to be tried as if for the first time: no failure counts any more."""
        return replace(self, update=None, failure=replace(self.failure, resolved=True) if self.failure else None)

    @property
    def has_failed(self) -> bool:
        """Whether the last change has failed, and no other was begun or needed since."""
        return self.failure is not None and not self.failure.resolved and self.update is None

    def is_refused(self, key: str) -> bool:
        """Whether what `key` stands for was tried last, and failed."""
        return self.failure is not None and self.failure.key == key and not self.failure.resolved
