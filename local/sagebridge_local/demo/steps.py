"""The demo's steps, in order: each does what a user would do, by the commands a user would type, and checks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sagebridge_local.demo import (
    beginning,
    canary,
    history,
    mistakes,
    removal,
    serving,
    training,
    transform,
    tuning,
    weights,
)
from sagebridge_local.demo.context import Context

STEPS: Final[Sequence[tuple[str, Callable[[Context], str]]]] = (
    ("Local stack", beginning.start),
    ("Data to S3", beginning.write_data),
    ("Training job", training.train),
    ("Score the model", training.score),
    ("Bad manifest", mistakes.apply_bad_manifest),
    ("Failing script", mistakes.run_failing_script),
    ("Tuning", tuning.tune),
    ("Batch transform", transform.transform),
    ("Endpoint", serving.deploy),
    ("Canary update", canary.update),
    ("A/B weights", weights.compare),
    ("Conditions and Events", history.look_back),
    ("Delete", removal.delete),
)
"""Title and function of each step; the function returns what happened, in one sentence."""
