#!/usr/bin/env python3
"""Serves the model of examples/digits/train_parallel.py as SageMaker's containers do: GET /ping and POST /invocations.

A request is CSV without a header, 64 pixel values from 0 to 16 in each row; the answer has a line for each row, with
the digit. With `ANSWER=probability` in its environment, the digit's probability stands behind it; `PAUSE` is how many
seconds it takes for each request. It needs NumPy and nothing else.
"""

from __future__ import annotations  # the image's Python may be 3.9

import io
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

MODEL_DIRECTORY = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
PORT = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
PAUSE_SECONDS = float(os.environ.get("PAUSE", "0"))
TELLS_PROBABILITY = os.environ.get("ANSWER") == "probability"


def predict(weights: np.ndarray, body: str) -> str:
    pixels = np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2) / 16.0
    scores = np.hstack([pixels, np.ones((len(pixels), 1))]) @ weights
    lines = [str(digit) for digit in scores.argmax(axis=1)]
    if TELLS_PROBABILITY:
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        highest = (powers / powers.sum(axis=1, keepdims=True)).max(axis=1)
        lines = [f"{line},{probability:.4f}" for line, probability in zip(lines, highest)]  # noqa: B905 - Python 3.9
    return "".join(f"{line}\n" for line in lines)


class Digits(BaseHTTPRequestHandler):
    weights: np.ndarray

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/ping" else 404, "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        time.sleep(PAUSE_SECONDS)
        try:
            self.answer(200, predict(self.weights, body))
        except ValueError as error:
            self.answer(400, f"{error}\n")

    def answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self.path != "/ping":
            super().log_request(code, size)


def main() -> None:
    Digits.weights = np.load(MODEL_DIRECTORY / "model.npz")["weights"]
    server = ThreadingHTTPServer(("", PORT), Digits)
    server.daemon_threads = False  # requests that are being answered end
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"serving {Digits.weights.shape[1]} classes on port {PORT}", flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
