"""Loopback ports, each for one container at a time."""

from __future__ import annotations

import socket
from typing import Final


class Ports:
    """Ports that nobody on this machine used when they were taken, and that no container of ours has."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def take(self) -> int:
        """A port, until it is given back."""
        while True:
            port = _free_port()
            if port not in self._taken:
                self._taken.add(port)
                return port

    def give_back(self, port: int) -> None:
        """Nobody listens on it any more."""
        self._taken.discard(port)


PORTS: Final = Ports()
"""Of this process."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
