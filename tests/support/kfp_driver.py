"""What KFP's driver makes of a compiled step: its pod, and the TaskConfig of a component that wants one.

Written after the rules of the real one, for what a placement sets:
    https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/driver.go (initPodSpecPatch)
    https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/k8s.go (extendPodSpecPatch)
A limit of an extended resource is its request too:
    https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#extended-resources
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Documents = tuple[dict[str, Any], dict[str, Any]]
"""A pipeline's intermediate representation, and its platform specification."""

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
FIELDS = {
    "resources": "RESOURCES",
    "environment": "ENV",
    "affinity": "KUBERNETES_AFFINITY",
    "tolerations": "KUBERNETES_TOLERATIONS",
    "node_selector": "KUBERNETES_NODE_SELECTOR",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """By the names of `FIELDS` what the pod has, and what the TaskConfig has; and what only the pod can have."""

    pod: dict[str, Any]
    task_config: dict[str, Any]
    shared_memory: list[dict[str, Any]]
    labels: dict[str, str]
    active_deadline_seconds: int
    image_pull_secrets: list[str]


def drive(compiled: Documents, *, executor: str = "exec-train", inputs: Mapping[str, Any] | None = None) -> Step:
    """Resolve one executor, with these inputs of the DAG that its task is in."""
    ir, platform = compiled
    return resolve(
        next(each for each in ir["components"].values() if each.get("executorLabel") == executor),
        container=ir["deploymentSpec"]["executors"][executor]["container"],
        config=platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].get(executor, {}),
        inputs=inputs,
    )


def resolve(
    component: Mapping[str, Any],
    *,
    container: Mapping[str, Any],
    config: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
) -> Step:
    """Resolve the container of a component, with what Kubernetes is told beside it."""
    whole = {
        "resources": _resources(container.get("resources", {})),
        "environment": {each["name"]: each["value"] for each in container.get("env", [])},
        "affinity": _affinity(config.get("nodeAffinity", [])),
        "tolerations": _tolerations(config.get("tolerations", []), inputs or {}),
        "node_selector": _selector(config.get("nodeSelector", {}), inputs or {}),
    }
    on_task, on_pod = _options(component)
    return Step(
        pod={name: value for name, value in whole.items() if on_pod[FIELDS[name]]},
        task_config={name: value for name, value in whole.items() if FIELDS[name] in on_task},
        shared_memory=config.get("emptyDirMounts", []),
        labels=config.get("podMetadata", {}).get("labels", {}),
        active_deadline_seconds=int(config.get("activeDeadlineSeconds", 0)),
        image_pull_secrets=[
            _parameter(each["secretNameParameter"], inputs or {}) for each in config.get("imagePullSecret", [])
        ],
    )


def _options(component: Mapping[str, Any]) -> tuple[set[str], dict[str, bool]]:
    given = component.get("taskConfigPassthroughs", [])
    on_pod = dict.fromkeys(FIELDS.values(), True)
    return {each["field"] for each in given}, on_pod | {each["field"]: each.get("applyToTask", False) for each in given}


def _resources(spec: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    accelerator = spec.get("accelerator")
    device = {accelerator["resourceType"]: accelerator["resourceCount"]} if accelerator else {}
    requests = {"cpu": spec.get("resourceCpuRequest"), "memory": spec.get("resourceMemoryRequest"), **device}
    limits = {"cpu": spec.get("resourceCpuLimit"), "memory": spec.get("resourceMemoryLimit"), **device}
    return {
        "requests": {name: value for name, value in requests.items() if value},
        "limits": {name: value for name, value in limits.items() if value},
    }


def _affinity(terms: list[dict[str, Any]]) -> dict[str, Any]:
    required = [_term(each) for each in terms if "weight" not in each]
    preferred = [{"weight": int(each["weight"]), "preference": _term(each)} for each in terms if "weight" in each]
    return {
        "nodeAffinity": {
            **({REQUIRED: {"nodeSelectorTerms": required}} if required else {}),
            **({PREFERRED: preferred} if preferred else {}),
        }
    }


def _term(term: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: term[kind] for kind in ("matchExpressions", "matchFields") if kind in term}


def _tolerations(listed: list[dict[str, Any]], inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for each in listed:
        if "tolerationJson" not in each:
            seconds = {"tolerationSeconds": int(each["tolerationSeconds"])} if "tolerationSeconds" in each else {}
            found.append({**each, **seconds})
            continue
        value = _parameter(each["tolerationJson"], inputs)
        found += [value] if isinstance(value, dict) else value
    return found


def _selector(selector: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, str]:
    """The labels, which an input of the pipeline replaces whole."""
    if "nodeSelectorJson" in selector:
        return dict(_parameter(selector["nodeSelectorJson"], inputs))
    return dict(selector.get("labels", {}))


def _parameter(spec: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
    if "runtimeValue" in spec:
        return spec["runtimeValue"]["constant"]
    if "componentInputParameter" in spec:
        return inputs[spec["componentInputParameter"]]
    output = spec["taskOutputParameter"]
    return inputs[f"{output['producerTask']}.{output['outputParameterKey']}"]
