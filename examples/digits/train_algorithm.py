"""Learns to read handwritten digits with an algorithm of scikit-learn that needs no epochs, to compare with train.py.

Channels and model are those of train.py, so that inference.py serves this model, too.
"""

from __future__ import annotations  # the container's Python may be 3.9

import argparse
import os
from pathlib import Path

import joblib
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from train import read

ALGORITHMS = {
    "logistic-regression": LogisticRegression(max_iter=1000),
    "k-nearest-neighbors": KNeighborsClassifier(n_neighbors=5),
    "random-forest": RandomForestClassifier(n_estimators=100, random_state=0),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--algorithm", choices=ALGORITHMS, required=True)
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    return parser.parse_args()


def main() -> None:
    options = arguments()
    model = ALGORITHMS[options.algorithm]
    pixels, labels = read(options.train)
    print(f"training on {len(labels)} digits", flush=True)
    model.fit(pixels, labels)
    scores = f"train:accuracy={model.score(pixels, labels):.4f}"
    if options.validation:
        scores += f" validation:accuracy={model.score(*read(options.validation)):.4f}"
    print(f"{options.algorithm} {scores}", flush=True)
    options.model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, options.model_dir / "model.joblib")


if __name__ == "__main__":
    main()
