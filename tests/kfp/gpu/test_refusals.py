"""What a step can't have is refused, with the argument that says it and why; nothing is set on the task."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from kfp import dsl, kubernetes
from sagebridge_kfp import TrainingJobOp, on_gpu, run_on_sagemaker
from sagebridge_kfp.gpu import OnGpuError

from tests.kfp.gpu.steps import lightweight, train

GPU, EFA, ZONE = "nvidia.com/gpu", "vpc.amazonaws.com/efa", "topology.kubernetes.io/zone"
G5, P5 = "ml.g5.12xlarge", "ml.p5.48xlarge"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def as_it_is(task: dsl.PipelineTask) -> None:
    """Nothing was said of the task before."""


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    arguments: dict[str, Any] = field(default_factory=dict)
    type: str | list[str] = G5
    before: Callable[[dsl.PipelineTask], Any] = as_it_is
    argument: str
    says: str


def term(**expression: Any) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}}


OF_PLACEMENT = [
    Case(reason="no type", type="", argument="instance_type", says="such as ml.g5.xlarge"),
    Case(reason="no type in a list", type=[""], argument="instance_type", says="is missing"),
    Case(reason="types that are no texts", type=[5], argument="instance_type", says="list of names"),  # type: ignore[list-item]
    Case(reason="an unknown type", type="ml.g5.13xlarge", argument="instance_type", says="did you mean ml.g5."),
    Case(
        reason="a type without accelerators",
        type="ml.m5.xlarge",
        argument="gpu",
        says="has no accelerators: name a type that has some",
    ),
    Case(
        reason="a GPU of a type without any",
        type="ml.m5.xlarge",
        arguments={"gpu": 1},
        argument="gpu.count",
        says="m5.xlarge has no nvidia.com/gpu",
    ),
    Case(
        reason="more GPUs than the type has",
        arguments={"gpu": 8},
        argument="gpu.count",
        says="g5.12xlarge has 4 GPUs, fewer than the 8 asked for: ml.g5.48xlarge",
    ),
    Case(reason="a negative number", arguments={"gpu": -1}, argument="gpu.count", says="is negative"),
    Case(reason="half a GPU", arguments={"gpu": 0.5}, argument="gpu.count", says="whole number"),
    Case(
        reason="a MIG profile that the GPU lacks",
        type="ml.p4d.24xlarge",
        arguments={"gpu": "nvidia.com/mig-1g.10gb.me"},
        argument="gpu.resourceName",
        says="of p4d.24xlarge has the profiles 1g.5gb, ",
    ),
    Case(
        reason="a shared GPU that was not allowed",
        arguments={"gpu": "nvidia.com/gpu.shared"},
        argument="gpu.resourceName",
        says="gpu.allowShared",
    ),
    Case(
        reason="a number of Trainium devices that no pod can have",
        type="ml.trn1.32xlarge",
        arguments={"gpu": 3},
        argument="gpu.count",
        says="3",
    ),
    Case(
        reason="pods that would differ",
        type=[G5, "ml.g5.48xlarge"],
        argument="instance_type",
        says="g5.12xlarge with 4 GPUs; g5.48xlarge with 8 GPUs",
    ),
    Case(
        reason="a selector that excludes the type",
        arguments={"node_selector": {"node.kubernetes.io/instance-type": "p5.48xlarge"}},
        argument="node_selector.node.kubernetes.io/instance-type",
        says="excludes g5.12xlarge",
    ),
    Case(
        reason="a selector that contradicts spot",
        arguments={"node_selector": {"karpenter.sh/capacity-type": "on-demand"}, "spot": "Require"},
        argument="node_selector.karpenter.sh/capacity-type",
        says="contradicts spot: Require",
    ),
    Case(
        reason="spot as for a job", arguments={"spot": True}, argument="spot", says="must be Avoid, Prefer or Require"
    ),
    Case(reason="another word for spot", arguments={"spot": "Always"}, argument="spot", says="not one of Require"),
    Case(
        reason="more memory than a node gives",
        arguments={"resources": {"requests": {"memory": "500Gi"}}},
        argument="resources.requests.memory",
        says="is more than the",
    ),
    Case(
        reason="more EFA than the type has",
        arguments={"resources": {"limits": {EFA: 8}}},
        argument=f"resources.limits.{EFA}",
        says="g5.12xlarge has 1 EFA interface, 8 asked for",
    ),
]

OF_PIPELINES = [
    Case(
        reason="two kinds of devices",
        type=P5,
        arguments={"resources": {"limits": {EFA: 32}}},
        argument=f"resources.{EFA}",
        says="one kind of device, and it has nvidia.com/gpu: remove it, or make it a TrainingJob with target: Cluster",
    ),
    Case(
        reason="a device beside the GPUs",
        arguments={"resources": {"limits": {"example.com/fpga": 1}}},
        argument="resources.example.com/fpga",
        says="one kind of device",
    ),
    Case(
        reason="huge pages",
        arguments={"resources": {"limits": {"hugepages-2Mi": "64Mi"}}},
        argument="resources.hugepages-2Mi",
        says="processors, memory and one kind of device only",
    ),
    Case(
        reason="room on the node's disk",
        arguments={"resources": {"requests": {"ephemeral-storage": "10Gi"}}},
        argument="resources.ephemeral-storage",
        says="processors, memory and one kind of device only",
    ),
    *(
        Case(
            reason=f"{name} of a manifest", arguments={"cluster": {name: value}}, argument=f"cluster.{name}", says=says
        )
        for name, value, says in [
            ("topologyKey", ZONE, "a step is one pod"),
            ("priorityClassName", "urgent", "queue_priority names a WorkloadPriorityClass"),
            ("runtimeClassName", "nvidia", "RuntimeClass"),
            ("serviceAccountName", "training", "the run's service account"),
            ("image", "train:2", "base_image"),
            ("engine", "JobSet", "made by Kubeflow Pipelines"),
            ("zone", "a", "is no field of spec.cluster"),
        ]
    ),
    Case(
        reason="affinity between pods",
        arguments={"affinity": {"podAffinity": {REQUIRED: [{"topologyKey": ZONE}]}}},
        argument="affinity.podAffinity",
        says="no affinity between pods",
    ),
    Case(
        reason="pods apart",
        arguments={"affinity": {"podAntiAffinity": {REQUIRED: [{"topologyKey": ZONE}]}}},
        argument="affinity.podAntiAffinity",
        says="no affinity between pods",
    ),
]

OF_FORM = [
    Case(
        reason="a field of gpu that is none",
        arguments={"gpu": {"resource_name": GPU}},
        argument="gpu.resource_name",
        says="there are count, product, resourceName, allowShared",
    ),
    Case(
        reason="a field of resources that is none",
        arguments={"resources": {"request": {"cpu": 1}}},
        argument="resources.request",
        says="there are requests, limits",
    ),
    Case(
        reason="an operator that Kubernetes lacks",
        arguments={"affinity": term(key="team", operator="Is", values=["a"])},
        argument="affinity.nodeAffinity." + REQUIRED + ".nodeSelectorTerms[0].matchExpressions[0].operator",
        says="must be one of In, NotIn",
    ),
    Case(
        reason="an expression without a label",
        arguments={"affinity": term(operator="Exists")},
        argument="affinity.nodeAffinity." + REQUIRED + ".nodeSelectorTerms[0].matchExpressions[0].key",
        says="is missing",
    ),
    Case(
        reason="values that are no texts",
        arguments={"affinity": term(key="team", operator="In", values=[1])},
        argument="affinity.nodeAffinity." + REQUIRED + ".nodeSelectorTerms[0].matchExpressions[0].values",
        says="list of texts",
    ),
    Case(
        reason="a term that selects nothing",
        arguments={"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{}]}}}},
        argument="affinity.nodeAffinity." + REQUIRED + ".nodeSelectorTerms[0].matchExpressions",
        says="selects no node",
    ),
    Case(
        reason="a preference without a weight",
        arguments={"affinity": {"nodeAffinity": {PREFERRED: [{"preference": {"matchExpressions": []}}]}}},
        argument="affinity.nodeAffinity." + PREFERRED + "[0].weight",
        says="from 1 to 100",
    ),
    Case(
        reason="an effect that no taint has",
        arguments={"tolerations": [{"key": "team", "effect": "Never"}]},
        argument="tolerations[0].effect",
        says="Never is not one of NoSchedule",
    ),
    Case(
        reason="a field that no toleration has",
        arguments={"tolerations": [{"key": "team", "toleration_seconds": 3}]},
        argument="tolerations[0].toleration_seconds",
        says="tolerationSeconds",
    ),
    Case(
        reason="a queue whose name no label can have",
        arguments={"queue_name": "team/a"},
        argument="queue_name",
        says="is no label's value",
    ),
    Case(
        reason="a priority without a queue", arguments={"queue_priority": "x"}, argument="queue_priority", says="needs"
    ),
    Case(
        reason="more shared memory than memory",
        arguments={"shared_memory": "1Ti"},
        argument="shared_memory",
        says="1Ti must be more than 0 and at most 172376Mi",
    ),
    Case(reason="no shared memory", arguments={"shared_memory": "0"}, argument="shared_memory", says="more than 0"),
    Case(
        reason="shared memory in words", arguments={"shared_memory": "much"}, argument="shared_memory", says="quantity"
    ),
    Case(
        reason="a timeout of text", arguments={"timeout_seconds": "1h"}, argument="timeout_seconds", says="whole number"
    ),
    Case(reason="a timeout in the past", arguments={"timeout_seconds": -1}, argument="timeout_seconds", says="whole"),
    Case(
        reason="Secrets that are a text",
        arguments={"image_pull_secrets": "registry"},
        argument="image_pull_secrets",
        says="a list of names",
    ),
    Case(
        reason="a field that is given twice",
        arguments={"spot": "Avoid", "cluster": {"spot": "Prefer"}},
        argument="spot",
        says="is given in cluster.spot too",
    ),
]

OF_TASK = [
    Case(
        reason="a node affinity that the placement's would widen",
        before=lambda task: kubernetes.add_node_affinity(task, [{"key": "team", "operator": "Exists"}]),
        argument="affinity",
        says="for which either holds would do",
    ),
    Case(
        reason="placed already",
        before=lambda task: on_gpu(task, instance_type="ml.g5.xlarge"),
        argument="affinity",
        says="call on_gpu once",
    ),
    Case(
        reason="a /dev/shm already",
        before=lambda task: kubernetes.empty_dir_mount(task, "shm", "/dev/shm", medium="Memory"),
        argument="shared_memory",
        says="mounts /dev/shm already",
    ),
    Case(
        reason="a contradiction of the task's memory",
        arguments={"resources": {"limits": {"memory": "8Gi"}}},
        before=lambda task: task.set_memory_limit("16Gi"),
        argument="resources.limits.memory",
        says="8Gi contradicts 16Gi",
    ),
    Case(
        reason="a contradiction of the task's GPUs",
        arguments={"gpu": 2},
        before=lambda task: task.set_accelerator_type(GPU).set_accelerator_limit(1),
        argument=f"resources.limits.{GPU}",
        says="1 contradicts the 2 of gpu.count",
    ),
    Case(
        reason="more GPUs of the task than the type has",
        before=lambda task: task.set_accelerator_type(GPU).set_accelerator_limit(8),
        argument=f"resources.limits.{GPU}",
        says="has 4 GPUs",
    ),
    Case(
        reason="a limit of no accelerator",
        before=lambda task: task.set_accelerator_limit(1),
        argument="gpu",
        says="only one of an accelerator's type and its limit",
    ),
    Case(
        reason="an accelerator by another name",
        before=lambda task: task.set_accelerator_type("NVIDIA_A100").set_accelerator_limit(1),
        argument="gpu.resourceName",
        says="write nvidia.com/gpu",
    ),
    Case(
        reason="a contradiction of the task's labels",
        arguments={"node_selector": {"team": "a"}},
        before=lambda task: kubernetes.add_node_selector(task, "team", "b"),
        argument="node_selector.team",
        says="a contradicts b",
    ),
    Case(
        reason="labels of the task that exclude the type",
        before=lambda task: kubernetes.add_node_selector(task, "node.kubernetes.io/instance-type", "m5.xlarge"),
        argument="node_selector.node.kubernetes.io/instance-type",
        says="excludes",
    ),
]


@pytest.mark.parametrize(
    "case", [*OF_PLACEMENT, *OF_PIPELINES, *OF_FORM, *OF_TASK], ids=lambda case: case.reason.replace(" ", "-")
)
def test_what_is_refused(case: Case) -> None:
    refused: list[OnGpuError] = []
    changed: list[bool] = []

    @dsl.pipeline
    def pipeline() -> None:
        task = train()
        case.before(task)
        before = copy.deepcopy((task.container_spec, task.platform_config))
        with pytest.raises(OnGpuError) as error:
            on_gpu(task, instance_type=case.type, **case.arguments)
        refused.append(error.value)
        changed.append((task.container_spec, task.platform_config) != before)

    assert refused[0].argument == case.argument
    assert case.says in refused[0].message
    assert "spec.cluster." not in refused[0].message
    assert changed == [False]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SAGEBRIDGE_CLUSTER_DAEMONS_MILLICORES", "1.5", "no whole number"),
        ("SAGEBRIDGE_CLUSTER_DAEMONS_MEBIBYTES", "-3", "no whole number"),
        ("SAGEBRIDGE_CLUSTER_TOLERATIONS", "dedicated", "is no JSON"),
        ("SAGEBRIDGE_CLUSTER_TOLERATIONS", '{"key": "dedicated"}', "must be a JSON list"),
    ],
)
def test_settings_of_another_form_are_refused(name: str, value: str, says: str, monkeypatch: Any) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(OnGpuError, match=says) as error:
        dsl.pipeline(lambda: on_gpu(train(), instance_type=G5) and None)

    assert error.value.argument == name


def test_what_is_no_container_is_refused() -> None:
    @dsl.pipeline
    def inner() -> None:
        train()

    @dsl.pipeline
    def outer() -> None:
        imported = dsl.importer(artifact_uri="s3://team-a/model", artifact_class=dsl.Model)
        for task in (inner(), imported):
            with pytest.raises(OnGpuError, match="has no container"):
                on_gpu(task, instance_type=G5)


ELSEWHERE = {"instance_type": "ml.m5.large", "staging": "s3://team-a/staging", "target": "Cluster"}


@pytest.mark.parametrize(
    "component",
    [lambda: TrainingJobOp(algorithm="xgboost", instance_type=G5), run_on_sagemaker(lightweight, **ELSEWHERE)],
    ids=["one of Sagebridge's", "one that runs as a job"],
)
def test_a_step_that_only_waits_is_refused(component: Callable[[], dsl.PipelineTask]) -> None:
    @dsl.pipeline
    def waiting() -> None:
        task = component()
        with pytest.raises(OnGpuError, match="only waits for what it makes") as error:
            on_gpu(task, instance_type=G5)
        assert error.value.argument == "task"


def test_a_component_is_no_step() -> None:
    with pytest.raises(TypeError, match="call the component first"):
        on_gpu(train, instance_type=G5)
