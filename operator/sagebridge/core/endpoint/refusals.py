"""What AWS forbids an endpoint, said before anything is made, with the reason.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html (feature exclusions)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html (ShadowProductionVariants)
    https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from sagebridge.core.endpoint import deployment_sizes as sizes
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.errors import SpecError
from sagebridge.core.images.script import DIRECTORY, PROGRAM, lacks_script

_OF_MODELS = ("enableNetworkIsolation", "inferenceExecutionConfig", "name", "vpcConfig")
_ARTIFACTS = ("modelDataSource", "modelDataUrl")
_PACKAGES = ("modelPackageArn", "modelPackageName")
_EXCLUDING = (
    ("modelRef", ("framework", "algorithm"), "whose image serves the model, unless image names another"),
    ("modelRef", (*_ARTIFACTS, *_PACKAGES), "which brings the model"),
    ("image", ("framework", "algorithm"), "which is what serves"),
    ("framework", ("algorithm",), "which is what serves"),
    ("modelPackageArn", ("modelPackageName",), "which names the package"),
    *((package, ("framework", "algorithm", "source"), "which brings image and model") for package in _PACKAGES),
    ("source", ("modelDataSource",), "which is packed into the archive of modelDataUrl"),
    ("modelDataUrl", ("modelDataSource",), "which says where the model is"),
)
"""A container's fields, those that do not go with them, and why."""

_CODE = ("source", "environmentFrom")
"""A container's fields by which its code may be given, beside its variables."""

_SERVERLESS_EXCLUDES = ("asyncInferenceConfig", "dataCaptureConfig", "vpcConfig")


def check(spec: Mapping[str, Any]) -> None:
    """Let a spec through only if AWS can do what it asks for.

    Raises:
        SpecError: it can't; names the field and the reason.
    """
    _check_names(spec)
    _check_models(spec)
    _check_replicas(spec)
    _check_shadows(spec)
    _check_serverless(spec)
    _check_autoscaling(spec)
    _check_deployment(spec)


def update_refusal(desired: Desired, *, running: Collection[str]) -> str:
    """Why AWS would not begin an update, empty if it would; shadow variants may come and go as far as is known.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html

    Args:
        desired: what is wanted.
        running: the names of the production variants that serve; empty if they are not known.
    """
    try:
        _check_update(desired, running=set(running))
    except SpecError as refusal:
        return str(refusal)
    return ""


def _check_update(desired: Desired, *, running: AbstractSet[str]) -> None:
    if not desired.deployment:
        return
    wanted = {variant.name for variant in desired.variants}
    if running and wanted != running:
        come, go = sorted(wanted - running), sorted(running - wanted)
        changes = [f"{', '.join(come)} would come"] * bool(come) + [f"{', '.join(go)} would go"] * bool(go)
        message = (
            f"Under it, SageMaker lets no production variant come or go: {' and '.join(changes)}. Remove "
            "deploymentConfig for this edit, and set it again afterwards; or keep the variants' names."
        )
        raise SpecError("spec.deploymentConfig", message)
    # Of several variants, and of a number that somebody else decides, AWS judges.
    only = desired.variants[0] if len(desired.variants) == 1 else None
    if only is not None and only.count is not None:
        sizes.check_update(desired.deployment, count=only.count)


