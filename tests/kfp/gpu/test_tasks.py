"""on_gpu on the steps that pipelines are made of: what was said of them before holds, and inputs of the pipeline."""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl, kubernetes
from sagebridge.core.placement import PlacementSettings, place
from sagebridge_kfp import on_gpu
from sagebridge_kfp.gpu import OnGpuError
from support.kfp_driver import drive

from tests.kfp.gpu.steps import compiled, lightweight, placed, train
from tests.unit.placement.jobs import job

G5 = "ml.g5.12xlarge"


@dsl.component(base_image="python:3.11")
def choose() -> dict:  # type: ignore[type-arg]
    """An output that only a run knows."""
    return {"team": "a"}


@dsl.component(base_image="python:3.11")
def count() -> int:
    """A number that only a run knows."""
    return 4


def test_the_task_comes_back_so_that_calls_can_follow(tmp_path: Path) -> None:
    def body() -> None:
        task = train()
        assert on_gpu(task, instance_type=G5).set_retry(3).set_display_name("Train") is task

    ir, _ = compiled(body, tmp_path)

    assert ir["root"]["dag"]["tasks"]["train"]["retryPolicy"]["maxRetryCount"] == 3


def test_a_function_is_placed_as_a_container_is(tmp_path: Path) -> None:
    function = drive(
        compiled(lambda: on_gpu(lightweight(), instance_type=G5) and None, tmp_path), executor="exec-lightweight"
    )

    assert function == drive(placed(tmp_path, instance_type=G5))


def test_what_else_a_pod_is_told(tmp_path: Path) -> None:
    step = drive(
        placed(
            tmp_path,
            instance_type=G5,
            queue_name="research",
            queue_priority="urgent",
            shared_memory="64Gi",
            timeout_seconds=3600,
            image_pull_secrets=["registry"],
        )
    )

    assert step.labels == {"kueue.x-k8s.io/queue-name": "research", "kueue.x-k8s.io/priority-class": "urgent"}
    assert [each["sizeLimit"] for each in step.shared_memory] == ["64Gi"]
    assert step.active_deadline_seconds == 3600
    assert step.image_pull_secrets == ["registry"]


def test_a_step_of_which_no_more_is_said_waits_in_no_queue_and_for_no_time(tmp_path: Path) -> None:
    step = drive(placed(tmp_path, instance_type=G5))

    assert (step.labels, step.active_deadline_seconds, step.image_pull_secrets) == ({}, 0, [])


def test_a_manifests_block_brings_its_queue_and_its_secrets(tmp_path: Path) -> None:
    block = {"instanceTypes": ["g5.12xlarge"], "queueName": "research", "imagePullSecrets": [{"name": "registry"}]}
    step = drive(placed(tmp_path, cluster=block, image_pull_secrets=["mirror"]))

    assert step.labels == {"kueue.x-k8s.io/queue-name": "research"}
    assert step.image_pull_secrets == ["mirror", "registry"]


def test_what_the_task_was_given_before_holds(tmp_path: Path) -> None:
    def body() -> None:
        task = train().set_cpu_request("2.5").set_memory_limit("16Gi").set_env_variable("NCCL_SOCKET_IFNAME", "eth1")
        task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)
        kubernetes.add_node_selector(task, "team", "a")
        kubernetes.add_toleration(task, key="team", operator="Exists")
        on_gpu(task, instance_type=G5)

    step = drive(compiled(body, tmp_path))
    resources = {"requests": {"cpu": "2.5"}, "limits": {"memory": "16Gi", "nvidia.com/gpu": "1"}}
    operator = place(job(G5, resources=resources, nodeSelector={"team": "a"}))

    assert step.pod["resources"] == operator.resources
    assert step.pod["node_selector"] == {"team": "a"}
    assert step.pod["tolerations"] == [{"key": "team", "operator": "Exists"}, *operator.tolerations]
    assert step.pod["environment"] == {"NCCL_SOCKET_IFNAME": "eth1"}
    assert step.shared_memory[0]["sizeLimit"] == "8192Mi"


