"""The deployment that is under way, in SageMaker's own words.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PendingDeploymentSummary.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantStatus.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

SHOWN_OF_A_VARIANT: Final = (
    "variantName",
    "currentWeight",
    "desiredWeight",
    "currentInstanceCount",
    "desiredInstanceCount",
    "instanceType",
    "variantStatus",
)
"""What status shows of a variant that is being deployed."""

_LAUNCHING: Final = ("Creating", "Updating")
"""Stages in which the new instances do not get any traffic yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingDeployment:
    """A config that is on its way to be run.

    Attributes:
        config_name: the config.
        start_time: RFC 3339 time; empty if SageMaker does not tell.
        variants: its production variants in lowerCamelCase.
        shadows: its shadow variants, the same way.
    """

    config_name: str
    start_time: str = ""
    variants: tuple[Mapping[str, Any], ...] = ()
    shadows: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def parse(cls, summary: Mapping[str, Any]) -> PendingDeployment:
        """From DescribeEndpoint's PendingDeploymentSummary in lowerCamelCase."""
        return cls(
            config_name=str(summary.get("endpointConfigName") or ""),
            start_time=str(summary.get("startTime") or ""),
            variants=_shown(summary.get("productionVariants") or ()),
            shadows=_shown(summary.get("shadowProductionVariants") or ()),
        )

    def dump(self) -> dict[str, Any]:
        """To `status.pendingDeploymentSummary`."""
        entry = {
            "endpointConfigName": self.config_name,
            "startTime": self.start_time,
            "productionVariants": [dict(variant) for variant in self.variants],
            "shadowProductionVariants": [dict(variant) for variant in self.shadows],
        }
        return {key: value for key, value in entry.items() if value}

    @property
    def is_launching(self) -> bool:
        """Whether nothing but instances that are launched is there to tell of."""
        return all(stage.get("status") in _LAUNCHING for stage in _stages(self.variants).values())

    @property
    def stage_name(self) -> str:
        """The stage in a word, which a column can show: of several variants each word once; empty as `stage` is."""
        return ", ".join(dict.fromkeys(str(stage.get("status")) for stage in _stages(self.variants).values()))

    @property
    def stage(self) -> str:
        """Where it stands, without a full stop; empty if SageMaker does not tell. It changes with the stage alone."""
        stages = _stages(self.variants)
        if len({(stage.get("status"), stage.get("statusMessage")) for stage in stages.values()}) == 1:
            return _words(min(stages.values(), key=lambda stage: str(stage.get("startTime") or "")))
        return "; ".join(f"{name}: {_words(stage)}" for name, stage in stages.items())


def _shown(variants: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple({key: variant[key] for key in SHOWN_OF_A_VARIANT if key in variant} for variant in variants)


def _stages(variants: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What SageMaker does to each variant; the first of several things."""
    return {variant["variantName"]: variant["variantStatus"][0] for variant in variants if variant.get("variantStatus")}


def _words(stage: Mapping[str, Any]) -> str:
    since = f" since {stage['startTime']}" if stage.get("startTime") else ""
    message = str(stage.get("statusMessage") or "").rstrip(". ")
    return f"{stage.get('status')}{since}{': ' if message else ''}{message}"
