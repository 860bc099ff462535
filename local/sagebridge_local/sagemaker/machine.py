"""What runs and fleets find on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sagebridge_local.runtime.records import RuntimeSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Directories, the endpoint of all services, images, and the runtime's settings."""

    work_dir: Path
    endpoint_url: str
    images: Mapping[str, Sequence[str]] = field(default_factory=dict)
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)
