"""Where the pod's volumes are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

LAUNCHER: Final = "launcher.py"
LAUNCH: Final = "launch.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Paths in the agent's containers.

    Attributes:
        ml: What the user's container has at /opt/ml.
        run: Shared by all containers: the launcher, and the agent's notes.
        job: job.json.
        model: model.json, with the inference code beside it where there is some.
        annotations: The pod's annotations, as the downward API writes them.
        termination_log: Where a container's last message goes.
        proc: The processes of the pod.
    """

    ml: Path = Path("/opt/ml")
    run: Path = Path("/var/run/sagebridge")
    job: Path = Path("/etc/sagebridge/job/job.json")
    model: Path = Path("/etc/sagebridge/model/model.json")
    annotations: Path = Path("/etc/sagebridge/pod/annotations")
    termination_log: Path = Path("/dev/termination-log")
    proc: Path = Path("/proc")

    @property
    def checkpoints(self) -> Path:
        """What the training container has at CheckpointConfig.LocalPath."""
        return self.ml / "checkpoints"
