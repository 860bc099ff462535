"""The scenarios of every kind. A new kind adds its module here."""

from collections.abc import Sequence

from faults.scenario import Scenario

from scenarios import processing_jobs, training_jobs

SCENARIOS: Sequence[Scenario] = (*training_jobs.SCENARIOS, *processing_jobs.SCENARIOS)
