"""Serves the model of train.py, or of train_algorithm.py: inference code as one writes it for SageMaker's scikit-learn
container.

A request is CSV without a header, 64 pixel values from 0 to 16 in each row; the answer has a line for each row, with
the digit. With `ANSWER=probability` in the model's environment, the digit's probability stands behind it.
"""

from __future__ import annotations  # the container's Python may be 3.9

import io
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import ClassifierMixin


def model_fn(model_dir: str) -> ClassifierMixin:
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body: str | bytes, content_type: str) -> np.ndarray:
    if content_type.partition(";")[0] != "text/csv":
        raise ValueError(f"expected text/csv, not {content_type}")
    text = body.decode() if isinstance(body, bytes) else body
    pixels = np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)
    if pixels.shape[1] != 64:
        raise ValueError(f"expected 64 pixel values in each row, found {pixels.shape[1]}")
    return pixels / 16.0


def predict_fn(pixels: np.ndarray, model: ClassifierMixin) -> np.ndarray:
    return model.predict_proba(pixels)


def output_fn(probabilities: np.ndarray, accept: str) -> tuple[str, str]:
    del accept  # the answer is CSV, whatever is asked for
    digits, highest = probabilities.argmax(axis=1), probabilities.max(axis=1)
    lines = [str(digit) for digit in digits]
    if os.environ.get("ANSWER") == "probability":
        lines = [f"{line},{highest[row]:.4f}" for row, line in enumerate(lines)]
    return "\n".join(lines) + "\n", "text/csv"
