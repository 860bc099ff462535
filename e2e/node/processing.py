"""ProcessingJobs of the tests: the example's, changed, with its code in place and outputs of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from node.code import ROOT
from node.custom_objects import CustomObjects, Json
from node.jobs import SMALL, changed
from node.training_image import training_image

EXAMPLE = ROOT / "examples" / "cluster" / "processing.yaml"
SCRIPT = "split.py"
OUTPUTS = ("out", "rest", "progress")


class Processing(CustomObjects):
    """The ProcessingJobs of one namespace."""

    resource = "processingjobs.sagebridge.io"

    def put_code(self, source: str | None = None) -> None:
        """Make the ConfigMap with the example's script, or another."""
        code, _ = _example()
        data = code["data"] if source is None else {SCRIPT: source}
        self.node.apply({**code, "data": data}, namespace=self.namespace)

    def apply(self, name: str, *changes: Mapping[str, Any], output: str) -> None:
        """Apply the example with another name, as small as this node is, and with changes to its spec.

        Args:
            name: The object's.
            *changes: Merged into the spec; None takes a field out.
            output: The s3:// prefix below which each output has a place by its name.
        """
        _, manifest = _example()
        manifest["metadata"]["name"] = name
        spec = manifest["spec"]
        for each in spec["processingOutputConfig"]["outputs"]:
            each["s3Output"]["s3Uri"] = f"{output}/{each['outputName']}"
        # The node is a g4dn.12xlarge, as far as the scheduler can tell (`be_a_gpu_node`).
        where = {"instanceTypes": ["g4dn.12xlarge"], "gpu": {"count": 1}, "resources": SMALL}
        manifest["spec"] = changed(spec, {"cluster": {"image": training_image().name, **where}}, *changes)
        self.node.apply(manifest, namespace=self.namespace)

    def pods(self) -> list[Json]:
        """The namespace's pods that have not ended."""
        return [pod for pod in self.pods_with("") if pod["status"].get("phase") in ("Pending", "Running")]

    def log(self, status: Mapping[str, Any]) -> str:
        """What its status points to as its log."""
        where = (f"--selector={status['logs']['podSelector']}", f"--container={status['logs']['container']}")
        return self.kubectl("logs", *where, "--tail=-1")

    def end_script(self) -> None:
        """Send SIGTERM to the scripts that run on the node, and to nothing else of their pods."""
        self.node.run("pkill", "-TERM", "-f", f"python3 {SCRIPT}")


def _example() -> tuple[Json, Json]:
    code, manifest = yaml.safe_load_all(EXAMPLE.read_text())
    return code, manifest
