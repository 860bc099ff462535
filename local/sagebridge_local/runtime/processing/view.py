"""Lets a process see a directory of its own as /opt/ml, which processing scripts name in their code.

A training script is told where its data is, by SM_* variables; a processing script is not. So it gets a mount
namespace of its own, which Linux gives to every user where user namespaces are allowed: no container, no privileges.
Source: https://man7.org/linux/man-pages/man7/user_namespaces.7.html
"""

from __future__ import annotations

import functools
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WAYS: Final = (("unshare", "--user", "--map-root-user", "--mount"), ("unshare", "--mount"))
_TRIAL: Final = "mount --bind /opt /opt"
# Where there is no /opt/ml to mount over, /opt is replaced by a directory that has it beside what /opt has.
_SETUP: Final = """
set -e
ml=$1 shadow=$2
shift 2
if [ ! -d /opt/ml ]; then
    for each in /opt/* /opt/.[!.]*; do
        name=$shadow/${each##*/}
        if [ -L "$each" ]; then cp -P "$each" "$name"; continue; fi
        [ -e "$each" ] || continue
        if [ -d "$each" ]; then mkdir "$name"; else : > "$name"; fi
        mount --rbind "$each" "$name"
    done
    mkdir "$shadow/ml"
    mount --rbind "$shadow" /opt
fi
mount --rbind "$ml" /opt/ml
exec "$@"
"""

UNAVAILABLE: Final = (
    "Local mode shows a processing script its /opt/ml in a mount namespace of its own, and this machine gives none: "
    "that takes Linux with user namespaces allowed (sysctl user.max_user_namespaces, "
    "kernel.apparmor_restrict_unprivileged_userns). Or start Docker, which runs the image itself."
)


@functools.cache
def way() -> tuple[str, ...] | None:
    """The command that gives a process a mount namespace here; None where there is none. Blocks at first."""
    return next((words for words in _WAYS if _works(words)), None)


def command(words: Sequence[str], *, way: Sequence[str], ml: Path, shadow: Path, isolated: bool) -> list[str]:
    """The command that runs `words` where `ml` is seen as /opt/ml.

    Args:
        words: Program and arguments.
        way: See `way`.
        ml: The directory that stands for /opt/ml.
        shadow: An empty directory that may stand for /opt.
        isolated: Whether it has no network.
    """
    network = ["--net"] if isolated else []
    return [*way, *network, "--", "/bin/sh", "-c", _SETUP, "sh", str(ml), str(shadow), *words]


def _works(words: Sequence[str]) -> bool:
    try:
        tried = subprocess.run([*words, "--", "/bin/sh", "-c", _TRIAL], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
