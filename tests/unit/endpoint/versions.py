"""Versions of an endpoint, and what status records of them, for the tests of the plan."""

from __future__ import annotations

from dataclasses import replace

from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ledger import Failure, Update
from sagebridge.core.endpoint.observed import target_of
from sagebridge.core.endpoint.scaling import ScalingView

from tests.unit.endpoint.specs import SCALING, desired, spec, variant

OLD = desired(spec(data="old"))
NEW = desired(spec(data="new"))
HEAVY = desired(spec(variant("a", initialVariantWeight=3.0), data="old"))
BIG = desired(spec(variant("a", initialInstanceCount=5), data="old"))
SCALED = desired(spec(variant("a", autoscaling=SCALING), data="old"))
SCALED_NEW = desired(spec(variant("a", autoscaling=SCALING), data="new"))
MOVED = desired(spec(variant("a", autoscaling=SCALING, instanceType="ml.m5.xlarge"), data="old"))
BIGGER = desired(spec(variant("a", initialInstanceCount=6), data="old"))
HEAVIER = desired(spec(variant("a", initialVariantWeight=4.0), data="old"))
BOTH = desired(spec(variant("a", autoscaling=SCALING), variant("b", autoscaling=SCALING), data="old"))
NIGHTLY = desired(
    spec(
        variant(
            "a",
            autoscaling={
                **SCALING,
                "scheduled": [{"name": "night", "schedule": "cron(0 22 * * ? *)", "maxCapacity": 1}],
            },
        ),
        data="old",
    )
)
CANARY = desired(
    spec(
        data="new",
        deploymentConfig={
            "blueGreenUpdatePolicy": {
                "trafficRoutingConfiguration": {
                    "type": "CANARY",
                    "waitIntervalInSeconds": 1,
                    "canarySize": {"type": "CAPACITY_PERCENT", "value": 10},
                }
            }
        },
    )
)
TARGET = target_of("a", SCALED.scaled["a"])
PLAN = SCALED.scaled["a"]
VIEW = ScalingView(dimension=TARGET.dimension, minimum=1, maximum=4, policies=PLAN.policies)
NIGHT = NIGHTLY.scaled["a"]
NIGHT_VIEW = replace(VIEW, scheduled=NIGHT.scheduled)
REGISTERED = {"targets": (TARGET,), "bounds": {TARGET: (1, 4)}}


def update(wanted: Desired, **fields: object) -> Update:
    found = {"since": "1", "recorded_at": "2026-01-01T00:00:00Z", "config_name": wanted.config.name} | fields
    return Update(key=wanted.deployment_key, **found)  # type: ignore[arg-type]


def numbers(wanted: Desired, part: str = "", **fields: object) -> Update:
    """The record of a change of weights and counts; `part` is what of it."""
    return replace(update(wanted, **fields), config_name="", key=f"{wanted.numbers_key}/{part or part_of(wanted)}")


def part_of(wanted: Desired) -> str:
    """What differs from `OLD`."""
    return "weights" if wanted.variants[0].weight != OLD.variants[0].weight else "counts.a"


def failure(wanted: Desired, *, message: str = "no answer to /ping", **fields: object) -> Failure:
    found = {"time": "2026-01-01T00:00:00Z"} | fields
    return Failure(key=wanted.deployment_key, message=message, **found)  # type: ignore[arg-type]


def refusal(wanted: Desired, *, message: str = "no capacity", **fields: object) -> Failure:
    """A change of weights and counts that has failed."""
    return replace(failure(wanted, message=message, **fields), key=f"{wanted.numbers_key}/{part_of(wanted)}")
