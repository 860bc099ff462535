"""How a node's programs reach the API server, and who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from sagebridge_local.stack import ControlPlane
from sagebridge_local.stack.files import write_private


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrance:
    """The API server, as it is reached from inside the node.

    Attributes:
        control_plane: Whose API server it is.
        address: "HOST:PORT".
        directory: For kubeconfigs.
    """

    control_plane: ControlPlane
    address: str
    directory: Path

    def kubeconfig(self, user: str, *, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig that works inside the node."""
        content = yaml.safe_load(self.control_plane.kubeconfig_for(user, groups=groups).read_text())
        # The API server's certificate is for the loopback interface and for what pods call it.
        content["clusters"][0]["cluster"] |= {"server": f"https://{self.address}", "tls-server-name": "kubernetes"}
        name = user.rpartition(":")[2]
        return write_private(self.directory / f"{name}.kubeconfig", yaml.safe_dump(content))
