"""The resources that hold the objects of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sagebridge_kfp.step.failure import StepFailedError

SEARCH: Final = "HPTuningJob"
"""The kind whose log several jobs write, its trials."""

PLURALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BatchTransform": "batchtransforms",
        "Endpoint": "sagemakerendpoints",
        "HPTuningJob": "hptuningjobs",
        "ProcessingJob": "processingjobs",
        "TrainingJob": "trainingjobs",
    }
)


SHORT_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BatchTransform": "bt",
        "Endpoint": "smep",
        "HPTuningJob": "hptj",
        "ProcessingJob": "pj",
        "TrainingJob": "tj",
    }
)
"""What kubectl calls them for short: `endpoint` alone is no resource of ours there, nor is `endpoints`."""


def plural_of(kind: str) -> str:
    """The resource's name in URLs.

    Raises:
        StepFailedError: there is no such kind.
    """
    if kind not in PLURALS:
        raise StepFailedError(f"There is no kind {kind}; there are {', '.join(sorted(PLURALS))}.")
    return PLURALS[kind]
