"""Addresses of a node, and the cable to it."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

PODS, SERVICES = "10.244.0.0/24", "10.0.0.0/24"
"""What pods and Services have addresses of; both are inside the node's own network namespace only."""

_CABLES = ipaddress.IPv4Network("198.18.0.0/24")
_PEER = "eth0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cable:
    """A network of two addresses: this machine's and the node's.

    The addresses are of 198.18.0.0/15, which no network routes (RFC 2544).

    Attributes:
        index: Of the node on this machine.
    """

    index: int

    @property
    def host(self) -> str:
        """This machine's address, as the node and its pods see it."""
        return str(self._network[1])

    @property
    def node(self) -> str:
        """The node's address."""
        return str(self._network[2])

    @property
    def interface(self) -> str:
        """This machine's end."""
        return f"sagebridge{self.index}"

    def plug(self, pid: int) -> None:
        """Lay the cable into the network namespace of a process; it goes when that namespace goes.

        Args:
            pid: The process, as this machine numbers it.
        """
        length = self._network.prefixlen
        _ip("link", "add", self.interface, "type", "veth", "peer", "name", _PEER, "netns", str(pid))
        _ip("address", "add", f"{self.host}/{length}", "dev", self.interface)
        _ip("link", "set", self.interface, "up")
        inside = ("nsenter", "--net", f"--target={pid}")
        _ip("address", "add", f"{self.node}/{length}", "dev", _PEER, prefix=inside)
        _ip("link", "set", _PEER, "up", prefix=inside)
        _ip("route", "add", "default", "via", self.host, prefix=inside)

    @property
    def _network(self) -> ipaddress.IPv4Network:
        first = ipaddress.IPv4Address(int(_CABLES.network_address) + 4 * self.index)
        return ipaddress.IPv4Network(f"{first}/30")


def write_cni(directory: Path) -> Path:
    """Write what containerd connects pods by: a bridge, and an address for each; return the folder.

    Pods reach beyond the node with the node's address, so that nothing else needs a route to them.
    Source: https://www.cni.dev/plugins/current/main/bridge/
    """
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    directory.mkdir(parents=True, exist_ok=True)
    content = {"cniVersion": "1.0.0", "name": "node", "plugins": [bridge, ports]}
    (directory / "10-node.conflist").write_text(json.dumps(content))
    return directory


def _ip(*arguments: str, prefix: tuple[str, ...] = ()) -> None:
    done = subprocess.run([*prefix, "ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
