"""The control groups of a node's pods, beneath one that has the node's name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_UNIFIED = _ROOT / "cgroup.controllers"
_HYBRID = _ROOT / "unified"
_CPUSET = ("cpuset.cpus", "cpuset.mems")
_LOOKS = 50


def make(name: str) -> None:
    """Make the group in every hierarchy, as the kubelet wants to find it."""
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for setting in _CPUSET:  # of version 1: empty in a new group, and nothing can run in it then
            if (group / setting).exists() and not (group / setting).read_text().strip():
                (group / setting).write_text((hierarchy / setting).read_text())


def remove(name: str) -> None:
    """Remove the group with all beneath it; its processes must have ended.

    Raises:
        OSError: Something runs there still.
    """
    for hierarchy in (*_hierarchies(), _HYBRID):
        for look in range(_LOOKS):
            try:
                _remove_tree(hierarchy / name)
            except OSError:  # the kernel needs a moment after the last process
                if look == _LOOKS - 1:
                    raise
                time.sleep(0.1)
            else:
                break


def _remove_tree(group: Path) -> None:
    if not group.is_dir():
        return
    for child in group.iterdir():
        if child.is_dir():
            _remove_tree(child)
    group.rmdir()


def _hierarchies() -> Iterator[Path]:
    if _UNIFIED.exists():
        yield _ROOT
        return
    seen = set()
    for hierarchy in sorted(_ROOT.iterdir()):
        real = hierarchy.resolve()  # "cpu" and "cpuacct" may be links to one
        if real not in seen and (real / "cgroup.procs").exists() and not (real / "cgroup.controllers").exists():
            seen.add(real)
            yield real