@pytest.mark.parametrize(
    ("given", "requests"),
    [
        ({"cpu": "2500m", "memory": "8Gi"}, {"cpu": "2500m", "memory": "8Gi"}),
        ({"cpu": 1.5, "memory": "1.5Gi"}, {"cpu": "1.5", "memory": str(3 * 2**29)}),
        ({"cpu": "2e0", "memory": "8000000k"}, {"cpu": "2", "memory": "8000000000"}),
        ({"cpu": "1.0001", "memory": "1Ti"}, {"cpu": "1.0001", "memory": "1Ti"}),
    ],
)
def test_quantities_of_every_form_reach_the_pod(given: Any, requests: dict[str, str], tmp_path: Path) -> None:
    step = drive(placed(tmp_path, instance_type="ml.p5.48xlarge", resources={"requests": given}))

    assert {name: step.pod["resources"]["requests"][name] for name in requests} == requests


def test_the_operators_settings_hold_where_pipelines_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEBRIDGE_CLUSTER_DAEMONS_MILLICORES", "1500")
    monkeypatch.setenv("SAGEBRIDGE_CLUSTER_DAEMONS_MEBIBYTES", "4096")
    monkeypatch.setenv("SAGEBRIDGE_CLUSTER_TOLERATIONS", '[{"key": "dedicated", "operator": "Exists"}]')
    step = drive(placed(tmp_path, instance_type=G5))
    settings = PlacementSettings(
        daemons_millicores=1500,
        daemons_mebibytes=4096,
        tolerations=({"key": "dedicated", "operator": "Exists"},),
    )
    operator = place(job(G5, settings=settings))

    assert step.pod["resources"] == operator.resources
    assert step.pod["tolerations"] == list(operator.tolerations)


def test_steps_of_one_component_keep_their_places_apart(tmp_path: Path) -> None:
    def body() -> None:
        on_gpu(train(), instance_type=G5, spot="Require")
        on_gpu(train(), instance_type=G5)
        train()

    pipeline = compiled(body, tmp_path)

    assert drive(pipeline).pod["affinity"] == place(job(G5, spot="Require")).affinity
    assert drive(pipeline, executor="exec-train-2").pod["affinity"] == place(job(G5)).affinity
    assert "resources" not in pipeline[0]["deploymentSpec"]["executors"]["exec-train-3"]["container"]


def test_steps_within_loops_and_conditions(tmp_path: Path) -> None:
    def body(taints: list = [], accurate: bool = True) -> None:  # type: ignore[type-arg]  # noqa: B006
        with dsl.ParallelFor([{"team": "a"}, {"team": "b"}]) as labels:
            on_gpu(train(), instance_type=G5, node_selector=labels)
            with dsl.If(accurate == True):  # noqa: E712
                on_gpu(train(), instance_type="ml.p4d.24xlarge", tolerations=taints)

    pipeline = compiled(body, tmp_path)
    in_loop = drive(pipeline, inputs={"pipelinechannel--loop-item-param-1": {"team": "b"}})
    taint = {"key": "team", "operator": "Exists"}
    in_condition = drive(pipeline, executor="exec-train-2", inputs={"pipelinechannel--taints": [taint]})

    assert in_loop.pod["node_selector"] == {"team": "b"}
    assert in_loop.pod["affinity"] == place(job(G5)).affinity
    assert in_condition.pod["tolerations"] == [*place(job("ml.p4d.24xlarge")).tolerations, taint]


def test_what_kubeflow_pipelines_takes_from_inputs_and_from_other_steps(tmp_path: Path) -> None:
    def body(labels: dict = {}, taint: dict = {}, secret: str = "") -> None:  # type: ignore[type-arg]  # noqa: B006
        on_gpu(train(), instance_type=G5, node_selector=labels, tolerations=taint, image_pull_secrets=[secret])
        on_gpu(train(), instance_type=G5, node_selector=choose().output)

    pipeline = compiled(body, tmp_path)
    taint = {"key": "team", "operator": "Exists"}
    first = drive(pipeline, inputs={"labels": {"zone": "a"}, "taint": taint, "secret": "registry"})
    second = drive(pipeline, executor="exec-train-2", inputs={"choose.Output": {"team": "a"}})

    assert first.pod["node_selector"] == {"zone": "a"}
    assert first.pod["tolerations"][-1] == taint
    assert first.image_pull_secrets == ["registry"]
    assert second.pod["node_selector"] == {"team": "a"}
    assert pipeline[0]["root"]["dag"]["tasks"]["train-2"]["dependentTasks"] == ["choose"]


