"""Pods whose component runs in the test's own process, by kfp's executor."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kfp.dsl.executor import Executor
from support.kfp_runner import Pod


class Scripted:
    """Runs components, and remembers the pods.

    Args:
        *components: those that pipelines may have.
    """

    def __init__(self, *components: Any) -> None:
        self._functions = {component.python_func.__name__: component.python_func for component in components}
        self.pods: list[Pod] = []
        self.environments: list[Mapping[str, str]] = []

    def __call__(
        self, pod: Pod, command: Sequence[str], environment: Mapping[str, str], *, started: Callable[[Pod], None]
    ) -> int:
        self.pods.append(pod)
        self.environments.append(environment)
        pod.log.touch()
        started(pod)
        told = json.loads(command[command.index("--executor_input") + 1])
        function = self._functions[command[command.index("--function_to_execute") + 1]]
        try:
            Executor(executor_input=told, function_to_execute=function).execute()
        except Exception as error:  # noqa: BLE001 - a step ends so, whatever it was
            pod.log.write_text(f"{error}\n")
            return 1
        return 0

    @property
    def tasks(self) -> list[str]:
        """The paths of the tasks whose pods ran, in order."""
        return [pod.task for pod in self.pods]
