"""How an image is run in a container: the command lines, built here, run elsewhere."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START_FAILED: Final = 125
"""Exit code of `docker run` itself: https://docs.docker.com/engine/reference/run/#exit-status."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A container to be run.

    Attributes:
        name: Its name, unique on the machine.
        image: Its image.
        entrypoint: ContainerEntrypoint; empty for the image's own.
        arguments: What follows the image: `train`, or ContainerArguments.
        mounts: Path in the container -> directory on this machine. Never /opt/ml itself: that would hide code that
            is part of the image.
        environment: Its variables.
        hosts: Names that must lead to this machine.
        gpus: Whether it gets the machine's GPUs.
        isolated: EnableNetworkIsolation.
        ports: Port in the container -> loopback port of this machine; one that has some is on a network of its own.
    """

    name: str
    image: str
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]
    mounts: Mapping[str, Path]
    environment: Mapping[str, str]
    hosts: tuple[str, ...]
    gpus: bool
    isolated: bool
    ports: Mapping[int, int] = field(default_factory=dict)


def run_command(container: Container) -> list[str]:
    """The `docker run` that stays in the foreground and passes signals on.

    Values of variables are not on the command line, where every user of the machine could read them: docker takes
    them from its own environment.
    """
    words = ["docker", "run", "--rm", "--init", "--name", container.name]
    for inside, port in sorted(container.ports.items()):
        words += ["--publish", f"127.0.0.1:{port}:{inside}"]
    if not container.ports:
        # The local S3 listens on loopback only, which a container sees on the host's own network.
        words += ["--network", "none" if container.isolated else "host"]
    if not container.isolated:
        words += [f"--add-host={host}:127.0.0.1" for host in container.hosts]
    words += ["--gpus", "all"] if container.gpus else []
    for target, directory in sorted(container.mounts.items()):
        words += ["--mount", f"type=bind,source={directory},target={target}"]
    for name in sorted(container.environment):
        words += ["--env", name]
    words += ["--entrypoint", container.entrypoint[0]] if container.entrypoint else []
    return [*words, container.image, *container.entrypoint[1:], *container.arguments]


def kill_command(name: str) -> list[str]:
    """What ends a container at once, after `docker run` itself was killed."""
    return ["docker", "rm", "--force", name]


def client_environment() -> dict[str, str]:
    """How this shell reaches its daemon, a rootless or a remote one too; the container sees none of it."""
    return {
        name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "XDG_RUNTIME_DIR"
    }


def daemon_answers() -> bool:
    """Whether there is a Docker client and its daemon answers within five seconds. Blocks."""
    command: Sequence[str] = ("docker", "version", "--format", "{{.Server.Version}}")
    try:
        return subprocess.run(command, capture_output=True, timeout=5, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
