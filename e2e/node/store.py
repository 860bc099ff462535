"""Folders in the user's cache under a hash of what they are made of."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock
from sagebridge_local.golang.progress import BuildProgress, shown
from sagebridge_local.paths import cache_directory

_UNUSED_SECONDS = 14 * 86400

Make = Callable[[Path, BuildProgress], None]


def made_once(name: str, *, title: str, key: str, make: Make) -> Path:
    """Return a folder of the cache, made if it is not there.

    Two that make one folder wait for each other, and what is broken off leaves nothing that looks whole. What nobody
    has asked for during two weeks goes.

    Args:
        name: Of the kind of folder.
        title: What it is, for people.
        key: Of what it is made of; see :func:`key_of`.
        make: Fills an empty folder.
    """
    target = cache_directory() / f"node-{name}" / key
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not target.exists():
                _make(target, title=title, make=make)
    target.touch()
    _forget_unused(target.parent)
    return target


def key_of(parts: Iterable[str | bytes]) -> str:
    """Return a hash that is the same for the same parts only."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(content)}\0".encode() + content)
    return digest.hexdigest()[:20]


def _make(target: Path, *, title: str, make: Make) -> None:
    for broken_off in target.parent.glob(f"{target.name}-*"):
        shutil.rmtree(broken_off, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
    try:
        with shown(title) as progress:
            make(partial, progress)
        partial.chmod(0o755)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _forget_unused(directory: Path) -> None:
    for entry in directory.iterdir():
        with suppress(OSError):
            if entry.is_dir() and time.time() - entry.stat().st_mtime > _UNUSED_SECONDS:
                shutil.rmtree(entry)
                entry.with_suffix(".lock").unlink(missing_ok=True)
