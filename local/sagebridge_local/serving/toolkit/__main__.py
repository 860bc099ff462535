"""`python -m sagebridge_toolkit`: serve until the process is ended."""

from __future__ import annotations

import os
from pathlib import Path

from .http import Server
from .lines import keep_lines_whole
from .models import ManyModels, OneModel


def main() -> None:
    """Load the model, then listen; with SAGEMAKER_MULTI_MODEL, models come one by one."""
    keep_lines_whole()
    several = os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true"
    models = ManyModels.from_environment() if several else OneModel(Path(os.environ["SM_MODEL_DIR"]))
    Server(port=int(os.environ["SAGEMAKER_BIND_TO_PORT"]), models=models).serve_forever()


if __name__ == "__main__":
    main()
