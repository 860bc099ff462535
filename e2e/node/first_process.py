"""The first process of a node's namespaces: all of the node ends with it, and it ends when its owner does.

A program by itself, with nothing but the standard library: ``first_process.py OWNER READY SOURCE=TARGET ...``.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

_FORWARDING = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",
}


def main(owner: str, ready: str, *mounts: str) -> None:
    """Put the node's folders where its programs look for them, and stay.

    Args:
        owner: A file that the owner keeps locked as long as it lives, however it ends.
        ready: A file that is written when the node's programs can start.
        mounts: "SOURCE=TARGET": a folder, and where it is mounted.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # before there is a thread that would swallow them
    threading.Thread(target=_end_with, args=(owner,), daemon=True).start()
    _mount("-t", "tmpfs", "tmpfs", "/run")
    _mount("--make-rshared", "/")
    for each in mounts:
        source, target = each.split("=")
        for directory in (source, target):
            Path(directory).mkdir(parents=True, exist_ok=True)
        _mount("--bind", source, target)
        _mount("--make-rshared", target)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, value in _FORWARDING.items():
        path = Path("/proc/sys", name)
        if path.exists():
            path.write_text(value)
    Path(ready).touch()
    _bury_orphans()


def _end_with(owner: str) -> None:
    """Wait for the lock: whoever gets it knows that the owner is gone. The kernel then ends the namespace's others."""
    with Path(owner).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        os._exit(0)


def _bury_orphans() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            signal.sigwait({signal.SIGCHLD})


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
