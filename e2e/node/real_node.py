"""A node made of what nodes are made of, in namespaces of this machine, joined to a control plane of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from sagebridge_local.stack import ControlPlane
from sagebridge_local.stack.processes import Component

from node import containerd, control_groups, dns, kubelet, places, programs, proxy
from node.containerd import ImageStore
from node.credentials import Entrance
from node.images import Image
from node.layers import files
from node.network import Cable, write_cni
from node.node import Node
from node.operator_image import operator_image
from node.places import Place
from node.relays import Relays
from node.sandbox import Sandbox
from node.steps_image import steps_image

_PAUSE = "localhost/pause:1"


class RealNode(Node):
    """A node whose programs run as processes of this machine.

    Attributes:
        control_plane: What it has joined.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place.directory)
        self.name = place.name
        self._cable = Cable(index=place.index)
        self._sandbox = Sandbox(self._supervisor, owner=place.lock)
        self._images = ImageStore(self._sandbox)
        self.control_plane = ControlPlane(place.control_plane, name=place.name)
        self.kubeconfig = self.control_plane.kubeconfig

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        """Run a control plane and a node, both ready; nothing of them is left afterwards, however the caller ends.

        Raises:
            BuildError: A program could not be built.
            StackError: Something did not become ready; with the end of its log.
        """
        with places.take(Place) as place:
            node = cls(place)
            try:
                node._open()
                yield node
            finally:
                node._close()

    @classmethod
    def prepare(cls) -> Iterator[str]:
        """Build the node's programs and the layers of the operator's image and of the steps'."""
        for build in (programs.pause, programs.trainer, programs.coredns):
            yield str(build())
        for image in (operator_image(), steps_image()):
            for layer in image.layers:
                layer.make()
            yield image.name

    @property
    def host(self) -> str:
        """This machine's address, as pods reach it; see :meth:`expose`."""
        return self._cable.host

    @property
    def _relays(self) -> Relays:
        return Relays(supervisor=self._supervisor, host=self.host, listen=self.host)

    def load(self, *images: Image) -> None:
        """Give the node images; pods find them without a registry."""
        self._images.load(images)

    def run(self, *command: str) -> str:
        """Run a command as root among the node's processes, mounts and networks, and return what it prints.

        Raises:
            RuntimeError: It failed.
        """
        return self._sandbox.run(*command)

    def kill(self, program: str) -> None:
        """End "kubelet", "containerd", "kube-proxy" or "coredns" as a crash would; :meth:`repair` brings it back."""
        self._supervisor.kill(program)

    def repair(self) -> None:
        """Start what does not run, and wait until it is ready."""
        for stage in self._stages():
            self._supervisor.ensure(stage)
            self._supervisor.wait_ready(stage)

    def _open(self) -> None:
        self.control_plane = ControlPlane.start(self.control_plane.directory, name=self.name)
        control_groups.make(self.name)
        mounts = {**kubelet.MOUNTS, "containerd": containerd.MOUNT, "cni": "/var/lib/cni"}
        self._sandbox.open({self.directory / "var" / name: target for name, target in mounts.items()})
        self._cable.plug(self._sandbox.pid)
        runtime, *rest = self._stages()
        self._supervisor.ensure(runtime)
        self._supervisor.wait_ready(runtime)
        self.load(Image(name=_PAUSE, layers=(files({"/pause": programs.pause()}),), entrypoint=("/pause",)))
        proxy.publish_api_server(self._entrance())
        for stage in rest:
            self._supervisor.ensure(stage)
            self._supervisor.wait_ready(stage)

    def _stages(self) -> Sequence[Sequence[Component]]:
        """What runs inside: each stage needs the one before."""
        entrance, networks = self._entrance(), write_cni(self.directory / "networks")
        sandbox, cable = self._sandbox, self._cable
        return (
            [containerd.component(sandbox, directory=self.directory, networks=networks, pause=_PAUSE)],
            [
                kubelet.component(sandbox, entrance=entrance, cable=cable, name=self.name),
                proxy.component(sandbox, entrance=entrance, cable=cable, name=self.name),
                dns.component(sandbox, entrance=entrance, cable=cable),
            ],
        )

    def _entrance(self) -> Entrance:
        address = self.expose(int(self.control_plane.url.rpartition(":")[2]))
        return Entrance(control_plane=self.control_plane, address=address, directory=self.directory)

    def _close(self) -> None:
        self._sandbox.close()
        self.control_plane.stop()
