"""A compiled pipeline, as it is submitted: the pipeline's specification, and that of the platform."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler

Spec = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """A pipeline in its intermediate representation.

    Attributes:
        name: the pipeline's.
        root: the root component.
        components: by name.
        executors: the containers, by label.
        platform: what Kubernetes is told beside them, by label.
    """

    name: str
    root: Spec
    components: Mapping[str, Spec]
    executors: Mapping[str, Spec]
    platform: Mapping[str, Spec]

    @classmethod
    def load(cls, file: Path) -> Compiled:
        """Read what the compiler has written."""
        pipeline, *further = yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader)
        platforms = further[0]["platforms"] if further else {}
        return cls(
            name=pipeline["pipelineInfo"]["name"],
            root=pipeline["root"],
            components=pipeline.get("components", {}),
            executors=pipeline["deploymentSpec"]["executors"],
            platform=platforms.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {}),
        )

    @classmethod
    def of(cls, pipeline: Callable[..., Any], directory: Path) -> Compiled:
        """Compile a pipeline, and read what was written."""
        file = directory / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(file))
        return cls.load(file)

    def with_retries(self, number: int) -> Compiled:
        """The same, where each container has so many retries."""
        components, root = copy.deepcopy(dict(self.components)), copy.deepcopy(dict(self.root))
        for component in [root, *components.values()]:
            for task in component.get("dag", {}).get("tasks", {}).values():
                if "executorLabel" in components[task["componentRef"]["name"]]:
                    task["retryPolicy"] = {"maxRetryCount": number}
        return replace(self, root=root, components=components)

    def container(self, component: Spec) -> Spec:
        """The container that a component runs."""
        container: Spec = self.executors[component["executorLabel"]]["container"]
        return container

    def platform_of(self, component: Spec) -> Spec:
        """What Kubernetes is told of a component's pod."""
        return self.platform.get(component["executorLabel"], {})


def parameters_of(component: Spec) -> Mapping[str, Spec]:
    """A component's input parameters."""
    return component.get("inputDefinitions", {}).get("parameters", {})


def outputs_of(component: Spec) -> tuple[Mapping[str, Spec], Mapping[str, Spec]]:
    """A component's output parameters and artifacts."""
    outputs = component.get("outputDefinitions", {})
    return outputs.get("parameters", {}), outputs.get("artifacts", {})
