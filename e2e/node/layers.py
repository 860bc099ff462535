"""Layers of container images: a tar of files each, made once and kept."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sagebridge_local.golang.progress import BuildProgress

from node.store import Make, key_of, made_once

_PROGRAMS = (b"#!", b"\x7fELF")
_OVERLAY = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$4"
mount="$4"
shift 4
exec chroot "$mount" "$@"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What a Dockerfile says where docker makes the same layer.

    Attributes:
        base: The image that it begins with; of the lowest layer only.
        instructions: What follows.
        files: What the instructions copy, by path in the build's context.
    """

    base: str = ""
    instructions: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Files that come on top of those of the layers below. It is made when its files are asked for.

    Attributes:
        name: Of the kind of layer.
        title: What it is, for people.
        key: A hash of what it is made of.
        put: Puts its files into a folder.
        below: The layers that it needs for that; they are made first.
        recipe: The same for docker.
    """

    name: str
    title: str
    key: str
    put: Make = field(compare=False, repr=False)
    below: tuple[Layer, ...] = field(default=(), compare=False, repr=False)
    recipe: Recipe = field(default_factory=Recipe, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The files."""
        return self.make() / "root"

    @property
    def tar(self) -> Path:
        """The same, packed."""
        return self.make() / "layer.tar"

    @property
    def digest(self) -> str:
        """Of the tar, "sha256:..."."""
        return (self.make() / "digest").read_text()

    def make(self) -> Path:
        """Return its folder in the cache, made if it is not there."""
        return self._made

    @cached_property
    def _made(self) -> Path:
        for layer in self.below:
            layer.make()
        return made_once(self.name, title=self.title, key=self.key, make=self._pack)

    def _pack(self, directory: Path, progress: BuildProgress) -> None:
        root, tar = directory / "root", directory / "layer.tar"
        root.mkdir()
        self.put(root, progress)
        progress.phase("packing")
        _run(["tar", "--numeric-owner", "--sort=name", "-C", str(root), "-cf", str(tar), "."])
        with tar.open("rb") as content:
            (directory / "digest").write_text(f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}")


def files(contents: Mapping[str, bytes | str | Path]) -> Layer:
    """Return a layer of single files; what begins as a program or a script does is executable.

    Args:
        contents: By absolute path: the content, or a file on this machine with it.
    """
    read = {path: _content(content) for path, content in sorted(contents.items())}

    def put(root: Path, _: BuildProgress) -> None:
        for path, content in read.items():
            write(root / path.lstrip("/"), content)

    key = key_of(part for path, content in read.items() for part in (path, content))
    copied = {f"{key}{path}": content for path, content in read.items()}
    recipe = Recipe(instructions=(f"COPY {key}/ /",), files=copied)
    return Layer(name="files", title="Files of an image", key=key, put=put, recipe=recipe)


def write(file: Path, content: bytes) -> None:
    """Write a file of an image, with its folders; what begins as a program or a script does is executable."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o755 if content.startswith(_PROGRAMS) else 0o644)


def chrooted(command: Sequence[str], *, on: Sequence[Layer], upper: Path) -> None:
    """Run a program as root of a container of some layers would; what it writes lands in ``upper``.

    Args:
        command: What to run, without a network of its own.
        on: The layers, the lowest first.
        upper: The files of the layer that is being made.

    Raises:
        RuntimeError: It failed; with what it wrote.
    """
    work, mount = upper.with_name("work"), upper.with_name("mount")
    for directory in (work, mount):
        directory.mkdir(exist_ok=True)
    lower = ":".join(str(each.root) for each in reversed(on))
    script = ["sh", "-ec", _OVERLAY, "sh", lower, str(upper), str(work), str(mount), *command]
    _run(["unshare", "--mount", "--propagation", "private", *script])


def _content(given: bytes | str | Path) -> bytes:
    if isinstance(given, Path):
        return given.read_bytes()
    return given.encode() if isinstance(given, str) else given


def _run(command: Sequence[str]) -> None:
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
