"""How large a search on the cluster may be: as large as one on SageMaker.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html (with what can be increased)
"""

from __future__ import annotations

from typing import Final

MOST_TRIALS: Final = 750
"""Training jobs of a tuning job, whatever its strategy."""
MOST_PARALLEL: Final = 100
"""Training jobs of a tuning job that run at once."""
MOST_PARAMETERS: Final = 30
"""Hyperparameters that are searched for."""

ENDLESS: Final = "must say when the search ends at the latest: give maxNumberOfTrainingJobs or maxRuntimeInSeconds"
