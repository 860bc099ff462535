"""How a server is set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ACCOUNT: Final = "123456789012"
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Settings of one server process.

    Attributes:
        work_dir: where runs keep their files.
        lifecycle_only: follow scripts instead of running anything.
        quotas: `aws`, `off` or a quota file's path.
        latency_seconds: how long every SageMaker reply is held back.
        list_lag_seconds: how long List does not show a new job.
        capacity_wait_seconds: how long a job without capacity stays in Starting before it fails.
        seed_history: how many finished jobs of others the account already has.
        images: what runs for an image, as a command, by the image's URI.
        stop_grace_seconds: how long a stopped run may go on after SIGTERM.
        hosts: names and addresses, besides those of the loopback interface, that requests may be for.
    """

    work_dir: Path = field(default_factory=lambda: Path("work"))
    lifecycle_only: bool = False
    quotas: str = "off"
    latency_seconds: float = 0.0
    list_lag_seconds: float = 0.0
    capacity_wait_seconds: float = 5.0
    seed_history: int = 0
    images: Mapping[str, list[str]] = field(default_factory=dict)
    stop_grace_seconds: float = 120.0
    hosts: frozenset[str] = frozenset()
