"""The objects of one of our kinds, in one namespace of the node."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import yaml

from node.node import Node

Json = dict[str, Any]


class CustomObjects:
    """What the tests ask of each kind; its subclasses apply the examples."""

    resource: ClassVar[str]
    """As kubectl knows the kind."""

    def __init__(self, node: Node, namespace: str) -> None:
        self.node = node
        self.namespace = namespace

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace; what it prints."""
        return self.node.kubectl(*arguments, f"--namespace={self.namespace}")

    def patch(self, name: str, spec: Mapping[str, Any]) -> None:
        """Change a spec."""
        self.kubectl("patch", self.resource, name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def delete(self, name: str) -> None:
        """Ask for its deletion."""
        self.kubectl("delete", self.resource, name, "--wait=false")

    def is_gone(self, name: str) -> bool:
        """Whether it is there no longer."""
        return not self.kubectl("get", self.resource, name, "--ignore-not-found")

    def get(self, name: str) -> Json:
        """The object."""
        return self.node.get(self.resource, name, namespace=self.namespace)

    def names(self) -> list[str]:
        """Those that are there."""
        found: list[Json] = json.loads(self.kubectl("get", self.resource, "--output=json"))["items"]
        return [each["metadata"]["name"] for each in found]

    def status(self, name: str) -> Json:
        """Its status; empty before there is one."""
        found: Json = self.get(name).get("status", {})
        return found

    def reason(self, name: str) -> str:
        """Why it is Ready or not."""
        return str(self._ready(name).get("reason", ""))

    def message(self, name: str) -> str:
        """What its Ready condition says."""
        return str(self._ready(name)["message"])

    def wait(self, name: str, reached: Callable[[Json], bool], *, what: str) -> Json:
        """Wait until the status is as it should be; the status."""
        try:
            self.node.wait_for(f"{name}: {what}", lambda: reached(self.status(name)))
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{yaml.safe_dump(self.status(name))}\n{self.logs(name)}") from error
        return self.status(name)

    def wait_reason(self, name: str, *reasons: str) -> Json:
        """Wait until Ready has one of the reasons; the status."""
        return self.wait(name, lambda _: self.reason(name) in reasons, what=" or ".join(reasons))

    def pods_with(self, selector: str) -> list[Json]:
        """The namespace's pods that a label selector finds; an empty one finds all."""
        found: list[Json] = json.loads(self.kubectl("get", "pods", f"--selector={selector}", "--output=json"))["items"]
        return found

    def logs(self, name: str) -> str:
        """What its containers have printed, for people."""
        flags = ("--all-containers", "--prefix", "--tail=200", "--ignore-errors")
        return self.kubectl("logs", f"--selector={self.selector(name)}", *flags)

    def selector(self, name: str) -> str:
        """What all of its pods have."""
        return f"sagebridge.io/uid={self.get(name)['metadata']['uid']}"

    def _ready(self, name: str) -> Json:
        return next((one for one in self.status(name).get("conditions", []) if one["type"] == "Ready"), {})
