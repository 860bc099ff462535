"""Where nodes live on this machine: a folder each, an address each, and a lock that says whose it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from filelock import FileLock, Timeout
from sagebridge_local.stack import ControlPlane
from sagebridge_local.stack.supervisor import Supervisor

from node import control_groups

_PLACES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one node lives.

    Attributes:
        index: Tells nodes of this machine apart.
        plural: What such places are called in the names of their folders.
    """

    plural: ClassVar[str] = "nodes"

    index: int

    @classmethod
    def root(cls) -> Path:
        """The folder of all places of this kind."""
        return Path(tempfile.gettempdir()) / f"sagebridge-{cls.plural}-{os.getuid()}"

    @property
    def name(self) -> str:
        """The node's name."""
        return f"sagebridge-node-{self.index}"

    @property
    def directory(self) -> Path:
        """The node's folder."""
        return self.root() / str(self.index)

    @property
    def control_plane(self) -> Path:
        """The folder of its control plane."""
        return self.directory / "control-plane"

    @property
    def cloud(self) -> Path:
        """The folder of the local SageMaker that its pods reach."""
        return self.directory / "cloud"

    @property
    def lock(self) -> Path:
        """Held as long as the node's owner lives, however it ends."""
        return self.root() / f"{self.index}.lock"

    def clean(self) -> None:
        """Remove whatever is there.

        Raises:
            StackError: A process does not end.
        """
        if self.directory.exists():
            for each in (self.directory, self.control_plane, self.cloud):
                Supervisor(each).stop_everything()
            ControlPlane(self.control_plane).remove_data()
        control_groups.remove(self.name)
        shutil.rmtree(self.directory, ignore_errors=True)


P = TypeVar("P", bound=Place)


@contextmanager
def take(sort: type[P]) -> Iterator[P]:
    """Take a free place, and clean up what killed runs have left in any of its sort.

    Raises:
        RuntimeError: There is none, or what was left can't be removed.
        StackError: A process that was left does not end.
    """
    sort.root().mkdir(mode=0o700, exist_ok=True)
    mine: tuple[P, FileLock] | None = None
    for place in (sort(index=index) for index in range(_PLACES)):
        lock = _locked(place)
        if lock is None:
            continue
        place.clean()
        if mine is None:
            mine = place, lock
        else:  # at once: another run may look for a place now
            lock.release()
    if mine is None:
        raise RuntimeError(f"{_PLACES} nodes run on this machine already")
    try:
        yield mine[0]
    finally:
        mine[0].clean()
        mine[1].release()


def _locked(place: Place) -> FileLock | None:
    lock = FileLock(place.lock)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock
