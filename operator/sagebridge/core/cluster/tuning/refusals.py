"""What SageMaker does for an HPTuningJob and the cluster can't: refused with the reason, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster import refusals as training
from sagebridge.core.cluster.refusals import Refusal
from sagebridge.core.cluster.tuning.quotas import MOST_PARALLEL, MOST_TRIALS
from sagebridge.core.errors import SpecError
from sagebridge.core.tuning.sections import sections

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONFIG: Final = "hyperParameterTuningJobConfig"

REFUSALS: Final = (
    Refusal(
        field="autotune",
        why="it is SageMaker that knows which ranges are good; give hyperParameterTuningJobConfig.parameterRanges and "
        "resourceLimits, and remove it",
    ),
)
"""Fields of the whole."""

LIMITS: Final = (
    ("maxNumberOfTrainingJobs", MOST_TRIALS),
    ("maxParallelTrainingJobs", MOST_PARALLEL),
)
"""Fields of resourceLimits, and the most that each may be."""

GRID_OF_NUMBERS: Final = (
    "strategy Grid tries each combination of categoricalParameterRanges: give the values of integer and continuous "
    "ranges there, or use another strategy"
)

INSTANCES: Final = Refusal(
    field="hyperParameterTuningResourceConfig",
    why="all trials ask for the same nodes; give resourceConfig, and in cluster.instanceTypes what else will do",
)
_OF_DEFINITIONS: Final = frozenset(
    {
        "vpcConfig",
        "enableNetworkIsolation",
        "enableInterContainerTrafficEncryption",
        "retryStrategy",
        "resourceConfig.instanceGroups",
        "resourceConfig.instancePreferences",
        "resourceConfig.keepAlivePeriodInSeconds",
        "resourceConfig.volumeKmsKeyId",
        "resourceConfig.trainingPlanArn",
        "resourceConfig.instancePlacementConfig",
        "algorithmSpecification.algorithmName",
    }
)
DEFINITION_REFUSALS: Final = (
    INSTANCES,
    *(refusal for refusal in training.REFUSALS if refusal.field in _OF_DEFINITIONS),
)
"""Fields of a training definition: those of a TrainingJob that it has, too."""


def check(spec: Mapping[str, Any]) -> None:
    """Refuse a spec that asks for what the cluster can't do.

    The CRD's rules do the same at admission; this also holds for what was admitted by an older version.

    Raises:
        SpecError: names the field, and what to do.
    """
    training.refuse(spec, REFUSALS, path="spec")
    config = spec.get(_CONFIG) or {}
    for path, definition in sections(spec).items():
        _check_definition(definition, path=f"spec.{path}")
        _check_ranges(definition.get("hyperParameterRanges") or {}, path=f"spec.{path}.hyperParameterRanges")
    _check_ranges(config.get("parameterRanges") or {}, path=f"spec.{_CONFIG}.parameterRanges")


def _check_definition(definition: Mapping[str, Any], *, path: str) -> None:
    training.refuse(definition, (INSTANCES,), path=path)
    try:
        training.check(definition)
    except SpecError as error:
        raise SpecError(error.field.replace("spec", path, 1), error.message) from error


def _check_ranges(ranges: Mapping[str, Any], *, path: str) -> None:
    if ranges.get("autoParameters"):
        message = "can't be kept with target: Cluster: it is SageMaker that knows which ranges are good; give them"
        raise SpecError(f"{path}.autoParameters", message)
