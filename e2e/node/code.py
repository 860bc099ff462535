"""Packages of this repository as a layer, compiled, and imported once to see that nothing is missing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from sagebridge_local.golang.progress import BuildProgress

from node.layers import Layer, chrooted
from node.store import key_of

ROOT = Path(__file__).parents[2]
"""The repository."""

_AT = "app"


def code(dockerfile: Path, *, title: str, python: str, below: Sequence[Layer], **environment: str) -> Layer:
    """Return a layer of what a Dockerfile copies into /app; what it imports there has to be there.

    Args:
        dockerfile: What docker makes the image by.
        title: What it is, for people.
        python: The interpreter in the image.
        below: The layers that it is on.
        **environment: Variables for what is imported.
    """
    copies = copied(dockerfile)
    [imports] = re.findall(r"-c '(import [^']+)'", dockerfile.read_text())
    variables = [f"{name}={value}" for name, value in environment.items()]

    def put(root: Path, progress: BuildProgress) -> None:
        for target, source in copies.items():
            copy(ROOT / source, root / _AT / target)
        copy(ROOT / "LICENSE", root / "licenses" / "LICENSE")
        progress.phase("compiling")
        chrooted([python, "-m", "compileall", "-q", "-j", "0", f"/{_AT}"], on=list(below), upper=root)
        check = ["env", f"PYTHONPATH=/{_AT}", "PYTHONDONTWRITEBYTECODE=1", *variables, python, "-c", imports]
        chrooted(check, on=list(below), upper=root)

    named = [
        part
        for target, source in sorted({**copies, "LICENSE": "LICENSE"}.items())
        for path in _files(ROOT / source)
        for part in (f"{target}/{path.relative_to(ROOT / source)}", path.read_bytes())
    ]
    key = key_of([*(each.key for each in below), imports, *variables, *named])
    return Layer(name="code", title=title, key=key, put=put, below=tuple(below))


def copied(dockerfile: Path) -> dict[str, str]:
    """What a Dockerfile copies of the repository, by where it is below /app; in a folder, a file keeps its name."""
    found = re.findall(rf"^COPY (\S+) /{_AT}/(\S+)$", dockerfile.read_text(), re.MULTILINE)
    return {target + Path(source).name if target.endswith("/") else target: source for source, target in found}


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
    else:
        yield from sorted(path for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc")


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, without what Python has compiled there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copy(source, target)
    else:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
