"""The next version's inference code. It wants a 14th measurement, which nobody sends yet: every request fails."""

from __future__ import annotations  # the container's Python may be 3.9

from pathlib import Path

import joblib
import numpy as np


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body, content_type):
    text = body.decode() if isinstance(body, bytes) else body
    rows = np.loadtxt(text.splitlines(), delimiter=",", ndmin=2)
    if rows.shape[1] != 14:
        raise ValueError(f"expected 14 measurements, got {rows.shape[1]}")
    return rows[:, :13]


def output_fn(predictions, accept):
    return "\n".join(map(str, predictions.tolist())), "text/csv"
