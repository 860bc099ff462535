"""Ends what a simulator left running that was killed: it can't do so itself any more.

A process of its own, started as `python warden.py` with nothing but the standard library. It reads from its standard
input which process groups run; the end of that input is the end of the simulator, however it came.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable


def watch(lines: Iterable[bytes]) -> dict[int, list[str]]:
    """Follow what runs until the lines end: each is JSON, `[process group, command that ends it too]`.

    A command of null says that the group is gone.

    Returns:
        The groups that are left, with their commands.
    """
    running: dict[int, list[str]] = {}
    for line in lines:
        with contextlib.suppress(ValueError):  # the last line of one that was killed
            group, command = json.loads(line)
            running[group] = command
            if command is None:
                del running[group]
    return running


def end(running: dict[int, list[str]]) -> None:
    """Kill the groups, and run their commands."""
    for group in running:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for command in running.values():
        if command:
            with contextlib.suppress(OSError):
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    end(watch(sys.stdin.buffer))
