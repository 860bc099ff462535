"""Whole pipelines on the node: each step of a run of `support.kfp_runner` is a pod there.

Outputs pass from step to step through the folder that stands for the pipeline root's bucket, which each pod has at the
path that it has on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from support.kfp_runner import Place, Pod

from node.custom_objects import Json
from node.pipeline_steps import Steps, manifest

_FROM_THE_PLACE = ("RUNNER_S3", "TMPDIR", "_KFP_RUNTIME")


class PlaceOnNode(Place):
    """Where runs are whose pods have an image of their own."""

    def pod_environment(self, temporary: Path) -> dict[str, str]:
        """What a pod has beside the variables of its image."""
        given = super().pod_environment(temporary)
        return {
            **{name: given[name] for name in _FROM_THE_PLACE},
            "PYTHONPATH": f"/app:{given['PYTHONPATH']}",
            **self.environment,
        }


class PodsOnNode:
    """Runs steps as pods of the node.

    Args:
        steps: their namespace, rights and image.
        place: where the run is.
    """

    def __init__(self, steps: Steps, place: PlaceOnNode) -> None:
        self._steps = steps
        self._place = place

    def __call__(
        self, pod: Pod, command: Sequence[str], environment: Mapping[str, str], *, started: Callable[[Pod], None]
    ) -> int:
        """Run a pod until it has ended or is gone; 0 if it ended well."""
        node, namespace = self._steps.node, self._steps.namespace
        node.apply(self._manifest(pod, command, environment), namespace=namespace)
        started(pod)
        phase = self._steps.wait(pod.name)
        # What a pod has printed goes with it.
        pod.log.write_text(self._steps.log(pod.name) if phase else "")
        return 0 if phase == "Succeeded" else 1

    def _manifest(self, pod: Pod, command: Sequence[str], environment: Mapping[str, str]) -> Json:
        directory = str(self._place.directory)
        uid = {"name": "KFP_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
        given = {name: value for name, value in environment.items() if name != "KFP_POD_UID"}
        main = {
            "name": "main",
            "image": self._steps.image,
            "command": list(command),
            "env": [uid, *({"name": name, "value": value} for name, value in given.items())],
            "volumeMounts": [{"name": "run", "mountPath": directory}],
            # The folder is the tests', who are root.
            "securityContext": {"runAsUser": 0},
        }
        return manifest(
            pod.name,
            labels=pod.labels,
            annotations=pod.annotations,
            containers=[main],
            volumes=[{"name": "run", "hostPath": {"path": directory}}],
        )
