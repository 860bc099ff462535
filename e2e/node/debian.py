"""The base of images with Python: a small Debian, made by debootstrap."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from sagebridge_local.golang.progress import BuildProgress

from node.layers import Layer, Recipe
from node.store import key_of

SUITE, PYTHON = "bookworm", "3.11"
"""The release of Debian, and its Python."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_INCLUDED = "python3,python3-venv,ca-certificates"
_MIRROR = "http://deb.debian.org/debian"
_SUPERFLUOUS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/cache/apt",
    "var/lib/apt/lists",
)
_INSTALL = f"apt-get install --yes --no-install-recommends {_INCLUDED.replace(',', ' ')}"
_RECIPE = Recipe(
    base=f"docker.io/library/debian:{SUITE}-slim",
    instructions=(f"RUN apt-get update && {_INSTALL} && rm -rf /var/lib/apt/lists/*",),
)


def base() -> Layer:
    """Return Debian with Python: a minute the first time."""
    key = key_of([SUITE, _INCLUDED, platform.machine(), *_SUPERFLUOUS])
    return Layer(name="debian", title="Debian with Python", key=key, put=_bootstrap, recipe=_RECIPE)


def _bootstrap(root: Path, progress: BuildProgress) -> None:
    progress.phase(f"debootstrap {SUITE}")
    command = ["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", SUITE, str(root), _mirror()]
    environment = os.environ | {"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"debootstrap failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    for path in _SUPERFLUOUS:
        shutil.rmtree(root / path, ignore_errors=True)


def _mirror() -> str:
    """The mirror that this machine's apt uses for the release, if it uses one."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {SUITE}"]
    known = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return known[0] if known else _MIRROR
