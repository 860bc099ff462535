"""The scenarios of every kind. A new kind adds its module here."""

from collections.abc import Sequence

import pytest
from faults.scenario import Scenario

from scenarios import batch_transforms, endpoints, processing_jobs, training_jobs, tuning_jobs

SCENARIOS: Sequence[Scenario] = (
    *training_jobs.SCENARIOS,
    *processing_jobs.SCENARIOS,
    *tuning_jobs.SCENARIOS,
    *batch_transforms.SCENARIOS,
    *endpoints.SCENARIOS,
)

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=str, scope="session")
"""Tests that play each of them with something else going wrong; those of one come one after the other."""
