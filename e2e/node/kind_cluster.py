"""A cluster that kind makes: one container of docker's, which is the control plane and the node."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from node import docker, dockerfiles
from node.images import Image

NODE_IMAGE: Final = (
    "docker.io/kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0"
)
"""Of the control plane's minor version; no release of kind has an image of its patch version.

Source: https://github.com/kubernetes-sigs/kind/releases/tag/v0.33.0
"""

_READY_SECONDS = 300
_KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    # As the node of our own has it: a full volume is noticed at once, and how full this machine is decides nothing.
    "volumeStatsAggPeriod": "2s",
    "nodeStatusUpdateFrequency": "2s",
    "evictionHard": {"memory.available": "0%"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class KindCluster:
    """The cluster of a name.

    Attributes:
        name: As kind knows it.
        kubeconfig: Where its administrator's is written; the user's own stays as it is.
    """

    name: str
    kubeconfig: Path

    @property
    def node(self) -> str:
        """The node's name, and its container's."""
        return f"{self.name}-control-plane"

    def create(self) -> None:
        """Create it: a minute, and some more while docker pulls the node's image for the first time.

        Raises:
            RuntimeError: It could not be created.
        """
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(configuration(), file)
            file.flush()
            config = (f"--config={file.name}", f"--kubeconfig={self.kubeconfig}", f"--wait={_READY_SECONDS}s")
            docker.run("kind", "create", "cluster", f"--name={self.name}", *config)

    def delete(self) -> None:
        """Delete it, whole or not; none is no error.

        Raises:
            RuntimeError: It is there still.
        """
        docker.run("kind", "delete", "cluster", f"--name={self.name}", f"--kubeconfig={self.kubeconfig}")

    def load(self, image: Image) -> None:
        """Make an image and give it to the node.

        Raises:
            RuntimeError: It could not be made, or was refused.
        """
        dockerfiles.build(image)
        with tempfile.TemporaryDirectory() as directory:
            archive = f"{directory}/image.tar"
            docker.run("docker", "save", f"--output={archive}", image.name)
            docker.run("kind", "load", "image-archive", archive, f"--name={self.name}")

    def run(self, *command: str) -> str:
        """Run a command as root on the node, and return what it prints.

        Raises:
            RuntimeError: It failed.
        """
        return docker.run("docker", "exec", self.node, *command)

    def gateways(self) -> list[str]:
        """Return where the node's ways out begin: addresses of this machine, unless docker runs in another one."""
        every = "{{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}"
        return docker.run("docker", "container", "inspect", f"--format={every}", self.node).split()


def configuration() -> dict[str, Any]:
    """Return what kind is to make.

    Source: https://kind.sigs.k8s.io/docs/user/configuration/
    """
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "image": NODE_IMAGE}],
        "kubeadmConfigPatches": [yaml.safe_dump(_KUBELET)],
    }
