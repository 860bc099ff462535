"""What stands for an XGBoost image in tests: `train` keeps the mean label, `serve` answers each row with its sum.

Run as `python sum_image.py train|serve`, in the contract of SageMaker's containers.
"""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """GET /ping and POST /invocations, for text/csv."""

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            sums = [sum(float(cell) for cell in row.split(",")) for row in body.decode().splitlines()]
        except ValueError as error:
            return self._answer(400, str(error).encode())
        return self._answer(200, "\n".join(f"{each:g}" for each in sums).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def train() -> None:
    rows = [
        [float(cell) for cell in line.split(",")]
        for path in sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).iterdir())
        for line in path.read_text().splitlines()
    ]
    mean = sum(row[0] for row in rows) / len(rows)
    (Path(os.environ["SM_MODEL_DIR"]) / "mean.txt").write_text(str(mean))


def serve() -> None:
    port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
    float((Path(os.environ["SM_MODEL_DIR"]) / "mean.txt").read_text())
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    {"train": train, "serve": serve}[sys.argv[1]]()
