"""HPTuningJob specs and contexts to start from."""

from typing import Any

from sagebridge.core.resolution import ResolveContext
from support.tuning_jobs import METRIC, definition, spec

__all__ = ["METRIC", "context", "definition", "several", "spec"]

RANGES = {"integerParameterRanges": [{"name": "depth", "minValue": 1, "maxValue": 9}]}


def context(**changes: Any) -> ResolveContext:
    given: dict[str, Any] = {
        "job_name": "team-tune-abcdefghij",
        "region": "us-east-1",
        "role_arn": "arn:aws:iam::123456789012:role/default",
        "output_path": "s3://bucket/team/tune",
    }
    return ResolveContext(**(given | changes))


def several(*names: str, **changes: Any) -> dict[str, Any]:
    """A spec with several training definitions."""
    own = {"tuningObjective": {"type": "Maximize", "metricName": METRIC}, "hyperParameterRanges": RANGES} | changes
    return spec(
        config={"hyperParameterTuningJobObjective": None, "parameterRanges": None},
        trainingJobDefinition=None,
        trainingJobDefinitions=[definition(definitionName=name, **own) for name in names],
    )
