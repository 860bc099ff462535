"""Servers of this machine's loopback interface, as pods reach them."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sagebridge_local.stack.ports import LOOPBACK
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.supervisor import Supervisor

_RELAY = Path(__file__).with_name("relay.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Relays:
    """Processes that pass connections on.

    Attributes:
        supervisor: Runs them.
        host: This machine, as pods reach it.
        listen: Where a relay listens for what pods send to the host: that address itself, if it is one of this
            machine's, or the loopback interface, if something between passes it on to there.
    """

    supervisor: Supervisor
    host: str
    listen: str

    def open(self, port: int) -> str:
        """Pass on to a port; returns where pods connect to, "HOST:PORT", which stays the same when closed and opened.

        Raises:
            StackError: The relay does not come up.
        """
        outer = self._outer(port)
        relay = Component(
            name=_name(port),
            command=(sys.executable, "-I", str(_RELAY), self.listen, str(outer), str(port)),
            ready=partial(_answers, self.listen, outer),
            address=f"{self.host}:{outer}",
            directory=self.supervisor.directory,
        )
        self.supervisor.ensure([relay])
        self.supervisor.wait_ready([relay])
        return relay.address

    def close(self, port: int) -> None:
        """Pass nothing on to a port any more."""
        self.supervisor.kill(_name(port))

    def _outer(self, port: int) -> int:
        """On the loopback interface the server has its port itself."""
        return self.supervisor.ports([_name(port)])[_name(port)] if self.listen == LOOPBACK else port


def _name(port: int) -> str:
    return f"relay-{port}"


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True
