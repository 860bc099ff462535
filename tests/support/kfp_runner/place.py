"""Where runs are: the pipeline root with the folder that stands for its bucket, and what all pods are given."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# A pod has S3 below /s3, where only an administrator may write here; kfp knows that folder by one name.
_MOUNT: Final = '''"""Puts the bucket of the pipeline root where this machine's pods have it."""

import os

from kfp.dsl.types import artifact_types

artifact_types._S3_LOCAL_MOUNT_PREFIX = os.environ["RUNNER_S3"] + "/"
'''
_PASSED_ON: Final = ("HOME", "LANG", "LC_ALL", "TZ", "OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where runs are.

    Attributes:
        directory: for buckets, pods and logs.
        root: the pipeline root, ``s3://...``.
        environment: what each pod has beside what the pipeline says, such as ``KUBECONFIG``.
        upload: what the launcher does with an artifact that a step has left, by its URI and where it is. Pods of this
            machine have it without; others have not.
    """

    directory: Path
    root: str = "s3://pipelines/v2/artifacts"
    environment: Mapping[str, str] = field(default_factory=dict)
    upload: Callable[[str, Path], None] = lambda uri, path: None

    @property
    def buckets(self) -> Path:
        """What stands for ``/s3``."""
        return self.directory / "s3"

    def local(self, uri: str) -> Path:
        """Where a pod has an object of S3."""
        return self.buckets / uri.removeprefix("s3://")

    def pod_environment(self, temporary: Path) -> dict[str, str]:
        """What a pod has from the beginning.

        Args:
            temporary: its own folder for temporary files.
        """
        hook = self.directory / "python" / "sitecustomize.py"
        hook.parent.mkdir(parents=True, exist_ok=True)
        if not hook.exists():
            written = temporary / "sitecustomize.py"
            written.write_text(_MOUNT)
            written.replace(hook)
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            # The steps' image has its Python first.
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": os.pathsep.join([str(hook.parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONUNBUFFERED": "1",
            "RUNNER_S3": str(self.buckets),
            "TMPDIR": str(temporary),
            "_KFP_RUNTIME": "true",
            **self.environment,
        }
