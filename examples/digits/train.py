"""Learns to read handwritten digits: a training script as one writes it for SageMaker's scikit-learn container.

Channels: `train` and, optionally, `validation`; CSV files without a header, the label first and 64 pixel values after
it. Hyperparameters are the arguments below. The model is `model.joblib`. With a checkpoint directory, training goes on
where an earlier job stopped.
"""

from __future__ import annotations  # the container's Python may be 3.9

import argparse
import os
import signal
import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.neural_network import MLPClassifier

CLASSES = np.arange(10)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.005)
    parser.add_argument("--hidden-units", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint-dir", type=Path, default=None)
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    return parser.parse_args()


def read(channel: Path) -> tuple[np.ndarray, np.ndarray]:
    files = sorted(path for path in channel.rglob("*") if path.is_file())
    if not files:
        raise ValueError(f"the channel {channel} holds no file")
    rows = np.concatenate([np.loadtxt(path, delimiter=",", ndmin=2) for path in files])
    if rows.shape[1] != 65:
        raise ValueError(f"expected a label and 64 pixel values in each row, found {rows.shape[1]} columns")
    return rows[:, 1:] / 16.0, rows[:, 0].astype(int)


class Training:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.first_epoch = 1
        self.model = MLPClassifier(
            hidden_layer_sizes=(options.hidden_units,),
            learning_rate_init=options.learning_rate,
            random_state=options.seed,
        )
        self.resume()

    @property
    def checkpoint(self) -> Path | None:
        return self.options.checkpoint_dir and self.options.checkpoint_dir / "checkpoint.joblib"

    def resume(self) -> None:
        if self.checkpoint and self.checkpoint.is_file():
            saved = joblib.load(self.checkpoint)
            self.model, self.first_epoch = saved["model"], saved["epoch"] + 1
            print(f"resuming after epoch {saved['epoch']}", flush=True)

    def save_checkpoint(self, epoch: int) -> None:
        if self.checkpoint:
            self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
            # Renamed into place, so that a half-written file is never taken for a checkpoint.
            partial = self.checkpoint.with_suffix(".partial")
            joblib.dump({"model": self.model, "epoch": epoch}, partial)
            partial.replace(self.checkpoint)

    def run_epoch(self, pixels: np.ndarray, labels: np.ndarray, epoch: int) -> None:
        order = np.random.default_rng(self.options.seed + epoch).permutation(len(labels))
        size = self.options.batch_size
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            self.model.partial_fit(pixels[batch], labels[batch], classes=CLASSES)

    def save(self) -> None:
        self.options.model_dir.mkdir(parents=True, exist_ok=True)
        joblib.dump(self.model, self.options.model_dir / "model.joblib")


def main() -> None:
    options = arguments()
    pixels, labels = read(options.train)
    held_out = read(options.validation) if options.validation else None
    print(f"training on {len(labels)} digits", flush=True)
    training = Training(options)

    def stop(*_: object) -> None:
        print("stopping: saving the model as it is", flush=True)
        training.save()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    for epoch in range(training.first_epoch, options.epochs + 1):
        training.run_epoch(pixels, labels, epoch)
        training.save_checkpoint(epoch)
        scores = f"train:accuracy={training.model.score(pixels, labels):.4f}"
        if held_out:
            scores += f" validation:accuracy={training.model.score(*held_out):.4f}"
        print(f"epoch={epoch} train:loss={training.model.loss_:.4f} {scores}", flush=True)
    training.save()


if __name__ == "__main__":
    main()
