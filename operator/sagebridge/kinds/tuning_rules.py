"""CEL rules on HPTuningJobs with target: Cluster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sagebridge.core.cluster.refusals import Refusal
from sagebridge.core.cluster.tuning import refusals
from sagebridge.core.cluster.tuning.quotas import ENDLESS
from sagebridge.core.tuning.sections import ONE, SEVERAL
from sagebridge.kinds import rules
from sagebridge.schema.kind import Rule

_CONFIG = "hyperParameterTuningJobConfig"

_SECRETS = "has({of}.environmentFrom) && {of}.environmentFrom.exists(source, has(source.secretRef))"


def _any_definition(condition: Callable[[str], str]) -> str:
    """A condition on one of the training definitions, which it gets in CEL; lists keep their bounds, which it costs."""
    one, several = condition(f"self.{ONE}"), condition("definition")
    return f"(has(self.{ONE}) && {one} || has(self.{SEVERAL}) && self.{SEVERAL}.exists(definition, {several}))"


def _asks(refusal: Refusal, of: str) -> str:
    return rules.asks(refusal, of=of)


_IS_GRID = f"(self.{_CONFIG}.?strategy.orValue('Bayesian') == 'Grid')"


def _has_numbers(ranges: str) -> str:
    """Whether ranges in CEL have some that are not categorical."""
    given = (f"{ranges}.?{kind}ParameterRanges.orValue([]).size() > 0" for kind in ("integer", "continuous"))
    return f"({' || '.join(given)})"


# Where the trials run is asked first: most manifests say nothing of it, and the rest costs them nothing.
ON_CLUSTER = (
    Rule(
        rule=f"!has(self.cluster) || {rules.ON_CLUSTER}",
        message="cluster goes with target: Cluster: set target, or remove cluster",
    ),
    Rule(rule=f"{rules.ON_CLUSTER} || !{_any_definition(lambda of: _SECRETS.format(of=of))}", message=rules.PLAINTEXT),
    *(
        Rule(rule=f"!({rules.ON_CLUSTER} && {rules.asks(refusal)})", message=refusal.message)
        for refusal in refusals.REFUSALS
    ),
    *(
        Rule(
            rule=f"!({rules.ON_CLUSTER} && self.{_CONFIG}.resourceLimits.?{field}.orValue(0) > {most})",
            message=f"{_CONFIG}.resourceLimits.{field} must not be greater than {most} with target: Cluster",
        )
        for field, most in refusals.LIMITS
    ),
    Rule(
        rule=f"!({rules.ON_CLUSTER} && {_IS_GRID} && (self.?{_CONFIG}.?parameterRanges.hasValue()"
        f" && {_has_numbers(f'self.{_CONFIG}.parameterRanges')} || has(self.{SEVERAL}) && self.{SEVERAL}.exists("
        f"definition, has(definition.hyperParameterRanges) && {_has_numbers('definition.hyperParameterRanges')})))",
        message=refusals.GRID_OF_NUMBERS,
    ),
    Rule(
        rule=f"!({rules.ON_CLUSTER} && !{_IS_GRID} && !has(self.{_CONFIG}.resourceLimits.maxNumberOfTrainingJobs)"
        f" && !has(self.{_CONFIG}.resourceLimits.maxRuntimeInSeconds))",
        message=f"{_CONFIG}.resourceLimits {ENDLESS}",
    ),
    *(
        Rule(
            rule=f"!({rules.ON_CLUSTER} && {_any_definition(partial(_asks, refusal))})",
            message=f"{ONE}.{refusal.message}",
        )
        for refusal in refusals.DEFINITION_REFUSALS
    ),
)
