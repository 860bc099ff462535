"""Tells the warden which process groups run, so that none of them outlives this process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WARDEN: Final = Path(__file__).with_name("warden.py")


class Guard:
    """The warden of this process, which is started with the first group that runs."""

    def __init__(self) -> None:
        self._running: dict[int, list[str]] = {}
        self._warden: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def watch(self, group: int, *, kill_command: Sequence[str] = ()) -> None:
        """Have a process group ended with this process."""
        with self._lock:
            self._running[group] = list(kill_command)
            self._tell({group: list(kill_command)})

    def forget(self, group: int) -> None:
        """A process group has ended: its number may become another's."""
        with self._lock:
            if self._running.pop(group, None) is not None:
                self._tell({group: None})

    def _tell(self, changes: Mapping[int, list[str] | None]) -> None:
        try:
            self._write(self._warden or self._start(), changes)
        except BrokenPipeError:  # somebody ended it
            self._write(self._start(), self._running)

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: what ends our whole group must not end it, too.
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WARDEN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
        return self._warden

    def _write(self, warden: subprocess.Popen[bytes], changes: Mapping[int, list[str] | None]) -> None:
        assert warden.stdin is not None  # it is a pipe
        for group, command in changes.items():
            warden.stdin.write(json.dumps([group, command]).encode() + b"\n")


GUARD: Final = Guard()
"""Of this process."""
