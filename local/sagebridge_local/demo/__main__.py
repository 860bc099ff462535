"""``python -m sagebridge_local.demo``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from sagebridge_local.demo.context import DEFAULT_POLL_INTERVAL, Options
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.run import run
from sagebridge_local.demo.screen import Screen
from sagebridge_local.demo.workplace import Workplace, isolated


def main() -> int:
    """Run the demo as the command line says; the process's exit code."""
    chosen = _arguments()
    workplace = Workplace(directory=chosen.work_dir.absolute())
    options = Options(examples=chosen.examples, poll_interval=chosen.poll_interval, timeout=chosen.timeout)
    isolation = isolated(os.environ, workplace=workplace, poll_interval=options.poll_interval)
    os.environ.clear()
    os.environ.update(isolation)
    if not (options.examples / "train.py").exists():
        return _fail(f"{options.examples} has no train.py: run the demo in a checkout of Sagebridge.")
    try:
        return run(options=options, workplace=workplace, screen=Screen(Console(highlight=False)))
    except DemoError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130


def _fail(message: str) -> int:
    sys.stderr.write(f"Error: {message}\n")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make demo", description="Run the whole product, from training to predictions."
    )
    parser.add_argument("--work-dir", type=Path, default=Path("work/demo"), help="for its files; default: work/demo")
    parser.add_argument("--examples", type=Path, default=Path("examples/digits"), help="manifests and scripts")
    parser.add_argument(
        "--poll-interval",
        type=float,
        default=DEFAULT_POLL_INTERVAL,
        help="seconds between the operator's looks at jobs",
    )
    parser.add_argument(
        "--timeout", type=float, default=600.0, help="seconds that a job, or a change of the endpoint, may take"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
