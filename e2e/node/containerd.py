"""The container runtime."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sagebridge_local.stack.processes import Component

from node.images import Image, write_archive
from node.sandbox import Sandbox

NAME = "containerd"
SOCKET = "/run/containerd/containerd.sock"
MOUNT = "/var/lib/containerd"

_CONFIGURATION = """version = 2
root = "{root}"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # Where raising a process's priority is not allowed, pods would fail at their start.
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{networks}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = false
"""
_IMPORT = ("ctr", "--namespace=k8s.io", "images", "import", "-")


def component(sandbox: Sandbox, *, directory: Path, networks: Path, pause: str) -> Component:
    """Return the runtime's process, with its configuration written.

    Args:
        sandbox: Where it runs.
        directory: For the configuration.
        networks: The folder of CNI configurations.
        pause: The name of the image of every pod's first process.
    """
    configuration = directory / "containerd.toml"
    configuration.write_text(_CONFIGURATION.format(root=MOUNT, socket=SOCKET, networks=networks, pause=pause))
    ready = partial(_serves, sandbox)
    return sandbox.component(NAME, "containerd", f"--config={configuration}", ready=ready, inputs=[configuration])


class ImageStore:
    """The images that a node has."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._layers: set[str] = set()

    def load(self, images: Sequence[Image]) -> None:
        """Give the node images; layers that it has are not copied again.

        Raises:
            RuntimeError: The runtime refused them.
        """
        command = self._sandbox.command(*_IMPORT)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdin
            try:
                write_archive(images, process.stdin, present=self._layers)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it has said why, and ends
            assert process.stdout
            said = process.stdout.read().decode(errors="replace")
        if process.returncode != 0:
            raise RuntimeError(f"The images {[image.name for image in images]} can't be imported: {said}")
        self._layers |= {layer.digest for image in images for layer in image.layers}


def _serves(sandbox: Sandbox) -> bool:
    return subprocess.run(sandbox.command("ctr", "version"), capture_output=True, check=False).returncode == 0
