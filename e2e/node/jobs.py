"""TrainingJobs of the tests: the example's, changed, with its data and code in place."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from sagebridge_local.stack import aws

from node.code import ROOT
from node.custom_objects import CustomObjects, Json
from node.node import Node
from node.operator import Cloud
from node.training_image import training_image

EXAMPLE = ROOT / "examples" / "cluster" / "digits.yaml"
CODE = ROOT / "examples" / "digits" / "train_parallel.py"
GPUS_PER_NODE = 4
SMALL = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
_INSTANCE_TYPE = "node.kubernetes.io/instance-type"


def put_data(cloud: Cloud) -> None:
    """Put the example's data into the cloud's bucket, by the command that the example names."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [
                *(sys.executable, ROOT / "examples" / "digits" / "data.py"),
                *("s3://sagebridge-local/digits-parallel", "--parts", "4"),
                *("--held-out", Path(directory) / "held-out.csv"),
            ],
            env={**os.environ, **aws.environment(cloud.simulator.url)},
            check=True,
            capture_output=True,
        )


def be_a_gpu_node(node: Node) -> None:
    """Let the node be what the example asks for: a g4dn.12xlarge, as far as the scheduler can tell."""
    node.kubectl("label", "node", node.name, f"{_INSTANCE_TYPE}=g4dn.12xlarge", "--overwrite")
    node.set_capacity("nvidia.com/gpu", GPUS_PER_NODE)
    node.load(training_image())


class Jobs(CustomObjects):
    """The TrainingJobs of one namespace."""

    resource = "trainingjobs.sagebridge.io"

    def put_code(self, source: str | None = None) -> None:
        """Make the ConfigMap with the example's script, or another."""
        data = {CODE.name: CODE.read_text() if source is None else source}
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "digits-parallel-code"}}
        self.node.apply(config_map | {"data": data}, namespace=self.namespace)

    def apply(self, name: str, *changes: Mapping[str, Any]) -> None:
        """Apply the example with another name, as small as this node is, and with changes to its spec."""
        manifest = yaml.safe_load(EXAMPLE.read_text())
        manifest["metadata"]["name"] = name
        cluster = {"image": training_image().name, "resources": SMALL}
        manifest["spec"] = changed(manifest["spec"], {"cluster": cluster}, *changes)
        self.node.apply(manifest, namespace=self.namespace)

    def pods(self, name: str) -> list[Json]:
        """The pods of its last attempt that are there, by rank."""
        attempt = len(self.status(name)["attempts"])
        found = self.pods_with(f"{self.selector(name)},sagebridge.io/attempt={attempt}")
        return sorted(found, key=lambda pod: pod["metadata"]["name"])

    def log_of(self, pod: Json) -> str:
        """What the training container of a pod has printed; empty before it runs."""
        return self.kubectl("logs", pod["metadata"]["name"], "--container=train", "--tail=-1", "--ignore-errors")


def archive(cloud: Cloud, uri: str) -> dict[str, bytes]:
    """The files of a .tar.gz on S3."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = cloud.simulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    with tempfile.TemporaryFile() as file:
        file.write(body.read())
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as tar:
            return {member.name: content.read() for member in tar if (content := tar.extractfile(member)) is not None}


def changed(spec: Mapping[str, Any], *changes: Mapping[str, Any]) -> Json:
    """Merge changes into a spec; None takes a field out."""
    result = copy.deepcopy(dict(spec))
    for change in changes:
        for key, value in change.items():
            if value is None:
                result.pop(key, None)
            elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
                result[key] = changed(result[key], value)
            else:
                result[key] = copy.deepcopy(value)
    return result
