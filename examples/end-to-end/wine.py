"""Learns to tell wines apart, and serves what it has learned: one script for SageMaker's scikit-learn container.

Trains boosted trees on the channel `train`: CSV without a header, the label first. Serves CSV: rows without the label
in, one prediction a line out. With the hyperparameter `cultivar` the prediction is the probability of that one.
"""

from __future__ import annotations  # the container's Python may be 3.9

import argparse
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--cultivar", type=int)
    options = parser.parse_args()
    files = sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv"))
    rows = np.concatenate([np.loadtxt(path, delimiter=",", ndmin=2) for path in files])
    labels = rows[:, 0].astype(int)
    if options.cultivar is not None:
        labels = (labels == options.cultivar).astype(int)
    trees = GradientBoostingClassifier(n_estimators=options.rounds, random_state=0).fit(rows[:, 1:], labels)
    print(f"{len(rows)} bottles, {options.rounds} rounds, train:accuracy={trees.score(rows[:, 1:], labels):.4f}")
    joblib.dump(trees, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body, content_type):
    if content_type.partition(";")[0].strip() != "text/csv":
        raise ValueError(f"this model reads text/csv, not {content_type}")
    text = body.decode() if isinstance(body, bytes) else body
    return np.loadtxt(text.splitlines(), delimiter=",", ndmin=2)


def predict_fn(rows, model):
    is_detector = len(model.classes_) == 2
    predictions = model.predict_proba(rows)[:, 1].round(4) if is_detector else model.predict(rows)
    print(f"after {model.n_estimators} rounds: {predictions.tolist()}", flush=True)
    return predictions


def output_fn(predictions, accept):
    return "\n".join(map(str, predictions.tolist())), "text/csv"


if __name__ == "__main__":
    main()