def _check_names(spec: Mapping[str, Any]) -> None:
    names = [variant["variantName"] for variant in _all_variants(spec)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError("spec.productionVariants", f"variantName must be unique: {', '.join(twice)} is there twice.")
    models = [model["name"] for model in spec.get("models") or ()]
    twice = sorted({name for name in models if models.count(name) > 1})
    if twice:
        raise SpecError("spec.models", f"name must be unique: {', '.join(twice)} is there twice.")


def _check_models(spec: Mapping[str, Any]) -> None:
    has_another_image = bool((spec.get("cluster") or {}).get("image"))
    for index, model in enumerate(spec.get("models") or ()):
        at = f"spec.models[{index}]"
        _check_levels(model, at)
        for path, container in _containers(model, at):
            _check_container(container, path)
            if not has_another_image:
                _check_script(container, path)


def _containers(model: Mapping[str, Any], at: str) -> list[tuple[str, Mapping[str, Any]]]:
    if "containers" in model:
        return [(f"{at}.containers[{number}]", container) for number, container in enumerate(model["containers"])]
    if "primaryContainer" in model:
        return [(f"{at}.primaryContainer", model["primaryContainer"])]
    return [(at, model)]


def _check_levels(model: Mapping[str, Any], at: str) -> None:
    """A model's containers are said in one place: what stands in another would be ignored."""
    place = next((key for key in ("containers", "primaryContainer") if key in model), None)
    if place is None:
        return
    elsewhere = next((key for key in model if key not in (*_OF_MODELS, place)), None)
    if elsewhere:
        raise SpecError(f"{at}.{elsewhere}", f"It is said of a container: write it in {place}.")


def _check_container(container: Mapping[str, Any], at: str) -> None:
    for one, others, why in _EXCLUDING:
        other = next((key for key in others if one in container and key in container), None)
        if other:
            raise SpecError(f"{at}.{other}", f"It does not go with {one}, {why}: remove one of the two.")


def _check_script(container: Mapping[str, Any], at: str) -> None:
    # What is given by image may be tried with an archive of one's own; a framework is asked for as AWS has it.
    framework = str((container.get("framework") or {}).get("name") or "")
    if any(container.get(key) for key in _CODE):
        return
    if lacks_script(container.get("environment") or {}, framework=framework):
        message = (
            "It is missing: scikit-learn's container serves by a script with a model_fn. Give entryPoint with s3Uri or "
            f"configMap here; or name the script of the model's archive by {PROGRAM} and {DIRECTORY} in environment."
        )
        raise SpecError(f"{at}.source", message)


def _check_replicas(spec: Mapping[str, Any]) -> None:
    if "replicas" not in spec:
        return
    variants = spec["productionVariants"]
    if len(variants) > 1:
        raise SpecError("spec.replicas", "It goes with one variant; set initialInstanceCount of each of several.")
    if "serverlessConfig" in variants[0]:
        raise SpecError("spec.replicas", "A serverless variant has no instances: set serverlessConfig.maxConcurrency.")
    if "autoscaling" in variants[0] or _is_managed(variants[0]):
        raise SpecError("spec.replicas", "The variant is scaled automatically: set its bounds, or remove its scaling.")
    if "initialInstanceCount" in variants[0]:
        raise SpecError("spec.replicas", "The variant says initialInstanceCount: remove one of the two.")


def _check_shadows(spec: Mapping[str, Any]) -> None:
    shadows = spec.get("shadowProductionVariants") or ()
    if not shadows:
        return
    field = "spec.shadowProductionVariants"
    if len(shadows) > 1 or len(spec["productionVariants"]) > 1:
        raise SpecError(field, "SageMaker shadows exactly one production variant by exactly one shadow variant.")
    if any("serverlessConfig" in variant for variant in _all_variants(spec)):
        raise SpecError(field, "SageMaker has no shadow variants of, or for, serverless variants.")
    if "asyncInferenceConfig" in spec:
        raise SpecError(field, "SageMaker has no shadow variants on asynchronous endpoints.")
    for model in spec.get("models") or ():
        container = model.get("primaryContainer") or model
        if len(model.get("containers") or ()) > 1 or container.get("mode") == "MultiModel":
            raise SpecError(
                field, f"SageMaker shadows no pipelines and no multi-model containers, as {model['name']} is."
            )


def _check_serverless(spec: Mapping[str, Any]) -> None:
    variants = spec["productionVariants"]
    if not any("serverlessConfig" in variant for variant in variants):
        return
    if len(variants) > 1:
        raise SpecError("spec.productionVariants", "A serverless endpoint has exactly one variant.")
    for key in _SERVERLESS_EXCLUDES:
        if key in spec:
            raise SpecError(f"spec.{key}", "SageMaker does not have it on serverless endpoints: remove it.")
    if "instanceType" in variants[0]:
        raise SpecError("spec.productionVariants[0].instanceType", "A serverless variant has no instances: remove it.")
    _check_serverless_model(spec, variants[0].get("modelName"))


def _check_serverless_model(spec: Mapping[str, Any], name: str | None) -> None:
    for index, model in enumerate(spec.get("models") or ()):
        if model["name"] != name:
            continue
        container = model.get("primaryContainer") or model
        reasons = {
            "containers": "containers" in model,
            "vpcConfig": "vpcConfig" in model,
            "enableNetworkIsolation": bool(model.get("enableNetworkIsolation")),
            "mode": container.get("mode") == "MultiModel",
        }
        wrong = next((key for key, is_there in reasons.items() if is_there), None)
        if wrong:
            raise SpecError(f"spec.models[{index}].{wrong}", "SageMaker does not serve such a model serverless.")


def _check_autoscaling(spec: Mapping[str, Any]) -> None:
    for index, variant in enumerate(spec["productionVariants"]):
        scaling = variant.get("autoscaling")
        if not scaling:
            continue
        field = f"spec.productionVariants[{index}].autoscaling"
        if scaling["minCapacity"] > scaling["maxCapacity"]:
            raise SpecError(f"{field}.minCapacity", "It must not be more than maxCapacity.")
        if scaling["minCapacity"] == 0 and "asyncInferenceConfig" not in spec:
            raise SpecError(
                f"{field}.minCapacity", "Only asynchronous endpoints can be scaled in to 0: give 1 or more."
            )
        if _is_managed(variant):
            raise SpecError(field, "managedInstanceScaling scales the variant already: remove one of the two.")
        if "serverlessConfig" in variant and "provisionedConcurrency" not in variant["serverlessConfig"]:
            raise SpecError(
                field, "Of a serverless variant, provisioned concurrency is scaled: set it in serverlessConfig."
            )


def _check_deployment(spec: Mapping[str, Any]) -> None:
    deployment = spec.get("deploymentConfig")
    if not deployment:
        return
    if "blueGreenUpdatePolicy" in deployment and "rollingUpdatePolicy" in deployment:
        raise SpecError("spec.deploymentConfig", "Give blueGreenUpdatePolicy or rollingUpdatePolicy, not both.")
    if any("serverlessConfig" in variant for variant in spec["productionVariants"]):
        raise SpecError("spec.deploymentConfig", "SageMaker has no deployment guardrails for serverless endpoints.")
    if "rollingUpdatePolicy" in deployment and len(_all_variants(spec)) > 1:
        raise SpecError(
            "spec.deploymentConfig.rollingUpdatePolicy",
            "SageMaker rolls only endpoints with a single variant: use blueGreenUpdatePolicy.",
        )
    sizes.check(deployment)


def _is_managed(variant: Mapping[str, Any]) -> bool:
    return bool((variant.get("managedInstanceScaling") or {}).get("status") == "ENABLED")


def _all_variants(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*spec["productionVariants"], *(spec.get("shadowProductionVariants") or ())]
