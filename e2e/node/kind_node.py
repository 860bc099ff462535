"""A node in a container of docker's, made by kind: where this machine can't run a node of our own."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar, Self

from sagebridge_local.stack.ports import LOOPBACK
from sagebridge_local.stack.supervisor import Supervisor

from node import docker, dockerfiles, kubelet, places, programs
from node.images import Image
from node.kind_cluster import NODE_IMAGE, KindCluster
from node.node import Node
from node.operator_image import operator_image
from node.places import Place
from node.relays import Relays
from node.steps_image import steps_image

_DOCKER_HOST = "host.docker.internal"
_TOLERATIONS = json.dumps({"spec": {"template": {"spec": {"tolerations": [{"operator": "Exists"}]}}}})
_COREDNS = ("deployment/coredns", "--namespace=kube-system")


@dataclass(frozen=True, kw_only=True, slots=True)
class KindPlace(Place):
    """Where the cluster of one run lives; docker's daemon keeps it after a run that was killed."""

    plural: ClassVar[str] = "kind-nodes"

    @property
    def name(self) -> str:
        """The cluster's name: by chance, since others who use the same docker have places of the same number."""
        file = self.directory / "cluster"
        if not file.exists():
            self.directory.mkdir(mode=0o700, exist_ok=True)
            file.write_text(f"sagebridge-{secrets.token_hex(4)}")
        return file.read_text()

    @property
    def cluster(self) -> KindCluster:
        """The cluster."""
        return KindCluster(name=self.name, kubeconfig=self.directory / "kubeconfig")

    def clean(self) -> None:
        """Remove whatever is there.

        Raises:
            RuntimeError: kind can't delete the cluster.
            StackError: A process does not end.
        """
        if not self.directory.exists():
            return
        for each in (self.directory, self.cloud):
            Supervisor(each).stop_everything()
        self.cluster.delete()  # before the folder, which tells that there may be one
        shutil.rmtree(self.directory)


class KindNode(Node):
    """The only node of a cluster that kind has made."""

    def __init__(self, place: KindPlace) -> None:
        super().__init__(place.directory)
        self._cluster = place.cluster
        self.name = self._cluster.node
        self.kubeconfig = self._cluster.kubeconfig
        self._images: dict[str, Image] = {}
        self._host = self._listen = ""

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[Self]:
        """Create a cluster and wait until it is ready; it is deleted afterwards.

        Who is killed leaves it behind, and the next run deletes it.

        Raises:
            RuntimeError: It could not be created, or pods can't reach this machine.
            TimeoutError: The node did not become ready.
        """
        with places.take(KindPlace) as place:
            node = cls(place)
            node._open()
            yield node

    @classmethod
    def prepare(cls) -> Iterator[str]:
        """Pull the node's image, and make the operator's and the steps'."""
        docker.run("docker", "pull", "--quiet", NODE_IMAGE)
        yield NODE_IMAGE
        yield str(programs.trainer())
        for image in (operator_image(), steps_image()):
            dockerfiles.build(image)
            yield image.name

    @property
    def host(self) -> str:
        """This machine's address, as pods reach it; see :meth:`expose`."""
        return self._host

    @property
    def _relays(self) -> Relays:
        return Relays(supervisor=self._supervisor, host=self._host, listen=self._listen)

    def load(self, *images: Image) -> None:
        """Give the node images; what it has is not copied again.

        Raises:
            RuntimeError: They could not be made, or were refused.
        """
        for image in images:
            if self._images.get(image.name) != image:
                self._cluster.load(image)
                self._images[image.name] = image

    def run(self, *command: str) -> str:
        """Run a command as root among the node's processes, mounts and networks, and return what it prints.

        Raises:
            RuntimeError: It failed.
        """
        return self._cluster.run(*command)

    def kill(self, program: str) -> None:
        """End "kubelet", "containerd", "kube-proxy" or "coredns" as a crash would; systemd or the kubelet restarts it.

        Raises:
            RuntimeError: It does not run.
        """
        self.run("pkill", "-KILL", "--exact", program)

    def repair(self) -> None:
        """Start what does not run, and wait until it is ready."""
        for service in ("containerd", "kubelet"):
            self.run("systemctl", "start", service)
        self.wait_for("containerd answers", self._runtime_answers)
        self.wait_for("the node is ready", lambda: kubelet.is_ready(self.name, kubectl=self.kubectl))
        self.kubectl("rollout", "status", *_COREDNS, "--timeout=180s")

    def _open(self) -> None:
        self._cluster.create()
        self._host, self._listen = self._find_host()
        # What drives jobs from the only node leaves the cluster's DNS there; its network tolerates everything already.
        self.kubectl("patch", *_COREDNS, f"--patch={_TOLERATIONS}")
        self.repair()

    def _runtime_answers(self) -> bool:
        try:
            self.run("ctr", "version")
        except RuntimeError:
            return False
        return True

    def _find_host(self) -> tuple[str, str]:
        """This machine's address for pods, and the one of its own at which that arrives; both are tried."""
        tried = []
        for host, listen in self._ways_to_this_machine():
            if self._reaches(host, listen):
                return host, listen
            tried.append(host)
        ways = ", ".join(tried) or "nothing, for there is no way out of it"
        raise RuntimeError(
            f"The node can't reach this machine; tried: {ways}. Is there a"
            " firewall, or is this docker rootless, or a remote one?"
        )

    def _ways_to_this_machine(self) -> Iterator[tuple[str, str]]:
        """What :meth:`_find_host` tries.

        Beside docker's daemon it is the gateway of the node's network. Docker Desktop and its like run the daemon in a
        virtual machine, and pass on to the loopback interface here what is sent to a name that they know.
        Source: https://docs.docker.com/desktop/features/networking/
        """
        yield from ((gateway, gateway) for gateway in self._cluster.gateways())
        with suppress(RuntimeError, IndexError):  # the name is not known
            yield self.run("getent", "ahostsv4", _DOCKER_HOST).split()[0], LOOPBACK

    def _reaches(self, host: str, listen: str) -> bool:
        try:
            with socket.create_server((listen, 0)) as server:
                self.run("timeout", "10", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{server.getsockname()[1]}")
        except (OSError, RuntimeError):
            return False
        return True
