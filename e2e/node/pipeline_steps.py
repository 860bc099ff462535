"""Steps of compiled pipelines as pods of the node.

What a step is told, and what its last words give on, is the runner's (`support.kfp_runner`), and where it is placed
`support.kfp_driver`'s. Here a pod is made of it.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp import dsl
from support.kfp_driver import Step, resolve
from support.kfp_runner import Compiled, Place, launcher
from support.kfp_runner.inputs import Facts, Scope, of_root, of_task
from support.kfp_runner.pods import fields
from support.kfp_runner.records import Outputs

from node.custom_objects import Json
from node.node import Node

ACCOUNT = "pipeline-runner"

_ENDED = ("Succeeded", "Failed", "")

# A pod has the bucket of the pipeline root at /s3, as the launcher puts it there; here that goes with the pod.
_IN_THE_POD = Place(directory=Path("/"))
_TEMPORARY = Path("/tmp")
# Nothing of that outlives the pod. So a step's last words are what its container leaves to say, in a folder of its own:
# the node makes it, and only that file in it is the step's.
_LAST_WORDS = "/outputs/output_metadata.json"


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
            return cls(compiled=Compiled.of(dsl.pipeline(name="on-the-node")(body), Path(directory)))

    @property
    def name(self) -> str:
        """The task's name."""
        [name] = self.compiled.root["dag"]["tasks"]
        return str(name)

    def pod(self, *, image: str, number: int) -> Json:
        """Return the task's pod.

        Args:
            image: What runs it, in place of the one that was compiled.
            number: Which try of the task it is, from 0.
        """
        container, config = self.compiled.container(self._component), self.compiled.platform_of(self._component)
        told = self._told()
        main = {
            "name": "main",
            "image": image,
            "command": launcher.command(container, told, _IN_THE_POD),
            "env": [
                {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields(config).items()
            ],
            "terminationMessagePath": _LAST_WORDS,
        }
        return manifest(
            f"{self.name}-{self.run}-{number}",
            labels={"pipeline/runid": self.run},
            annotations={"workflows.argoproj.io/node-name": f"{self.run}.root.{self.name}.executor({number})"},
            **_placed(main, resolve(self._component, container=container, config=config)),
        )

    def outputs(self, last_words: str) -> Outputs:
        """What the step has given on, by what its container has left to say.

        Raises:
            RefusedError: The launcher would have failed it for that.
        """
        return launcher.read(self._component, self._told(), last_words, run_root=self._root)

    @property
    def _spec(self) -> Mapping[str, Any]:
        task: Mapping[str, Any] = self.compiled.root["dag"]["tasks"][self.name]
        return task

    @property
    def _component(self) -> Mapping[str, Any]:
        return self.compiled.components[self._spec["componentRef"]["name"]]

    @property
    def _root(self) -> str:
        return f"{_IN_THE_POD.root}/{self.compiled.name}/{self.run}"

    def _told(self) -> Json:
        scope = Scope(inputs=of_root(self.compiled.root, {}), outputs={})
        facts = Facts(run_id=self.run, run_name=self.run, display_name=self.run, task=self.name)
        told = launcher.executor_input(
            self._component,
            of_task(self._spec, self._component, scope, facts),
            task_root=f"{self._root}/{self.name}",
            place=_IN_THE_POD,
            temporary=_TEMPORARY,
        )
        return {**told, "outputs": {**told["outputs"], "outputFile": _LAST_WORDS}}


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
        """Wait until it has ended, or is gone; its phase."""
        self.node.wait_for(f"{pod} ends", lambda: self.phase(pod) in _ENDED)
        return self.phase(pod)

    def outputs(self, task: Task, pod: str) -> Outputs:
        """What a task has given on, in a pod of its.

        Raises:
            AssertionError: It failed; with what it printed.
        """
        assert self.wait(pod) == "Succeeded", self.log(pod)
        [status] = self.node.get("pod", pod, namespace=self.namespace)["status"]["containerStatuses"]
        return task.outputs(status["state"]["terminated"]["message"])


def manifest(name: str, *, labels: Mapping[str, str], annotations: Mapping[str, str], **spec: Any) -> Json:
    """Return a pod as Argo makes one of a step."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels), "annotations": dict(annotations)},
        "spec": {"serviceAccountName": ACCOUNT, "restartPolicy": "Never", **spec},
    }


def _placed(main: Json, step: Step) -> Json:
    """What a pod of a container is to be, where the driver lets it run."""
    environment = [{"name": name, "value": value} for name, value in step.pod["environment"].items()]
    volumes = {each["volumeName"]: each for each in step.shared_memory}
    mounts = [{"name": name, "mountPath": each["mountPath"]} for name, each in volumes.items()]
    container = {
        **main,
        "resources": step.pod["resources"],
        "env": [*environment, *main["env"]],
        "volumeMounts": [*mounts, {"name": "bucket", "mountPath": str(_IN_THE_POD.buckets)}],
    }
    return {
        "containers": [container],
        "affinity": step.pod["affinity"],
        "tolerations": step.pod["tolerations"],
        "nodeSelector": step.pod["node_selector"],
        "volumes": [
            *(
                {"name": name, "emptyDir": {"medium": each["medium"], "sizeLimit": each["sizeLimit"]}}
                for name, each in volumes.items()
            ),
            {"name": "bucket", "emptyDir": {}},
        ],
    }