@pytest.mark.parametrize(
    ("argument", "arguments"),
    [
        ("instance_type", lambda given: {"instance_type": given}),
        ("instance_type", lambda given: {"instance_type": [G5, given]}),
        ("instance_type", lambda given: {"instance_type": f"ml.{given}"}),
        ("gpu", lambda given: {"gpu": given}),
        ("gpu", lambda given: {"gpu": {"count": given}}),
        ("spot", lambda given: {"spot": given}),
        ("queue_name", lambda given: {"queue_name": given}),
        ("queue_priority", lambda given: {"queue_name": "research", "queue_priority": given}),
        ("shared_memory", lambda given: {"shared_memory": given}),
        ("timeout_seconds", lambda given: {"timeout_seconds": given}),
        ("node_selector", lambda given: {"node_selector": {"team": given}}),
        ("tolerations", lambda given: {"tolerations": [{"key": given}]}),
        ("affinity", lambda given: {"affinity": given}),
        ("resources", lambda given: {"resources": {"limits": {"memory": given}}}),
        ("cluster", lambda given: {"cluster": {"gpu": {"count": given}}}),
    ],
)
def test_what_must_be_known_when_the_pipeline_is_compiled(argument: str, arguments: Any, tmp_path: Path) -> None:
    def of_input(given: str = "x") -> None:
        on_gpu(train(), **{"instance_type": G5, **arguments(given)})

    def of_output() -> None:
        on_gpu(train(), **{"instance_type": G5, **arguments(count().output)})

    for body in (of_input, of_output):
        with pytest.raises(OnGpuError, match="known only when the pipeline runs") as error:
            compiled(body, tmp_path)
        assert error.value.argument == argument


def test_resources_of_the_task_that_only_a_run_knows(tmp_path: Path) -> None:
    def body(memory: str = "8Gi") -> None:
        on_gpu(train().set_memory_limit(memory), instance_type=G5)

    with pytest.raises(OnGpuError, match="known only when the pipeline runs") as error:
        compiled(body, tmp_path)

    assert error.value.argument == "resources.limits.memory"


def test_inputs_of_a_type_that_the_driver_does_not_understand(tmp_path: Path) -> None:
    def body(text: str = "", names: list = []) -> None:  # type: ignore[type-arg]  # noqa: B006
        with pytest.raises(OnGpuError, match="node_selector: names must be a dict, and is a List"):
            on_gpu(train(), instance_type=G5, node_selector=names)
        with pytest.raises(OnGpuError, match="tolerations: text must be a dict or a list, and is a String"):
            on_gpu(train(), instance_type=G5, tolerations=text)

        on_gpu(train(), instance_type=G5)

    compiled(body, tmp_path)


def test_items_of_which_nothing_is_known_before_the_run(tmp_path: Path) -> None:
    def body(nodes: list = []) -> None:  # type: ignore[type-arg]  # noqa: B006
        with dsl.ParallelFor(nodes) as labels:
            on_gpu(train(), instance_type=G5, node_selector=labels)

    step = drive(compiled(body, tmp_path), inputs={"pipelinechannel--nodes-loop-item": {"team": "b"}})

    assert step.pod["node_selector"] == {"team": "b"}


def test_labels_beside_those_of_an_input_would_be_overlooked(tmp_path: Path) -> None:
    def body(labels: dict = {}) -> None:  # type: ignore[type-arg]  # noqa: B006
        for before in (
            lambda task: kubernetes.add_node_selector(task, "team", "a"),
            lambda task: kubernetes.add_node_selector_json(task, labels),
        ):
            with pytest.raises(OnGpuError, match="takes no other beside it"):
                on_gpu(before(train()), instance_type=G5, node_selector=labels)
        with pytest.raises(OnGpuError, match="takes no other beside it"):
            on_gpu(kubernetes.add_node_selector_json(train(), labels), instance_type=G5, node_selector={"team": "a"})
        on_gpu(kubernetes.add_node_selector_json(train(), labels), instance_type=G5)

    step = drive(compiled(body, tmp_path), executor="exec-train-4", inputs={"labels": {"zone": "a"}})

    assert step.pod["node_selector"] == {"zone": "a"}
