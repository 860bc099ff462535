"""Learns to read handwritten digits on several hosts at once: each learns from its own part of the data, and after each
batch all of them take the mean of what they have learnt (an all-reduce, over the sockets of SM_HOSTS).

Channels: `train`, best with s3DataDistributionType ShardedByS3Key, and `validation`; CSV files without a header, the
label first and 64 pixel values after it. It needs NumPy and nothing else. The model is `model.npz`.
"""

from __future__ import annotations  # the container's Python may be 3.9

import argparse
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import numpy as np

PORT = 29500
STOP_SECONDS = 60  # of the 120 that a stopped job has
CONNECT_SECONDS = 1800  # nodes that are made for the job may come minutes apart
SILENT_SECONDS = 300


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batches", type=int, default=10, help="in each epoch, on each host")
    parser.add_argument("--learning-rate", type=float, default=0.5)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds after each epoch")
    parser.add_argument("--fail-at-epoch", type=int, default=0)
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
    return rows[:, 1:] / 16.0, rows[:, 0].astype(int)


class Peers:
    """The hosts of the job: host 0 takes what the others send, and gives all of them the mean."""

    def __init__(self, hosts: list[str], *, rank: int) -> None:
        self.size = len(hosts)
        self.is_leader = rank == 0
        self._others: list[socket.socket] = []
        if self.size > 1:
            self._others = self._accepted() if self.is_leader else [self._connected(hosts[0])]

    def mean(self, values: np.ndarray) -> np.ndarray:
        if self.size == 1:
            return values
        if not self.is_leader:
            self._others[0].sendall(values.tobytes())
            return _receive(self._others[0], like=values)
        result = (values + sum(_receive(other, like=values) for other in self._others)) / self.size
        for other in self._others:
            other.sendall(result.tobytes())
        return result

    def _accepted(self) -> list[socket.socket]:
        with socket.create_server(("", PORT)) as server:
            server.settimeout(CONNECT_SECONDS)
            return [_limited(server.accept()[0]) for _ in range(self.size - 1)]

    def _connected(self, leader: str) -> socket.socket:
        # The hosts of SageMaker's local mode are processes of one machine, without names.
        end = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                return _limited(socket.create_connection((_address(leader), PORT), timeout=10))
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)


def _limited(connection: socket.socket) -> socket.socket:
    """A host whose node is gone says nothing any more: that must be an error, not a wait for ever."""
    connection.settimeout(SILENT_SECONDS)
    return connection


def _address(host: str) -> str:
    try:
        return socket.gethostbyname(host)
    except OSError:
        if host.startswith("algo-"):
            return "127.0.0.1"
        raise


def _receive(connection: socket.socket, *, like: np.ndarray) -> np.ndarray:
    received = b""
    while len(received) < like.nbytes:
        piece = connection.recv(like.nbytes - len(received))
        if not piece:
            raise ConnectionError("another host is gone")
        received += piece
    return np.frombuffer(received, dtype=like.dtype).reshape(like.shape)


class Model:
    """Softmax regression."""

    def __init__(self, checkpoint: Path | None) -> None:
        self._checkpoint = checkpoint and checkpoint / "checkpoint.npz"
        self.weights, self.first_epoch = np.zeros((65, 10)), 1
        if self._checkpoint and self._checkpoint.is_file():
            saved = np.load(self._checkpoint)
            self.weights, self.first_epoch = saved["weights"], int(saved["epoch"]) + 1
            print(f"resuming after epoch {saved['epoch']}", flush=True)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        scores = np.hstack([pixels, np.ones((len(pixels), 1))]) @ self.weights
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def gradient(self, pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
        wrong = self.probabilities(pixels) - np.eye(10)[labels]
        return np.hstack([pixels, np.ones((len(pixels), 1))]).T @ wrong / len(labels)

    def accuracy(self, pixels: np.ndarray, labels: np.ndarray) -> float:
        return float((self.probabilities(pixels).argmax(axis=1) == labels).mean())

    def save_checkpoint(self, epoch: int) -> None:
        if self._checkpoint:
            self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
            # Renamed into place, so that a half-written file is never taken for a checkpoint.
            partial = self._checkpoint.with_name("partial.npz")
            np.savez(partial, weights=self.weights, epoch=epoch)
            partial.replace(self._checkpoint)


def learn(
    options: argparse.Namespace,
    model: Model,
    peers: Peers,
    *,
    pixels: np.ndarray,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    for epoch in range(model.first_epoch, options.epochs + 1):
        for batch in np.array_split(np.random.default_rng(epoch).permutation(len(labels)), options.batches):
            gradient = peers.mean(model.gradient(pixels[batch], labels[batch]))
            model.weights = model.weights - options.learning_rate * gradient
        if validation is not None:
            model.save_checkpoint(epoch)
            print(f"epoch={epoch} validation:accuracy={model.accuracy(*validation):.4f}", flush=True)
        if epoch == options.fail_at_epoch:
            raise RuntimeError(f"told to fail at epoch {epoch}")
        time.sleep(options.pause)


def main() -> None:
    options = arguments()
    hosts, host = json.loads(os.environ["SM_HOSTS"]), os.environ["SM_CURRENT_HOST"]
    rank = hosts.index(host)
    pixels, labels = read(options.train)
    validation = read(options.validation)
    print(f"host {rank} of {len(hosts)} learns from {len(labels)} digits", flush=True)
    model = Model(options.checkpoint_dir)

    def save(*_: object) -> None:
        if rank == 0:
            np.savez(options.model_dir / "model.npz", weights=model.weights)
        (options.model_dir / f"host-{rank}.json").write_text(json.dumps({"digits": len(labels)}))

    def stop(*_: object) -> None:
        print("stopping: saving the model as it is", flush=True)
        save()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    peers = Peers(hosts, rank=rank)
    try:
        learn(options, model, peers, pixels=pixels, labels=labels, validation=validation if rank == 0 else None)
    except (ConnectionError, TimeoutError):
        # Hosts are not told to stop in the same moment: perhaps this one is about to hear of it.
        time.sleep(STOP_SECONDS)
        raise
    save()


if __name__ == "__main__":
    main()
