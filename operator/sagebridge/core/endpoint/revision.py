"""One version of an endpoint, and what has become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sagebridge.core.endpoint.scaling import ScalingPlan


class Outcome(StrEnum):
    """What has become of a revision."""

    NONE = ""
    SERVING = "Serving"
    SERVED = "Served"
    FAILED = "Failed"
    ROLLED_BACK = "RolledBack"
    REJECTED = "Rejected"

    @classmethod
    def parse(cls, word: Any) -> Outcome:
        """From status, which anybody may have written who may write a status."""
        return cls(word) if word in tuple(cls) else cls.NONE


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """A config that the endpoint runs, ran, or was to run, and the models that it needs.

    Attributes:
        number: 1 for the first; a revision that is gone back to gets a new one.
        config_name: the config.
        model_names: the models.
        instance_types: by production variant.
        shadow_instance_types: by shadow variant.
        scaling: autoscaling by variant, to be kept up while this runs and something newer is refused.
        recorded_at: RFC 3339 time.
        deployed_at: RFC 3339 time at which SageMaker was first asked to run it; empty if it never was.
        served_at: RFC 3339 time at which it was first seen to serve; empty if it never was.
        outcome: what has become of it, as far as its last deployment goes: one that has served may have failed since.
        models: what its models were made of, as status shows it; only of what serves and of what is wanted.
    """

    number: int
    config_name: str
    model_names: tuple[str, ...] = ()
    instance_types: Mapping[str, str] = field(default_factory=dict)
    shadow_instance_types: Mapping[str, str] = field(default_factory=dict)
    scaling: Mapping[str, ScalingPlan] = field(default_factory=dict)
    recorded_at: str = ""
    deployed_at: str = ""
    served_at: str = ""
    outcome: Outcome = Outcome.NONE
    models: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Revision:
        """From an entry of `status.revisions`."""
        return cls(
            number=int(entry.get("revision", 0)),
            config_name=str(entry["endpointConfigName"]),
            model_names=tuple(entry.get("modelNames") or ()),
            instance_types=dict(entry.get("instanceTypes") or {}),
            shadow_instance_types=dict(entry.get("shadowInstanceTypes") or {}),
            scaling={
                variant: ScalingPlan.parse(plan)
                for variant, plan in (entry.get("scaling") or {}).items()
                if ScalingPlan.can_be(plan)
            },
            recorded_at=str(entry.get("recordedAt", "")),
            deployed_at=str(entry.get("deployedAt", "")),
            served_at=str(entry.get("servedAt", "")),
            outcome=Outcome.parse(entry.get("outcome")),
            models=tuple(entry.get("models") or ()),
        )

    @property
    def instance_line(self) -> str | None:
        """The instance types in one line, by variant if they differ; None without instances of ours to name.

        A shadow variant's is named where no production variant has it.
        """
        types = {variant: kind for variant, kind in self.instance_types.items() if kind}
        distinct = dict.fromkeys(types.values())
        words = [f"{variant}={kind}" for variant, kind in types.items()] if len(distinct) > 1 else [*distinct]
        shadows = dict.fromkeys(kind for kind in self.shadow_instance_types.values() if kind and kind not in distinct)
        return ", ".join([*words, *(f"{kind} (shadow)" for kind in shadows)]) or None

    def dump(self) -> dict[str, Any]:
        """To an entry of `status.revisions`."""
        entry = {
            "revision": self.number,
            "endpointConfigName": self.config_name,
            "modelNames": list(self.model_names),
            "instanceTypes": dict(self.instance_types),
            "shadowInstanceTypes": dict(self.shadow_instance_types),
            "scaling": {variant: plan.dump() for variant, plan in self.scaling.items()},
            "recordedAt": self.recorded_at,
            "deployedAt": self.deployed_at,
            "servedAt": self.served_at,
            "outcome": self.outcome.value,
            "models": [dict(model) for model in self.models],
        }
        return {key: value for key, value in entry.items() if value not in ("", {}, [])}

    @property
    def has_served(self) -> bool:
        """Whether it can be gone back to, as far as anybody has seen."""
        return bool(self.served_at)

    def seen_serving(self, *, is_it: bool, now: str) -> Revision:
        """After a look, at the RFC 3339 time `now`, at what serves."""
        if is_it:
            return replace(self, outcome=Outcome.SERVING, served_at=self.served_at or now)
        return replace(self, outcome=Outcome.SERVED) if self.outcome is Outcome.SERVING else self

    def answered(self, *, rejected: bool) -> Revision:
        """After SageMaker's answer to a call that deploys it; one that has served before is none the worse for it."""
        if rejected:
            return self if self.has_served else replace(self, outcome=Outcome.REJECTED)
        return self if self.outcome in (Outcome.SERVING, Outcome.SERVED) else replace(self, outcome=Outcome.NONE)
