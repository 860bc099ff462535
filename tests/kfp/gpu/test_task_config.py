"""A component that starts something of its own gets the placement in its TaskConfig."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import TaskConfigField, TaskConfigPassthrough
from sagebridge.core.placement import place
from sagebridge_kfp import on_gpu
from sagebridge_kfp.gpu import OnGpuError
from support.kfp_driver import FIELDS, Step, drive

from tests.kfp.gpu.steps import compiled
from tests.unit.placement.jobs import job

P5 = "ml.p5.48xlarge"
ALL = [
    TaskConfigField.RESOURCES,
    TaskConfigField.KUBERNETES_AFFINITY,
    TaskConfigField.KUBERNETES_TOLERATIONS,
    TaskConfigField.KUBERNETES_NODE_SELECTOR,
    TaskConfigPassthrough(field=TaskConfigField.ENV, apply_to_task=True),
]
Component = Callable[..., dsl.PipelineTask]


def launching(*passthroughs: Any) -> Component:
    """A component that starts something with what its task was given."""

    @dsl.component(base_image="python:3.11", task_config_passthroughs=list(passthroughs) or None)
    def train(task_config: dsl.TaskConfig) -> str:
        return str(task_config.affinity)

    return train  # type: ignore[no-any-return]


def step(component: Component, path: Path, **arguments: Any) -> Step:
    def body() -> None:
        on_gpu(component(), **{"instance_type": P5, **arguments})

    return drive(compiled(body, path))


def test_the_whole_placement_is_handed_on(tmp_path: Path) -> None:
    found = step(launching(*ALL), tmp_path, spot="Prefer", node_selector={"team": "a"})
    operator = place(job(P5, spot="Prefer", nodeSelector={"team": "a"}))

    assert found.task_config == {
        "resources": operator.resources,
        "affinity": operator.affinity,
        "tolerations": list(operator.tolerations),
        "node_selector": {"team": "a"},
        "environment": operator.environment,
    }


def test_the_steps_own_pod_asks_for_none_of_it(tmp_path: Path) -> None:
    found = step(launching(*ALL), tmp_path)

    assert set(found.pod) == {"environment"}
    assert found.shared_memory == []


def test_a_pod_that_has_the_resources_too_has_its_shared_memory(tmp_path: Path) -> None:
    both = TaskConfigPassthrough(field=TaskConfigField.RESOURCES, apply_to_task=True)
    found = step(launching(both, *ALL[1:]), tmp_path, queue_name="research")

    assert found.pod["resources"] == found.task_config["resources"] == place(job(P5)).resources
    assert [each["mountPath"] for each in found.shared_memory] == ["/dev/shm"]
    assert found.labels == {"kueue.x-k8s.io/queue-name": "research"}


def test_a_component_that_hands_nothing_on_is_placed_itself(tmp_path: Path) -> None:
    found = step(launching(), tmp_path)

    assert set(found.pod) == set(FIELDS)
    assert found.task_config == {}


@pytest.mark.parametrize(
    ("left", "missing", "arguments"),
    [
        (ALL[1:], "RESOURCES", {}),
        ([ALL[0], *ALL[2:]], "KUBERNETES_AFFINITY", {}),
        (ALL[:2] + ALL[3:], "KUBERNETES_TOLERATIONS", {}),
        (ALL[:3] + ALL[4:], "KUBERNETES_NODE_SELECTOR", {"node_selector": {"team": "a"}}),
        (ALL[:4], "ENV", {}),
        (ALL[:1], "KUBERNETES_AFFINITY, KUBERNETES_TOLERATIONS, ENV", {}),
    ],
)
def test_a_part_of_a_placement_is_not_handed_on(
    left: list[Any], missing: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(OnGpuError, match=f"only a part of the placement: add {missing} to its"):
        step(launching(*left), tmp_path, **arguments)


def test_a_selector_that_is_not_given_need_not_be_handed_on(tmp_path: Path) -> None:
    assert "node_selector" not in step(launching(*ALL[:3], ALL[4]), tmp_path).task_config


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"shared_memory": "1Gi"}, "shared_memory: Kubeflow Pipelines hands on no emptyDir"),
        ({"queue_name": "research"}, "queue_name: the step's own pod asks for no accelerators"),
        ({"cluster": {"queueName": "research"}}, "queue_name: the step's own pod asks for no accelerators"),
    ],
)
def test_what_only_the_steps_own_pod_could_have(arguments: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(OnGpuError, match=says):
        step(launching(*ALL), tmp_path, **arguments)


def test_the_intermediate_representation_says_what_is_handed_on(tmp_path: Path) -> None:
    component = launching(*ALL)
    ir, _ = compiled(lambda: on_gpu(component(), instance_type=P5) and None, tmp_path)

    assert ir["components"]["comp-train"]["inputDefinitions"]["parameters"]["task_config"]["parameterType"] == (
        "TASK_CONFIG"
    )
    assert [each["field"] for each in ir["components"]["comp-train"]["taskConfigPassthroughs"]] == [
        "RESOURCES",
        "KUBERNETES_AFFINITY",
        "KUBERNETES_TOLERATIONS",
        "KUBERNETES_NODE_SELECTOR",
        "ENV",
    ]
