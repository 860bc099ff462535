"""A node that runs real containers, in a cluster of its own, as tests use it."""

from __future__ import annotations

import json
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from sagebridge_local.stack import KubectlError
from sagebridge_local.stack.kubectl import run_kubectl
from sagebridge_local.stack.supervisor import Supervisor

from node.images import Image
from node.relays import Relays

PATIENCE = 180.0
"""Seconds that a wait lasts at most; generous, because a loaded machine is no failure."""


class Node(ABC):
    """What each kind of node offers to tests; its subclasses say how.

    Attributes:
        name: The node's.
        directory: Its folder.
        kubeconfig: Of the cluster's administrator, for use on this machine.
    """

    name: str
    directory: Path
    kubeconfig: Path

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._supervisor = Supervisor(directory)

    @classmethod
    @abstractmethod
    def start(cls) -> AbstractContextManager[Self]:
        """Run a cluster with a node, ready; nothing of them is left after the context."""

    @classmethod
    @abstractmethod
    def prepare(cls) -> Iterator[str]:
        """Make now what a node needs and the caches lack; yields what each thing is called."""

    @property
    @abstractmethod
    def host(self) -> str:
        """This machine's address, as pods reach it; see :meth:`expose`."""

    @abstractmethod
    def load(self, *images: Image) -> None:
        """Give the node images; pods find them without a registry.

        Raises:
            RuntimeError: They could not be made, or were refused.
        """

    @abstractmethod
    def run(self, *command: str) -> str:
        """Run a command as root among the node's processes, mounts and networks, and return what it prints.

        Raises:
            RuntimeError: It failed.
        """

    @abstractmethod
    def kill(self, program: str) -> None:
        """End "kubelet", "containerd", "kube-proxy" or "coredns" as a crash would; :meth:`repair` brings it back."""

    @abstractmethod
    def repair(self) -> None:
        """Start what does not run, and wait until it is ready."""

    @property
    @abstractmethod
    def _relays(self) -> Relays: ...

    @property
    def logs(self) -> Path:
        """The folder of what the node's programs on this machine write."""
        return self._supervisor.logs

    def expose(self, port: int) -> str:
        """Let pods reach a server on this machine's loopback interface.

        Args:
            port: The server's.

        Returns:
            The address that pods reach it by, "HOST:PORT"; always the same for a port.
        """
        return self._relays.open(port)

    def conceal(self, port: int) -> None:
        """Undo :meth:`expose`."""
        self._relays.close(port)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator and return what it prints.

        Raises:
            KubectlError: It failed; the message is what it wrote to standard error.
        """
        return run_kubectl(*arguments, kubeconfig=self.kubeconfig, stdin=stdin)

    def get(self, kind: str, name: str, *, namespace: str = "default") -> dict[str, Any]:
        """Return an object.

        Raises:
            KubectlError: There is none.
        """
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, f"--namespace={namespace}", "--output=json"))
        return found

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> None:
        """Create or change objects."""
        content = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "--server-side", f"--namespace={namespace}", "--filename=-", stdin=content)

    @contextmanager
    def namespace(self) -> Iterator[str]:
        """Make a namespace; it is deleted afterwards, without waiting for its end."""
        name = f"test-{secrets.token_hex(4)}"
        self.kubectl("create", "namespace", name)
        try:
            yield name
        finally:
            self.kubectl("delete", "namespace", name, "--wait=false")

    def wait_for(self, what: str, reached: Callable[[], bool], *, timeout: float = PATIENCE) -> None:
        """Wait until something is so.

        Args:
            what: It, for people.
            reached: Tells whether it is.
            timeout: Seconds.

        Raises:
            TimeoutError: It did not become so; with what the cluster said lately.
        """
        deadline = time.monotonic() + timeout
        while not reached():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not within {timeout:.0f} s: {what}.\n{self.describe()}")
            time.sleep(1.0)

    def describe(self) -> str:
        """Return what there is to see: pods, the latest Events, and the last words of pods that are not ready."""
        pods = self.kubectl("get", "pods", "--all-namespaces", "--output=wide")
        events = self.kubectl("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp").splitlines()[-20:]
        return "\n".join([pods, *events, *self._last_words()])

    def _last_words(self) -> Iterator[str]:
        for pod in json.loads(self.kubectl("get", "pods", "--all-namespaces", "--output=json"))["items"]:
            name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
            for status in pod["status"].get("containerStatuses", []):
                if status["ready"]:
                    continue
                where = (name, f"--namespace={namespace}", f"--container={status['name']}", "--tail=20")
                with suppress(KubectlError):  # it has not begun
                    yield f"{namespace}/{name}, {status['name']}:\n{self.kubectl('logs', *where)}"

    def set_capacity(self, resource: str, count: int) -> None:
        """Let the node have so many of a resource, as a device plugin would tell it; returns when pods can ask for it.

        Source: https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/
        """
        path = f"/status/capacity/{resource.replace('~', '~0').replace('/', '~1')}"
        patch = json.dumps([{"op": "add", "path": path, "value": str(count)}])
        self.kubectl("patch", "node", self.name, "--subresource=status", "--type=json", f"--patch={patch}")
        self.wait_for(
            f"{count} of {resource} can be allocated",
            lambda: self.get("node", self.name)["status"]["allocatable"].get(resource) == str(count),
        )

    def add_taint(self, key: str, *, value: str = "", effect: str) -> None:
        """Taint the node."""
        self.kubectl("taint", "node", self.name, f"{key}={value}:{effect}", "--overwrite")

    def remove_taint(self, key: str, *, effect: str) -> None:
        """Take a taint away again."""
        self.kubectl("taint", "node", self.name, f"{key}:{effect}-")
