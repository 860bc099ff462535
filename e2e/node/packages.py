"""What a node needs of this machine: Linux, root, and a few packages of Debian."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

from filelock import FileLock
from sagebridge_local.golang.progress import shown
from sagebridge_local.paths import cache_directory

PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "iptables",
    "iproute2": "ip",
    "debootstrap": "debootstrap",
}
"""The packages, and the program that tells whether each is there, whoever installed it."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INSTALL = ["install", "--yes", "--quiet", "--no-install-recommends", "--no-remove"]
_LOCK = "--option=DPkg::Lock::Timeout=300"
_NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/run"]


class UnsupportedMachineError(Exception):
    """No node can run on this machine; the message says why, in one line."""


def ensure() -> None:
    """Install what is missing.

    Raises:
        UnsupportedMachineError: This is not Linux, or not Debian, or this process may not do what a node does.
    """
    if platform.system() != "Linux":
        raise UnsupportedMachineError(f"a node needs Linux; this is {platform.system()}")
    if os.geteuid() != 0:
        raise UnsupportedMachineError("a node needs root: it makes namespaces, mounts and control groups")
    with _only_installer():
        missing = [package for package, program in PACKAGES.items() if not shutil.which(program, path=_PATH)]
        if missing:
            _install(missing)
    if subprocess.run(_NAMESPACES, capture_output=True, check=False).returncode != 0:
        raise UnsupportedMachineError("a node needs CAP_SYS_ADMIN and CAP_NET_ADMIN: run a container as --privileged")


def _only_installer() -> FileLock:
    directory = cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    return FileLock(directory / "node-packages.lock")


def _install(packages: list[str]) -> None:
    apt = shutil.which("apt-get")
    if apt is None:
        raise UnsupportedMachineError(f"{', '.join(packages)} are missing, and there is no apt-get to install them")
    with shown("Debian packages") as progress:
        progress.phase("reading the lists")
        _run([apt, "update", "--quiet"])
        progress.phase(f"installing {', '.join(packages)}")
        _run([apt, *_INSTALL, _LOCK, *packages])


def _run(command: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-3:])
        raise UnsupportedMachineError(f"{' '.join(command[:2])} failed: {said}")
