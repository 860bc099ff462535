"""ProcessingJobs of the tests: the example's, changed, with its code in place and outputs of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from node.code import ROOT
from node.custom_objects import CustomObjects, Json
from node.jobs import SMALL, changed
from node.operator import Cloud
from node.training_image import training_image
from node.transforms import BUCKET, objects

EXAMPLE = ROOT / "examples" / "cluster" / "processing.yaml"
SCRIPT = "split.py"
OUTPUTS = ("out", "rest", "progress")
ENDS = ("Completed", "JobFailed", "JobStopped", "InvalidSpec")
ALONE = {"processingResources": {"clusterConfig": {"instanceCount": 1}}}

# It comes to its end when it is told to, with all it has to give.
PATIENT = """
import pathlib, signal, sys, threading

root = pathlib.Path("/opt/ml/processing/output")
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
(root / "out" / "result.txt").write_text("half of it")
(root / "progress" / "state.txt").write_text("begun")
print("begun", flush=True)
told.wait()
(root / "out" / "result.txt").write_text("all of it")
(root / "progress" / "state.txt").write_text("told to end")
pathlib.Path("/opt/ml/output/message").write_text("ended when told to")
"""


class Processing(CustomObjects):
    """The ProcessingJobs of one namespace."""

    resource = "processingjobs.sagebridge.io"

    def put_code(self, source: str | None = None) -> None:
        """Make the ConfigMap with the example's script, or another."""
        code, _ = _example()
        data = code["data"] if source is None else {SCRIPT: source}
        self.node.apply({**code, "data": data}, namespace=self.namespace)

    def apply(self, name: str, *changes: Mapping[str, Any]) -> None:
        """Apply the example with another name, as small as this node is, and with changes to its spec."""
        _, manifest = _example()
        manifest["metadata"]["name"] = name
        spec = manifest["spec"]
        for each in spec["processingOutputConfig"]["outputs"]:
            each["s3Output"]["s3Uri"] = f"s3://{BUCKET}/{self.place(name)}/{each['outputName']}"
        # The node is a g4dn.12xlarge, as far as the scheduler can tell (`be_a_gpu_node`).
        where = {"instanceTypes": ["g4dn.12xlarge"], "gpu": {"count": 0}, "resources": SMALL}
        manifest["spec"] = changed(spec, {"cluster": {"image": training_image().name, **where}}, *changes)
        self.node.apply(manifest, namespace=self.namespace)

    def place(self, name: str) -> str:
        """The prefix in the cloud's bucket below which each output has a place by its name."""
        return f"processing/{self.namespace}/{name}"

    def written(self, cloud: Cloud, name: str) -> dict[str, dict[str, bytes]]:
        """What a job has written, by output and by what follows its place."""
        return {output: objects(cloud, f"{self.place(name)}/{output}") for output in OUTPUTS}

    def begin(self, name: str, *changes: Mapping[str, Any]) -> None:
        """Apply a job on one pod that goes on until it is told to end, and wait until it has begun."""
        self.put_code(PATIENT)
        self.apply(name, ALONE, *changes)
        self.wait_begun(name)

    def wait_begun(self, name: str) -> None:
        """Wait until the script of its last attempt has begun."""

        def begun(status: Json) -> bool:
            pods = f"{self.selector(name)},sagebridge.io/attempt={len(status.get('attempts', []))}"
            return "begun" in self.kubectl("logs", f"--selector={pods}", "--container=process", "--ignore-errors")

        self.wait(name, begun, what="it has begun")

    def end_script(self) -> None:
        """Tell the scripts that run on the node to end, and nothing else of their pods."""
        self.node.run("pkill", "-TERM", "-f", f"python3 {SCRIPT}")

    def has_ended(self, name: str) -> bool:
        """Whether the container of its only pod has."""
        [pod] = self.pods_with(self.selector(name))
        return any(
            each["name"] == "process" and "terminated" in each["state"] for each in pod["status"]["containerStatuses"]
        )

    def pods(self) -> list[Json]:
        """The namespace's pods that have not ended."""
        return [pod for pod in self.pods_with("") if pod["status"].get("phase") in ("Pending", "Running")]

    def log(self, status: Mapping[str, Any]) -> str:
        """What its status points to as its log."""
        where = (f"--selector={status['logs']['podSelector']}", f"--container={status['logs']['container']}")
        return self.kubectl("logs", *where, "--tail=-1")


def _example() -> tuple[Json, Json]:
    code, manifest = yaml.safe_load_all(EXAMPLE.read_text())
    return code, manifest
