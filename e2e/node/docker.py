"""Docker and kind, as command lines."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from node.packages import UnsupportedMachineError

_PROGRAMS = {
    "docker": "https://docs.docker.com/engine/install/",
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
}
_ANSWER_SECONDS = 30.0
_ENVIRONMENT = {
    # An image that also holds how it was made is a list of two; not every node can import it.
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    # The shell may have chosen podman, whose images docker doesn't know.
    "KIND_EXPERIMENTAL_PROVIDER": "docker",
}


def ensure() -> None:
    """Find docker, its daemon, and kind.

    Raises:
        UnsupportedMachineError: One is not there; the message says which, in one line.
    """
    for program, instructions in _PROGRAMS.items():
        if shutil.which(program) is None:
            raise UnsupportedMachineError(f"there is no {program} ({instructions})")
        if program == "docker":
            _ensure_daemon()


def run(*command: str) -> str:
    """Run docker or kind, and return what it prints.

    Raises:
        RuntimeError: It failed; with the end of what it wrote.
    """
    done = subprocess.run(
        command, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = "\n".join([*done.stdout.splitlines()[-20:], *done.stderr.splitlines()[-40:]])
        raise RuntimeError(f"{' '.join(command)} failed ({done.returncode}):\n{said}")
    return done.stdout


def _ensure_daemon() -> None:
    command = ["docker", "version", "--format={{.Server.Version}}"]
    try:
        done = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, check=False, timeout=_ANSWER_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise UnsupportedMachineError(f"docker's daemon does not answer within {_ANSWER_SECONDS:.0f} s") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"docker version ended with {done.returncode}"
        raise UnsupportedMachineError(f"docker is there, but its daemon can't be reached: {said}")


def _environment() -> Mapping[str, str]:
    return {**os.environ, **_ENVIRONMENT}
