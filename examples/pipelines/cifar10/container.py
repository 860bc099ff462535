#!/usr/bin/env python3
"""What runs in a container of one's own: `train` and `serve`, as SageMaker calls them, with the code of cifar10.py.

It runs in /opt/ml, where SageMaker puts what it needs:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "code"))

import cifar10

BASE = Path.cwd()
PORT = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))


def train() -> None:
    hyperparameters = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    words = [f"--{name}={value}" for name, value in hyperparameters.items()]
    words += [f"--{channel}={BASE / 'input/data' / channel}" for channel in ("train", "validation")]
    try:
        cifar10.train(cifar10.arguments([*words, f"--model-dir={BASE / 'model'}"]))
    except BaseException as error:
        (BASE / "output").mkdir(exist_ok=True)
        (BASE / "output/failure").write_text(f"{type(error).__name__}: {error}")
        raise


class Pictures(BaseHTTPRequestHandler):
    network: object

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/ping" else 404, "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            pictures = cifar10.input_fn(body, self.headers.get("Content-Type", ""))
        except ValueError as error:
            return self.answer(400, f"{error}\n")
        return self.answer(200, cifar10.output_fn(cifar10.predict_fn(pictures, self.network), "")[0])

    def answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self.path != "/ping":
            super().log_request(code, size)


def serve() -> None:
    Pictures.network = cifar10.model_fn(BASE / "model")
    server = ThreadingHTTPServer(("", PORT), Pictures)
    server.daemon_threads = False  # requests that are being answered end
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    {"train": train, "serve": serve}[sys.argv[1]]()
