"""Artifacts that point at what lies on S3.

An artifact of a pipeline lies under the pipeline's root; a model of a training job does not. So the artifact is a small
file that says where the model is, and its metadata say the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def point(artifact: Any, **said: Any) -> None:
    """Write an artifact's file, and its metadata: what is said, without what is empty.

    Args:
        artifact: an output of the component.
        **said: by name, such as `model_uri`; values that JSON has.
    """
    known = {name: value for name, value in said.items() if value not in ("", None)}
    path = Path(artifact.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=2) + "\n")
    artifact.metadata.update(known)


def log_metrics(artifact: Any, metrics: Mapping[str, float]) -> None:
    """Write a Metrics artifact: its file, and what the pipelines' user interface shows."""
    path = Path(artifact.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(metrics), indent=2) + "\n")
    for name, value in metrics.items():
        artifact.log_metric(name, value)
