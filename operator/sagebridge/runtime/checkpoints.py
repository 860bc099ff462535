"""Keeps the checkpoint directory and its place in S3 the same.

What is in S3 at the start is downloaded; what appears, changes or vanishes in the directory afterwards does so in S3.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sagebridge.runtime import file_names, inputs
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.held_files import held
from sagebridge.runtime.s3 import S3Location, Storage

if TYPE_CHECKING:
    from pathlib import Path

_logger = logging.getLogger(__name__)

Snapshot = Mapping[str, tuple[int, int]]
"""Path below the directory -> (time of change in ns, size)."""


class CheckpointSync:
    """One host's checkpoint directory. All methods block; passes never overlap, so that no old upload ends last."""

    def __init__(
        self, *, storage: Storage, location: S3Location, directory: Path, known: Snapshot | None = None
    ) -> None:
        """Prepare; nothing happens yet.

        Args:
            storage: S3.
            location: Where the checkpoints are in S3.
            directory: Where they are here.
            known: The files that are in S3 already, when another process has restored them.
        """
        self._storage = storage
        self._location = S3Location(bucket=location.bucket, key=location.key.rstrip("/") + "/" if location.key else "")
        self._directory = directory
        self._known: Snapshot = known or {}
        self._lock = threading.Lock()

    @property
    def known(self) -> Snapshot:
        """The files that are in S3 already."""
        return self._known

    def restore(self) -> None:
        """Download what earlier jobs left.

        Raises:
            RunFailedError: S3 refused.
            OSError: the disk did.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        for each in inputs.prefix_objects(self._location, self._storage.keys(self._location)):
            self._storage.download(each.location, self._directory / each.path)
        self._known = snapshot(self._directory)

    def check_writable(self) -> None:
        """See whether checkpoints can be written to S3.

        Raises:
            RunFailedError: S3 refused.
        """
        self._storage.check_writable(self._location)

    def sync(self) -> None:
        """Upload what is new or changed, and delete what vanished.

        Raises:
            RunFailedError: S3 refused.
        """
        with self._lock:
            self._pass()

    def _pass(self) -> None:
        now = snapshot(self._directory)
        done = dict(self._known)
        try:
            for name in sorted(now):
                if now[name] != done.get(name):
                    with held(self._directory / name, below=self._directory) as file:
                        self._storage.upload(file, self._location.join(name))
                    done[name] = now[name]
            for name in sorted(set(done) - set(now)):
                self._storage.delete(self._location.join(name))
                del done[name]
        except FileNotFoundError:
            _logger.debug("a checkpoint went away while it was read; the next pass sees to it")
        finally:
            self._known = done

    def try_sync(self) -> None:
        """As `sync`, for the passes while the training goes on: the next one makes good what failed."""
        try:
            self.sync()
        except RunFailedError as error:
            _logger.warning("checkpoints are not in S3 yet: %s", error.reason)


def snapshot(directory: Path) -> Snapshot:
    """The files below a directory, but for those that S3 can't have under their names."""
    found: dict[str, tuple[int, int]] = {}
    for path in directory.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                if file_names.can_be_key(path):
                    found[path.relative_to(directory).as_posix()] = (status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            continue
    return found
