"""Setting what was planned on a task of a pipeline."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from kfp import kubernetes
from kfp.dsl import PipelineTask
from sagebridge.core.placement.affinity import PREFERRED, REQUIRED
from sagebridge.core.placement.quantity import cores, parse

from sagebridge_kfp.gpu.plan import Plan
from sagebridge_kfp.gpu.present import SHARED_MEMORY_PATH

VOLUME: Final = "sagebridge-shared-memory"

_CPU: Final = re.compile(r"([0-9]*\.)?[0-9]+m?")
_MEMORY: Final = re.compile(r"[0-9]+([EPTGM]i?|Ki)?")


def apply(plan: Plan, task: PipelineTask) -> None:
    """Set a plan on a task, whose own variables win."""
    placement = plan.placement
    _set_resources(task, placement.resources)
    if plan.device is not None:
        name, count = plan.device
        task.set_accelerator_type(name).set_accelerator_limit(count)
    for name, value in placement.environment.items():
        if name not in plan.wish.present.environment:
            task.set_env_variable(name, value)
    _set_affinity(task, placement.affinity["nodeAffinity"])
    _set_tolerations(task, plan)
    _set_selector(task, plan)
    _set_pod(task, plan)


def _set_resources(task: PipelineTask, resources: Mapping[str, Mapping[str, str]]) -> None:
    requests, limits = resources["requests"], resources["limits"]
    task.set_cpu_request(_processors(requests["cpu"])).set_memory_request(_memory(requests["memory"]))
    task.set_memory_limit(_memory(limits["memory"]))
    if "cpu" in limits:
        task.set_cpu_limit(_processors(limits["cpu"]))


def _processors(amount: str) -> str:
    """Return processors in the form that the SDK takes, of the forms that Kubernetes takes."""
    return amount if _CPU.fullmatch(amount) else cores(math.ceil(parse(amount, "resources.cpu") * 1000))


def _memory(amount: str) -> str:
    """Return memory in the form that the SDK takes: neither fractions nor the k of Kubernetes."""
    return amount if _MEMORY.fullmatch(amount) else str(math.ceil(parse(amount, "resources.memory")))


def _set_affinity(task: PipelineTask, affinity: Mapping[str, Any]) -> None:
    for term in affinity[REQUIRED]["nodeSelectorTerms"]:
        _add_term(task, term)
    for preferred in affinity.get(PREFERRED, ()):
        _add_term(task, preferred["preference"], weight=preferred["weight"])


def _add_term(task: PipelineTask, term: Mapping[str, Any], *, weight: int | None = None) -> None:
    expressions, fields = term.get("matchExpressions"), term.get("matchFields")
    kubernetes.add_node_affinity(task, match_expressions=expressions, match_fields=fields, weight=weight)


def _set_tolerations(task: PipelineTask, plan: Plan) -> None:
    for each in plan.placement.tolerations:
        kubernetes.add_toleration(
            task,
            key=each.get("key"),
            operator=each.get("operator"),
            value=each.get("value"),
            effect=each.get("effect"),
            toleration_seconds=each.get("tolerationSeconds"),
        )
    if plan.wish.tolerations_input is not None:
        kubernetes.add_toleration_json(task, plan.wish.tolerations_input)


def _set_selector(task: PipelineTask, plan: Plan) -> None:
    for label, value in plan.placement.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    if plan.wish.node_selector_input is not None:
        kubernetes.add_node_selector_json(task, plan.wish.node_selector_input)


def _set_pod(task: PipelineTask, plan: Plan) -> None:
    if plan.shared_memory is not None:
        kubernetes.empty_dir_mount(task, VOLUME, SHARED_MEMORY_PATH, medium="Memory", size_limit=plan.shared_memory)
    for label, value in plan.labels.items():
        kubernetes.add_pod_label(task, label, value)
    if plan.wish.timeout_seconds:
        kubernetes.set_timeout(task, plan.wish.timeout_seconds)
    if plan.wish.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(plan.wish.image_pull_secrets))
