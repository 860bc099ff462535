"""The operator in the cluster: its image, its chart, its RBAC, and the local SageMaker in place of AWS."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sagebridge_local.golang import helm_binary
from sagebridge_local.stack import Simulator, aws
from sagebridge_local.stack.errors import KubectlError

from node.code import ROOT
from node.images import Image
from node.node import Node

OWN_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
NAMESPACE, NAME = "sagebridge-system", "sagebridge"

_CHART = ROOT / "helm" / "sagebridge"
_RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cloud:
    """A local SageMaker, with S3 beside it, that pods reach.

    Attributes:
        simulator: The process.
        node: Whose pods reach it.
        address: Where they do, "HOST:PORT".
    """

    simulator: Simulator
    node: Node
    address: str

    @property
    def url(self) -> str:
        """Its address, as pods reach it."""
        return f"http://{self.address}"

    def cut_off(self) -> None:
        """Let no pod reach it any more; this machine still does."""
        self.node.conceal(self.simulator.port)

    def connect(self) -> None:
        """Let pods reach it."""
        self.node.expose(self.simulator.port)

    def environment(self) -> dict[str, str]:
        """Return the variables that point an AWS SDK in a pod at it."""
        return {name: value for name, value in aws.environment(self.url).items() if name.lower() != "no_proxy"}

    @classmethod
    @contextmanager
    def start(cls, node: Node, *arguments: str) -> Iterator[Cloud]:
        """Start it; the arguments are those of ``python -m sagebridge_local.sagemaker``."""
        simulator = Simulator.start(node.directory / "cloud", arguments=[*arguments, "--host", node.host])
        try:
            yield cls(simulator=simulator, node=node, address=node.expose(simulator.port))
        finally:
            simulator.stop(grace=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """The chart, installed in a node's cluster.

    Attributes:
        node: Where.
        image: What it runs.
        cloud: What it takes for AWS.
    """

    node: Node
    image: Image
    cloud: Cloud

    def install(self, values: Mapping[str, object] | None = None) -> None:
        """Install it, or change its values, and wait until the operator is ready.

        Args:
            values: On top of the image, the place of AWS, and its dummy role and bucket.

        Raises:
            RuntimeError: helm failed; with what the cluster says.
        """
        self.node.load(self.image)
        create = self.node.kubectl("create", "namespace", NAMESPACE, "--dry-run=client", "--output=json")
        self.node.apply(json.loads(create))
        self.node.kubectl("label", "namespace", NAMESPACE, "--overwrite", _RESTRICTED)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(merged(self._values(), values or {}), file)
            file.flush()
            chart = ("upgrade", "--install", NAME, str(_CHART), f"--values={file.name}", "--wait", "--timeout=180s")
            self._helm(*chart)

    def scale(self, replicas: int) -> None:
        """Stop the operator, or start it again; returns when it has."""
        self.node.kubectl("scale", f"deployment/{NAME}", f"--namespace={NAMESPACE}", f"--replicas={replicas}")
        self.node.wait_for(
            f"there are {replicas} operators",
            lambda: self._ready_replicas() == replicas,
        )

    def uninstall(self) -> None:
        """Remove it, with its hooks."""
        self._helm("uninstall", NAME, "--ignore-not-found", "--wait")

    def log(self) -> str:
        """Return what the operator has logged."""
        return self.node.kubectl("logs", f"deployment/{NAME}", f"--namespace={NAMESPACE}", "--tail=-1")

    def _ready_replicas(self) -> int:
        status = self.node.get("deployment", NAME, namespace=NAMESPACE)["status"]
        return int(status.get("readyReplicas", 0))

    def _values(self) -> dict[str, object]:
        repository, _, tag = self.image.name.rpartition(":")
        environment = [{"name": name, "value": value} for name, value in self.cloud.environment().items()]
        return {
            "image": {"repository": repository, "tag": tag},
            "settings": {
                "roleArn": aws.ROLE_ARN,
                "bucket": f"s3://{aws.BUCKET}",
                "pollIntervalSeconds": 1,
                "clusterEnvironment": self.cloud.environment(),
                "clusterUploadSeconds": 300,
            },
            "extraEnv": environment,
            "logs": {"enabled": True},
            # What drives jobs from the only node leaves the operator there.
            "tolerations": [{"operator": "Exists"}],
        }

    def _helm(self, *arguments: str) -> None:
        done = subprocess.run(
            [helm_binary(), *arguments, f"--namespace={NAMESPACE}"],
            env={**os.environ, "KUBECONFIG": str(self.node.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"helm {arguments[0]}: {done.stderr}\n{self.node.describe()}\n{self._last_words()}")

    def _last_words(self) -> str:
        """What the operator that does not become ready has logged; empty if there is none."""
        for option in ("--previous", "--tail=100"):
            with contextlib.suppress(KubectlError):
                return self.node.kubectl("logs", f"deployment/{NAME}", f"--namespace={NAMESPACE}", option)
        return ""


def merged(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Return values with others on top, as helm puts them together: maps are merged, all else is replaced."""
    result = dict(under)
    for name, value in over.items():
        below = result.get(name)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[name] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result
