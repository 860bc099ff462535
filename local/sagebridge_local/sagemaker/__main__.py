"""`python -m sagebridge_local.sagemaker`: run a local SageMaker."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from sagebridge_local.sagemaker.clock import ManualClock
from sagebridge_local.sagemaker.server import HOST, serve
from sagebridge_local.sagemaker.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and serve."""
    options = _parser().parse_args(arguments)
    settings = ServerSettings(
        work_dir=options.work_dir,
        lifecycle_only=options.lifecycle_only,
        quotas=options.quotas,
        latency_seconds=options.latency_ms / 1000,
        list_lag_seconds=options.list_lag,
        seed_history=options.seed_history,
        images=json.loads(options.images.read_text()) if options.images else {},
        stop_grace_seconds=options.stop_grace,
        hosts=frozenset(options.host),
    )
    options.work_dir.mkdir(parents=True, exist_ok=True)
    clock = ManualClock(time.time()) if options.clock == "manual" else None
    uvloop.run(
        serve(settings, port=options.port, port_file=options.port_file, clock=clock, on_ready=_ready),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sagebridge_local.sagemaker", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes any that is free")
    parser.add_argument("--port-file", type=Path, help="file to write the port to once it listens")
    parser.add_argument("--work-dir", type=Path, default=Path("work/sagemaker"), help="where runs keep their files")
    parser.add_argument("--lifecycle-only", action="store_true", help="follow scripts; run nothing")
    parser.add_argument("--quotas", default="off", help="aws, off, or a JSON file of rates and instances")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="hold every SageMaker reply back")
    parser.add_argument("--list-lag", type=float, default=0.0, help="seconds for which List does not show a new job")
    parser.add_argument("--seed-history", type=int, default=0, help="finished jobs of others to begin with")
    parser.add_argument(
        "--clock", choices=("system", "manual"), default="system", help="manual: only advanced by the admin API"
    )
    parser.add_argument("--images", type=Path, help="JSON file: the command to run for an image, by its URI")
    parser.add_argument(
        "--host", action="append", default=[], metavar="NAME", help="also answer requests for it; may be repeated"
    )
    parser.add_argument("--stop-grace", type=float, default=120.0, help="seconds between SIGTERM and SIGKILL")
    return parser


def _ready(port: int) -> None:
    sys.stdout.write(f"Local SageMaker listens on http://{HOST}:{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
