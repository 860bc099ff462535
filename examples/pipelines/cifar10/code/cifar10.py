"""Learns to tell pictures of CIFAR-10 apart, and serves what it has learned: one script for SageMaker's containers.

The channels `train` and `validation` hold pictures as CIFAR-10's binary version has them
(https://www.cs.toronto.edu/~kriz/cifar.html): the label in a byte, then 3,072 bytes, 32 rows of 32 pixels in red, in
green and in blue. Hyperparameters are the arguments below. A request is any number of pictures without labels, the
answer a line with the class for each.

It is kept small, so that it trains in seconds on any machine: a network of one hidden layer, which sees each picture at
8x8 pixels. Real pictures want a convolutional network in its place.
"""

from __future__ import annotations  # the container's Python may be 3.9

import argparse
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.neural_network import MLPClassifier

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PICTURE = 3 * 32 * 32


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=0.005)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--optimizer", choices=("sgd", "adam"), default="adam")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=0.0002)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    # A search tells its trials the objective, too, which is of no use here.
    return parser.parse_known_args(words)[0]


def read(channel: Path) -> tuple[np.ndarray, np.ndarray]:
    files = sorted(path for path in channel.rglob("*.bin") if path.is_file())
    if not files:
        raise ValueError(f"the channel {channel} holds no .bin file")
    records = np.concatenate([np.fromfile(path, dtype=np.uint8).reshape(-1, 1 + PICTURE) for path in files])
    return records[:, 1:], records[:, 0]


def features(pictures: np.ndarray) -> np.ndarray:
    """What the network sees: each channel at 8x8 pixels, from 0 to 1."""
    blocks = pictures.reshape(-1, 3, 8, 4, 8, 4).astype(float)
    return blocks.mean(axis=(3, 5)).reshape(len(pictures), -1) / 255.0


def train(options: argparse.Namespace) -> None:
    pictures, labels = read(options.train)
    unseen, truth = read(options.validation)
    network = MLPClassifier(
        hidden_layer_sizes=(64,),
        solver=options.optimizer,
        learning_rate_init=options.learning_rate,
        batch_size=min(options.batch_size, len(labels)),
        momentum=options.momentum,
        alpha=options.weight_decay,
        random_state=0,
    )
    seen = features(pictures)
    for epoch in range(1, options.epochs + 1):
        network.partial_fit(seen, labels, classes=np.arange(len(CLASSES)))
        accuracy = network.score(features(unseen), truth)
        print(f"epoch {epoch} - loss: {network.loss_:.4f} - val_acc: {accuracy:.4f}", flush=True)
    options.model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(network, options.model_dir / "model.joblib")


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body, content_type):
    if content_type != "application/octet-stream":
        raise ValueError(f"expected application/octet-stream, not {content_type}")
    if not body or len(body) % PICTURE:
        raise ValueError(f"a picture has {PICTURE} bytes, and these are {len(body)}")
    return np.frombuffer(body, dtype=np.uint8).reshape(-1, PICTURE)


def predict_fn(pictures, network):
    return network.predict(features(pictures))


def output_fn(labels, accept):
    del accept  # the answer is CSV, whatever is asked for
    return "".join(f"{CLASSES[label]}\n" for label in labels), "text/csv"


if __name__ == "__main__":
    train(arguments())
