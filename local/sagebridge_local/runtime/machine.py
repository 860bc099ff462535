"""What this machine is to a script: its processors, and the variables that pass through to it."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sagebridge.core.container.job import Machine

if TYPE_CHECKING:
    from collections.abc import Mapping

# Everything else of the user's environment, credentials first of all, stays out of the script's.
_PASSED_ON: Final = (
    "CUDA_VISIBLE_DEVICES",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "PATH",
    "REQUESTS_CA_BUNDLE",
    "SAGEBRIDGE_LOCAL_STACK",  # by which `sagebridge local down` finds what a killed simulator left behind
    "SSL_CERT_FILE",
    "TZ",
    "USER",
    "http_proxy",
    "https_proxy",
)
_LOOPBACK: Final = "127.0.0.1,localhost"


@functools.cache
def detect() -> Machine:
    """This machine's processors and NVIDIA GPUs, not those of the job's instance type. Blocks at first."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(cpus=cpus, gpus=_gpus())


def base_environment(*, interpreter: str, scratch: Path) -> dict[str, str]:
    """The variables of this machine that every script gets.

    Args:
        interpreter: The Python whose directory comes first in PATH.
        scratch: The directory for temporary files.
    """
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    no_proxy = ",".join(filter(None, (os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), _LOOPBACK)))
    return passed | {
        "PATH": os.pathsep.join((str(Path(interpreter).parent), passed.get("PATH", os.defpath))),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(scratch),
        # The user's own AWS configuration must never be found by a script that is meant for the local SageMaker.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def installer_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """As given, with the user's settings for package indexes added."""
    return dict(environment) | {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


def _gpus() -> int:
    try:
        listing = subprocess.run(("nvidia-smi", "--list-gpus"), capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listing.stdout.splitlines())
