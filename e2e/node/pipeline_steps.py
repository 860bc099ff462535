"""Steps of compiled pipelines as pods of the node: what the driver and the launcher of Kubeflow Pipelines make of them.

Sources:
    https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/driver.go (initPodSpecPatch)
    https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/component/launcher_v2.go (getPlaceholders)
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl
from support.kfp_driver import Compiled, Step, drive

from node.custom_objects import Json
from node.node import Node

ACCOUNT = "pipeline-runner"

_OUTPUTS = "/outputs"
# Who runs a step in a pod has its outputs on a volume. Here they come back as what a container leaves to say.
_RESULT = f"{_OUTPUTS}/executor_output.json"


@dataclass(frozen=True, kw_only=True)
class Task:
    """The only task of a compiled pipeline, in a run.

    Attributes:
        compiled: The pipeline.
        run: The run's id.
    """

    compiled: Compiled
    run: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def of(cls, body: Callable[[], None]) -> Task:
        """Compile a pipeline of one task, by way of the file that KFP is given."""
        with tempfile.TemporaryDirectory() as directory:
            package = Path(directory) / "pipeline.yaml"
            compiler.Compiler().compile(dsl.pipeline(name="on-the-node")(body), str(package))
            documents = list(yaml.safe_load_all(package.read_text()))
        return cls(compiled=(documents[0], documents[1]))

    @property
    def name(self) -> str:
        """The task's name."""
        [name] = self.compiled[0]["root"]["dag"]["tasks"]
        return str(name)

    def pod(self, *, image: str, number: int) -> Json:
        """Return the task's pod.

        Args:
            image: What runs it, in place of the one that was compiled.
            number: Which try of the task it is, from 0.
        """
        ir, platform = self.compiled
        executor = str(self._component["executorLabel"])
        container = ir["deploymentSpec"]["executors"][executor]["container"]
        fields = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].get(executor, {})
        given = json.dumps(self._executor_input())
        name = f"{self.name}-{self.run}-{number}"
        main = {
            "name": "main",
            "image": image,
            "command": container["command"],
            "args": [given if each == "{{$}}" else each for each in container["args"]],
            "env": [
                *_fields({"KFP_POD_NAME": "metadata.name", "KFP_POD_UID": "metadata.uid"}),
                *_fields({each["name"]: each["fieldPath"] for each in fields.get("fieldPathAsEnv", [])}),
            ],
            "terminationMessagePath": _RESULT,
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "labels": {"pipeline/runid": self.run},
                "annotations": {"workflows.argoproj.io/node-name": f"{self.run}.root.{self.name}.executor({number})"},
            },
            "spec": _placed(main, drive(self.compiled, executor=executor)),
        }

    @property
    def _component(self) -> Mapping[str, Any]:
        ir, _ = self.compiled
        called: str = ir["root"]["dag"]["tasks"][self.name]["componentRef"]["name"]
        component: Mapping[str, Any] = ir["components"][called]
        return component

    def _executor_input(self) -> Json:
        inputs = self._component.get("inputDefinitions", {}).get("parameters", {})
        values = {name: each["defaultValue"] for name, each in inputs.items() if "defaultValue" in each}
        given = self.compiled[0]["root"]["dag"]["tasks"][self.name].get("inputs", {}).get("parameters", {})
        values |= {name: each["runtimeValue"]["constant"] for name, each in given.items()}
        outputs = self._component.get("outputDefinitions", {})
        return {
            "inputs": {"parameterValues": values},
            "outputs": {
                "parameters": {name: {"outputFile": f"/tmp/outputs/{name}"} for name in outputs.get("parameters", {})},
                "artifacts": {
                    name: {
                        "artifacts": [
                            {
                                "name": name,
                                "uri": f"/tmp/artifacts/{self.run}/{self.name}/{name}",
                                "type": each["artifactType"],
                                "metadata": {},
                            }
                        ]
                    }
                    for name, each in outputs.get("artifacts", {}).items()
                },
                "outputFile": _RESULT,
            },
        }


class Steps:
    """The steps of one namespace, under a service account that has what docs/pipelines.md says they need."""

    def __init__(self, node: Node, namespace: str, *, image: str) -> None:
        self.node = node
        self.namespace = namespace
        self.image = image
        self._tries: dict[str, int] = {}
        self.kubectl("create", "serviceaccount", ACCOUNT)
        for role in ("sagebridge-edit", "sagebridge-view"):
            account = f"--serviceaccount={namespace}:{ACCOUNT}"
            self.kubectl("create", "rolebinding", role, f"--clusterrole={role}", account)

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace; what it prints."""
        return self.node.kubectl(*arguments, f"--namespace={self.namespace}")

    def start(self, task: Task) -> str:
        """Start a task, or its next try; its pod's name."""
        number = self._tries[task.run] = self._tries.get(task.run, -1) + 1
        pod = task.pod(image=self.image, number=number)
        self.node.apply(pod, namespace=self.namespace)
        return str(pod["metadata"]["name"])

    def delete(self, pod: str) -> None:
        """Ask for a pod's end, as the end of a run does."""
        self.kubectl("delete", "pod", pod, "--wait=false")

    def phase(self, pod: str) -> str:
        """A pod's phase; empty if it is gone."""
        found = self.kubectl("get", "pod", pod, "--ignore-not-found", "--output=jsonpath={.status.phase}")
        return found.strip()

    def log(self, pod: str) -> str:
        """What it has printed; empty before it runs."""
        return self.kubectl("logs", pod, "--tail=-1", "--ignore-errors")

    def wait(self, pod: str) -> str:
        """Wait until it has ended; its phase."""
        self.node.wait_for(f"{pod} ends", lambda: self.phase(pod) in ("Succeeded", "Failed"))
        return self.phase(pod)

    def outputs(self, pod: str) -> Json:
        """What a step has told when it ended: kfp's ExecutorOutput.

        Raises:
            AssertionError: It failed; with what it printed.
        """
        assert self.wait(pod) == "Succeeded", self.log(pod)
        [status] = self.node.get("pod", pod, namespace=self.namespace)["status"]["containerStatuses"]
        told: Json = json.loads(status["state"]["terminated"]["message"])
        return told


def _fields(paths: Mapping[str, str]) -> list[Json]:
    return [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in paths.items()]


def _placed(main: Json, step: Step) -> Json:
    """What a pod of a container is to be, where the driver lets it run."""
    environment = [{"name": name, "value": value} for name, value in step.pod["environment"].items()]
    mounts = [{"name": each["volumeName"], "mountPath": each["mountPath"]} for each in step.shared_memory]
    resources, own = step.pod["resources"], [*main["env"], *environment]
    return {
        "serviceAccountName": ACCOUNT,
        "restartPolicy": "Never",
        "containers": [{**main, "resources": resources, "env": own, "volumeMounts": mounts}],
        "affinity": step.pod["affinity"],
        "tolerations": step.pod["tolerations"],
        "nodeSelector": step.pod["node_selector"],
        "volumes": [
            {"name": each["volumeName"], "emptyDir": {"medium": each["medium"], "sizeLimit": each["sizeLimit"]}}
            for each in step.shared_memory
        ],
    }
