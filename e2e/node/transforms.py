"""BatchTransforms of the tests: the example's, with a model that the test makes, and objects to be read."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import yaml
from sklearn.datasets import load_digits

from node.code import ROOT
from node.custom_objects import CustomObjects, Json
from node.jobs import SMALL, be_a_gpu_node, changed
from node.node import Node
from node.operator import Cloud
from node.serving_image import IMAGE, serving_image

EXAMPLE = ROOT / "examples" / "cluster" / "transform.yaml"
BUCKET = "sagebridge-local"


def serving(node: Node, namespace: str) -> Transforms:
    """The BatchTransforms of a namespace, on a node that has GPUs and the image that serves."""
    be_a_gpu_node(node)
    node.load(serving_image())
    return Transforms(node, namespace)


def put_model(cloud: Cloud, key: str, *, broken: bool = False) -> str:
    """Put a model that reads digits, or an archive without one, into the cloud's bucket; its URI."""
    pixels, labels = load_digits(return_X_y=True)
    inputs = np.hstack([pixels / 16.0, np.ones((len(pixels), 1))])
    weights, *_ = np.linalg.lstsq(inputs, np.eye(10)[labels], rcond=None)
    content = io.BytesIO()
    np.savez(content, weights=weights)
    return put(cloud, key, _archive("nothing.txt" if broken else "model.npz", content.getvalue()))


def put_inputs(cloud: Cloud, prefix: str, *, objects: int, rows: int) -> str:
    """Put objects with some labelled digits each below a prefix; the prefix's URI."""
    pixels, labels = load_digits(return_X_y=True)
    table = np.column_stack([labels, pixels]).astype(int)
    for number in range(objects):
        lines = table[number * rows : (number + 1) * rows]
        text = "".join(",".join(map(str, line)) + "\n" for line in lines)
        put(cloud, f"{prefix}/part-{number}.csv", text.encode())
    return f"s3://{BUCKET}/{prefix}/"


def put(cloud: Cloud, key: str, body: bytes) -> str:
    """Make an object; its URI."""
    cloud.simulator.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def objects(cloud: Cloud, prefix: str) -> dict[str, bytes]:
    """The objects below a prefix, by what follows it."""
    s3 = cloud.simulator.client("s3")
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/").get("Contents", [])
    return {
        item["Key"].removeprefix(f"{prefix}/"): s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        for item in found
    }


class Transforms(CustomObjects):
    """The BatchTransforms of one namespace."""

    resource = "batchtransforms.sagebridge.io"

    def apply(self, name: str, *changes: Mapping[str, Any], model: str, source: str, output: str) -> None:
        """Apply the example with another name, model and places, and with changes to its spec."""
        manifest = yaml.safe_load(EXAMPLE.read_text())
        manifest["metadata"]["name"] = name
        places: Json = {
            "modelRef": None,
            "model": {"primaryContainer": {"image": IMAGE, "modelDataUrl": model}},
            "cluster": {"image": None, "resources": SMALL, "gpu": {"count": 1}},
            "transformInput": {"dataSource": {"s3DataSource": {"s3Uri": source}}},
            "transformOutput": {"s3OutputPath": output},
            "transformResources": {"instanceType": "ml.g4dn.12xlarge"},
        }
        manifest["spec"] = changed(manifest["spec"], places, *changes)
        self.node.apply(manifest, namespace=self.namespace)

    def pods(self) -> list[Json]:
        """The namespace's pods that have not ended."""
        return [pod for pod in self.pods_with("") if pod["status"].get("phase") in ("Pending", "Running")]

    def wait_serving(self, name: str, *, pods: int) -> None:
        """Wait until so many agents are at work."""
        self.wait(name, lambda _: sum(map(_is_at_work, self.pods())) == pods, what=f"{pods} agents are at work")

    def log(self, status: Mapping[str, Any]) -> str:
        """What its status points to as its log."""
        where = (f"--selector={status['logs']['podSelector']}", f"--container={status['logs']['container']}")
        return self.kubectl("logs", *where, "--tail=-1")


def _is_at_work(pod: Json) -> bool:
    statuses = pod["status"].get("containerStatuses") or []
    return any("running" in one["state"] for one in statuses if one["name"] == "agent")


def _archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
